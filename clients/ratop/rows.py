"""A list of flows that draws only the lines in sight: ten thousand rows cost no more than a screenful."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import polars as pl
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from processors.activity import IDENTITY

if TYPE_CHECKING:
    from textual import events

    from clients.listing.lines import Listing
    from topics.fields import Field

HEAD, CURSOR, PLAIN = Style(bold=True, reverse=True), Style(bold=True, bgcolor="grey37", color="white"), Style()


class Rows(ScrollView, can_focus=True):
    """Lines of a listing under a heading that stays; one of them is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False),
        Binding("home", "jump(0)", "first", show=False),
        Binding("end", "jump(-1)", "last", show=False),
    ]

    class Chosen(Message):
        """A row was asked to be looked into."""

    class Sorted(Message):
        """The heading of a column was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__()
        self._frame = pl.DataFrame()
        self._listing: Listing | None = None
        self._spans: list[tuple[int, int, str]] = []
        self._lines: dict[int, str] = {}
        self._heading = ""
        self.chosen = 0

    def show(self, frame: pl.DataFrame, listing: Listing, fields: list[Field], columns: list[int]) -> None:
        """Show these flows; the one that was chosen stays so, wherever it is now."""
        identity = self.identity
        self._frame, self._listing, self._heading = frame, listing, listing.heading()
        self._lines = {}
        self._spans, start = [], 0
        for known, width in zip(fields, columns, strict=True):
            self._spans.append((start, start + width, known.name))
            start += width + 1
        if identity is not None and frame.height:
            place = frame[IDENTITY].index_of(identity) if self.chosen else 0
            self.chosen = min(self.chosen, frame.height - 1) if place is None else place
        self.virtual_size = Size(max(start, len(self._heading)), frame.height + 1)
        self.refresh()

    @property
    def count(self) -> int:
        """How many flows are shown."""
        return self._frame.height

    @property
    def identity(self) -> int | None:
        """The flow that is chosen."""
        if self.chosen >= self._frame.height:
            return None
        return int(self._frame[IDENTITY][self.chosen])

    @property
    def line(self) -> str:
        """The line of the flow that is chosen."""
        return self._line(self.chosen)

    def render_line(self, y: int) -> Strip:
        """Return one line of the screen."""
        left, top = self.scroll_offset
        if y == 0:
            text, style = self._heading, HEAD
        else:
            row = top + y - 1
            text, style = self._line(row), CURSOR if row == self.chosen else PLAIN
        wide = self.size.width
        return Strip([Segment(text[left : left + wide].ljust(wide), style)], wide)

    def _line(self, row: int) -> str:
        if row not in self._lines and 0 <= row < self._frame.height and self._listing is not None:
            start = max(0, row - row % 64)
            found = self._listing.lines(self._frame.slice(start, 64)).to_list()
            self._lines.update(enumerate(found, start))
        return self._lines.get(row, "")

    def action_move(self, by: int) -> None:
        """Choose the row above or below."""
        self._choose(self.chosen + by)

    def action_page(self, by: int) -> None:
        """Choose the row a screenful above or below."""
        self._choose(self.chosen + by * max(1, self.size.height - 2))

    def action_jump(self, place: int) -> None:
        """Choose the first row, or the last."""
        self._choose(place % max(1, self._frame.height))

    def _choose(self, row: int) -> None:
        self.chosen = min(max(row, 0), max(0, self._frame.height - 1))
        top, visible = self.scroll_offset.y, max(1, self.size.height - 1)
        if self.chosen < top:
            self.scroll_to(y=self.chosen, animate=False)
        elif self.chosen >= top + visible:
            self.scroll_to(y=self.chosen - visible + 1, animate=False)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Sort by the column that was clicked, or choose the row; twice looks into it."""
        if event.y == 0:
            place = event.x + self.scroll_offset.x
            for start, end, name in self._spans:
                if start <= place <= end:
                    self.post_message(self.Sorted(name))
            return
        self._choose(self.scroll_offset.y + event.y - 1)
        if event.chain > 1:
            self.post_message(self.Chosen())
