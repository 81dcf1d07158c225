"""Answers that lie in the cache until what they were made of changes: a server that starts has them at once."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from clients.web.views.state import FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from clients.web.setup import Setup

META, ALERTS = "/api/meta", "/api/alerts"
DIRECTORY, SUFFIX = "answers", ".json"
MOST = 512  # answers
LONGEST = 1 << 20  # bytes of one
UNFINISHED = ".partial"  # what a sink is still writing is named so
CODE = Path(__file__).parent.parent


class Lasting:
    """Answers on disk, by what was asked of which files; the ones that were asked for last stay."""

    def __init__(self, setup: Setup) -> None:
        self._place, self._roots, self._files = setup.cache / DIRECTORY, setup.directories, setup.files
        self._said = str(setup.state / FILE)
        self._changing = threading.Lock()
        self.state = ""  # of the files that answers are made of; nothing lasts while it is empty

    def look(self) -> str:
        """Return in which state the files are now: by their names, sizes and times, and those of the program.

        Empty where nobody can tell, as of a database.
        """
        if not all(Path(name).is_file() for name in self._files):
            return ""
        seen = blake2b(f"{version('argosy')} {list(self._roots)} {list(self._files)}".encode(), digest_size=16)
        for path, size, time in (*_files_below(self._roots), *_facts(self._files), *_facts(_program())):
            seen.update(f"{path}\0{size}\0{time}\n".encode("utf-8", "surrogateescape"))
        return seen.hexdigest()

    def state_of(self, path: str) -> str:
        """Return the state of all that an answer is made of: that of alerts tells what people said of them, too."""
        if path != ALERTS or not self.state:
            return self.state
        return f"{self.state} {list(_facts([self._said]))}"

    def get(self, state: str, path: str, said: Mapping[str, str]) -> bytes | None:
        """Return the answer to a question about a state of the files, None where none was kept."""
        if not state:
            return None
        try:
            kept = self._name(state, path, said)
            content = kept.read_bytes()
            os.utime(kept)
        except OSError:
            return None
        return content

    def put(self, state: str, path: str, said: Mapping[str, str], content: bytes) -> None:
        """Keep an answer that was made while the files were in a state, unless they no longer are."""
        if not state or state != self.state_of(path) or len(content) > LONGEST:
            return
        kept = self._name(state, path, said)
        aside = kept.with_name(f"{kept.name}.{os.getpid()}.{threading.get_ident()}")
        with suppress(OSError), self._changing:  # without room there is no answer next time, and nothing else
            self._place.mkdir(exist_ok=True)
            aside.write_bytes(content)
            aside.replace(kept)
            self._forget()

    def _name(self, state: str, path: str, said: Mapping[str, str]) -> Path:
        asked = repr((state, path, sorted(said.items())))
        return self._place / (blake2b(asked.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest() + SUFFIX)

    def _forget(self) -> None:
        found = list(self._place.iterdir())
        if len(found) > MOST:
            found.sort(key=lambda path: path.stat().st_mtime)
            for path in found[: len(found) - MOST]:
                path.unlink(missing_ok=True)


def _files_below(roots: Iterable[str]) -> Iterator[tuple[str, int, int]]:
    for root in roots:
        for place, directories, names in os.walk(root):
            directories[:] = sorted(name for name in directories if not name.startswith("."))
            wanted = (name for name in sorted(names) if not name.startswith(".") and UNFINISHED not in name)
            yield from _facts(f"{place}/{name}" for name in wanted)


def _program() -> list[str]:
    return sorted(str(path) for path in CODE.rglob("*.py"))


def _facts(paths: Iterable[str]) -> Iterator[tuple[str, int, int]]:
    for path in paths:
        with suppress(OSError):  # gone meanwhile
            found = Path(path).stat()
            yield path, found.st_size, found.st_mtime_ns
