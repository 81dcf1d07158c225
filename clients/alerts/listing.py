"""`argosy alerts list`: the alerts that were raised."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from clients.alerts.shown import print_alerts
from clients.options import Option
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.options import Parsed
    from topics.alerts import Alert

WHAT = "which alerts there were"
USAGE = "-r FILE... | -R DIR... | -S kafka://HOST/TOPIC [OPTIONS]"
SUMMARY = """\
Lists alerts that `argosy run --rules` keeps (FILE.alerts, or a directory), or those of a topic.
Exit status: 0 when some alert was listed, 1 when none was, 2 after an error."""
OPTIONS = (
    Option("-r", "FILE...", ".alerts files"),
    Option("-R", "DIR...", "all .alerts files in directories"),
    Option("-S", "kafka://HOST/TOPIC", "those of a topic, argosy.alerts.v1 for instance"),
    Option("-T", "SECONDS", "follow the topic for so long (default: only what it holds)"),
    Option("-t", "RANGE", "raised, repeated or resolved within this time, as ra takes it"),
    Option("--rule", "NAME...", "only of these rules"),
    Option("--severity", "LEAST", "only those at least so bad: info, low, medium, high, critical"),
    Option("--resolved", "", "list when alerts were resolved, too"),
    Option("-M", "MODE...", "json: an object a line; query: how to ask for the records"),
    Option("-h --help", "", "this text"),
)
NO_MATCH = 1
NANOSECONDS = 1_000_000_000


def work(parsed: Parsed) -> int:
    """Run the command."""
    if parsed.rest:
        raise UsageError(f"unknown word '{parsed.rest[0]}': argosy alerts list takes options only")
    count = print_alerts(parsed, _in_time(parsed), resolved=bool(parsed.count("--resolved")))
    return 0 if count else NO_MATCH


def _in_time(parsed: Parsed) -> Iterator[Alert]:
    text = parsed.word("-t")
    if text is None:
        yield from _alerts(parsed)
        return
    from topics.timerange import parse

    asked = parse(text)
    yield from (alert for alert in _alerts(parsed) if asked.takes(alert.time, alert.time))


def _alerts(parsed: Parsed) -> Iterator[Alert]:
    from clients.reading.control_plane import under
    from sinks.alerts.kept import SUFFIX, read_alerts

    names = [*parsed.words("-r"), *under(parsed.words("-R"), SUFFIX, "`argosy run --rules RULES`")]
    topic = parsed.word("-S")
    if not names and topic is None:
        raise UsageError("say what to read: -r FILE, -R DIR or -S kafka://HOST/TOPIC")
    for name in names:
        yield from read_alerts(name)
    if topic is not None:
        yield from _of_topic(topic, parsed.number("-T", 0, minimum=0))


def _of_topic(source: str, seconds: int) -> Iterator[Alert]:
    from clients.reading.source_names import topic_address
    from topics.alerts import decode_alert
    from topics.bus import Subscriber

    url, topic = topic_address(source)
    end = time.monotonic() + seconds
    with Subscriber(url, topic, decode=decode_alert, dead_letters=None) as subscriber:
        while subscriber.behind or time.monotonic() < end:
            for received in subscriber.receive(0.2):
                yield received.value
