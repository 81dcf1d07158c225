"""What the words of an option make of a setting of the probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probes.settings import BUS
from topics.errors import UsageError

if TYPE_CHECKING:
    from clients.options import Parsed


def word(parsed: Parsed, name: str) -> str:
    """Return the word that stands last."""
    return parsed.words(name)[-1]


def words(parsed: Parsed, name: str) -> list[str]:
    """Return all words."""
    return parsed.words(name)


def on(_parsed: Parsed, _name: str) -> bool:
    """Return that the setting is on."""
    return True


def off(_parsed: Parsed, _name: str) -> bool:
    """Return that the setting is off."""
    return False


def directory(parsed: Parsed, name: str) -> dict[str, str]:
    """Return the output that is a directory of files by time."""
    return {"directory": word(parsed, name)}


def toggled(parsed: Parsed, name: str) -> bool:
    """Tell whether the option stands an odd number of times."""
    return parsed.count(name) % 2 == 1


def size(parsed: Parsed, name: str) -> int:
    """Return a number of bytes or packets, 0 without one."""
    return parsed.number(name, 0)


def outputs(parsed: Parsed, _name: str) -> list[dict[str, str]]:
    """Return where records go, each with its filter; UsageError of what is no bus."""
    groups = [{"to": group[0], "filter": " ".join(group[1:])} for group in parsed.groups.get("-w", ())]
    for url in parsed.words("--bus"):
        if not url.startswith(BUS):
            raise UsageError(f"option --bus takes {BUS}HOST:PORT, not '{url}'")
    return groups + [{"to": url} for url in parsed.words("--bus")]


def log_level(parsed: Parsed, name: str) -> str:
    """Return the level of a syslog severity, 0 to 7."""
    severity = parsed.number(name, 4, minimum=0)
    if severity > 7:
        raise UsageError(f"option {name} takes a severity from 0 to 7, not {severity}")
    return ("error", "error", "error", "error", "warning", "info", "info", "debug")[severity]


def debug(parsed: Parsed, name: str) -> str:
    """Return the level of an option that asks for details."""
    return "debug" if parsed.number(name, 0, minimum=0) else "info"


def control_list(parsed: Parsed, name: str) -> list[str]:
    """Return the `proto:port` of a list with commas or spaces."""
    return ",".join(parsed.words(name)).replace(",", " ").split()
