"""What to ask and how often: sources as Argus writes them (`prog:/path arguments:1m:compress`), or key by key."""

from __future__ import annotations

import re
import shlex
from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

Kind = Literal["generic", "vmstat", "netstat", "load", "disk", "wifi", "lsof", "snmp", "syslog", "ids"]
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_592_000, "y": 31_536_000}
MOST_SOURCES = 64
MOST_BYTES = 16 << 20
HOST_FILES = {
    "vmstat": ("/proc/vmstat",),
    "netstat": ("/proc/net/snmp", "/proc/net/netstat", "/proc/net/dev"),
    "load": ("/proc/loadavg",),
    "disk": ("/proc/diskstats",),
    "wifi": ("/proc/net/wireless",),
}
_INTERVAL = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([smhdwMy]?)")
_ARGUS = re.compile(r"(prog|file):(.+?):([\d.]+[smhdwMy]?)(?::(compress2?))?")
_SECRET = re.compile(r"(env:[A-Za-z_]\w*|file:/.+)?")
_WHERE = re.compile(r"(udp|tcp)://(\[[0-9A-Fa-f:.]+\]|[\w.-]+):(\d{1,5})|(unix|unixgram)://(/.{1,100})")
# Words in the name of a program or file that tell what it says, as Argus's scripts are called.
TELLING: dict[str, Kind] = {
    "lsof": "lsof", "vmstat": "vmstat", "netstat": "netstat", "loadavg": "load", "uptime": "load", "diskstats": "disk",
    "df": "disk", "airport": "wifi", "wireless": "wifi", "snmp": "netstat", "eve.json": "ids", "alert_json.txt": "ids",
}  # fmt: skip


def seconds(value: Any) -> Any:  # noqa: ANN401 - whatever a file says
    """Return a time as `30s`, `1m` or `2.5` in seconds; months have 30 days and years 365."""
    if not isinstance(value, str):
        return value
    found = _INTERVAL.fullmatch(value.strip())
    if found is None:
        raise ValueError("should be a time as 30s, 1m, 12h or 1d")
    return float(found[1]) * UNITS[found[2] or "s"]


def _listed(value: Any) -> Any:  # noqa: ANN401 - as above
    return [value] if isinstance(value, str) else value


Seconds = Annotated[float, BeforeValidator(seconds)]


