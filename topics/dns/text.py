"""Resource records for people: numbers as names, data as master files have it (RFC 1035 5.1, RFC 3597 for the rest)."""

from __future__ import annotations

import string
from socket import AF_INET, AF_INET6, inet_ntop

# IANA's registry of DNS parameters.
TYPES = {
    1: "A",
    2: "NS",
    5: "CNAME",
    6: "SOA",
    10: "NULL",
    11: "WKS",
    12: "PTR",
    13: "HINFO",
    14: "MINFO",
    15: "MX",
    16: "TXT",
    17: "RP",
    18: "AFSDB",
    24: "SIG",
    25: "KEY",
    28: "AAAA",
    29: "LOC",
    33: "SRV",
    35: "NAPTR",
    36: "KX",
    37: "CERT",
    39: "DNAME",
    41: "OPT",
    43: "DS",
    44: "SSHFP",
    46: "RRSIG",
    47: "NSEC",
    48: "DNSKEY",
    50: "NSEC3",
    51: "NSEC3PARAM",
    52: "TLSA",
    59: "CDS",
    60: "CDNSKEY",
    64: "SVCB",
    65: "HTTPS",
    99: "SPF",
    249: "TKEY",
    250: "TSIG",
    251: "IXFR",
    252: "AXFR",
    253: "MAILB",
    254: "MAILA",
    255: "ANY",
    256: "URI",
    257: "CAA",
}
NETBIOS_TYPES = {32: "NB", 33: "NBSTAT", 1: "A", 2: "NS", 10: "NULL"}
CLASSES = {1: "IN", 3: "CH", 4: "HS", 254: "NONE", 255: "ANY"}
CODES = (
    *("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"),
    *("YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"),
)
LATER_CODES = {16: "BADVERS", 17: "BADKEY", 18: "BADTIME", 19: "BADMODE", 20: "BADNAME", 21: "BADALG", 23: "BADCOOKIE"}
OPCODES = {0: "QUERY", 1: "IQUERY", 2: "STATUS", 4: "NOTIFY", 5: "UPDATE", 6: "DSO"}
# By type: what its data is made of. n a name, b, h and w a number of 8, 16 or 32 bits, s strings to the end.
LAYOUTS = {
    **dict.fromkeys((2, 3, 4, 5, 7, 8, 9, 12, 39), "n"),
    6: "nnwwwww",
    13: "ss",
    14: "nn",
    15: "hn",
    16: "s",
    17: "nn",
    18: "hn",
    26: "hnn",
    33: "hhhn",
    36: "hn",
    99: "s",
}
SIZES = {"b": 1, "h": 2, "w": 4}
FAMILIES = {1: (AF_INET, 4), 2: (AF_INET6, 16)}
PLAIN = frozenset((string.ascii_letters + string.digits + string.punctuation).encode()) - frozenset(b'.\\"')


def type_text(number: int, kind: str = "dns") -> str:
    """Return the name of a record type, `TYPE65280` for one without."""
    return (NETBIOS_TYPES if kind == "netbios" else TYPES).get(number) or f"TYPE{number}"


def class_text(number: int) -> str:
    """Return the name of a class, `CLASS9` for one without."""
    return CLASSES.get(number) or f"CLASS{number}"


def code_text(number: int) -> str:
    """Return the name of a response code, `RCODE12` for one without."""
    return CODES[number] if number < len(CODES) else LATER_CODES.get(number) or f"RCODE{number}"


def data_text(kind: int, data: bytes) -> str:
    """Return the data of a record; in hexadecimal where its type is not known, or the data not what it should be."""
    try:
        if kind in (1, 28):
            return inet_ntop(AF_INET if kind == 1 else AF_INET6, data)
        if kind in LAYOUTS:
            return " ".join(_parts(LAYOUTS[kind], data))
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
    return _name(data, 0)[0]


def _readable_label(label: str) -> str:
    if label[:4].lower() != "xn--":
        return label
    try:
        text = label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, OverflowError):
        return label
    return text if text.isprintable() and "." not in text and not text.isascii() else label


def _parts(layout: str, data: bytes) -> list[str]:
    parts, at = [], 0
    for piece in layout:
        if piece == "n":
            text, at = _name(data, at)
            parts.append(text)
        elif piece == "s":
            while at < len(data):
                stop = at + 1 + data[at]
                parts.append(_quoted(data[at + 1 : stop]))
                at = stop
        else:
            size = SIZES[piece]
            if at + size > len(data):
                raise ValueError
            parts.append(str(int.from_bytes(data[at : at + size])))
            at += size
    return parts


def _name(data: bytes, at: int) -> tuple[str, int]:
    labels = []
    while size := data[at]:
        if at + 1 + size > len(data):
            raise ValueError
        labels.append("".join(map(_escaped, data[at + 1 : at + 1 + size])))
        at += 1 + size
    return ".".join(labels) or ".", at + 1


def _escaped(byte: int) -> str:
    if byte in b".\\":
        return "\\" + chr(byte)
    return chr(byte) if 33 <= byte <= 126 else f"\\{byte:03d}"


def _quoted(text: bytes) -> str:
    return '"' + "".join(chr(byte) if byte in PLAIN or byte in b" ." else f"\\{byte:03d}" for byte in text) + '"'
