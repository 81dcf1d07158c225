"""TLS 1.3 records as they look from outside (RFC 8446): hellos in the clear, random bytes for all that is encrypted."""

import struct
from random import Random

HANDSHAKE, CHANGE_CIPHER_SPEC, APPLICATION_DATA = 22, 20, 23
LARGEST_RECORD = 16384

CIPHERS = (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030)
GROUPS = (0x001D, 0x0017, 0x0018)
SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501)
X25519, TLS_1_2, TLS_1_3 = 0x001D, 0x0303, 0x0304


def sized(data: bytes, width: int) -> bytes:
    """`data` behind its length in `width` bytes."""
    return len(data).to_bytes(width, "big") + data


def words(values: tuple[int, ...]) -> bytes:
    """16-bit values behind their length in 2 bytes."""
    return sized(struct.pack(f">{len(values)}H", *values), 2)


def record(content_type: int, fragment: bytes, version: int = TLS_1_2) -> bytes:
    """One record of the record layer."""
    return struct.pack(">BH", content_type, version) + sized(fragment, 2)


def extension(kind: int, body: bytes) -> bytes:
    """One hello extension."""
    return struct.pack(">H", kind) + sized(body, 2)


def client_hello(server_name: str, random: Random) -> bytes:
    """A browser-like first flight with server name, ALPN and a key share, padded to 512 bytes (RFC 7685)."""
    name = b"\0" + sized(server_name.encode(), 2)
    extensions = (
        extension(0, sized(name, 2))
        + extension(10, words(GROUPS))
        + extension(13, words(SIGNATURES))
        + extension(16, sized(b"\x02h2\x08http/1.1", 2))
        + extension(43, sized(struct.pack(">HH", TLS_1_3, TLS_1_2), 1))
        + extension(45, b"\x01\x01")
        + extension(51, sized(struct.pack(">H", X25519) + sized(random.randbytes(32), 2), 2))
    )
    body = struct.pack(">H", TLS_1_2) + random.randbytes(32) + sized(random.randbytes(32), 1)
    body += words(CIPHERS) + sized(b"\0", 1)
    padding = max(0, 512 - 4 - len(body) - 2 - len(extensions) - 4)
    body += sized(extensions + extension(21, bytes(padding)), 2)
    return record(HANDSHAKE, b"\x01" + sized(body, 3), version=0x0301)


def server_flight(hello: bytes, random: Random) -> bytes:
    """ServerHello, ChangeCipherSpec and the encrypted rest of the handshake, certificate chain included."""
    session = hello[44:76]
    extensions = extension(43, struct.pack(">H", TLS_1_3))
    extensions += extension(51, struct.pack(">H", X25519) + sized(random.randbytes(32), 2))
    body = struct.pack(">H", TLS_1_2) + random.randbytes(32) + sized(session, 1)
    body += struct.pack(">HB", CIPHERS[0], 0) + sized(extensions, 2)
    encrypted = random.randbytes(random.randint(2200, 3600))
    return record(HANDSHAKE, b"\x02" + sized(body, 3)) + change_cipher_spec() + record(APPLICATION_DATA, encrypted)


def change_cipher_spec() -> bytes:
    """The compatibility message that TLS 1.3 keeps sending."""
    return record(CHANGE_CIPHER_SPEC, b"\x01")


def application_data(length: int, random: Random) -> bytes:
    """`length` encrypted bytes in as few records as hold them."""
    sizes = [min(LARGEST_RECORD, length - start) for start in range(0, length, LARGEST_RECORD)]
    return b"".join(record(APPLICATION_DATA, random.randbytes(size + 17)) for size in sizes)


def close_notify(random: Random) -> bytes:
    """An encrypted alert, as long as one with a 16-byte tag."""
    return record(APPLICATION_DATA, random.randbytes(19))
