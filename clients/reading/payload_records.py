"""Flow records for the commands that look into payload, and payloads of the control plane as records of one packet."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from clients.reading.source_names import SCHEME, paths, topic_address
from clients.reading.sources import Source, to_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from clients.options import Parsed
    from clients.reading.selection import Selection
    from topics.batch import FlowBatch
    from topics.control import ControlBatch

CAPTURES = (".pcap", ".pcapng", ".cap", ".pcap.gz", ".pcap.zst", ".pcapng.gz", ".pcapng.zst")
KEPT = ".control.avro"


def payload_frames(parsed: Parsed, selection: Selection, columns: set[str]) -> Iterator[pl.DataFrame]:
    """Yield the records selected, with these columns and some more; raises InputError as Source does."""
    for name in paths(parsed):
        if not _is_control(name):
            yield from Source(parsed, [name]).frames(selection, columns)
            continue
        for batch in _control(parsed, name):
            frame = to_frame(_as_records(batch)).select(sorted(columns | _roots(selection)))
            yield frame if selection.wanted is None else frame.filter(selection.wanted)


def _roots(selection: Selection) -> set[str]:
    return set() if selection.wanted is None else set(selection.wanted.meta.root_names())


def _is_control(name: str) -> bool:
    from topics.definitions import CONTROL

    return name.endswith((KEPT, *CAPTURES)) or (name.startswith(SCHEME) and name.endswith(CONTROL.name))


def _control(parsed: Parsed, name: str) -> Iterator[ControlBatch]:
    from clients.reading.control_plane import payloads

    if not name.startswith(SCHEME):
        yield from payloads(name)
        return
    from topics.bus import Subscriber
    from topics.control import decode_control

    url, topic = topic_address(name)
    seconds, idle = parsed.number("-T", 0, minimum=0), parsed.number("--until-idle", 0, minimum=0)
    end, quiet_since = time.monotonic() + seconds if seconds else float("inf"), time.monotonic()
    from_beginning = bool(parsed.count("--from-beginning"))
    with Subscriber(url, topic, decode=decode_control, from_beginning=from_beginning, dead_letters=None) as subscriber:
        try:
            while (now := time.monotonic()) < end and not (idle and now - quiet_since > idle):
                for received in subscriber.receive(0.2):
                    quiet_since = time.monotonic()
                    yield received.value
        except KeyboardInterrupt:
            return


def _as_records(batch: ControlBatch) -> FlowBatch:
    """Return a record of one packet of the source for each payload."""
    from topics.batch import FlowBatch, Observer, records_like

    rows, records = batch.records, records_like(len(batch))
    observer = Observer(batch.site, batch.probe, batch.interface)
    for name in ("src_address", "dst_address", "src_port", "dst_port", "protocol", "ethertype", "flow_id"):
        records[name] = rows[name]
    for name in ("src_first", "src_last", "flow_start"):
        records[name] = rows["time"]
    for part in ("offset", "length"):
        records[f"src_payload_{part}"] = rows[f"payload_{part}"]
    records["src_packets"], records["src_app_bytes"] = 1, rows["wire_length"]
    records["observer"] = observer.id
    return FlowBatch(
        records=records, heap=batch.heap, site=batch.site, probe=batch.probe, observers={observer.id: observer}
    )
