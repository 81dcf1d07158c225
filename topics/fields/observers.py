"""Who else saw a conversation, and how the observations differ: from the labels that `argosy observers` writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.expression import col, when
from topics.fields.columns import labelled
from topics.fields.field import Field
from topics.fields.formats import FRACTION, TEXT
from topics.fields.labels import WHOLE
from topics.verdicts import FURTHER, PRIMARY

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics.expression import Value


def _number(key: str) -> Callable[[], Value]:
    return lambda: col("labels").label(key).number()


def _verdict() -> Value:
    verdict = col("verdict")
    return when(verdict == PRIMARY).then("primary").when(verdict == FURTHER).then("further")


def _longer() -> Value:
    return _number("dlltime")() - _number("dlstime")()


FIELDS = (
    Field("observation", "Observation", 11, _verdict, TEXT, "Whether this observation counts: primary, or further"),
    Field("cor", "Cor", 12, labelled("cor"), TEXT, "Probes that saw the conversation, in the order of its way"),
    Field("corpkts", "CorPkts", 16, labelled("corpkts"), TEXT, "Packets of source/destination that each of them saw"),
    Field("dlclock", "dlClock", 12, _number("dlclock"), FRACTION, "By how much the other clock is ahead, s"),
    Field("dldur", "dlDur", 12, _longer, FRACTION, "Difference in duration between two probes, s"),
    Field("dlstime", "dlsTime", 12, _number("dlstime"), FRACTION, "Difference in start time between two probes, s"),
    Field("dlltime", "dllTime", 12, _number("dlltime"), FRACTION, "Difference in last time between two probes, s"),
    *(
        Field(f"d{side}pkts", f"d{side}Pkts", 12, _number(f"dl{side}pkt"), WHOLE, f"The same as dl{side}pkt")
        for side in "sd"
    ),
    Field("dlspkt", "dsPkts", 6, _number("dlspkt"), WHOLE, "Difference in source packets between two probes"),
    Field("dldpkt", "ddPkts", 6, _number("dldpkt"), WHOLE, "Difference in destination packets between two probes"),
)
