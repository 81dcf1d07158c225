"""SSH as it looks from outside: banners and key exchange in the clear (RFC 4253), then encrypted keystrokes."""

import struct
from random import Random

KEY_EXCHANGE_INIT, NEW_KEYS, ECDH_INIT, ECDH_REPLY = 20, 21, 30, 31

ALGORITHMS = (
    "curve25519-sha256,ecdh-sha2-nistp256",
    "ssh-ed25519,rsa-sha2-512",
    *("chacha20-poly1305@openssh.com,aes256-ctr",) * 2,
    *("hmac-sha2-256-etm@openssh.com,hmac-sha2-256",) * 2,
    *("none,zlib@openssh.com",) * 2,
    *("",) * 2,
)


def text(value: bytes) -> bytes:
    """A string behind its 4-byte length."""
    return struct.pack(">I", len(value)) + value


def packet(payload: bytes) -> bytes:
    """An unencrypted binary packet, padded to 8 bytes."""
    padding = 4 + (-(len(payload) + 9) % 8)
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def encrypted(length: int, random: Random) -> bytes:
    """A packet of ChaCha20-Poly1305: 4 bytes of length, `length` more and a tag of 16, none of it in the clear."""
    return random.randbytes(4 + length + 16)


def banner(software: str) -> bytes:
    """The identification line."""
    return f"SSH-2.0-{software}\r\n".encode()


def key_exchange_init(random: Random) -> bytes:
    """The lists of algorithms."""
    lists = b"".join(text(names.encode()) for names in ALGORITHMS)
    return packet(bytes((KEY_EXCHANGE_INIT,)) + random.randbytes(16) + lists + bytes(5))


def exchange_init(random: Random) -> bytes:
    """The client's public value."""
    return packet(bytes((ECDH_INIT,)) + text(random.randbytes(32)))


def exchange_reply(random: Random) -> bytes:
    """Host key, public value, signature, and the switch to encryption."""
    host_key = text(b"ssh-ed25519") + text(random.randbytes(32))
    signature = text(b"ssh-ed25519") + text(random.randbytes(64))
    reply = bytes((ECDH_REPLY,)) + text(host_key) + text(random.randbytes(32)) + text(signature)
    return packet(reply) + new_keys()


def new_keys() -> bytes:
    """The switch to encryption."""
    return packet(bytes((NEW_KEYS,)))
