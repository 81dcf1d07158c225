"""Flow records for other collectors: IPFIX with both directions in one record (RFC 7011, RFC 5103)."""

from sinks.ipfix.messages import Exporting
from sinks.ipfix.sending import Destination, open_destination

__all__ = ["Destination", "Exporting", "open_destination"]
