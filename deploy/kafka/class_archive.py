"""Archives of the classes that a program of Kafka loads: with one, it starts in half of the time (JEP 350)."""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path

QUIET = "-Xlog:cds*=off"  # an archive that does not fit is no trouble


class ClassArchive:
    """What the first run of a program leaves for later ones, beside the jars.

    The first run needs some seconds more to end, to write it. It is of one Java and one set of jars; Java itself looks
    whether it still fits, and does without where not. Where the directory of the jars cannot be written there is none.
    """

    def __init__(self, java: str, jars: Path, program: str) -> None:
        home = Path(java).resolve().parent.parent
        release = home / "release"
        state = blake2b(f"{home}\0{jars}\0".encode(), digest_size=8)
        state.update(release.read_bytes() if release.is_file() else b"")
        self._path = jars.parent / f"{jars.name}-{program}-{state.hexdigest()}.jsa"
        self._made = self._path.with_suffix(f".{os.getpid()}")

    def options(self) -> list[str]:
        """Return what tells Java to use the archive, or to make it where there is none."""
        if self._path.is_file():
            return [f"-XX:SharedArchiveFile={self._path}", "-Xshare:auto", QUIET]
        if os.access(self._path.parent, os.W_OK):
            return [f"-XX:ArchiveClassesAtExit={self._made}", QUIET]
        return []

    def keep(self) -> None:
        """Keep what a program that has ended in order has made; one that was killed has made nothing."""
        if self._made.is_file():
            self._made.replace(self._path)
