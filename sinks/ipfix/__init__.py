"""Flow records for other collectors: IPFIX with both directions in one record (RFC 7011, RFC 5103)."""

from sinks.ipfix.messages import Exporting
from sinks.ipfix.sending import Destination, open_destination
from sinks.ipfix.sink import IpfixSink

__all__ = ["Destination", "Exporting", "IpfixSink", "open_destination"]
