"""All that is known of one flow: its fields, its labels, the records of which it was made, events about its hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from clients.listing.columns import columns
from clients.listing.lines import Listing
from clients.reading.sources import to_frame
from topics.fields import Style, fields

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from textual.app import ComposeResult

    from clients.ratop.told import ToldOfHosts
    from topics.batch import FlowBatch

RECORDS = (
    "stime",
    "ltime",
    "cause",
    "seq",
    "flgs",
    "dir",
    "spkts",
    "dpkts",
    "sbytes",
    "dbytes",
    "sloss",
    "dloss",
    "state",
)
LEFT_OUT = {"rank", "rtime", "idle", "hash", "sname", "dname"}  # the last two may ask name servers
MOST = 500
EVENTS = 40  # rows of events
ENDS = ("saddr", "daddr")


class Detail(ModalScreen[None]):
    """The flow whose records `records` returns, as it goes on; `title` is its line in the list."""

    CSS = "Detail { background: $surface; } #title { text-style: bold reverse; width: 100%; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,backspace", "dismiss", "back"),
    ]

    def __init__(
        self,
        title: str,
        records: Callable[[], FlowBatch],
        merged: Callable[[FlowBatch], FlowBatch],
        told: ToldOfHosts,
    ) -> None:
        super().__init__()
        self._title, self._records, self._merged, self._told = title, records, merged, told

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield Static(self._title, id="title", markup=False)
        with VerticalScroll():
            yield Static(self.text(), id="facts", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Look again each second."""
        self.set_interval(1, lambda: self.query_one("#facts", Static).update(self.text()))

    def text(self) -> str:
        """Return the fields that say something, what events say of its hosts, and the last records, oldest first."""
        batch = self._records()
        if not len(batch):
            return "no record of it is kept any more"
        whole = to_frame(self._merged(batch)).tail(1)
        listing = Listing(columns(RECORDS), Style())
        lines = listing.lines(to_frame(batch).sort("src_first", "dst_first").tail(MOST)).to_list()
        return "\n".join(
            [*_facts(whole), *self._events(whole), "", f"its last {len(lines)} records", listing.heading(), *lines]
        )

    def _events(self, whole: pl.DataFrame) -> list[str]:
        if not self._told:
            return []
        ends = whole.select(fields()[name].text(Style()).alias(name) for name in ENDS).row(0)
        lines = self._told.of([end.strip() for end in ends if end], EVENTS)
        said = f"the last {len(lines)} events about its hosts" if lines else "no events about its hosts"
        return ["", self._told.error or said, *lines]


def _facts(frame: pl.DataFrame) -> list[str]:
    style, found = Style(), list[str]()
    for name, known in fields().items():
        needed = known.text(style).meta.root_names()
        if name in LEFT_OUT or not set(needed) <= set(frame.columns):
            continue
        text = frame.select(known.text(style)).to_series()[0]
        if text and text.strip() and text.strip() not in {"0", "0.000000"}:
            found.append(f"{name:<14} {text.strip():<24.60} {known.doc}")
    return found
