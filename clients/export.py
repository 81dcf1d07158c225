"""`argosy export`: records of any source to another collector, as IPFIX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.source_names import SCHEME, paths, topic_address
from clients.reading.sources import Source, to_batch
from clients.telemetry.options import OPTIONS as SERVICE
from topics.errors import UsageError
from topics.metrics.vitals import VITALS

if TYPE_CHECKING:
    from collections.abc import Callable

    from clients.options import Parsed
    from sinks.ipfix import IpfixSink
    from topics.batch import FlowBatch

USAGE = "argosy export --to URL -r FILE... | -R DIR | -S kafka://HOST/TOPIC [--group NAME] [OPTIONS] [- FILTER]"
SUMMARY = """Sends records to a collector of IPFIX, both directions in one record (RFC 5103).
A topic is followed from now on; with --group from where the group came to the last time, at first from its beginning.
Exit status: 0 when some record was sent, 1 when none was, 2 after an error."""
AGAIN = 200  # datagrams, before the templates are sent again
LEAST_RATE = 1000  # records a second of a group: what it gets at once has to be sent within minutes
OPTIONS = (
    *inquiry.OPTIONS,
    Option("--to", "URL", "the collector: udp://HOST[:PORT], tcp://HOST[:PORT] or tls://HOST[:PORT]"),
    Option("--group", "NAME", "consumer group: what it has sent of a topic is not sent again after a restart"),
    Option("--domain", "N", "observation domain that the records are of (1)"),
    Option("--rate", "N", "records a second at most (default: as fast as it goes)"),
    Option("--ca", "FILE", "certificates of who vouches for the collector (the system's)"),
    Option("--cert", "FILE", "certificate to show to it"),
    Option("--key", "FILE", "and its key"),
    *SERVICE,
)


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was sent, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run)


def _run(parsed: Parsed, _modes: set[str]) -> int:
    url = parsed.word("--to")
    if not url:
        raise UsageError("say which collector: --to udp://HOST:PORT")

    from clients.telemetry.service import service
    from sinks.ipfix import Exporting, IpfixSink, open_destination
    from sinks.ipfix.sending import Credentials

    files = (parsed.word(name) or "" for name in ("--ca", "--cert", "--key"))
    destination = open_destination(url, Credentials(*files))
    domain, rate = parsed.number("--domain", 1, minimum=0), parsed.number("--rate", 0, minimum=0)
    exporting = Exporting(domain, destination.largest, 0 if destination.is_stream else AGAIN)
    group = parsed.word("--group")
    topic = _topic_of_group(parsed, rate) if group else ("", "")
    with service(parsed, "export"), destination:
        VITALS.settle("collector", "open")
        if group:
            _follow(IpfixSink(destination, exporting, rate, _select(parsed)), topic, group, parsed)
        else:
            _send(IpfixSink(destination, exporting, rate), parsed)
    return 0 if exporting.records else inquiry.NO_MATCH


def _send(sink: IpfixSink, parsed: Parsed) -> None:
    for frame in inquiry.window(parsed).input.cut(Source(parsed).frames(selection(parsed), None)):
        VITALS.turned("exporting")
        if frame.height:
            sink.write(to_batch(frame))


def _follow(sink: IpfixSink, topic: tuple[str, str], group: str, parsed: Parsed) -> None:
    """Send what the group has not sent of a topic; offsets are committed behind what the collector has."""
    from clients.ending import stopped_by_signals
    from sinks.kafka import Subscription, run_sink

    idle = parsed.number("--until-idle", 0, minimum=0) or None
    with stopped_by_signals() as stop:
        run_sink(sink, Subscription(topic[0], group, topic[1], until_idle=idle), stop)


def _topic_of_group(parsed: Parsed, rate: int) -> tuple[str, str]:
    """Return the brokers and the topic that a group reads; raises UsageError for what a group cannot do."""
    names = paths(parsed)
    if len(names) != 1 or not names[0].startswith(SCHEME):
        raise UsageError("option --group is for one topic: -S kafka://HOST/TOPIC")
    if 0 < rate < LEAST_RATE:
        raise UsageError(f"option --rate is at least {LEAST_RATE} with --group, or the brokers take it for dead")
    for name in ("-N", "-T"):
        if parsed.word(name):
            raise UsageError(f"option {name} does not go with --group: what was not read would count as sent")
    return topic_address(names[0])


def _select(parsed: Parsed) -> Callable[[FlowBatch], FlowBatch]:
    from clients.radium.feeds import chosen

    wanted = selection(parsed).wanted
    return lambda batch: chosen(batch, wanted)
