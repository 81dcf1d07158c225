"""What lists and databases say of addresses, names, ports and stations, as label texts; read again when replaced."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from processors.labels import files
from processors.labels.geography import Geography
from processors.labels.special import SPECIAL
from processors.labels.text import label_text, value_text
from topics.errors import SettingsError
from topics.fields.services import service_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from processors.labels.settings import LabelSettings
    from topics.batch import FlowBatch

MOST_REMEMBERED = 262_144
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
BY_ADDRESS = ("delegated", "geo", "addresses", "locality")


class NoLists:
    """Knows nothing but the name that was asked for."""

    rules: Callable[[FlowBatch], list[bytes]] | None = None
    with_vendors = with_services = False

    def source(self, _address: bytes) -> bytes:
        """Return nothing."""
        return b""

    destination = stations = source

    def service(self, _code: int) -> bytes:
        """Return nothing."""
        return b""

    def name(self, name: str) -> bytes:
        """Return the name."""
        return _named(name)

    def refresh(self) -> bool:
        """Find nothing new."""
        return False


def _tell(error: SettingsError) -> None:
    import structlog

    structlog.get_logger().warning("a list was refused, the one before stays in force", reason=str(error))


class Lists:
    """All that settings name; raises SettingsError naming the file and the line of what cannot be read.

    `refresh` reads files again that were replaced. What cannot be read then is left as it was, and named in `refused`,
    by file. `reloads` and `refusals` count.
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
        self._facts = _Remembered(self._address_facts)
        self._memories = (
            _Remembered(lambda address: _ended(label_text(self._facts[address], "s"))),
            _Remembered(lambda address: _ended(label_text(self._facts[address], "d"))),
            _Remembered(self._stations_text),
            _Remembered(self._name_text),
        )
        self.source, self.destination, self.stations, self.name = (each.__getitem__ for each in self._memories)
        self.service = _Remembered(_service_text).__getitem__
        self.with_services, self.with_vendors = settings.services, bool(settings.vendors)

    @property
    def rules(self) -> Callable[[FlowBatch], list[bytes]] | None:
        """What the rules say of the flows of a batch; None without rules."""
        return next((loaded for (kind, _), loaded in self._loaded.items() if kind == "rules"), None)

    def refresh(self) -> bool:
        """Read files that were replaced; tell whether anything is new."""
        changed = False
        for kind, name, path in self._sources():
            stamp = _stamp(path)
            if stamp == self._stamps[path]:
                continue
            try:
                self._loaded[kind, name] = LOADERS[kind](path)
            except SettingsError as error:
                self.refused[path] = str(error)
                self.refusals += 1
                _tell(error)
            else:
                self.refused.pop(path, None)
                self.reloads += 1
                changed = True
            self._stamps[path] = stamp
        if changed:
            for memory in (self._facts, *self._memories):
                memory.forget()
        return changed

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

    def _address_facts(self, address: bytes) -> dict[str, object]:
        facts: dict[str, object] = {}
        number = int.from_bytes(address)
        if self._settings.classes:
            facts |= SPECIAL.facts(number) or {"cls": "global"}
        for kind in BY_ADDRESS:  # what is said later counts
            for _, known in self._of(kind):
                facts |= known.facts(number)
        if blocking := [name for name, known in self._of("blocked_addresses") if known.holds(address)]:
            facts["block"] = blocking
        return facts

    def _stations_text(self, macs: bytes) -> bytes:
        for _, vendors in self._of("vendors"):
            sides = (("s", vendors.get(macs[:3])), ("d", vendors.get(macs[MAC : MAC + 3])))
            return b"".join(_ended(label_text({"vendor": vendor}, side)) for side, vendor in sides if vendor)
        return b""

    def _name_text(self, name: str) -> bytes:
        blocking = [known for known, names in self._of("blocked_names") if names.holds(name)]
        return _named(name) + (_ended(label_text({"nblock": blocking})) if blocking else b"")


class _Remembered(dict[Any, Any]):
    """Makes what is asked for and keeps it; of MOST_REMEMBERED things, those not asked for lately go first."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        super().__init__()
        self._make = make
        self._before: dict[Any, Any] = {}

    def __missing__(self, key: Any) -> Any:  # noqa: ANN401 - bytes, numbers or text
        value = self._before.get(key)
        if value is None:
            value = self._make(key)
        if len(self) >= MOST_REMEMBERED // 2:
            self._before = dict(self)
            self.clear()
        self[key] = value
        return value

    def forget(self) -> None:
        """Forget everything."""
        self.clear()
        self._before = {}


def _named(name: str) -> bytes:
    return b"dname=" + value_text(name).encode() + b":"


def _ended(text: bytes) -> bytes:
    return text + b":" if text else b""


def _service_text(code: int) -> bytes:
    name = service_names(code >> 16).get(code & 0xFFFF)
    return _ended(label_text({"svc": name})) if name else b""


def _stamp(path: str) -> object:
    """Return what changes when a file is replaced; None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - names of files, thousands of times
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
