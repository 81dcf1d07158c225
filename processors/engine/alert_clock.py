"""How far event time has come on a topic that is read as a whole: what alerts are evaluated by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from topics.batch import END_OF_RUN

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

Run = tuple[str, str, int]

QUIET = 60.0  # seconds after which a run that says nothing holds nobody back, and time goes on without
LIVE = 3600.0  # packets so many seconds old are of now; older ones are a replay, where only packets make time go on
FORGOTTEN = 3600.0  # seconds after which a run that says nothing is forgotten
SECOND = 1_000_000_000


@dataclass(slots=True)
class _Heard:
    """A run: the newest time it told (ns), by partition, and when it was heard (s)."""

    times: dict[int, int] = field(default_factory=dict)
    heard: float = 0.0
    live: bool = False


class AlertClock:
    """Event time over all runs of probes and all partitions.

    What a probe tells goes to all partitions at once. So while all are read up to their end, a run has come as far as
    any of them says, less `allowance` (ns) for what is on its way; while some are behind, as far as those say. A run
    of the past, which may go through hours in a second, has come as far as the least of all partitions says. A run is
    over when it said so in all `partitions`. `now` is in seconds since the epoch.
    """

    def __init__(self, allowance: int, partitions: int = 1) -> None:
        self._allowance, self._count = allowance, partitions
        self._runs: dict[Run, _Heard] = {}
        self._partitions: dict[int, int] = {}
        self._newest, self._last, self._heard, self._live = 0, 0, 0.0, False

    def hear(self, partition: int, run: Run, time: int, now: float, last: int = 0) -> None:
        """Take note of what a run told: how far it has come, and its last packet, ns."""
        self._last = max(self._last, last)
        heard = self._runs.setdefault(run, _Heard())
        heard.times[partition] = max(heard.times.get(partition, 0), time)
        heard.heard = self._heard = now
        if time == END_OF_RUN:
            if list(heard.times.values()).count(END_OF_RUN) >= self._count:
                del self._runs[run]
            return
        self._partitions[partition] = max(self._partitions.get(partition, 0), time)
        self._newest = max(self._newest, time)
        self._live = heard.live = abs(now - time / SECOND) < LIVE

    def time(self, behind: AbstractSet[int], now: float) -> int:
        """Return up to when everything has come (ns), 0 while nothing is known; `behind` are partitions still read."""
        old = [name for name, run in self._runs.items() if now - run.heard > FORGOTTEN and run.heard != self._heard]
        for name in old:
            del self._runs[name]
        runs = [run for run in self._runs.values() if behind or now - run.heard <= QUIET]
        if runs:
            return min(
                min(self._come(run, behind) for run in runs) - self._allowance, max(self._last, self._newest) + SECOND
            )
        if not self._runs and not behind:
            return self._last + SECOND if self._last else 0  # all have ended
        quiet = round((now - self._heard - QUIET) * SECOND) if self._live else 0
        return self._newest + max(0, quiet) - self._allowance if self._newest and not behind else 0

    def _come(self, run: _Heard, behind: AbstractSet[int]) -> int:
        if not run.live:
            return min(run.times.get(number, 0) for number in range(self._count))
        if not behind:
            return max((time for time in run.times.values() if time != END_OF_RUN), default=END_OF_RUN)
        return min(run.times.get(number, self._partitions.get(number, 0)) for number in behind)

    def save(self) -> dict[str, Any]:
        """Return what is known, as JSON can hold it."""
        runs = [[*name, list(run.times.items()), run.live] for name, run in self._runs.items()]
        return {"runs": runs, "newest": self._newest, "last": self._last}

    def restore(self, saved: dict[str, Any], now: float) -> None:
        """Take what `save` of another one returned."""
        self._newest, self._last, self._heard = saved["newest"], saved["last"], now
        self._runs = {}
        for site, probe, boot_id, times, live in saved["runs"]:
            self._runs[site, probe, boot_id] = _Heard(dict(times), now, live)
