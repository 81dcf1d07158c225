"""Numbers of DNS as the names that people know them by."""

from __future__ import annotations

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


def type_text(number: int, kind: str = "dns") -> str:
    """Return the name of a record type, `TYPE65280` for one without."""
    return (NETBIOS_TYPES if kind == "netbios" else TYPES).get(number) or f"TYPE{number}"


def class_text(number: int) -> str:
    """Return the name of a class, `CLASS9` for one without."""
    return CLASSES.get(number) or f"CLASS{number}"


def code_text(number: int) -> str:
    """Return the name of a response code, `RCODE12` for one without."""
    return CODES[number] if number < len(CODES) else LATER_CODES.get(number) or f"RCODE{number}"
