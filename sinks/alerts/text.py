"""Alerts as texts for people, by the templates of a channel."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sinks.alerts.settings import Channel
    from topics.alerts import Alert

SECOND = 1_000_000_000
_PLACE = re.compile(r"\{([a-z_]+)\}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
TEXT = """\
{summary}

rule      {rule} ({severity}, {state})
subject   {subject}
from      {first}
to        {last}
records   {count}, {packets} packets, {bytes} bytes
{ask}id        {id}
"""


def title(channel: Channel, alert: Alert, held_back: int) -> str:
    """Return one line."""
    more = f" (and {held_back} more were held back)" if held_back else ""
    done = "resolved: " if alert.state == "resolved" else ""
    return " ".join((done + filled(channel.title, alert) + more).split())


def text(channel: Channel, alert: Alert) -> str:
    """Return all there is to be said."""
    return filled(channel.text or TEXT, alert)


def filled(template: str, alert: Alert) -> str:
    """Return a template with what stands in braces filled in; fields of the subject are known by their names."""
    words = {name: str(value) for name, value in alert.plain.items()} | dict(alert.tags) | dict(alert.subject)
    words |= {"subject": alert.about, "first": moment(alert.first), "last": moment(alert.last)}
    words |= {"time": moment(alert.time), "count": f"{alert.count:,}", "packets": f"{alert.packets:,}"}
    words |= {"bytes": f"{alert.bytes:,}", "ask": f"argosy ra -R DIR {alert.query}\n" if alert.query else ""}
    return _CONTROL.sub(" ", _PLACE.sub(lambda place: words.get(place[1], place[0]), template))


def moment(time: int) -> str:
    """Return a time (ns) as ISO 8601, UTC."""
    return datetime.fromtimestamp(time // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
