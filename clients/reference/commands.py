"""Every command with its options and examples, read from its help as the manual pages are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.options import EXAMPLES_HEADING
from clients.reference.markdown import code, plain, table

if TYPE_CHECKING:
    from clients.manual.pages import Page

INTRODUCTION = """\
# Commands

`argosy COMMAND --help` prints what stands here, `argosy man COMMAND | man -l -` shows it as a manual page, and
`argosy completion bash` (or zsh, fish) teaches it to the shell. Options may be written as Argus's are: letters in one
word (`-nnr FILE`), a filter after a lone `-`.

Every command ends with status 0 when all went well, 1 after an error, 2 when the command line or a settings file is
wrong; those that select records end with 1 when there was none. An error is one line on standard error. Examples take
what `make run` left in `build/`.
"""


def page() -> str:
    """Return the page of all commands."""
    from clients.main import GROUPS
    from clients.manual.pages import page as of_command

    parts = [INTRODUCTION]
    for title, group in GROUPS.items():
        names = ", ".join(f"[{name}](#argosy-{name})" for name in group)
        parts += [f"## {title}", names, *(_command(of_command(name)) for name in group)]
    return "\n\n".join(parts) + "\n"


def _command(command: Page) -> str:
    parts = [f"### argosy {command.name}", f"{_sentence(command.summary)}"]
    parts += ["```text\n" + "\n".join(command.usage) + "\n```"]
    parts += [_indented(command.description)] if any(command.description) else []
    for heading, entries in command.sections.items():
        if heading == EXAMPLES_HEADING:
            parts += ["Examples:", "```sh\n" + "\n".join(f"{line}  # {text}" for line, text in entries) + "\n```"]
        else:
            parts += [table([plain(heading), ""], ([code(head), plain(text)] for head, text in entries))]
    return "\n\n".join(parts)


def _indented(lines: list[str]) -> str:
    """Return a description: paragraphs as they are, what is laid out by blanks as it was."""
    text = "\n".join(lines).strip("\n")
    if any("  " in line.strip() or line.startswith(" ") for line in lines):
        return f"```text\n{text}\n```"
    return "\n\n".join(plain(paragraph) for paragraph in text.split("\n\n"))


def _sentence(text: str) -> str:
    return f"{plain(text[:1].upper() + text[1:])}."