class Device(BaseModel):
    """A device that speaks SNMP. Secrets stand elsewhere: `env:NAME` or `file:/PATH`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str = Field(min_length=1, description="where it is")
    port: int = Field(default=161, ge=1, le=65535, description="of its agent")
    name: str = Field(default="", description="what records call it")
    version: Literal["2c", "3"] = Field(default="2c", description="of SNMP")
    community: str = Field(default="", description="of version 2c: env:NAME or file:/PATH")
    user: str = Field(default="", description="of version 3")
    authentication: str = Field(default="", description="secret (SHA): env:NAME or file:/PATH")
    privacy: str = Field(default="", description="secret (AES): env:NAME or file:/PATH")

    @field_validator("community", "authentication", "privacy", mode="before")
    @classmethod
    def _elsewhere(cls, text: Any) -> Any:  # noqa: ANN401 - whatever a file says
        if not isinstance(text, str) or not _SECRET.fullmatch(text):
            raise ValueError("should say where the secret is: env:NAME or file:/PATH")
        return text

    @property
    def label(self) -> str:
        """What records call it."""
        return self.name or self.address


class EventSource(BaseModel):
    """One source: what is asked (program, shell, files, follow, listen or devices; else the host itself), how often.

    Times in seconds, sizes in bytes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(default="", max_length=255, description="what records call it")
    kind: Kind = Field(default="generic", description="how its output is read")
    program: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        default=(), description="program and arguments, no shell"
    )
    shell: str = Field(default="", description="a line for a shell")
    files: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(default=(), description="files to read")
    follow: str = Field(default="", description="file of which new lines are read")
    listen: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        default=(), description="udp://HOST:PORT, tcp://HOST:PORT, unix:///PATH or unixgram:///PATH"
    )
    devices: tuple[Device, ...] = Field(default=(), description="what speaks SNMP")
    every: Seconds = Field(default=60.0, ge=0, le=366 * 86_400, description="seconds, or 30s, 5m; 0 for once")
    timeout: Seconds = Field(default=30.0, gt=0, le=86_400, description="then a program is killed")
    most: int = Field(default=4 << 20, ge=1, le=MOST_BYTES, description="bytes that are taken at most")
    jitter: float = Field(default=0.1, ge=0, le=1, description="share of the interval that chance adds")
    compress: bool = Field(default=False, description="compress output that is kept")
    commands: bool = Field(default=False, description="`lsof` of the host: command lines too")

    @field_validator("every")
    @classmethod
    def _often(cls, value: float) -> float:
        if 0 < value < 0.1:
            raise ValueError("should be 0 for once, or at least 0.1 s")
        return value

    @field_validator("listen")
    @classmethod
    def _heard(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            found = _WHERE.fullmatch(word)
            if found is None or int(found[3] or 0) > 65535:
                raise ValueError("should be udp://HOST:PORT, tcp://HOST:PORT, unix:///PATH or unixgram:///PATH")
        return words

    @model_validator(mode="after")
    def _one_way(self) -> EventSource:
        ways = [bool(way) for way in (self.program, self.shell, self.files, self.follow, self.listen, self.devices)]
        if sum(ways) > 1:
            raise ValueError("has several of program, shell, files, follow, listen and devices; one source asks one")
        if not any(ways) and self.kind not in {"lsof", *HOST_FILES}:
            raise ValueError("does not say what to ask: program, shell, files, follow, listen or devices")
        if (self.kind == "snmp") != bool(self.devices):
            raise ValueError("devices are asked by kind snmp, and by no other")
        if (self.listen and self.kind not in {"syslog", "ids"}) or (self.kind == "syslog" and not self.listen):
            raise ValueError("listened is for kinds syslog and ids, and syslog is heard in no other way")
        return self

    @property
    def label(self) -> str:
        """What records call it; never the arguments of a program, which may hold a secret."""
        if self.name:
            return self.name
        for method, place in (("prog", self.program[:1]), ("file", self.files), ("follow", (self.follow,))):
            if any(place):
                return f"{method}:{' '.join(place)}"[:255]
        return "shell" if self.shell else " ".join(self.listen)[:255] if self.listen else self.kind

    @property
    def places(self) -> list[tuple[str, str, int]]:
        """Where to listen: transport, host or path, port."""
        found = [_WHERE.fullmatch(word) for word in self.listen]
        return [
            (each[4], each[5], 0) if each[4] else (each[1], each[2].strip("[]"), int(each[3])) for each in found if each
        ]


def event_source(value: Any) -> Any:  # noqa: ANN401 - as above
    """Take a source as Argus writes it, or just its kind; raises ValueError."""
    if not isinstance(value, str):
        return value
    if value in {"lsof", *HOST_FILES}:
        return {"kind": value}
    found = _ARGUS.fullmatch(value.strip())
    if found is None:
        raise ValueError("should be prog:/PATH ARGUMENTS:INTERVAL[:compress], file:/PATH:INTERVAL[:compress] or a kind")
    method, place, every, compress = found.groups()
    words = shlex.split(place)
    if not words:
        raise ValueError("does not say which program or file")
    source = {"program": words} if method == "prog" else {"files": [place]}
    return source | {"kind": kind_of(words[0]), "every": every, "compress": compress is not None}


def kind_of(path: str) -> Kind:
    """Return how what a program or file says is read, as its name tells."""
    name = PurePath(path).name
    if path == "/proc/net/dev":
        return "netstat"
    if name in {"stat", "snmp"} and not path.startswith("/proc/"):
        return "generic"
    words = {name, *re.split(r"[-_.]", name)}
    return next((kind for word, kind in TELLING.items() if word in words), "generic")


Source = Annotated[EventSource, BeforeValidator(event_source)]
