"""What comes on topics while the page is open: status records for rates, alerts, findings about mirror ports."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

import polars as pl

from clients.ratop.feed import Feed
from clients.ratop.view import LIVE, View
from clients.web.flows.rows import value_of
from clients.web.serving.meta import column_of
from processors.activity import IDENTITY, LOAD, RATE, ActiveFlows
from topics.definitions import ALERTS, FLOW_STATUS, SPANS
from topics.errors import ArgosyError
from topics.fields import Style, field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from topics.alerts import Alert
    from topics.batch import FlowBatch
    from topics.spans import SpanFinding

MOST_BATCHES = 512
MOST_RECORDS = 50_000
MOST_ALERTS = 10_000
SECOND = 1_000_000_000
IDLE = 60 * SECOND
MOST_FLOWS = 1 << 15
SERIES = 12
WORK = 0.05  # seconds that taking records may last at a time
PAUSE = 0.1
STARTS = {"src_first", "dst_first"}
UNITS = {"wload": "bps", "wrate": "pps", "idle": "s"}


class LiveTopics:
    """Follows topics on threads of its own; `batches` are the latest status records, each with its number."""

    def __init__(self, bus: str) -> None:
        self._bus = bus
        self._stopped = threading.Event()
        self._feed = Feed(self._records())
        self.batches: deque[tuple[int, FlowBatch]] = deque()
        self.alerts: deque[Alert] = deque(maxlen=MOST_ALERTS)
        self.findings: dict[tuple[Any, ...], SpanFinding] = {}
        self.error = ""
        self._number = self._held = 0
        self._threads = [
            threading.Thread(target=work, name=f"argosy-{work.__name__.strip('_')}", daemon=True)
            for work in (self._take, self._follow_alerts, self._follow_findings)
        ]

    def start(self) -> None:
        """Begin to follow."""
        self._feed.start()
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Follow no more."""
        self._stopped.set()
        self._feed.stop()

    @property
    def now(self) -> int:
        """How late it is on the wire (ns)."""
        return self._feed.now

    def after(self, number: int) -> tuple[int, list[FlowBatch]]:
        """Return the number of the newest batch, and those that came after a number."""
        some = list(self.batches)
        return (some[-1][0] if some else number), [batch for each, batch in some if each > number]

    def _records(self) -> Iterator[FlowBatch]:
        from topics.bus import Subscriber

        subscriber: Subscriber[FlowBatch] = Subscriber(
            self._bus, FLOW_STATUS.name, from_beginning=False, dead_letters=None
        )
        with subscriber:
            while not self._stopped.is_set():
                for received in subscriber.receive(0.2):
                    yield received.value

    def _take(self) -> None:
        while not self._stopped.wait(PAUSE):
            for batch in self._feed.take(WORK):
                self._number += 1
                self._held += len(batch)
                self.batches.append((self._number, batch))
            while len(self.batches) > MOST_BATCHES or (self._held > MOST_RECORDS and len(self.batches) > 1):
                self._held -= len(self.batches.popleft()[1])
            self.error = self.error or self._feed.error

    def _follow_alerts(self) -> None:
        from topics.alerts import decode_alert
        from topics.bus import Subscriber

        with self._told(), Subscriber(self._bus, ALERTS.name, decode=decode_alert, dead_letters=None) as subscriber:
            while not self._stopped.is_set():
                for received in subscriber.receive(0.2):
                    self.alerts.append(received.value)

    def _follow_findings(self) -> None:
        from topics.bus import Subscriber
        from topics.spans import read_span_finding

        with self._told(), Subscriber(self._bus, SPANS.name, decode=read_span_finding, dead_letters=None) as subscriber:
            while not self._stopped.is_set():
                for received in subscriber.receive(0.2):
                    found = received.value
                    self.findings[found.site, found.probe, found.interface, found.vlan, found.copy_vlan] = found

    def _told(self) -> _Told:
        return _Told(self)


class _Told:
    """Tells the page of what ended a thread, for there is nobody else to tell."""

    def __init__(self, topics: LiveTopics) -> None:
        self._topics = topics

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, ArgosyError):
            self._topics.error = str(error)
            return True
        return False


class LiveView:
    """What one page sees of the records that come: rates, and the flows that are active as ratop lists them."""

    def __init__(self, topics: LiveTopics, *, filter_text: str, by: str, sort: str, window: int, rows: int) -> None:
        self._topics, self._by, self._rows = topics, by, rows
        self._view = View().filtered(filter_text).sorted_by(sort.removeprefix("-"))
        self._flows = ActiveFlows((), window=window * SECOND, idle=IDLE, most=MOST_FLOWS)
        self._number = 0

    def look(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the events `rates` and `table` as things are now."""
        self._number, batches = self._topics.after(self._number)
        for batch in batches:
            self._flows.add(batch)
        self._flows.advance(self._topics.now)
        fields = self._view.fields(())
        if not len(self._flows):
            return {"time": time.time(), "bps": 0.0, "pps": 0.0, "fps": 0.0, "flows": 0, "series": []}, _table(
                fields, None, 0
            )
        found = self._view.frame(self._flows, ())
        return self._rates(found), _table(fields, found.head(self._rows), found.height)

    def _rates(self, found: pl.DataFrame) -> dict[str, Any]:
        series: Counter[str] = Counter()
        known = field(self._by) if self._by else None
        needed = STARTS | set(known.value().meta.root_names() if known else ())
        whole = self._flows.frame(needed).join(found.select(IDENTITY), on=IDENTITY, how="semi")
        since = self._topics.now - self._flows.window
        begun = whole.filter(pl.min_horizontal(pl.col(name).cast(pl.Int64) for name in STARTS) > since).height
        if known:
            made = whole.group_by(known.value().cast(pl.String).fill_null("").alias("key")).agg(pl.col(LOAD).sum())
            series.update(dict(made.select("key", LOAD).iter_rows()))
        seconds = self._flows.window / SECOND
        return {
            "time": self._topics.now / SECOND,
            "bps": float(found[LOAD].sum()),
            "pps": float(found[RATE].sum()),
            "fps": begun / seconds,
            "flows": found.height,
            "series": [{"key": key, "bps": value} for key, value in series.most_common(SERIES)],
        }


def _table(fields: list[Any], found: pl.DataFrame | None, total: int) -> dict[str, Any]:
    columns = [{**column_of(each), **({"unit": UNITS[each.name]} if each.name in UNITS else {})} for each in fields]
    if found is None or not found.height:
        return {"columns": columns, "rows": [], "total": total}
    values = found.select(
        (each.value() / SECOND if each.name == "idle" else each.value() if each.name in LIVE else value_of(each)).alias(
            str(place)
        )
        for place, each in enumerate(fields)
    )
    texts = found.select(each.text(Style(port_names=False)).alias(str(place)) for place, each in enumerate(fields))
    ids = [f"{number:016x}" for number in found[IDENTITY].to_list()]
    rows = [
        {"id": key, "values": list(row), "text": [part or "" for part in text]}
        for key, row, text in zip(ids, values.iter_rows(), texts.iter_rows(), strict=True)
    ]
    return {"columns": columns, "rows": rows, "total": total}
