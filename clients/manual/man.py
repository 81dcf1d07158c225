"""`argosy man`: the manual page of a command, or those of all."""

from __future__ import annotations

from pathlib import Path

from clients.options import Option, parse_or_help
from topics.errors import OutputError, UsageError
from topics.nearest import suggestion

USAGE = "argosy man [COMMAND] [--write DIR]"
SUMMARY = """\
Prints the manual page of a command, or of argosy itself, for man(1): argosy man ra | man -l -
With --write it puts all pages into DIR/man1, where man finds them when DIR is in MANPATH. They are made of --help."""
OPTIONS = (
    Option("--write", "DIR", "write the pages of all commands there: /usr/local/share/man"),
    Option("-h --help", "", "this text"),
)


def run(arguments: list[str]) -> int:
    """Run the command; raises UsageError for an unknown command, OutputError where nothing can be written."""
    parsed = parse_or_help(USAGE, SUMMARY, OPTIONS, arguments)
    if parsed is None:
        return 0
    from clients.main import COMMANDS

    directory, name = parsed.word("--write"), parsed.expression
    if directory is not None:
        _write(Path(directory) / "man1")
        return 0
    if name and name not in COMMANDS:
        raise UsageError(f"unknown command '{name}'{suggestion(name, COMMANDS) or '; see argosy --help'}")
    print(_page(name), end="")
    return 0


def _page(name: str) -> str:
    from importlib.metadata import version

    from clients.manual.pages import overview, page, roff

    return roff(page(name), version("argosy")) if name else overview(version("argosy"))


def _write(directory: Path) -> None:
    from clients.main import COMMANDS

    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in ("", *COMMANDS):
            (directory / (f"argosy-{name}.1" if name else "argosy.1")).write_text(_page(name), "utf-8")
    except OSError as error:
        raise OutputError(f"{error.filename}: {error.strerror}") from error
    print(f"{len(COMMANDS) + 1} manual pages in {directory}")
