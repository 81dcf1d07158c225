"""The account of one probe: what each stage had, what is known to be lost on the way, and where the numbers part."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from topics.probe_status import ProbeStatus

Who = tuple[str, str]


@dataclass(slots=True)
class Amount:
    """Status records (those merged into a flow count each), the packets in them, and flows."""

    records: int = 0
    packets: int = 0
    flows: int = 0

    def add(self, records: int, packets: int, flows: int = 0) -> None:
        """Count more."""
        self.records += records
        self.packets += packets
        self.flows += flows


@dataclass(slots=True)
class Received:
    """What the topic of status records holds of a probe, replays left out.

    `pending` is what the workers have not acknowledged; `missing` counts batches that were numbered and never came.
    `cut` says that the topic no longer holds the beginning of a run, `open` that a run has not ended.
    """

    amount: Amount = field(default_factory=Amount)
    pending: Amount = field(default_factory=Amount)
    replays: int = 0
    missing: int = 0
    cut: bool = False
    open: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """One line of the account. None where a stage does not count in that unit; `parts` is why it does not agree."""

    name: str
    packets: int | None = None
    records: int | None = None
    flows: int | None = None
    notes: tuple[str, ...] = ()
    parts: str = ""


@dataclass(slots=True)
class Account:
    """Everything known of one probe: its last words (one status a process), and what the later stages hold."""

    who: Who
    statuses: list[ProbeStatus] = field(default_factory=list)
    received: Received | None = None
    merged: Amount | None = None
    distinct: Amount | None = None
    kept: dict[str, Amount] = field(default_factory=dict)
    flow_span: tuple[int, int] | None = None

    def receive(self, found: Received) -> None:
        """Add what the topic holds under one of the names of this probe."""
        known = self.received or Received()
        for amount, more in ((known.amount, found.amount), (known.pending, found.pending)):
            amount.add(more.records, more.packets)
        known.replays += found.replays
        known.missing += found.missing
        known.cut |= found.cut
        known.open |= found.open
        self.received, self.merged, self.distinct = known, self.merged or Amount(), self.distinct or Amount()

    def merge(self, amount: Amount, distinct: Amount, span: tuple[int, int]) -> None:
        """Add flows under one of the names of this probe, and between when they began (ns)."""
        self.merged, self.distinct = self.merged or Amount(), self.distinct or Amount()
        for total, more in ((self.merged, amount), (self.distinct, distinct)):
            total.add(more.records, more.packets, more.flows)
        first, last = self.flow_span or span
        self.flow_span = min(first, span[0]), max(last, span[1])

    def keep(self, name: str, amounts: Iterable[Amount]) -> None:
        """Note what a sink holds."""
        total = self.kept.setdefault(name, Amount())
        for more in amounts:
            total.add(more.records, more.packets, more.flows)

    def stages(self) -> list[Stage]:
        """Return the stages in order."""
        stages = [*self._probe_stages(), *self._bus_stages()]
        source = self.distinct if self.distinct is not None else self._reported() if self.statuses else None
        return [*stages, *(self._kept_stage(name, amount, source) for name, amount in sorted(self.kept.items()))]

    @property
    def is_open(self) -> bool:
        """Whether the probe still runs, or ended without a last word."""
        return any(status.cause != "stop" for status in self.statuses)

    def _probe_stages(self) -> list[Stage]:
        if not self.statuses:
            return []
        lost = _sum(status.dropped for status in self.statuses)
        read = sum(status.packets for status in self.statuses)
        reported = self._reported()
        notes = ("still running, or ended without a last word",) if self.is_open else ()
        return [
            Stage("interface", read + sum(lost.values())),
            Stage("read", read, notes=_dropped(lost)),
            Stage(
                "reported",
                reported.packets,
                reported.records,
                notes=notes,
                parts=_parts(reported.packets, read, "packets", least=0 if self.is_open else None),
            ),
        ]

    def _reported(self) -> Amount:
        return Amount(
            sum(status.records for status in self.statuses), sum(status.record_packets for status in self.statuses)
        )

    def _published(self) -> tuple[Amount, dict[str, int], bool] | None:
        """Return what should be on the bus, losses by cause in records, and whether it is all that was reported."""
        outputs = [status.output for status in self.statuses]
        names = ("offered_records", "sent_records")
        offered = [next((output[name] for name in names if name in output), None) for output in outputs]
        if not outputs or None in offered:
            return None
        total = _sum(outputs)
        lost = {_cause(name): count for name, count in total.items() if name.startswith("dropped_") and count}
        records = {cause.removesuffix(" records"): n for cause, n in lost.items() if cause.endswith(" records")}
        packets = sum(n for cause, n in lost.items() if cause.endswith(" packets"))
        reported = self._reported()
        count = sum(number for number in offered if number is not None)
        amount = Amount(count - sum(records.values()), reported.packets - packets)
        return amount, records, count == reported.records

    def _bus_stages(self) -> list[Stage]:
        stages = []
        published = self._published() if self.received is not None else None
        if published is not None:
            amount, lost, is_all = published
            notes = (*_dropped(lost), *(() if is_all else ("a filter chose records",)))
            stages.append(Stage("published", amount.packets if is_all else None, amount.records, notes=notes))
        if self.received is not None:
            stages.append(self._received_stage(self.received, published[0] if published else None))
            if self.merged is not None:
                stages.append(self._merged_stage(self.received, self.merged))
        return stages

    def _received_stage(self, received: Received, published: Amount | None) -> Stage:
        notes = []
        if received.replays:
            notes.append(f"{received.replays:,} batches came twice and count once")
        if received.missing:
            notes.append(f"{received.missing:,} batches are missing")
        if received.cut:
            notes.append("the topic no longer holds the beginning")
        if not self.statuses:
            notes.append("no word of the probe itself")
        parts = ""
        if published is not None and not received.cut:
            # A probe that runs has put more on the bus than its last word says.
            most = None if self.is_open else published.records
            parts = _parts(received.amount.records, most, "records", least=0 if self.is_open else published.records)
        return Stage("received", received.amount.packets, received.amount.records, notes=tuple(notes), parts=parts)

    def _merged_stage(self, received: Received, merged: Amount) -> Stage:
        done = Amount(
            received.amount.records - received.pending.records, received.amount.packets - received.pending.packets
        )
        notes = (f"{received.pending.records:,} records still to be merged",) if received.pending.records else ()
        parts = (
            ""
            if received.cut
            else _parts(merged.records, received.amount.records, "records", least=done.records)
            or _parts(merged.packets, received.amount.packets, "packets", least=done.packets)
        )
        return Stage("merged", merged.packets, merged.records, merged.flows, notes=notes, parts=parts)

    def _kept_stage(self, name: str, kept: Amount, source: Amount | None) -> Stage:
        least = 0 if self.is_open or (self.received is not None and self.received.open) else None
        parts = ""
        if source is not None:
            parts = _parts(kept.packets, source.packets, "packets", least=least)
            parts = parts or _parts(kept.records, source.records, "records", least=least)
        return Stage(f"kept in {name}", kept.packets, kept.records, kept.flows, parts=parts)


def _parts(found: int, expected: int | None, unit: str, least: int | None = None) -> str:
    """Say by how much a number is not between `least` (None: the same) and `expected` (None: no bound)."""
    lower = expected if least is None else least
    if lower is not None and found < lower:
        return f"{lower - found:,} {unit} are missing"
    if expected is not None and found > expected:
        return f"{found - expected:,} {unit} too many"
    return ""


def _cause(name: str) -> str:
    return name.removeprefix("dropped_").replace("_", " ")


def _dropped(lost: dict[str, int]) -> tuple[str, ...]:
    return tuple(f"{count:,} lost: {cause.replace('_', ' ')}" for cause, count in sorted(lost.items()) if count)


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in counts:
        for name, count in each.items():
            total[name] = total.get(name, 0) + count
    return total
