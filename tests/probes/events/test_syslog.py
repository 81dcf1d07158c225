"""Messages of the system's log, of both standards and of none."""

import socket
import time

from hypothesis import given
from hypothesis import strategies as st

from probes.events.listener import LONGEST, Frames
from probes.events.syslog import SyslogListener, parse_message
from topics.events import EventRecord, encode_event

NOW = 1_773_133_200_000_000_000  # 2026-03-10 09:00 UTC


def test_a_message_of_rfc_5424() -> None:
    data = b'<165>1 2026-03-10T08:59:59.25Z host.example app 77 ID47 [a@1 x="1" y="q\\"\\]"][b z="2"] '
    data += b"\xef\xbb\xbfsaid \xc3\xa4"
    row = parse_message(data, NOW)
    assert (row["facility"], row["severity"], row["time"]) == (20, 5, NOW - 750_000_000)
    assert (row["host"], row["application"], row["process"], row["message_id"]) == ("host.example", "app", "77", "ID47")
    assert row["data"] == {"a@1.x": "1", "a@1.y": 'q"]', "b.z": "2"}
    assert row["text"] == "said \u00e4"


def test_a_message_of_rfc_3164() -> None:
    row = parse_message(b"<34>Mar 10 08:00:00 mymachine su[12]: failed for lonvick", NOW)
    assert (row["facility"], row["severity"]) == (4, 2)
    assert (row["host"], row["application"], row["process"], row["text"]) == (
        "mymachine",
        "su",
        "12",
        "failed for lonvick",
    )
    assert abs(row["time"] - NOW) < 86_400 * 10**9


def test_a_stamp_of_last_december_is_not_taken_for_next() -> None:
    row = parse_message(b"<34>Dec 31 23:00:00 h su: x", NOW)
    assert row["time"] < NOW


@given(st.binary(max_size=300))
def test_no_message_is_refused(data: bytes) -> None:
    row = parse_message(data, NOW) | {"sender": bytes(16), "transport": "udp"}
    event = EventRecord("", "", 0, 0, "", "syslog", 0, 0, body={"messages": [row], "dropped": 0})
    assert encode_event(event)


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=6), st.integers(1, 7))
def test_counted_messages_are_the_same_however_they_come(messages: list[bytes], piece: int) -> None:
    stream = b"".join(b"%d %s" % (len(message), message) for message in messages)
    frames = Frames()
    found = [each for at in range(0, len(stream), piece) for each in frames.take(stream[at : at + piece])]
    assert found == messages


def test_a_line_without_end_is_cut_and_what_follows_is_heard() -> None:
    frames = Frames()
    found = [message for _ in range(100) for message in frames.take(b"x" * 1000)]
    assert [len(message) for message in found] == [LONGEST]
    assert frames.take(b"x\nafter\n") == [b"after"]


def test_both_transports_are_heard() -> None:
    listener = SyslogListener([("udp", "127.0.0.1", 0), ("tcp", "127.0.0.1", 0)], lambda: NOW)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"<13>one", ("127.0.0.1", listener.ports[0]))
    with socket.create_connection(("127.0.0.1", listener.ports[1])) as stream:
        stream.sendall(b"<13>two\n9 <13>three<13>unended")
    messages: list[dict[str, str]] = []
    end = time.monotonic() + 60
    while len(messages) < 4 and time.monotonic() < end:
        listener.hear(0.1)
        messages += (listener.take() or {"messages": []})["messages"]
    assert {(row["transport"], row["text"]) for row in messages} == {
        ("udp", "one"), ("tcp", "two"), ("tcp", "three"), ("tcp", "unended"),
    }  # fmt: skip
    assert listener.take() is None
    listener.close()
