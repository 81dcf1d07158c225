"""SMB 1, 2 and 3 behind the session header of NetBIOS: commands, dialects, shares, and who logs in by NTLM."""

from __future__ import annotations

from processors.payload.message import MOST_ITEMS, Message, Octets, Short, Wrong, printable

OLD, NEW, ENCRYPTED, COMPRESSED = b"\xffSMB", b"\xfeSMB", b"\xfdSMB", b"\xfcSMB"
SIGNATURES = (OLD, NEW, ENCRYPTED, COMPRESSED)
COMMANDS = (
    *("negotiate", "session setup", "logoff", "tree connect", "tree disconnect", "create", "close", "flush", "read"),
    *("write", "lock", "ioctl", "cancel", "echo", "query directory", "change notify", "query info", "set info"),
    "oplock break",
)
OLD_COMMANDS = {
    0x04: "close",
    0x24: "lock",
    0x25: "transaction",
    0x2D: "open",
    0x2E: "read",
    0x2F: "write",
    0x32: "transaction2",
    0x71: "tree disconnect",
    0x72: "negotiate",
    0x73: "session setup",
    0x74: "logoff",
    0x75: "tree connect",
    0xA0: "nt transact",
    0xA2: "nt create",
}
DIALECTS = {0x0202: "2.0.2", 0x0210: "2.1", 0x0300: "3.0", 0x0302: "3.0.2", 0x0311: "3.1.1", 0x02FF: "2.???"}
STATUSES = {
    0: "",
    0xC0000016: "more processing required",
    0xC000006D: "logon failure",
    0xC0000022: "access denied",
    0xC0000034: "object name not found",
    0xC00000CC: "bad network name",
    0xC0000225: "not found",
    0x00000103: "pending",
    0x80000006: "no more files",
}
NEGOTIATE, TREE_CONNECT, OLD_NEGOTIATE, OLD_TREE_CONNECT = 0, 3, 0x72, 0x75
ANSWER, OLD_ANSWER = 1, 0x80
AUTHENTICATE = b"NTLMSSP\x00\x03\x00\x00\x00"
NTLM_FIELDS = {"domain": 28, "user": 36, "station": 44}
LONGEST = 512


def read(octets: Octets, message: Message) -> None:
    """Read the first message of a connection."""
    if octets.data[:4] not in SIGNATURES:
        octets.take(4)
    signature = octets.take(4)
    if signature in (ENCRYPTED, COMPRESSED):
        message.say("encrypted" if signature == ENCRYPTED else "compressed")
        return
    if signature not in (OLD, NEW):
        raise Wrong("no message of SMB")
    (_old if signature == OLD else _new)(octets, message)
    _ntlm(octets.data, message)


def _new(octets: Octets, message: Message) -> None:
    start = octets.at - 4
    octets.take(4)
    status, command = octets.little(4), octets.little(2)
    octets.take(2)
    answer = bool(octets.little(4) & ANSWER)
    word = COMMANDS[command] if command < len(COMMANDS) else f"command {command}"
    _head(message, "SMB2", word, answer=answer, status=status)
    octets.take(start + 64 - octets.at)
    if command == NEGOTIATE:
        _dialects(octets, message, answer=answer)
    elif command == TREE_CONNECT and not answer:
        octets.take(4)
        at, size = octets.little(2), octets.little(2)
        _share(octets.data[start + at : start + at + min(size, LONGEST)], message)


def _head(message: Message, version: str, word: str, *, answer: bool, status: int) -> None:
    message.note("version", version)
    message.note("command", word)
    message.say(version, word)
    if answer:
        text = STATUSES.get(status, f"0x{status:08x}")
        message.note("status", text or "ok")
        message.say(text or "ok")


def _dialects(octets: Octets, message: Message, *, answer: bool) -> None:
    octets.take(2)
    if answer:
        octets.take(2)
        found = [octets.little(2)]
    else:
        count = octets.little(2)
        octets.take(32)
        found = [octets.little(2) for _ in range(min(count, MOST_ITEMS))]
    text = " ".join(DIALECTS.get(each, f"0x{each:04x}") for each in found)
    message.note("dialects", text)
    message.say(text)


def _old(octets: Octets, message: Message) -> None:
    command, status = octets.number(1), octets.little(4)
    answer = bool(octets.number(1) & OLD_ANSWER)
    word = OLD_COMMANDS.get(command, f"command 0x{command:02x}")
    _head(message, "SMB1", word, answer=answer, status=status)
    octets.take(22)
    octets.take(2 * octets.number(1))
    size = octets.little(2)
    body = octets.data[octets.at : octets.at + size]
    if command == OLD_NEGOTIATE and not answer:
        names = [printable(name) for name in body.split(b"\0") if name[:1] == b"\2" or not name.startswith(b"\1")]
        text = ", ".join(name.lstrip(".") for name in names if name)
        message.note("dialects", text)
        message.say(text)
    elif command == OLD_TREE_CONNECT and not answer:
        place = body.find(b"\\\0\\\0")
        wide = body[place:] if place >= 0 else body[body.find(b"\\\\") :]
        _share(wide.split(b"\0\0\0", 1)[0][:LONGEST] + b"\0" if place >= 0 else wide.split(b"\0")[0], message)
    if octets.left < size:
        raise Short


def _share(raw: bytes, message: Message) -> None:
    text = raw.decode("utf-16-le", "replace") if b"\0" in raw else raw.decode("latin-1")
    message.note("share", text)
    message.say(text)


def _ntlm(payload: bytes, message: Message) -> None:
    """Take who logs in, as the third message of NTLM tells it in clear."""
    at = payload.find(AUTHENTICATE)
    if at < 0:
        return
    blob = payload[at:]
    if len(blob) < 64:
        raise Short
    encoding = "utf-16-le" if blob[60] & 1 else "latin-1"
    for name, place in NTLM_FIELDS.items():
        size, start = (
            int.from_bytes(blob[place : place + 2], "little"),
            int.from_bytes(blob[place + 4 : place + 8], "little"),
        )
        text = blob[start : start + min(size, LONGEST)].decode(encoding, "replace")
        message.note(name, text)
        message.say(f"{name}={text}" if text else "")
