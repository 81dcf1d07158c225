"""The screen of ratop: a line of state, the flows, and a line to type into."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Static

from clients.ratop.detail import Detail
from clients.ratop.rows import Rows
from clients.ratop.told import ToldOfHosts
from processors.merge.by_fields import aggregation
from topics.errors import ArgosyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.events import Key

    from clients.ratop.feed import Feed
    from clients.ratop.view import View
    from processors.activity import ActiveFlows
    from topics.batch import FlowBatch

SECOND = 1_000_000_000
WORK = 0.2  # seconds of each period that records are taken for
HELP = """  up, down, j, k, page up, page down, home, end    choose a flow; the wheel of the mouse, too
  enter, double click    look into it: all fields, labels, events about its hosts (--events), its last records;
                           escape comes back
  /    filter, in the language of ra: tcp and dst port 443 and pkts gt 10; empty for all
  s    sort by a field: bytes, dur, saddr, wload; a click on a heading sorts by it, again turns the order about
  r    turn the order about
  g    group by any key, as racluster -m: saddr daddr, dport, sco; empty for conversations
  w    length of the window that bit/s and pkt/s are taken over, in seconds
  i    seconds after which a flow that is idle leaves
  f    fields to show, as ra -s: +dur -state sco dco; empty for the usual ones
  space    pause: what is shown stays, what comes is taken nevertheless
  q    quit

  any key goes back"""


class Help(ModalScreen[None]):
    """What the keys do."""

    CSS = "Help { background: $surface; }"

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield Static(HELP, markup=False)

    def on_key(self, event: Key) -> None:
        """Go back, and do nothing else that the key means."""
        event.stop()
        self.dismiss()

    def on_click(self) -> None:
        """Go back."""
        self.dismiss()


class Top(App[None]):
    """Flows of a feed, looked at `period` seconds apart."""

    CSS = """
    #state { height: 1; background: $panel; width: 100%; }
    #state.wrong { background: $error; }
    Rows { height: 1fr; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }
    Input { display: none; height: 3; dock: bottom; }
    Input.asked { display: block; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "ask('filter')", "filter", key_display="/"),
        Binding("s", "ask('sort')", "sort"),
        Binding("r", "turn", "reverse"),
        Binding("g", "ask('group')", "group"),
        Binding("f", "ask('fields')", "fields"),
        Binding("w", "ask('window')", "window"),
        Binding("i", "ask('idle')", "idle"),
        Binding("space", "pause", "pause"),
        Binding("enter", "look", "look into"),
        Binding("question_mark,h", "help", "help", key_display="?"),
        Binding("escape", "leave", "back", show=False),
        Binding("q", "quit", "quit"),
    ]

    def __init__(
        self,
        feed: Feed,
        flows: ActiveFlows,
        view: View,
        keys: tuple[str, ...],
        period: float = 0.5,
        told: ToldOfHosts | None = None,
    ) -> None:
        super().__init__()
        self.told = told or ToldOfHosts(())
        self.feed, self.flows, self.view, self.keys, self.period = feed, flows, view, keys, period
        self.paused = False
        self.wrong = ""
        self._asking = ""
        self._before = 0

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield Static("", id="state", markup=False)
        yield Rows()
        yield Input(select_on_focus=False)
        yield Footer()

    def on_mount(self) -> None:
        """Begin."""
        self.rows.focus()
        self.feed.start()
        self.told.start()
        self.set_interval(self.period, self.tick)
        self.tick()

    def on_unmount(self) -> None:
        """Read no more."""
        self.feed.stop()
        self.told.stop()

    @property
    def rows(self) -> Rows:
        """The list of flows."""
        return self.screen_stack[0].query_one(Rows)

    def tick(self) -> None:
        """Take what came, and show how things are."""
        for batch in self.feed.take(WORK):
            self.flows.add(batch)
        self.flows.advance(self.feed.now)
        if not self.paused:
            self.draw()
        self.say()

    def draw(self) -> None:
        """Show the flows as they are now."""
        fields = self.view.fields(self.keys)
        listing = self.view.listing(self.keys)
        widths = [known.columns(self.view.style) for known in fields]
        self.rows.show(self.view.frame(self.flows, self.keys), listing, fields, widths)

    def say(self) -> None:
        """Say what is shown, or what went wrong."""
        rate = (self.feed.records - self._before) / self.period
        self._before = self.feed.records
        order = f"{self.view.sort} {'down' if self.view.descending else 'up'}"
        parts = [
            f"{self.rows.count:,} of {len(self.flows):,} flows"
            if self.view.filter and not self.keys
            else f"{len(self.flows):,} flows",
            f"{self.feed.records:,} records, {rate:,.0f}/s",
            f"by {' '.join(self.keys) or 'conversation'}",
            f"sorted by {order}",
            f"window {self.flows.window / SECOND:g} s",
            *([f"filter: {self.view.filter}"] if self.view.filter else []),
            *(["PAUSED"] if self.paused else []),
            *(["the input has ended"] if self.feed.ended else []),
        ]
        state = self.screen_stack[0].query_one("#state", Static)
        told = self.wrong or self.feed.error
        state.set_class(bool(told), "wrong")
        state.update(told or " | ".join(parts))

    def action_pause(self) -> None:
        """Let what is shown stay as it is, or go on."""
        self.paused = not self.paused
        self.say()

    def action_turn(self) -> None:
        """Turn the order about."""
        self._change(self.view.turned)

    def action_help(self) -> None:
        """Tell what the keys do."""
        self.push_screen(Help())

    def action_look(self) -> None:
        """Show all of the flow that is chosen."""
        identity = self.rows.identity
        if identity is None:
            return
        keys = list(self.keys)

        def merged(batch: FlowBatch) -> FlowBatch:
            made = aggregation(keys, capacity=16)
            made.add(batch)
            return made.finish()

        self.push_screen(Detail(self.rows.line, lambda: self.flows.records(identity), merged, self.told))

    def action_ask(self, what: str) -> None:
        """Let something be typed in."""
        self._asking, line = what, self.query_one(Input)
        now = {
            "filter": self.view.filter,
            "sort": self.view.sort,
            "group": " ".join(self.keys),
            "fields": " ".join(self.view.words),
            "window": f"{self.flows.window / SECOND:g}",
            "idle": f"{self.flows.idle / SECOND:g}",
        }
        line.value, line.border_title = now[what], what
        line.add_class("asked")
        line.cursor_position = len(line.value)
        line.focus()

    def action_leave(self) -> None:
        """Close the line that is typed into; without one, forget what went wrong."""
        self.wrong = ""
        self._close()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do what was typed in."""
        self._close()
        getattr(self, f"_{self._asking}")(event.value.strip())

    def on_rows_sorted(self, event: Rows.Sorted) -> None:
        """Sort by the column that was clicked."""
        self._change(self.view.turned if event.name == self.view.sort else lambda: self.view.sorted_by(event.name))

    def on_rows_chosen(self) -> None:
        """Look into the row that was clicked twice."""
        self.action_look()

    def _close(self) -> None:
        self.query_one(Input).remove_class("asked")
        self.rows.focus()
        self.say()

    def _change(self, change: Callable[[], View]) -> None:
        """Show another view, or say why it is none."""
        before = self.view
        try:
            self.view = change()
            self.draw()
            self.wrong = ""
        except ArgosyError as error:
            self.view, self.wrong = before, str(error)
        self.say()

    def _filter(self, text: str) -> None:
        def filtered() -> View:
            view = self.view.filtered(text)
            if self.keys:
                self._regroup(self.keys, view)
            return view

        self._change(filtered)

    def _regroup(self, keys: tuple[str, ...], view: View) -> None:
        self.flows.group(keys, view.of_records(keys))
        self.keys = keys
        self.flows.advance(self.feed.now)

    def _sort(self, text: str) -> None:
        self._change(lambda: self.view.sorted_by(text or "wload"))

    def _fields(self, text: str) -> None:
        self._change(lambda: self.view.with_words(text))

    def _group(self, text: str) -> None:
        keys = tuple(text.replace(",", " ").split())

        def grouped() -> View:
            self.view.with_keys(keys)
            self._regroup(keys, self.view)
            return self.view

        self._change(grouped)

    def _window(self, text: str) -> None:
        self._change(lambda: self._seconds(text, "window"))

    def _idle(self, text: str) -> None:
        self._change(lambda: self._seconds(text, "idle"))

    def _seconds(self, text: str, name: str) -> View:
        from clients.ratop.view import seconds

        setattr(self.flows, name, seconds(text))
        return self.view
