"""Settings of services from the environment: each long option of `argosy worker` is ARGOSY_WORKER_ and its name, too.

The option goes first. ARGOSY_BUS says to all services where Kafka is.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from clients.options import parse_or_help
from topics.errors import SettingsError
from topics.nearest import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clients.options import Option, Parsed

BUS = "ARGOSY_BUS"
YES, NO = frozenset(("1", "true", "yes", "on")), frozenset(("0", "false", "no", "off"))


def parse_service(
    command: str, usage: str, summary: str, options: Sequence[Option], arguments: Sequence[str]
) -> Parsed | None:
    """Return the options of a service (`sink sql`), the environment's where the command line is silent.

    None when its help was asked for, which is printed then. Raises UsageError, and SettingsError naming the variable.
    """
    parsed = parse_or_help(usage, summary, options, arguments)
    if parsed is not None:
        complete(parsed, options, prefix(command), os.environ)
    return parsed


def prefix(command: str) -> str:
    """Return how the variables of a service begin: ARGOSY_SINK_SQL_ for `sink sql`."""
    return f"ARGOSY_{command.upper().replace(' ', '_')}_"


def variables(options: Iterable[Option], start: str) -> dict[str, Option]:
    """Return the options that a variable can give, by its name."""
    return {
        start + spelling.strip("-").upper().replace("-", "_"): option
        for option in options
        for spelling in option.spellings
        if spelling.startswith("--") and spelling != "--help"
    }


def complete(parsed: Parsed, options: Iterable[Option], start: str, environment: Mapping[str, str]) -> None:
    """Add what the environment says and the command line does not; raises SettingsError naming the variable."""
    known = variables(options, start)
    for name, text in environment.items():
        if not name.startswith(start) or not text:
            continue
        if name not in known:
            raise SettingsError(f"environment: {name} is no setting{suggestion(name, known)}")
        _add(parsed, known[name], name, text)
    if any("--bus" in option.spellings for option in known.values()) and environment.get(BUS):
        _give(parsed, "--bus", [environment[BUS]])


def _add(parsed: Parsed, option: Option, name: str, text: str) -> None:
    if option.argument:
        _give(parsed, option.spellings[0], _words(name, text) if option.many else [text])
    elif text.lower() in YES:
        _give(parsed, option.spellings[0], [""])
    elif text.lower() not in NO:
        raise SettingsError(f"environment: {name} takes yes or no, not '{text}'")


def _words(name: str, text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise SettingsError(f"environment: {name}: {error}") from None


def _give(parsed: Parsed, spelling: str, words: list[str]) -> None:
    if spelling not in parsed.given:
        parsed.given[spelling] = words
        parsed.groups[spelling] = [words]
