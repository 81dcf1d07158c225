"""Pictures of metrics over time: what they say, that nothing is cut off, and that they are the same each time."""

import itertools
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from clients.main import main
from clients.pictures import paper
from clients.pictures.colours import COLOURS, OTHERS, lightness
from clients.pictures.numbers import with_unit
from clients.pictures.zone import told
from clients.ragraph import command, heat, picture
from clients.ragraph.metrics import metric, sort_out
from clients.ragraph.series import LABEL, Chart, chart
from processors.bins import BIN, bin_size
from tests.clients.flows import SECOND, START, record, ten, write
from topics.batch import concatenate
from topics.errors import UsageError

Capture = pytest.CaptureFixture[str]
pytestmark = pytest.mark.usefixtures("utc")


@pytest.fixture
def file(tmp_path: Path) -> str:
    late = record(5)
    for name in ("src_first", "src_last", "dst_first", "dst_last"):
        late.records[name] += 30 * SECOND
    return write(tmp_path / "flows.parquet", concatenate([ten(), late]))


def rows(labels: list[str]) -> pl.DataFrame:
    """Two bins of 10 s with one between them empty; the first label has the most."""
    made = [
        (START + bin_ * SECOND, label, 1000 * (len(labels) - place), 500, 10, 5)
        for bin_ in (0, 20)
        for place, label in enumerate(labels)
    ]
    names = [BIN, LABEL, "src_bytes", "dst_bytes", "src_packets", "dst_packets"]
    return pl.DataFrame(made, schema=names, orient="row").with_columns(
        pl.lit(1).alias("records"),
        *(
            pl.from_epoch(pl.col(BIN) // 1000, "us").dt.cast_time_unit("ns").alias(f"{side}_{end}")
            for side in ("src", "dst")
            for end in ("first", "last")
        ),
    )


def drawn(labels: list[str], *words: str, most: int = 8) -> Chart:
    return chart(rows(labels), bin_size("10s"), sort_out(words)[0], most, split=True)


def cut_off(page: Figure) -> list[str]:
    """Return the texts that lie outside of the page, even in part."""
    canvas = FigureCanvasAgg(page)
    canvas.draw()  # type: ignore[no-untyped-call]  # the library has no types for it
    wide, high = page.bbox.width, page.bbox.height
    found = []
    for text in page.findobj(Text):
        assert isinstance(text, Text)
        if text.get_text().strip() and text.get_visible():
            box = text.get_window_extent()
            if box.x0 < 0 or box.y0 < 0 or box.x1 > wide or box.y1 > high:
                found.append(text.get_text())
    return found


def test_a_picture_is_the_same_file_each_time(file: str, tmp_path: Path) -> None:
    for kind in ("svg", "png"):
        names = [str(tmp_path / f"{number}.{kind}") for number in (1, 2)]
        for name in names:
            assert main(["ragraph", "sbytes", "dbytes", "dport", "-M", "1s", "-r", file, "-w", name]) == 0
        one, other = (Path(name).read_bytes() for name in names)
        assert one == other
        assert len(one) > 3000
    assert re.search(rb"\d{4}-\d\d-\d\dT\d\d", (tmp_path / "1.svg").read_bytes()) is None  # the time of writing


def test_arguments_stand_where_those_of_argus_stand(file: str, tmp_path: Path) -> None:
    name = str(tmp_path / "a.png")
    words = ["bytes", "dport", "-M", "1m", "-fill", "-stack", "-r", file, "-w", name, "-title", "Total Load"]
    assert main(["ragraph", *words, "-", "dst", "port", "80"]) == 0
    assert main(["ragraph", *words, "-", "arp"]) == 1
    found = command.sort_words(["pkts", "-fill", "saddr", "-M", "rmon", "10s", "-r", "-", "-title", "x", "-", "udp"])
    assert found == (["pkts", "saddr"], "10s", ["--fill", "-M", "rmon", "-r", "-", "--title", "x", "-", "udp"])
    assert command.sort_words(["bytes", "-M10s", "-n"]) == (["bytes"], "10s", ["-n"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["saddr", "-M", "1s"], "'saddr' is no number that could be drawn"),
        ([], "say what to draw"),
        (["bytes", "-w", "a.gif"], "pictures are .png, .svg or .pdf"),
        (["bytes", "-upper", "lots"], "option --upper takes a number such as 1500 or 10M, not 'lots'"),
        (["bytes", "-width", "99999"], "a picture has at most 10000 pixels each way"),
        (["bytes", "--heat", "-M", "7m"], "--heat takes bins that a day is made of"),
        (["bytez"], "unknown field 'bytez'"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_a_line(
    file: str, words: list[str], message: str, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["ragraph", *words, "-r", file]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not list(tmp_path.glob("*.png"))


def test_bytes_are_bits_by_the_second_and_bins_without_records_are_gaps() -> None:
    found = drawn(["web"], "sbytes", "dbytes")
    assert found.gaps.tolist() == [False, True, False]
    up, down = found.panels[0].lines
    assert (up.down, down.down) == (False, True)
    assert (up.label, up.place) == (down.label, down.place) == ("web", 0)
    assert up.values[0] == pytest.approx(1000 * 8 / 10)
    assert np.isnan(up.values[1])
    assert (up.total, down.total) == (2000, 1000)


def test_the_largest_are_drawn_and_the_others_are_one() -> None:
    found = drawn([f"host{number}" for number in range(6)], "bytes", most=3)
    lines = found.panels[0].lines
    assert [line.label for line in lines] == ["host0", "host1", "host2", "3 others"]
    assert [line.place for line in lines] == [0, 1, 2, None]
    assert lines[-1].total == 2 * (3000 + 2000 + 1000 + 3 * 500)


def test_units_that_differ_have_panels_of_their_own() -> None:
    panels = drawn(["a"], "bytes", "pkts", "load").panels
    assert [(panel.unit, panel.names) for panel in panels] == [("bit/s", ["bytes", "load"]), ("packets/s", ["pkts"])]
    assert not metric("tcprtt").stacks
    assert metric("sjit").unit == "s"
    with pytest.raises(UsageError, match="no number"):
        metric("stime")


def test_a_logarithmic_axis_of_both_directions_holds_what_is_drawn() -> None:
    page = picture.draw(drawn(["web"], "sbytes", "dbytes"), picture.Look(log=True))
    low, high = page.axes[0].get_ylim()
    assert low < -400  # bit/s, of 500 bytes in 10 s
    assert high > 800


def test_all_as_one_has_a_colour_that_is_not_that_of_gaps_or_others() -> None:
    found = drawn([""], "bytes")
    assert [line.place for line in found.panels[0].lines] == [0]


@pytest.mark.parametrize(
    ("size", "said"), [("1y", "1 year"), ("3M", "3 months"), ("1M", "1 month"), ("30d", "30 days"), ("10s", "10 s")]
)
def test_bins_are_named_by_the_calendar_where_they_follow_it(size: str, said: str) -> None:
    length = bin_size(size)
    two = rows(["web"]).with_columns(pl.Series(BIN, length.starts(np.array([START, START + 50 * SECOND]))))
    assert picture.bin_length(chart(two, length, sort_out(["bytes"])[0], 8, split=False)) == said


@pytest.mark.parametrize("width", [120, 651])
@pytest.mark.parametrize("log", [False, True])
def test_no_text_is_cut_off(width: int, log: bool) -> None:
    long = ["2001:db8:20:1:ffff:ffff:ffff:ff19", "x" * 90, "a", "b", "c"]
    look = picture.Look(title="A title that is far too long for one line " * 3, width=width, height=90, log=log)
    page = picture.draw(drawn(long, "sbytes", "dbytes", "pkts", most=3), look)
    assert cut_off(page) == []
    told_there = [text.get_text() for text in page.findobj(Text)]
    assert any("bit/s" in text for text in told_there)
    assert any("UTC" in text for text in told_there)
    assert any("2 others" in text for text in told_there)


def test_colours_differ_in_lightness() -> None:
    shades = [lightness(colour) for colour in COLOURS]
    assert all(abs(one - other) >= 15 for one, other in itertools.pairwise(shades))
    assert all(abs(one - other) >= 5 for one, other in itertools.combinations(shades, 2))
    assert abs(lightness(OTHERS) - shades[-1]) >= 15


def test_only_the_graph_fills_the_page() -> None:
    page = picture.draw(drawn(["a"], "bytes"), picture.Look(only_graph=True, width=200, height=100))
    assert page.get_size_inches().tolist() == [2, 1]
    assert [axes.get_position().bounds for axes in page.axes] == [(0, 0, 1, 1)]


def test_the_terminal_shows_the_same(file: str, capsys: Capture) -> None:
    words = ["ragraph", "sbytes", "dbytes", "dport", "-M", "1s", "-N", "1", "--term", "-r", file]
    assert main(words) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "bytes in bit/s, bins of 1 s"
    assert any("█" in line for line in shown)
    assert any("·" in line for line in shown)  # the gap
    assert any(line.startswith("█ http ") for line in shown)
    assert any("2023-11-14 22:13:21 to 22:13:57, UTC" in line for line in shown)


def test_hosts_are_drawn_with_all_they_sent_and_received(file: str, capsys: Capture) -> None:
    assert main(["ragraph", "pkts", "saddr", "-M", "rmon", "1m", "--term", "-N", "1", "-n", "-r", file]) == 0
    assert any("█ 192.0.2.1 " in line and "44 packets" in line for line in capsys.readouterr().out.splitlines())


def test_a_week_has_a_cell_for_each_time_of_each_day(file: str, tmp_path: Path, capsys: Capture) -> None:
    hours = pl.DataFrame(
        {BIN: [START // (3600 * SECOND) * 3600 * SECOND], "src_bytes": [3600], "dst_bytes": [0]},
        schema_overrides={BIN: pl.Int64},
    )
    found = heat.week(hours, bin_size("1h"), metric("bytes"))
    assert found.values.shape == (7, 24)
    assert found.values[1, 22] == 8  # Tuesday, 14 November 2023, 22:13
    assert np.isnan(found.values).sum() == 7 * 24 - 1
    assert cut_off(heat.draw(found, picture.Look(width=150))) == []
    target = tmp_path / "heat.svg"
    assert main(["ragraph", "bytes", "--heat", "-r", file, "-w", str(target)]) == 0
    assert target.stat().st_size > 3000
    assert main(["ragraph", "bytes", "--heat", "--term", "-r", file]) == 0
    assert "@" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1_250_000, "bit/s", "1.25 Mbit/s"),
        (999.96, "bit/s", "1 kbit/s"),
        (0.00034, "s", "340 us"),
        (0.78, "packets/s", "0.78 packets/s"),
        (0.5, "bit/s", "0.5 bit/s"),  # no mbit/s, which is read as Mbit/s
        (2680, "packets", "2.68 k packets"),
        (1, "packets", "1 packet"),
        (12, "%", "12 %"),
        (0, "B", "0 B"),
        (float("nan"), "B", "-"),
    ],
)
def test_numbers_have_units_and_prefixes(value: float, unit: str, text: str) -> None:
    assert with_unit(value, unit) == text


def test_axes_say_the_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert told(START, START + SECOND) == "2023-11-14 23:13:20 to 23:13:21, CET (UTC+01:00)"
    summer = 1_698_537_600 * SECOND  # the clocks change the night after
    assert told(summer, summer + 86_400 * SECOND).endswith("CEST (UTC+02:00), CET (UTC+01:00)")


def test_half_written_pictures_are_not_left(tmp_path: Path) -> None:
    page = paper.figure(100, 100)
    paper.save(page, str(tmp_path / "a.pdf"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.pdf"]
