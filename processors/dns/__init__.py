"""DNS transactions out of payloads of the control plane."""

from processors.dns.transactions import DnsSettings, DnsTransactions

__all__ = ["DnsSettings", "DnsTransactions"]
