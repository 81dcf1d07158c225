"""The live view, driven by keys and the mouse as by a user."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from clients.main import main
from clients.options import parse
from clients.ratop import command
from clients.ratop.app import Help, Top
from clients.ratop.detail import Detail
from clients.ratop.feed import Feed
from clients.ratop.view import LIVE, View
from probes.events.parsing.lsof import socket_row
from processors.activity import IDLE, ActiveFlows
from sinks.formats.events import EventWriter
from tests.clients.flows import SECOND, START, record, ten, write
from topics.batch import FlowBatch, concatenate
from topics.errors import InputError
from topics.events import EventRecord, encode_event
from topics.fields import Style

Act = Callable[[Top, Pilot[None]], Awaitable[Any]]


@pytest.fixture
def file(tmp_path: Path) -> str:
    return write(tmp_path / "flows.parquet", ten())


def drive(app: Top, act: Act) -> None:
    """Let the app take all of its input, and do something with it."""

    async def whole() -> None:
        async with app.run_test(size=(140, 24)) as pilot:
            for _ in range(600):
                if app.feed.ended and app.feed.records:
                    break
                app.tick()
                await pilot.pause(0.05)
            app.tick()
            await pilot.pause()
            await act(app, pilot)

    asyncio.run(whole())


def top(file: str, *words: str) -> Top:
    return command.screen(parse(command.OPTIONS, command.with_pace(["-r", file, "--period", "3600", "-n", *words])))


def lines(app: Top) -> list[str]:
    return [" ".join(app.rows.render_line(y).text.split()) for y in range(1 + app.rows.count)]


def state(app: Top) -> str:
    return str(app.screen_stack[0].query_one("#state").render())


async def typed(pilot: Pilot[None], key: str, text: str) -> None:
    await pilot.press(key)
    line = pilot.app.query_one(Input)
    assert line.has_focus
    line.value = text
    await pilot.press("enter")


def test_flows_are_listed_the_largest_first(file: str) -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        shown = lines(app)
        assert shown[0].startswith("bit/s pkt/s Proto SrcAddr Sport Dir DstAddr Dport TotPkts TotBytes State Idle")
        assert "10.0.0.9.40009" in shown[1]
        assert len(shown) == 1 + 9
        assert "9 flows | 10 records" in state(app)
        assert "the input has ended" in state(app)

    drive(top(file), act)


def test_sorting_filtering_and_grouping_while_it_runs(file: str) -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await typed(pilot, "slash", "udp and bytes gt 700")
        assert ["10.0.0.9" in line or "10.0.0.6" in line for line in lines(app)[1:]] == [True, True]
        assert "2 of 9 flows" in state(app)
        await pilot.press("r")
        assert "10.0.0.6" in lines(app)[1]
        await typed(pilot, "slash", "")
        await pilot.press("s", "ctrl+u", *"saddr", "enter")
        assert "10.0.0.1." in lines(app)[1]
        await typed(pilot, "g", "dport")
        assert sorted(line.split()[2:5] for line in lines(app)[1:]) == [["tcp", "80", "7"], ["udp", "53", "3"]]
        assert "by dport" in state(app)
        await typed(pilot, "slash", "tcp and src host 10.0.0.1")  # of records: a group has no source
        assert [line.split()[2:5] for line in lines(app)[1:]] == [["tcp", "80", "2"]]
        assert state(app).startswith("1 flows")
        await typed(pilot, "slash", "udp")
        assert [line.split()[2:5] for line in lines(app)[1:]] == [["udp", "53", "3"]]
        await typed(pilot, "slash", "")
        assert len(lines(app)) == 3
        await typed(pilot, "f", "dport bytes")
        assert lines(app)[0] == "Dport TotBytes"
        await typed(pilot, "w", "2.5")
        assert app.flows.window == 2.5 * SECOND
        await typed(pilot, "i", "600")
        assert app.flows.idle == 600 * SECOND

    drive(top(file), act)


def test_what_is_wrong_is_said_and_changes_nothing(file: str) -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        before = lines(app)
        for key, text, message in (
            ("slash", "prt 80", "unknown word 'prt'"),
            ("s", "bites", "unknown field 'bites'; did you mean 'bytes'?"),
            ("g", "dprot", "unknown field 'dprot'"),
            ("f", "nothing", "unknown field 'nothing'"),
            ("w", "long", "'long' is no time"),
        ):
            await typed(pilot, key, text)
            assert message in state(app)
            assert lines(app) == before
        await pilot.press("escape")
        assert "9 flows" in state(app)

    drive(top(file), act)


def test_a_flow_is_looked_into(file: str) -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await typed(pilot, "s", "saddr")
        await pilot.press("home", "enter")
        await pilot.pause()
        assert isinstance(app.screen, Detail)
        text = app.screen.text()
        assert "saddr          10.0.0.1 " in text
        assert "its last 2 records" in text  # the flow goes on in a second status record
        await pilot.press("escape")
        assert not isinstance(app.screen, Detail)

    drive(top(file), act)


def test_events_about_the_hosts_of_a_flow_are_shown_with_it(file: str, tmp_path: Path) -> None:
    with EventWriter(str(tmp_path / "a.events")) as writer:
        for number, (address, program) in enumerate((("10.0.0.1", "curl\x1b[2J"), ("10.9.9.9", "elsewhere"))):
            ends = {"local": bytes(16), "remote": bytes(10) + b"\xff\xff" + ip_address(address).packed}
            row = socket_row(**ends, protocol=6, local_port=80, remote_port=9, pid=7, process=program, user="ann")
            body = {"sockets": [row], "destroyed": 0, "unknown": 0, "lost": 0}
            event = EventRecord("", "web1", 1, number, "lsof", "lsof", START, START, body=body)
            writer.write(encode_event(event))

    async def act(app: Top, pilot: Pilot[None]) -> None:
        app.told._thread.join(30)
        await typed(pilot, "s", "saddr")
        await pilot.press("home", "enter")
        await pilot.pause()
        assert isinstance(app.screen, Detail)
        text = app.screen.text()
        assert "the last 1 events about its hosts" in text
        assert "web1 lsof sockets:" in text
        assert "process=curl?[2J" in text
        assert "elsewhere" not in text

    drive(top(file, "--events", str(tmp_path)), act)


def test_events_that_cannot_be_read_are_told_of(file: str, tmp_path: Path) -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        app.told._thread.join(30)
        await pilot.press("home", "enter")
        await pilot.pause()
        assert isinstance(app.screen, Detail)
        assert "gone.events" in app.screen.text()

    drive(top(file, "--events", str(tmp_path / "gone.events")), act)


def test_the_mouse_chooses_sorts_and_looks_into(file: str) -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        heading = app.rows.render_line(0).text
        await pilot.click("Rows", offset=(heading.index("SrcAddr"), 0))
        assert app.view.sort == "saddr"
        assert "10.0.0.1." in lines(app)[1]
        await pilot.click("Rows", offset=(heading.index("SrcAddr"), 0))
        assert "10.0.0.9." in lines(app)[1]
        await pilot.click("Rows", offset=(10, 3))
        assert (app.rows.chosen, "10.0.0.7." in app.rows.line) == (2, True)
        await pilot.click("Rows", offset=(10, 3), times=2)
        await pilot.pause()
        assert isinstance(app.screen, Detail)

    drive(top(file), act)


def test_a_pause_keeps_what_is_shown_while_records_are_taken(file: str) -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        before = lines(app)
        await pilot.press("space")
        app.flows.add(record(20))
        app.tick()
        assert lines(app) == before
        assert "PAUSED" in state(app)
        assert "10 flows" in state(app)
        await pilot.press("space")
        app.tick()
        assert len(lines(app)) == len(before) + 1

    drive(top(file), act)


def test_the_flow_that_is_chosen_stays_chosen(file: str) -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("down", "down")
        chosen = app.rows.identity
        await pilot.press("r")
        assert (app.rows.identity, app.rows.chosen) == (chosen, 6)
        await pilot.press("end", "pageup", "home")
        assert app.rows.chosen == 0
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)
        await pilot.press("q")
        assert app.is_running
        assert not isinstance(app.screen, Help)
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)
        await pilot.press("x")
        assert not isinstance(app.screen, Help)

    drive(top(file), act)


def test_only_lines_in_sight_are_made() -> None:
    many = concatenate([record(1)] * 400)
    many.records["src_port"] = range(1000, 1400)
    app = Top(Feed([many]), ActiveFlows(window=SECOND, idle=1 << 62), View(sort="bytes"), (), 3600)

    async def act(app: Top, pilot: Pilot[None]) -> None:
        assert app.rows.count == 400
        assert len(app.rows._lines) < 100
        await pilot.press("end")
        assert app.rows.scroll_offset.y > 300

    drive(app, act)


def test_a_source_that_fails_is_told_of() -> None:
    def broken() -> Iterator[FlowBatch]:
        yield ten()
        raise InputError("x.parquet: torn")

    app = Top(Feed(broken()), ActiveFlows(window=SECOND, idle=1 << 62), View(), (), 3600)

    async def act(app: Top, pilot: Pilot[None]) -> None:
        assert state(app) == "x.parquet: torn"

    drive(app, act)


def test_a_file_is_replayed_as_it_was(file: str) -> None:
    feed = Feed([ten()], pace=1000.0)
    feed.start()
    taken: list[int] = []
    for _ in range(1000):
        taken += [int(each) for batch in feed.take(1) for each in batch.records["src_last"]]
        if feed.ended and len(taken) == 10:
            break
        feed._thread.join(0.02)
    assert taken == sorted(taken)
    assert feed.now == START + 10 * SECOND
    app = top(file, "-M", "rtime:50")
    assert (app.feed._pace, app.view.sort, app.flows.idle) == (50, "wload", 60 * SECOND)


def test_what_cannot_be_shown_is_refused(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words, message in (
        (["-m", "dprot"], "unknown field 'dprot'"),
        (["-M", "realtime:0"], "how many times as fast"),
        (["-P", "bites"], "unknown field 'bites'"),
        (["--window", "0"], "'0' is no time"),
        ([], "draws on a terminal"),
    ):
        assert main(["ratop", "-r", file, *words]) == 2
        assert message in capsys.readouterr().err


def test_idle_times_of_any_length_fit_their_column() -> None:
    idle = LIVE["idle"]
    seconds = [0.04, 9_999.9, 12_345.6, 99_999.4, 212_940_000.0]
    frame = pl.DataFrame({IDLE: [int(each * SECOND) for each in seconds]})
    assert frame.select(idle.text(Style())).to_series().str.strip_chars().to_list() == [
        "0.0",
        "9999.9",
        "12346",
        "99999",
        "2464d",
    ]
    assert max(map(len, frame.select(idle.text(Style())).to_series())) <= idle.width
