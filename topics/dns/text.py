"""Resource records for people: data as master files have it (RFC 1035 5.1, RFC 3597 for the rest), names to read."""

from __future__ import annotations

from socket import AF_INET, AF_INET6, inet_ntop

from topics.dns.pieces import LAYOUTS, name_at, texts

FAMILIES = {1: (AF_INET, 4), 2: (AF_INET6, 16)}


def data_text(kind: int, data: bytes) -> str:
    """Return the data of a record; in hexadecimal where its type is not known, or the data not what it should be."""
    try:
        if kind in (1, 28):
            return inet_ntop(AF_INET if kind == 1 else AF_INET6, data)
        if kind in LAYOUTS:
            return " ".join(texts(LAYOUTS[kind], data, 0, len(data)))
    except (ValueError, IndexError):
        pass
    return f"\\# {len(data)} {data.hex()}".rstrip()


def subnet_text(option: bytes) -> str:
    """Return a client subnet option (RFC 7871): address/length/scope; empty when it is none."""
    family, size = FAMILIES.get(int.from_bytes(option[:2]), (None, 0))
    if family is None or len(option) < 4 or len(option) > 4 + size:
        return ""
    return f"{inet_ntop(family, option[4:].ljust(size, bytes(1)))}/{option[2]}/{option[3]}"


def readable(name: str) -> str:
    """Return a name with its internationalised labels in their own script (RFC 5890), where they have one."""
    if "xn--" not in name.lower():
        return name
    return ".".join(_readable_label(label) for label in name.split("."))


def name_text(data: bytes) -> str:
    """Return an unpacked name as text; raises IndexError or ValueError when it is none."""
    return name_at(data, 0)[0]


def _readable_label(label: str) -> str:
    if label[:4].lower() != "xn--":
        return label
    try:
        text = label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, OverflowError):
        return label
    return text if text.isprintable() and "." not in text and not text.isascii() else label
