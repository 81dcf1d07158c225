"""A Dockerfile and a .dockerignore as their readers see them: stages, steps, variables, and which files get in."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "container" / "Dockerfile"
REFERENCE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction: its word in capitals, and what follows on one line."""

    word: str
    rest: str


@dataclass(frozen=True, slots=True)
class Stage:
    """Steps from one FROM to the next; `name` is what other stages copy from, or nothing."""

    base: str
    name: str
    steps: tuple[Step, ...]

    def last(self, word: str) -> str:
        """Return what the last step of that kind says, or nothing."""
        return next((step.rest for step in reversed(self.steps) if step.word == word), "")


def steps(text: str) -> Iterator[Step]:
    """Yield all steps; lines that end in a backslash go on, comments among them do not count."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n", " ", lines).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield Step(word.upper(), rest.strip())


def stages(text: str) -> list[Stage]:
    """Return the stages of a recipe, ARGs before the first filled in with their defaults."""
    found: list[tuple[str, str, list[Step]]] = []
    arguments: dict[str, str] = {}
    for step in steps(text):
        if step.word == "FROM":
            base, _, name = expanded(step.rest, arguments).partition(" AS ")
            found.append((base, name.strip(), []))
        elif found:
            found[-1][2].append(step)
        elif step.word == "ARG":
            arguments |= assignments(step.rest)
    return [Stage(base, name, tuple(rest)) for base, name, rest in found]


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """Put values in the place of $NAME and ${NAME}; what has none becomes nothing, as the builder does."""
    return REFERENCE.sub(lambda found: variables.get(found[1] or found[2], ""), text)


def assignments(rest: str) -> dict[str, str]:
    """Return what ENV, LABEL or ARG say: NAME=VALUE, quoted or not."""
    return dict(word.partition("=")[::2] for word in shlex.split(rest))


def ignored(path: str, patterns: list[str]) -> bool:
    """Tell whether a .dockerignore leaves out a path (relative, with slashes): the last pattern that fits decides."""
    out = False
    for pattern in patterns:
        wanted = pattern.removeprefix("!")
        if re.match(_expression(wanted), path):
            out = not pattern.startswith("!")
    return out


def context(root: Path) -> Iterator[str]:
    """Yield the files that a builder is sent, relative to `root`."""
    patterns = [line for line in (root / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    let_in = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    for directory, names, files in os.walk(root):
        place = Path(directory).relative_to(root)
        names[:] = sorted(name for name in names if _may_hold(str(place / name), patterns, let_in))
        yield from (path for name in sorted(files) if not ignored(path := str(place / name), patterns))


def _may_hold(path: str, patterns: list[str], let_in: list[str]) -> bool:
    return not ignored(path, patterns) or any(each.startswith(f"{path}/") for each in let_in)


def _expression(pattern: str) -> str:
    """A pattern as a regular expression; it takes what is below a directory, too."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern.strip("/"))
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(meaning.get(part, re.escape(part)) for part in parts) + r"(?:/.*)?\Z"
