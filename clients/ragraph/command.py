"""`argosy ragraph`: what is asked for, read, and drawn to a file or the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clients.command import run_client
from clients.options import Option
from clients.pictures.numbers import parsed as parsed_number
from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.sources import Source
from topics.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from clients.options import Parsed
    from clients.ragraph.metrics import Metric
    from clients.ragraph.picture import Look
    from processors.bins import BinTable

USAGE = "argosy ragraph METRIC... [OBJECT...] [-M SIZE] -r FILE... [-w PICTURE] [OPTIONS] [- FILTER]"
SUMMARY = """Draws metrics over time, by objects such as dport, saddr, proto or sco: the largest by themselves, the rest
as one. What the source sent goes up and what the destination sent goes down: ragraph sbytes dbytes dport -M 1m.
Bytes are drawn as bit/s, packets by the second. Records are cut at the edges of bins, so that sums are exact.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
DRAWN = (
    Option("-w", "PICTURE", "the picture, .png, .svg or .pdf (ragraph.png); - is a PNG to standard output"),
    Option("--term", "", "draw in the terminal instead"),
    Option("--heat", "", "time of day by day of the week: how much of the first metric there is"),
    Option("-m", "OBJECT...", "the same as objects after the metrics"),
    Option(
        "-M",
        "MODE...",
        "size of the bins, 10s, 1m is a minute, 1h, 1d, 1w, 1M, 1y (one that gives some hundred bins);\n"
        "rmon: each record both ways, for all that a host sent and received; TZ=ZONE",
    ),
    Option("-N", "COUNT", "objects drawn by themselves (8)"),
    Option("-n", "", "numbers for ports; -nn for protocols too; -nnn names of hosts"),
)
LOOKS = (
    Option("--fill", "", "do not fill areas (as in Argus, each of these three turns something off)"),
    Option("--stack", "", "do not stack"),
    Option("--split", "", "do not draw what the destination sent downwards"),
    Option("--invert", "", "the destination up, the source down"),
    Option("--log", "", "a logarithmic axis"),
    Option("--title", "TEXT", "a title"),
    Option("--vertical-label --yaxis-label", "TEXT", "what stands beside the axis"),
    Option("--height", "PIXELS", "of each panel (353)"),
    Option("--width", "PIXELS", "of each panel (651)"),
    Option("--zoom", "FACTOR", "larger by this factor, text too"),
    Option("--upper --upper-limit", "VALUE", "where the axis ends: 10M"),
    Option("--lower --lower-limit", "VALUE", "where it begins; with both directions, how far down"),
    Option("--only-graph", "", "nothing around the graph"),
    Option("--no-legend", "", "no legend"),
    Option("--watermark", "TEXT", "small print at the bottom"),
)
IGNORED_SWITCHES = (
    "rigid",
    "alt-autoscale",
    "alt-autoscale-max",
    "no-gridfit",
    "alt-y-grid",
    "slope-mode",
    "norrdwmark",
)
IGNORED_VALUES = (
    *("x-grid", "y-grid", "units-exponent", "units-length", "imginfo", "font", "font-render-mode"),
    "font-smoothing-threshold",
)
IGNORED = (
    Option(" ".join(f"--{name}" for name in IGNORED_SWITCHES), "", "taken, without effect"),
    Option(" ".join(f"--{name}" for name in IGNORED_VALUES), "VALUE", "taken, without effect"),
)
OPTIONS = (*(o for o in inquiry.INPUT if o.names != "-N"), *DRAWN, *LOOKS, *IGNORED)
LONG = {spelling[1:] for option in (*LOOKS, *IGNORED) for spelling in option.spellings}
SWITCHES = {spelling[1:] for option in (*LOOKS, *IGNORED) if not option.argument for spelling in option.spellings}
PICTURE = "ragraph.png"
TOP = 8
MODES = ("rmon", "hard", "zero", "soft", "nomodify", "time")


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    words = sort_words(arguments)

    def work(parsed: Parsed, modes: set[str]) -> int:
        return _run(parsed, modes, words.fields, words.size)

    return run_client(words.options, OPTIONS, USAGE, SUMMARY, work, MODES)


class Words(NamedTuple):
    """A command line sorted out."""

    fields: list[str]
    size: str | None
    options: list[str]


def sort_words(arguments: list[str]) -> Words:
    """Tell fields and the size of bins, which stand where other clients have none, from the options.

    Fields are the words before the first option and after switches such as `-fill`; the size is a number after `-M`.
    """
    fields, size, options = list[str](), None, list[str]()
    place, after = 0, ""
    while place < len(arguments) and arguments[place] not in {"-", "--"}:
        word = arguments[place]
        place += 1
        if word in LONG:
            word, after = f"-{word}", ("" if word in SWITCHES else "value")
        elif after == "value":
            after = ""
        elif not word.startswith("-"):
            if after in {"", "-M"} and (after == "" or word[0].isdigit()):
                fields, size = (fields, word) if after else ([*fields, word], size)
                continue
        elif word.startswith("-M") and word[2:3].isdigit():
            size = word[2:]
            continue
        else:
            after = word[:2]
        options.append(word)
        if after == "-r" and arguments[place : place + 1] == ["-"]:
            options.append(arguments[place])
            place += 1
    return Words(fields, size, [*_without_empty(options), *arguments[place:]])


