"""Where alerts go: channels, what each gets, how often at most. Secrets stand elsewhere: `env:NAME` or `file:/PATH`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from topics.errors import SettingsError
from topics.nearest import suggestion

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_TIME = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([smhd]?)")
_ELSEWHERE = re.compile(r"env:[A-Za-z_]\w*|file:/.+")
_SYSLOG = re.compile(r"(udp|tcp)://(\[[0-9A-Fa-f:.]+\]|[\w.-]+):(\d{1,5})|unix://(/.{1,100})")
_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+):(\d{1,5})")
MOST_BYTES = 1 << 20
MOST_CHANNELS = 64
MOST_SECRET = 64 * 1024
KINDS = ("webhook", "alertmanager", "email", "syslog", "apprise")
FACILITIES = ("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
              "ntp", "audit", "alert", "clock", *(f"local{number}" for number in range(8)))  # fmt: skip


def _seconds(value: Any) -> Any:  # noqa: ANN401 - whatever a file says
    if not isinstance(value, str):
        return value
    found = _TIME.fullmatch(value.strip())
    if found is None:
        raise ValueError("should be a time as 30s, 5m, 1h or 1d")
    return float(found[1]) * UNITS[found[2] or "s"]


def _listed(value: Any) -> Any:  # noqa: ANN401 - whatever a file says
    return [value] if isinstance(value, str) else value


def _elsewhere(value: Any) -> Any:  # noqa: ANN401 - whatever a file says
    if value and not (isinstance(value, str) and _ELSEWHERE.fullmatch(value)):
        raise ValueError("should say where the secret is: env:NAME or file:/PATH")
    return value


def _http(value: Any) -> Any:  # noqa: ANN401 - whatever a file says
    if not isinstance(value, str) or not re.match(r"https?://[^/\s]|env:|file:/", value):
        raise ValueError("should be http://... or https://..., or env:NAME or file:/PATH where that is")
    return value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=7 * 86_400)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Secret = Annotated[str, BeforeValidator(_elsewhere)]
Address = Annotated[str, BeforeValidator(_http)]


class Said(BaseModel):
    """Anything in the file: keys that are not known are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Webhook(Said):
    """An HTTP server that takes alerts as JSON; with a secret they are signed (HMAC with SHA-256)."""

    url: Address = Field(description="http://... or https://..., or env:NAME or file:/PATH where that is")
    secret: Secret = Field(default="", description="what it is signed with: env:NAME or file:/PATH")
    headers: dict[str, str] = Field(default_factory=dict, max_length=32, description="more headers")
    timeout: Seconds = Field(default=10.0, description="seconds for an answer")


class Alertmanager(Said):
    """Prometheus's Alertmanager, API v2: `url` is where its own pages are. What is not resolved counts for `hold`."""

    url: Address = Field(description="where its own pages are")
    authorization: Secret = Field(default="", description="header: env:NAME or file:/PATH")
    hold: Seconds = Field(default=86_400.0, description="how long an alert counts that nobody resolves")
    timeout: Seconds = Field(default=10.0, description="seconds for an answer")


class Email(Said):
    """A mail server. TLS from the start (`tls: always`), after STARTTLS, or not at all."""

    server: str = Field(description="HOST:PORT")
    sender: str = Field(alias="from", min_length=3, max_length=320, description="address of the sender")
    to: Texts = Field(min_length=1, max_length=100, description="addresses")
    tls: Literal["always", "starttls", "never"] = Field(default="starttls", description="encryption")
    user: str = Field(default="", description="who logs in")
    password: Secret = Field(default="", description="env:NAME or file:/PATH")
    timeout: Seconds = Field(default=20.0, description="seconds for an answer")

    @field_validator("server")
    @classmethod
    def _place(cls, text: str) -> str:
        found = _SERVER.fullmatch(text)
        if found is None or int(found[2]) > 65535:
            raise ValueError("should be HOST:PORT")
        return text

    @field_validator("sender", "to")
    @classmethod
    def _plain(cls, value: Any) -> Any:  # noqa: ANN401 - one or several
        for each in [value] if isinstance(value, str) else value:
            if not re.fullmatch(r"[^\s<>,;]+@[^\s<>,;]+", each):
                raise ValueError(f"'{each[:60]}' is no mail address")
        return value


