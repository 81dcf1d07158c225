"""Labels on the flows of a worker, written as they leave it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from processors.attribution import Attributor
from processors.engine.event_feed import EventFeed
from processors.engine.name_feed import NameFeed
from processors.labels import Labeller, Lists, NoLists, read_label_settings
from topics.bus import encode_message
from topics.record import copy_records

if TYPE_CHECKING:
    from processors.engine.settings import WorkerSettings
    from topics.batch import FlowBatch

SECOND = 1e9
REST_SECONDS = 0.05
STARTS = ("src_first", "dst_first")


class Labelling:
    """Lists, databases, names and events by the settings of a worker; raises SettingsError or BusError."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._lists = Lists(read_label_settings(settings.labels)) if settings.labels else None
        self._feed: NameFeed | None = None
        if settings.names_topic:
            self._feed = NameFeed(settings)
        self._name_lateness = settings.name_lateness
        self._event_lateness = settings.event_lateness if settings.events_topic else 0.0
        self._hurry = threading.Event()
        self._labeller = Labeller(self._lists or NoLists(), self._feed.table if self._feed else None)
        self._attributor = Attributor()
        self._events: EventFeed | None = None
        if settings.events_topic:
            since = time.time() - settings.event_memory
            self._events = EventFeed(
                settings.url, settings.events_topic, self._attributor, since=since, patience=settings.broker_timeout
            )

    def start(self) -> None:
        """Read the names and events there are."""
        if self._feed is not None:
            self._feed.start()
        if self._events is not None:
            self._events.start()

    def learn(self) -> None:
        """Take the events that came since, and lists that were replaced; raises BusError."""
        self._labeller.refresh()
        if self._events is not None:
            self._events.learn()

    def due(self, batch: FlowBatch) -> float:
        """Return until when names and events have to be known for flows that came now (monotonic clock, s).

        Names come at the latest `name_lateness` after a flow began, by a clock that may be wrong: never later than
        that much from now. Events are waited for in full.
        """
        wait = self._event_lateness
        if self._feed is not None:
            begun = int(max(batch.records[name].max() for name in STARTS)) / SECOND if len(batch) else 0.0
            wait = max(wait, min(self._name_lateness, begun + self._name_lateness - time.time()))
        due = time.monotonic() + max(wait, 0.0)
        if self._feed is not None:
            self._feed.want(due)
        return due

    def known_until(self) -> float:
        """Return until when what is said of flows is known; raises BusError when it no longer comes."""
        now = time.monotonic()
        return now if self._feed is None else min(now, self._feed.known_until())

    def rest(self) -> bool:
        """Wait a moment for more to be known; False when there is no time."""
        self.learn()
        return not self._hurry.wait(REST_SECONDS)

    def hurry(self) -> None:
        """Let nobody wait any more. May be called from any thread."""
        self._hurry.set()

    def counts(self) -> dict[str, int]:
        """Return how many flows got labels or a name, and how lists were read again, by name."""
        counts = {"labelled": self._labeller.labelled, "named": self._labeller.named}
        if self._feed is not None:
            counts |= {"names_stalled": int(self._feed.is_stalled), "names_forgotten": self._feed.table.evicted}
        if self._events is not None:
            counts |= {"events": self._events.events, "attributed": self._attributor.attributed}
        if self._lists is not None:
            lists = self._lists
            counts |= {"reloads": lists.reloads, "refusals": lists.refusals, "files_refused": len(lists.refused)}
        return counts

    def encode(self, batch: FlowBatch) -> bytes:
        """Return the message of a batch of flows with their labels."""
        own = batch.replace(records=copy_records(batch.records))  # one that is too large is cut and comes again
        (labelled,) = self._labeller.process(own)
        if self._events is not None:
            (labelled,) = self._attributor.process(labelled)
        return encode_message(labelled)
