"""What the payload of flows says: decoded, searched, signed and put back into packets."""

from processors.payload.decode import Payload, decode
from processors.payload.message import Message

__all__ = ["Message", "Payload", "decode"]
