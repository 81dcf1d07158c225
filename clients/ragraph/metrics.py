"""What is drawn of a field: its unit, whether it adds up over records, and which way it points."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from topics.errors import UsageError
from topics.fields import field, fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

# Counters, which are divided by the length of a bin as Argus's ragraph does: unit a second, and what one counts for.
COUNTERS = {
    **dict.fromkeys(("bytes", "appbytes"), ("bit/s", 8)),
    **dict.fromkeys(("pkts", "loss", "retrans"), ("packets/s", 1)),
    "gap": ("B/s", 1),
}
COUNTED = {"trans": "flows"}  # as many as there are in a bin, whatever its length
UNITS = {
    **dict.fromkeys(("load", "tcpmax"), "bit/s"),
    "rate": "packets/s",
    **dict.fromkeys(("ploss", "pretrans"), "%"),
    **dict.fromkeys(("meansz", "maxsz", "minsz", "win", "mss"), "B"),
    **dict.fromkeys(("hops", "ttl"), "hops"),
}
MILLISECONDS = ("intpkt", "jit")
STACKED = {"load", "rate"}  # rates of flows at the same time add up too
OBJECTS = frozenset(
    (
        *("sport", "dport", "icmpid", "etype", "stos", "dtos", "sdsb", "ddsb", "sttl", "dttl", "shops", "dhops"),
        *("smpls", "dmpls", "svlan", "dvlan", "svid", "dvid", "svpri", "dvpri", "sas", "das", "ias", "svnid", "dvnid"),
        *("sloc", "dloc", "loc", "spid", "dpid", "smask", "dmask"),
    )
)
ALIASES = {"addr": ("saddr",), "mac": ("smac",), "win": ("swin", "dwin"), "svc": ("sport", "dport")}
NO_METRICS = ("rank", "rtime", "seq")


class Metric(NamedTuple):
    """A field that is drawn: `base` is its name without the side, `down` whether it is the destination's."""

    name: str
    base: str
    unit: str
    factor: float
    counter: bool
    stacks: bool
    down: bool

    def value(self) -> pl.Expr:
        """Return the value of a record or of several merged, in its unit, not yet by the second."""
        known = field(self.name)
        return known.value() / known.format.scale * self.factor


def metric(name: str) -> Metric:
    """Return how a field is drawn; raises UsageError for one that is unknown or no number."""
    known = field(name)
    if known.format.holds != "number" or name in NO_METRICS:
        raise UsageError(f"'{name}' is no number that could be drawn")
    side = name[0] if name[0] in "sd" and {f"s{name[1:]}", f"d{name[1:]}"} <= fields().keys() else ""
    base = name.removeprefix(side)
    down = side == "d"
    if base in COUNTERS:
        unit, factor = COUNTERS[base]
        return Metric(name, base, unit, factor, counter=True, stacks=True, down=down)
    if base in COUNTED:
        return Metric(name, base, COUNTED[base], 1, counter=False, stacks=True, down=down)
    if base.startswith(MILLISECONDS):
        return Metric(name, base, "s", 1e-3, counter=False, stacks=False, down=down)
    unit = UNITS.get(base, "s" if known.format.scale != 1 else "")
    return Metric(name, base, unit, 1, counter=False, stacks=base in STACKED, down=down)


def sort_out(words: Sequence[str]) -> tuple[list[Metric], list[str]]:
    """Return the metrics and the objects among words such as `sbytes dbytes dport`; the first is always a metric.

    Raises UsageError for an unknown field, or without any word.
    """
    named = [name for word in words for name in ALIASES.get(word, (word,))]
    if not named:
        raise UsageError("say what to draw: argosy ragraph bytes, or ragraph sbytes dbytes dport")
    first = 2 if words[0] == "win" else 1
    metrics = [metric(name) for name in named[:first]]
    objects = []
    for name in named[first:]:
        if field(name.partition("/")[0]).format.holds == "number" and name not in OBJECTS:
            metrics.append(metric(name))
        else:
            objects.append(name)
    return metrics, objects
