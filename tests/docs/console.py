"""Commands in pages: `console` blocks hold what is typed after `$ ` and what is answered, `sh` blocks only the former.

The commands of a `console` block are run and have to answer just that. `...` stands for any lines where it is a line of
its own, and for any text within one. A block below `<!-- not run: WHY -->` is not run. A block of another language with
a title is a file that the reader makes: title="rules/web.yaml".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(
    r"^(?P<margin> *)```(?P<language>[\w-]*) *(?P<rest>[^\n]*)\n(?P<text>.*?)^(?P=margin)``` *$",
    re.MULTILINE | re.DOTALL,
)
NOT_RUN = re.compile(r"<!-- not run: .+ -->\s*$")
TITLE = re.compile(r'title="([^"]+)"')
PROMPT = "$ "
CUT = "..."


@dataclass(frozen=True)
class Block:
    """What stands between two fences."""

    language: str
    text: str
    line: int
    title: str = ""
    is_run: bool = False


@dataclass(frozen=True)
class Typed:
    """A command as it is typed, and the lines that answer it."""

    line: str
    answer: list[str]


def pages() -> list[Path]:
    """Every page that is written by hand."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: str) -> Iterator[Block]:
    """Every block of a page in its order."""
    for found in FENCE.finditer(page):
        margin = len(found["margin"])
        text = "".join(line[margin:] if line.strip() else line for line in found["text"].splitlines(keepends=True))
        title = TITLE.search(found["rest"])
        language = found["language"]
        is_run = language == "console" and not NOT_RUN.search(page[: found.start()])
        number = page.count("\n", 0, found.start()) + 1
        yield Block(language, text, number, title[1] if title else "", is_run)


def typed(block: Block) -> Iterator[Typed]:
    """The commands of a `console` block; those that end in a backslash go on in the next line."""
    lines = block.text.replace("\\\n", " ").splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(PROMPT)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        answer = [line.rstrip() for line in lines[start + 1 : end]]
        while answer and not answer[-1]:
            answer.pop()
        yield Typed(lines[start].removeprefix(PROMPT), answer)


def answers(wanted: list[str], given: str) -> bool:
    """Whether what was printed is what a page shows."""
    pattern = "".join(r"(?:[^\n]*\n)*?" if line == CUT else _line(line) for line in wanted)
    text = "".join(f"{line.rstrip()}\n" for line in given.rstrip().splitlines())
    return re.fullmatch(pattern, text) is not None


def _line(line: str) -> str:
    return r"[^\n]*".join(re.escape(part) for part in line.split(CUT)) + r"\n"
