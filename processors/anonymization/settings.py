"""What ranonymize keeps and what it replaces: the variables of Argus's ranonymize.conf."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from topics.errors import SettingsError
from topics.nearest import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable

_LINE = re.compile(r"(?P<name>[A-Z_]+)\s*=\s*(?P<value>.*)")
YES_NO = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class AnonymizationSettings:
    """`key` decides what becomes of each value; the same key gives the same result, another run without it another.

    `time_offset` ns are added to all times, None for some offset by the key, the same for all records.
    """

    key: bytes = b""
    preserve_vendor: bool = True
    preserve_multicast: bool = True
    preserve_broadcast: bool = True
    preserve_wellknown_ports: bool = True
    preserve_registered_ports: bool = False
    preserve_ports: bool = False
    preserve_ip_id: bool = False
    preserve_ttl: bool = True
    preserve_tos: bool = True
    preserve_observers: bool = False
    time_offset: int | None = None


def read_settings(path: str, settings: AnonymizationSettings) -> AnonymizationSettings:
    """Return settings as a file changes them; raises SettingsError naming the file and the line."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition(" //")[0].strip()
        if not content or content.startswith("#"):
            continue
        match = _LINE.fullmatch(content)
        if match is None:
            raise SettingsError(f"{path}: line {number}: expected NAME=value")
        name, value = match["name"].removeprefix("RANON_"), match["value"].strip().strip('"')
        if name not in VARIABLES:
            raise SettingsError(f"{path}: line {number}: unknown variable '{match['name']}'{_near(name)}")
        try:
            settings = VARIABLES[name](settings, value)
        except (KeyError, ValueError):
            raise SettingsError(f"{path}: line {number}: {match['name']} cannot be '{value}'") from None
    return settings


def _near(name: str) -> str:
    return suggestion(f"RANON_{name}", (f"RANON_{known}" for known in VARIABLES))


def _flag(attribute: str) -> Callable[[AnonymizationSettings, str], AnonymizationSettings]:
    def change(settings: AnonymizationSettings, value: str) -> AnonymizationSettings:
        choice: dict[str, Any] = {attribute: YES_NO[value.lower()]}
        return replace(settings, **choice)

    return change


def _seed(settings: AnonymizationSettings, value: str) -> AnonymizationSettings:
    return settings if value in {"crypto", "time"} else replace(settings, key=value.encode())


def _time(settings: AnonymizationSettings, value: str) -> AnonymizationSettings:
    kind, _, amount = value.partition(":")
    if value == "no":
        return replace(settings, time_offset=0)
    if kind == "fixed" and amount not in {"", "random"}:
        return replace(settings, time_offset=int(amount) * 1_000_000_000)
    return replace(settings, time_offset={"random": None, "fixed:random": None}[value])


VARIABLES: dict[str, Callable[[AnonymizationSettings, str], AnonymizationSettings]] = {
    "SEED": _seed,
    "TIME_SEC_OFFSET": _time,
    "PRESERVE_ETHERNET_VENDOR": _flag("preserve_vendor"),
    "PRESERVE_MULTICAST_ADDRESS": _flag("preserve_multicast"),
    "PRESERVE_BROADCAST_ADDRESS": _flag("preserve_broadcast"),
    "PRESERVE_WELLKNOWN_PORT_NUMS": _flag("preserve_wellknown_ports"),
    "PRESERVE_REGISTERED_PORT_NUMS": _flag("preserve_registered_ports"),
    "PRESERVE_PORT_NUM": _flag("preserve_ports"),
    "PRESERVE_IP_ID": _flag("preserve_ip_id"),
    "PRESERVE_IP_TTL": _flag("preserve_ttl"),
    "PRESERVE_IP_TOS": _flag("preserve_tos"),
    "PRESERVE_SRCID": _flag("preserve_observers"),
}