def _without_empty(words: list[str]) -> list[str]:
    """Drop each `-M` that has no word left."""
    followers = [*words[1:], "-"]
    return [word for word, after in zip(words, followers, strict=True) if word != "-M" or not after.startswith("-")]


def _run(parsed: Parsed, modes: set[str], fields: list[str], size: str | None) -> int:
    from clients.pictures import paper
    from clients.ragraph.metrics import sort_out

    metrics, objects = sort_out(fields)
    objects += parsed.words("-m")
    if not parsed.count("--term"):
        paper.kind_of(parsed.word("-w", PICTURE) or PICTURE)
    look, most = _look(parsed), parsed.number("-N", TOP, minimum=0)
    table = _table(parsed, modes, metrics[:1] if parsed.count("--heat") else metrics, objects, size)
    rows = table.finish()
    if not rows.height:
        return inquiry.NO_MATCH
    if parsed.count("--heat"):
        _heat(parsed, rows, table, metrics[0], look)
    else:
        _chart(parsed, rows, table, metrics, most, look)
    return 0


def _table(parsed: Parsed, modes: set[str], metrics: list[Metric], objects: list[str], size: str | None) -> BinTable:
    """Return the records selected, added up by bins and objects."""
    from clients.ragraph.objects import label, turned
    from processors.bins import BinTable, bin_size

    columns = {name for each in metrics for name in each.value().meta.root_names()}
    heat = bool(parsed.count("--heat"))
    keys = [] if heat else [label(objects, inquiry.style(parsed))]
    table = BinTable(bin_size(size) if size else bin_size("1h") if heat else None, keys, columns)
    wanted = table.columns
    if "rmon" in modes:
        wanted = {*wanted, *turned(wanted).values()}
    for frame in Source(parsed).frames(selection(parsed), wanted):
        table.add(frame)
        if "rmon" in modes:
            table.add(frame.rename(turned(frame.columns)))
    return table


def _chart(parsed: Parsed, rows: pl.DataFrame, table: BinTable, metrics: list[Metric], most: int, look: Look) -> None:
    from clients.ragraph.series import chart

    drawn = chart(rows, table.size, metrics, most, split=not parsed.count("--split"))
    if parsed.count("--term"):
        from clients.ragraph.terminal import print_chart

        print_chart(drawn, look)
        return
    from clients.pictures import paper
    from clients.ragraph.picture import draw

    paper.save(draw(drawn, look), parsed.word("-w", PICTURE) or PICTURE)


def _heat(parsed: Parsed, rows: pl.DataFrame, table: BinTable, metric: Metric, look: Look) -> None:
    from clients.ragraph.heat import draw, print_week, week

    found = week(rows, table.size, metric)
    if parsed.count("--term"):
        print_week(found, look)
        return
    from clients.pictures import paper

    paper.save(draw(found, look), parsed.word("-w", PICTURE) or PICTURE)


def _look(parsed: Parsed) -> Look:
    from clients.pictures.paper import SIZES
    from clients.ragraph.picture import Look

    width, height = (
        parsed.number(f"--{name}", default, minimum=SIZES[0]) for name, default in (("width", 651), ("height", 353))
    )
    if max(width, height) > SIZES[-1]:
        raise UsageError(f"a picture has at most {SIZES[-1]} pixels each way")
    zoom = _number(parsed, "--zoom") or 1.0
    if not 0.1 <= zoom <= 10:
        raise UsageError("option --zoom takes a factor from 0.1 to 10")
    return Look(
        title=parsed.word("--title") or "",
        vertical=parsed.word("--vertical-label") or "",
        watermark=parsed.word("--watermark") or "",
        width=width,
        height=height,
        zoom=zoom,
        fill=not parsed.count("--fill"),
        stack=not parsed.count("--stack"),
        invert=bool(parsed.count("--invert")),
        log=bool(parsed.count("--log")),
        legend=not parsed.count("--no-legend"),
        only_graph=bool(parsed.count("--only-graph")),
        upper=_number(parsed, "--upper"),
        lower=_number(parsed, "--lower"),
    )


def _number(parsed: Parsed, name: str) -> float | None:
    text = parsed.word(name)
    if text is None:
        return None
    value = parsed_number(text)
    if value is None:
        raise UsageError(f"option {name} takes a number such as 1500 or 10M, not '{text}'")
    return value
