"""`argosy sink alerts`: alerts to people, through webhooks, Alertmanager, mail, syslog and others."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from clients.options import Option
from clients.sink.shared import needed, seconds
from topics.definitions import ALERTS, DEAD_LETTERS
from topics.errors import ArgosyError, OutputError

if TYPE_CHECKING:
    from clients.options import Parsed
    from sinks.alerts.settings import Channel

WHAT = "alerts, to people"
SUMMARY = """\
Delivers alerts through the channels of a file (docs/guides/alerts.md) until it is stopped by SIGTERM or Ctrl-C. Each
channel goes by itself; what one cannot get rid of goes to the dead letters."""
OPTIONS = (
    Option("--channels", "FILE", "the channels: YAML"),
    Option("--try", "", "send a message to each channel to try it, and stop; takes no Kafka"),
)
GROUP = "argosy-sink-alerts"


def keep(parsed: Parsed) -> None:
    """Deliver until it is stopped."""
    path = needed(parsed, "--channels", "how alerts are to be delivered: --channels FILE")
    from sinks.alerts.settings import read_channels

    channels = read_channels(path)
    if parsed.count("--try"):
        _try(channels)
        return
    bus = needed(parsed, "--bus", "where Kafka is: --bus kafka://HOST:PORT")
    until_idle = seconds(parsed, "--until-idle", "0") or None

    from clients.ending import stopped_by_signals
    from clients.telemetry.consumers import of_delivery
    from clients.telemetry.service import service
    from sinks.alerts.delivery import ChannelReader, deliver

    topic, letters = parsed.word("--topic") or ALERTS.name, parsed.word("--dead-letters") or DEAD_LETTERS.name
    group = parsed.word("--group") or GROUP
    readers = [ChannelReader(bus, topic, group, letters, channel) for channel in channels]
    counts = {reader.name: reader.counts for reader in readers}
    with service(parsed, "sink-alerts", lambda: of_delivery(counts)), stopped_by_signals() as stop:
        deliver(readers, stop, until_idle)
    if not parsed.count("-q"):
        for reader in readers:
            found = reader.counts
            print(
                f"argosy sink alerts: {reader.name}: {found.delivered} delivered, {found.left_out} left out, "
                f"{found.held_back} held back, {found.dead} to the dead letters",
                file=sys.stderr,
            )


def _try(channels: tuple[Channel, ...]) -> None:
    """Send a message to each channel; raises OutputError when one does not take it."""
    from sinks.alerts.delivery import OPENERS
    from topics.alerts import RAISED, Alert

    now = time.time_ns()
    about = (("host", "192.0.2.1"),)
    alert = Alert("0" * 16, 0, RAISED, "try", "info", about, "this only tries the channel", now, now, now, 1)
    refused = []
    for channel in channels:
        try:
            OPENERS[channel.kind](channel)(alert, 0)
            print(f"{channel.name}: delivered")
        except ArgosyError as error:
            print(f"{channel.name}: {error}")
            refused.append(channel.name)
    if refused:
        raise OutputError(f"not delivered by {', '.join(refused)}")
