"""What lists and databases say of addresses, names, ports and stations, as label texts; read again when replaced."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from processors.labels import files
from processors.labels.geography import Geography
from processors.labels.interned import Numbered
from processors.labels.special import SPECIAL
from processors.labels.text import both_label_texts, label_text, value_text
from topics.errors import SettingsError
from topics.fields.services import service_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from processors.labels.prefixes import Addresses
    from processors.labels.settings import LabelSettings
    from topics.batch import FlowBatch

MAC = 6
LOADERS: dict[str, Callable[[str], Any]] = {
    "geo": Geography,
    "delegated": files.read_delegated,
    "addresses": files.read_addresses,
    "locality": files.read_locality,
    "vendors": files.read_vendors,
    "rules": files.read_rules,
    "blocked_addresses": files.read_blocked_addresses,
    "blocked_names": files.read_blocked_names,
}
GLOBAL = {"cls": "global"}
MOST_COMBINATIONS = 262_144
BY_ADDRESS = ("delegated", "geo", "addresses", "locality")


class NoLists:
    """Knows nothing but the name that was asked for."""

    rules: Callable[[FlowBatch], list[bytes]] | None = None
    with_vendors = with_services = reading = False

    def addresses(self, addresses: Addresses) -> list[tuple[bytes, bytes]]:
        """Return nothing."""
        return [(b"", b"")] * len(addresses)

    def stations(self, _macs: bytes) -> bytes:
        """Return nothing."""
        return b""

    def service(self, _code: int) -> bytes:
        """Return nothing."""
        return b""

    def names(self, names: Sequence[str]) -> list[bytes]:
        """Return the names."""
        return [_named(name) for name in names]

    def refresh(self) -> bool:
        """Find nothing new."""
        return False


class _Reading(NamedTuple):
    """A file that was read again: its state then, and what it says or why it was refused."""

    kind: str
    name: str
    path: str
    stamp: object
    found: Any
    reason: str


def _tell(reason: str) -> None:
    import structlog

    structlog.get_logger().warning("a list was refused, the one before stays in force", reason=reason)


class Lists:
    """All that settings name; raises SettingsError naming the file and the line of what cannot be read.

    `refresh` has files read again that were replaced, in a thread, and takes what was read. What cannot be read is left
    as it was, and named in `refused`, by file. `reloads` and `refusals` count.
    """

    def __init__(self, settings: LabelSettings) -> None:
        self.refused: dict[str, str] = {}
        self.reloads = self.refusals = 0
        self._settings = settings
        self._stamps: dict[str, object] = {}
        self._loaded: dict[tuple[str, str], Any] = {}
        for kind, name, path in self._sources():
            self._stamps[path] = _stamp(path)
            self._loaded[kind, name] = LOADERS[kind](path)
        self._forget()
        self._reader: threading.Thread | None = None
        self._read: list[_Reading] = []
        self.with_services, self.with_vendors = settings.services, bool(settings.vendors)

    @property
    def rules(self) -> Callable[[FlowBatch], list[bytes]] | None:
        """What the rules say of the flows of a batch; None without rules."""
        return next((loaded for (kind, _), loaded in self._loaded.items() if kind == "rules"), None)

    @property
    def reading(self) -> bool:
        """Whether files are being read, or were and wait to be taken."""
        return self._reader is not None

    def refresh(self) -> bool:
        """Begin to read files that were replaced; take what was read, all of it at once, and tell whether it is new."""
        if self._reader is None:
            replaced = [each for each in self._sources() if _stamp(each[2]) != self._stamps[each[2]]]
            if replaced:
                self._reader = threading.Thread(target=self._load, args=(replaced,), daemon=True)
                self._reader.start()
            return False
        if self._reader.is_alive():
            return False
        self._reader = None
        taken = [self._take(each) for each in self._read]
        return any(taken)

    def wait(self) -> None:
        """Wait until what is being read can be taken."""
        if self._reader is not None:
            self._reader.join()

    def _load(self, replaced: list[tuple[str, str, str]]) -> None:
        """Read files, in a thread."""
        self._read = []
        for kind, name, path in replaced:
            stamp, found = _stamp(path), None
            try:
                found = LOADERS[kind](path)
                reason = ""
            except SettingsError as error:
                reason = str(error)
            self._read.append(_Reading(kind, name, path, stamp, found, reason))

    def _take(self, reading: _Reading) -> bool:
        """Let what was read count, unless it was refused."""
        self._stamps[reading.path] = reading.stamp
        if reading.reason:
            self.refused[reading.path] = reading.reason
            self.refusals += 1
            _tell(reading.reason)
            return False
        self.refused.pop(reading.path, None)
        self.reloads += 1
        self._loaded[reading.kind, reading.name] = reading.found
        self._forget()
        return True

    def _sources(self) -> Iterator[tuple[str, str, str]]:
        """Yield kind, name and path of each file."""
        settings = self._settings
        for kind in BY_ADDRESS:
            yield from ((kind, path, path) for path in getattr(settings, kind))
        for kind in ("vendors", "rules"):
            if path := getattr(settings, kind):
                yield kind, path, path
        for kind in ("blocked_addresses", "blocked_names"):
            yield from ((kind, name, path) for name, path in getattr(settings, kind).items())

    def _of(self, kind: str) -> Iterator[tuple[str, Any]]:
        return ((name, loaded) for (each, name), loaded in self._loaded.items() if each == kind)

    def addresses(self, addresses: Addresses) -> list[tuple[bytes, bytes]]:
        """Return the labels of addresses as sources and as destinations.

        They are made once for each combination of what the lists say.
        """
        if len(self._texts) > MOST_COMBINATIONS:
            self._forget()
        kinds = [known for kind in BY_ADDRESS for _, known in self._of(kind)]
        said = [known.places(addresses) for known in (SPECIAL, *kinds)]
        said += [known.holds(addresses) for _, known in self._of("blocked_addresses")]
        numbers = self._combinations.numbers(np.stack(said, axis=1).astype(np.uint64))
        if self._combinations.count > len(self._texts):
            fresh, examples = np.unique(numbers, return_index=True)
            self._texts += self._made(addresses[examples[fresh >= len(self._texts)]])
        return [self._texts[number] for number in numbers.tolist()]

    def _made(self, addresses: Addresses) -> list[tuple[bytes, bytes]]:
        kinds: list[list[Mapping[str, object]]] = []
        if self._settings.classes:
            kinds.append([facts or GLOBAL for facts in SPECIAL.facts(addresses)])
        kinds += [known.facts(addresses) for kind in BY_ADDRESS for _, known in self._of(kind)]
        lists = [(name, known.holds(addresses)) for name, known in self._of("blocked_addresses")]
        texts = []
        for place in range(len(addresses)):
            facts: dict[str, object] = {}
            for kind in kinds:  # what is said later counts
                facts.update(kind[place])
            if blocking := [name for name, listed in lists if listed[place]]:
                facts["block"] = blocking
            texts.append(both_label_texts(facts))
        return texts

    def networks(self) -> Iterator[tuple[int, str, Mapping[str, object]]]:
        """Yield the networks of all `addresses`, each after those that it lies in: how many, its text, its facts."""
        for _, known in self._of("addresses"):
            yield from known.tree()

    def stations(self, macs: bytes) -> bytes:
        """Return the vendors of source and destination."""
        for _, vendors in self._of("vendors"):
            sides = (("s", vendors.get(macs[:3])), ("d", vendors.get(macs[MAC : MAC + 3])))
            return b"".join(_ended(label_text({"vendor": vendor}, side)) for side, vendor in sides if vendor)
        return b""

    def service(self, code: int) -> bytes:
        """Return the service of a port."""
        name = service_names(code >> 16).get(code & 0xFFFF)
        return _ended(label_text({"svc": name})) if name else b""

    def names(self, names: Sequence[str]) -> list[bytes]:
        """Return names, each with the lists that have it."""
        lists = [(known, listing.holds(names)) for known, listing in self._of("blocked_names")]
        texts = []
        for place, name in enumerate(names):
            blocking = [known for known, listed in lists if listed[place]]
            texts.append(_named(name) + (_ended(label_text({"nblock": blocking})) if blocking else b""))
        return texts

    def _forget(self) -> None:
        """Make all texts anew."""
        kinds = sum(1 for kind, _ in self._loaded if kind in (*BY_ADDRESS, "blocked_addresses"))
        self._combinations, self._texts = Numbered(1 + kinds), list[tuple[bytes, bytes]]()


def _named(name: str) -> bytes:
    return b"dname=" + value_text(name).encode() + b":"


def _ended(text: bytes) -> bytes:
    return text + b":" if text else b""


def _stamp(path: str) -> object:
    """Return what changes when a file is replaced; None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - names of files, thousands of times
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
