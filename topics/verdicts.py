"""What field `verdict` of a record says: whether its conversation is counted here, or where it was seen otherwise."""

from __future__ import annotations

UNJUDGED, PRIMARY, FURTHER = range(3)
