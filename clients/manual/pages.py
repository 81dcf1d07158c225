"""Manual pages, made of what `--help` prints: the same options, the same words, the same examples."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
from dataclasses import dataclass, field

from clients.options import EXAMPLES_HEADING, HELP_COLUMN

HEADING = re.compile(r"^(\S.*):$")
USAGE = "usage: "


@dataclass(slots=True)
class Page:
    """The help of a command in parts; `sections` have a heading and entries: what to type, and what it does."""

    name: str
    summary: str
    usage: list[str] = field(default_factory=list)
    description: list[str] = field(default_factory=list)
    sections: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    @property
    def options(self) -> list[str]:
        """Every spelling of every option, in order."""
        heads = [head for name, entries in self.sections.items() if name != EXAMPLES_HEADING for head, _ in entries]
        words = [word.rstrip(",") for head in heads for word in head.split() if word.startswith("-")]
        return list(dict.fromkeys(words))


def page(name: str) -> Page:
    """Return the page of a command, read from its help."""
    from clients.main import COMMANDS

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        importlib.import_module(COMMANDS[name].module).run(["--help"])
    return parsed(name, COMMANDS[name].summary, printed.getvalue())


def parsed(name: str, summary: str, text: str) -> Page:
    """Return what help in the form of clients/options.py says."""
    made = Page(name, summary)
    usage, _, rest = text.partition("\n\n")
    made.usage = [line.removeprefix(USAGE).strip() for line in usage.splitlines()]
    entries: list[tuple[str, str]] | None = None
    before = ""
    for line in rest.splitlines():
        heading = HEADING.match(line) if not before else None
        if heading:
            entries = made.sections.setdefault(heading[1], [])
        elif entries is None:
            made.description.append(line)
        elif line.strip():
            _enter(entries, line)
        before = line.strip()
    return made


def _enter(entries: list[tuple[str, str]], line: str) -> None:
    """Add a line: a new entry, or more of what the last one does."""
    if line.startswith(" " * HELP_COLUMN) and entries:
        head, text = entries[-1]
        entries[-1] = (head, f"{text}\n{line.strip()}".strip())
        return
    head, text = line[2:], ""
    if len(line) > HELP_COLUMN and line[HELP_COLUMN - 2 : HELP_COLUMN].isspace():
        head, text = line[2:HELP_COLUMN].rstrip(), line[HELP_COLUMN:]
    entries.append((head, text))


def roff(made: Page, version: str) -> str:
    """Return a page in the language of man(7)."""
    name = f"argosy-{made.name}" if made.name else "argosy"
    lines = [
        f'.TH {name.upper()} 1 "" "argosy {version}" "Argosy"',
        ".SH NAME",
        f"{_plain(name)} \\- {_plain(made.summary)}",
    ]
    lines += [".ad l", ".SH SYNOPSIS", ".nf", *(f"\\fB{_plain(line)}\\fR" for line in made.usage), ".fi"]
    lines += [".SH DESCRIPTION", ".nf", *map(_plain, made.description), ".fi"] if made.description else []
    for heading, entries in made.sections.items():
        lines.append(f'.SH "{_plain(heading).upper() if len(heading) < 24 else _plain(heading)}"')
        for head, text in entries:
            lines += [".TP", f"\\fB{_plain(head)}\\fR", *map(_plain, text.splitlines() or [""])]
    lines += [".SH SEE ALSO", "\\fBargosy\\fR(1), argosy COMMAND \\-\\-help"]
    return "\n".join(line for line in lines if line) + "\n"


def overview(version: str) -> str:
    """Return the page of argosy itself."""
    from clients.main import GROUPS

    made = Page("", "who talked to whom, when and how much, from packets to answers", ["argosy COMMAND [OPTIONS]"])
    for title, group in GROUPS.items():
        made.sections[title] = [(f"argosy-{name}(1)", command.summary) for name, command in group.items()]
    return roff(made, version)


def _plain(text: str) -> str:
    """Return text of which roff understands nothing as a request or an escape."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped[:1] in {".", "'"} else escaped
