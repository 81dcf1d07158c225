"""Which commands a page names, and whether there are such commands and options."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from clients.main import COMMANDS
from clients.manual.pages import page as help_of
from clients.options import EXAMPLES_HEADING, Option, parse
from clients.ragraph.command import LONG
from tests.docs.console import PROMPT, blocks
from topics.errors import UsageError

INLINE = re.compile(r"(?<!`)`(argosy [a-z][^`\n]*)`")
JOINTS = {"|", "||", "&", "&&", ";", ">", ">>", "<"}
OURS = re.compile(r"(\$ )?argosy [a-z]+ ")
PLACEHOLDER = re.compile(r"[A-Z]+\b")


def named(page: str) -> Iterator[str]:
    """Every line of a shell that a page shows, in blocks and between back quotes."""
    for block in blocks(page):
        lines = block.text.replace("\\\n", " ").splitlines()
        if block.language == "console":
            yield from (line.removeprefix(PROMPT) for line in lines if line.startswith(PROMPT))
        elif block.language == "sh":
            yield from lines
        elif not block.language:
            yield from (line.removeprefix(PROMPT) for line in lines if OURS.match(line))
    yield from INLINE.findall(page)


def commands(line: str) -> Iterator[list[str]]:
    """The words of every argosy that a line starts."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word not in JOINTS:
            words.append(word)
            continue
        while words and words[0] in {"sudo", "exec", "time"}:
            words = words[1:]
        if words and Path(words[0]).name == "argosy":
            yield words[1:]
        words = []


def wrong(words: list[str]) -> str:
    """What is wrong with a command: nothing, an unknown command or an unknown option."""
    if not words or words[0] in {"--help", "--version"} or PLACEHOLDER.fullmatch(words[0]):
        return ""
    if words[0] not in COMMANDS:
        return f"no command '{words[0]}'"
    if "OPTIONS" in words:
        return ""
    rest = [f"-{word}" if words[0] == "ragraph" and word in LONG else word for word in words[1:]]
    try:
        parse(options(words[0]), [word.strip("[]") for word in rest])
    except UsageError as error:
        return "" if "needs an argument" in str(error) else f"argosy {words[0]}: {error}"
    return ""


@cache
def options(name: str) -> tuple[Option, ...]:
    """The options of a command, as its help has them."""
    found = []
    for heading, entries in help_of(name).sections.items():
        for head, _ in entries if heading != EXAMPLES_HEADING else ():
            if not head.startswith("-"):
                continue
            words = head.replace(",", "").split()
            spellings = [word for word in words if word.startswith("-")]
            argument = "".join(word for word in words if not word.startswith("-"))
            found.append(
                Option(" ".join(spellings), argument.partition("|")[0] or ("" if "|" not in argument else "X"))
            )
    return (*found, Option("-h --help"))