class Syslog(Said):
    """A syslog server (RFC 5424): udp://HOST:PORT, tcp://HOST:PORT (RFC 6587, octets counted), unix:///PATH."""

    address: str = Field(description="udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH")
    facility: str = Field(default="local4", description="of the messages")
    timeout: Seconds = Field(default=10.0, description="seconds for a connection")

    @field_validator("address")
    @classmethod
    def _place(cls, text: str) -> str:
        found = _SYSLOG.fullmatch(text)
        if found is None or int(found[3] or 0) > 65535:
            raise ValueError("should be udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH")
        return text

    @field_validator("facility")
    @classmethod
    def _known(cls, text: str) -> str:
        if text not in FACILITIES:
            raise ValueError(f"'{text}' is no facility{suggestion(text, FACILITIES)}")
        return text


class Apprise(Said):
    """Anything that the library apprise knows; its addresses hold secrets."""

    url: Secret = Field(min_length=1, description="env:NAME or file:/PATH with an address of apprise")


class When(Said):
    """What a channel gets: at least so bad, of these rules and subjects (regular expressions), in these states."""

    severity: Literal["info", "low", "medium", "high", "critical"] = Field(default="info", description="at least")
    rules: str = Field(default="", description="which, a regular expression")
    subject: dict[str, str] = Field(
        default_factory=dict, max_length=16, description="whom about: regular expressions by field"
    )
    states: Annotated[tuple[Literal["raised", "repeated", "resolved"], ...], BeforeValidator(_listed)] = Field(
        default=(
            "raised",
            "repeated",
            "resolved",
        ),
        description="what happened to the alert",
    )

    @model_validator(mode="after")
    def _patterns(self) -> When:
        for pattern in (self.rules, *self.subject.values()):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"'{pattern[:60]}' is no regular expression: {error}") from None
        return self


class Rate(Said):
    """At most so many messages in a time; the others are left out, and counted in the next."""

    most: Annotated[int, Field(ge=1, le=1_000_000)] = Field(description="messages")
    within: Seconds = Field(description="in so long")


class Channel(Said):
    """One way to people. What cannot be delivered within `patience` goes to the dead letters."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")] = Field(
        description="what messages and metrics call it"
    )
    webhook: Webhook | None = Field(default=None, description="one of five kinds")
    alertmanager: Alertmanager | None = Field(default=None, description="one of five kinds")
    email: Email | None = Field(default=None, description="one of five kinds")
    syslog: Syslog | None = Field(default=None, description="one of five kinds")
    apprise: Apprise | None = Field(default=None, description="one of five kinds")
    when: When = Field(default=When(), description="what it gets; else everything")
    rate: Rate | None = Field(default=None, description="messages at most; else any number")
    patience: Seconds = Field(default=900.0, description="how long a delivery is tried")
    title: Annotated[str, Field(max_length=500)] = Field(
        default="[{severity}] {summary}", description="subject of a mail or message"
    )
    text: Annotated[str, Field(max_length=10_000)] = Field(default="", description="body, else all that is known")

    @property
    def kind(self) -> str:
        """What kind of channel it is."""
        return next(name for name in KINDS if getattr(self, name) is not None)

    @model_validator(mode="after")
    def _one_kind(self) -> Channel:
        given = [name for name in KINDS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"should have one of {', '.join(KINDS)}, not {' and '.join(given) or 'none'}")
        return self


class Channels(Said):
    """A file of channels."""

    channels: Annotated[tuple[Channel, ...], Field(min_length=1, max_length=MOST_CHANNELS)] = Field(
        description="the channels"
    )

    @model_validator(mode="after")
    def _names(self) -> Channels:
        names = [channel.name for channel in self.channels]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"there are two channels '{twice}'")
        return self


def read_channels(path: str) -> tuple[Channel, ...]:
    """Return the channels of a file; raises SettingsError naming file and key."""
    try:
        text = Path(path).read_bytes()[: MOST_BYTES + 1]
        if len(text) > MOST_BYTES:
            raise SettingsError(f"{path}: larger than {MOST_BYTES >> 20} MB")
        return Channels.model_validate(yaml.safe_load(text) or {}).channels
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ""
        raise SettingsError(f"{path}:{line} no YAML: {getattr(error, 'problem', None) or error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key, reason = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
        reason = "no such key" if first["type"] == "extra_forbidden" else reason[:1].lower() + reason[1:]
        raise SettingsError(f"{path}: {key + ': ' if key else ''}{reason}") from None


def secret(place: str, channel: str) -> str:
    """Return what `env:NAME` or `file:/PATH` stand for, anything else as it is; raises SettingsError."""
    kind, _, name = place.partition(":")
    if kind == "env":
        if name not in os.environ:
            raise SettingsError(f"channel '{channel}': the environment has no {name}")
        return os.environ[name]
    if kind == "file" and name.startswith("/"):
        try:
            return Path(name).read_text(encoding="utf-8")[:MOST_SECRET].strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"channel '{channel}': {name}: {getattr(error, 'strerror', None) or error}") from None
    return place
