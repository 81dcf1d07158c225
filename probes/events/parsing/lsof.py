"""What lsof says: its output for programs (-F), and the table for people that Argus's script makes."""

from __future__ import annotations

import re
from typing import Any

from probes.events.parsing.text import NO_ADDRESS, UnreadableError, address, number, short, small

Body = dict[str, Any]
MOST_SOCKETS = 20_000
PROTOCOLS = {"TCP": 6, "UDP": 17, "UDPLITE": 136, "SCTP": 132}
_ROW = re.compile(r"(\S+) +(\d+) +(?:\d+ +)?(\S+) +\d*\w* +IPv[46] .*?(TCP|UDP|UDPLITE|SCTP) (\S+)(?: \((\w+)\))?")
_FIELD = re.compile(r"p\d+")


def parse_lsof(text: str) -> Body:
    """Read `lsof -nP -i -F pcLuPnT`, with fields ended by newlines or NUL, or the columns of `lsof -nP -i`."""
    stripped = text.lstrip("\0\n")
    if _FIELD.match(stripped):
        sockets = _of_fields(stripped.replace("\0", "\n").splitlines())
    else:
        sockets = [_of_row(found) for line in text.splitlines()[:MOST_SOCKETS] if (found := _ROW.match(line))]
        if not sockets and not stripped.startswith("COMMAND") and stripped.strip():
            raise UnreadableError("no output of lsof")
    return {"sockets": sockets[:MOST_SOCKETS], "destroyed": 0, "unknown": 0, "lost": 0}


def socket_row(**values: Any) -> Body:  # noqa: ANN401 - the columns of a socket have several types
    """Return a socket as a row, what is not said of it left empty."""
    nothing: Body = {
        "protocol": 0,
        "local": NO_ADDRESS,
        "local_port": 0,
        "remote": NO_ADDRESS,
        "remote_port": 0,
        "state": "",
        "pid": 0,
        "process": "",
        "command": "",
        "uid": -1,
        "user": "",
        "container": "",
        "pod": "",
        "opened": 0,
    }
    return nothing | values


def _of_fields(lines: list[str]) -> list[Body]:
    sockets: list[Body] = []
    process: Body = {}
    file: Body = {}
    for line in lines:
        key, value = line[:1], line[1:]
        if key == "p":
            _add(sockets, process, file)
            process, file = {"pid": small(value)}, {}
        elif key == "f":
            _add(sockets, process, file)
            file = {}
        elif key in "cuL":
            process |= _of_process(key, value)
        elif key == "P":
            if "name" in file:  # without -F f nothing else parts files
                _add(sockets, process, file)
                file = {}
            file["protocol"] = PROTOCOLS.get(value, 0)
        elif key == "n":
            file["name"] = value
        elif line.startswith("TST="):
            file["state"] = short(value[3:], 32)
        if len(sockets) >= MOST_SOCKETS:
            break
    _add(sockets, process, file)
    return sockets


def _of_process(key: str, value: str) -> Body:
    if key == "c":
        return {"process": short(value, 256)}
    return {"uid": number(value, -1)} if key == "u" else {"user": short(value, 256)}


def _add(sockets: list[Body], process: Body, file: Body) -> None:
    """Add a file of a process, if it is a socket."""
    if file.get("protocol") and "name" in file:
        ends = _ends(file["name"])
        sockets.append(socket_row(**process, protocol=file["protocol"], state=file.get("state", ""), **ends))


def _of_row(found: re.Match[str]) -> Body:
    process, pid, user, protocol, name, state = found.groups()
    who = {"process": short(process, 256), "pid": small(pid), "user": short(user, 256)}
    return socket_row(**who, protocol=PROTOCOLS[protocol], state=state or "", **_ends(name))


def _ends(name: str) -> Body:
    """Read `LOCAL:PORT->REMOTE:PORT`, where * is any."""
    local, _, remote = name.partition("->")
    (here, port), (there, other) = _end(local), _end(remote)
    return {"local": here, "local_port": port, "remote": there, "remote_port": other}


def _end(text: str) -> tuple[bytes, int]:
    host, _, port = text.rpartition(":")
    value = number(port)
    return address(host), value if 0 <= value <= 65535 else 0
