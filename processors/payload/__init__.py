"""What the payload of flows says: decoded, searched, signed and put back into packets."""
