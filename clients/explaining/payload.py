"""What was kept of the user data of a flow: as bytes, and as its protocol has it, without credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from processors.payload.decode import SERVICES, Payload, decode
from processors.payload.facts import FACTS
from topics.obfuscation import obfuscated

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_SHOWN = 4096  # bytes of each side


def payload_of(record: Mapping[str, Any]) -> dict[str, dict[str, Any] | None]:
    """Return what each side of a record said, None where nothing was kept.

    `says` is the line of the decoder of `protocol`, `facts` what it read, `of` how many bytes there were.
    """
    service = next((record[port] for port in ("dst_port", "src_port") if record[port] in SERVICES), 0)
    return {side: _side(record, side, service) for side in ("src", "dst")}


def _side(record: Mapping[str, Any], side: str, service: int) -> dict[str, Any] | None:
    data: bytes = record[f"{side}_payload"] or b""
    if not data:
        return None
    sent = record[f"{side}_app_bytes"] or 0
    message = decode(
        Payload(data, record["ethertype"], record["protocol"], service, len(data) >= sent),
        blot=True,
    )
    shown = obfuscated(data)[:MOST_SHOWN]
    return {
        "hex": shown.hex(),
        "text": "".join(chr(byte) if 32 <= byte < 127 else "." for byte in shown),
        "bytes": len(data),
        "of": max(sent, len(data)),
        "protocol": message.protocol or None,
        "says": message.text if message.protocol else None,
        "facts": [
            {"name": name, "value": str(value), "doc": FACTS[name].doc}
            for name, value in message.facts.items()
            if name in FACTS
        ],
    }
