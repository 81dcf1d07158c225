"""The filter language: every word that it reserves, by what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.reference.markdown import code, table

if TYPE_CHECKING:
    from collections.abc import Iterable

INTRODUCTION = """\
# The filter language

A filter comes after a lone `-`, in the language of Argus's `ra`: `argosy ra -r FILE - tcp and dst port 443 and not
host 10.1.1.1`. [Asking](../guides/asking.md) explains it by examples; this is the list of all words. `and` and `or`
bind alike, from left to right, `not` binds tightest, parentheses group. Words may be written in capitals. `argosy ra
-b - FILTER` prints what a filter was understood as; a word that is not known is answered with its column and the
nearest one.
"""
FREE = """\
## Fields

Besides these words, every [field](fields.md) can be compared by its name: `FIELD OP VALUE`, `FIELD ~ PATTERN`, `FIELD
!~ PATTERN` (regular expressions over text), `FIELD in FILE` (an entry a line, `#` begins a comment). Times are
written `2026/03/10.09:00`.
"""


def page() -> str:
    """Return the page of the filter language."""
    parts = [INTRODUCTION]
    for title, text, words in _kinds():
        parts += [f"## {title}", f"{text}\n\n{' '.join(code(word) for word in words)}"]
    return "\n\n".join([*parts, _measures(), FREE])


def _kinds() -> Iterable[tuple[str, str, Iterable[str]]]:
    """Yield heading, explanation and words of everything but measures."""
    from topics.filter import words as known

    comparisons = [word for word in known.COMPARISONS if word.isalpha()]
    signs = [word for word in (*known.COMPARISONS, *known.MATCHES) if not word.isalpha()]
    yield "Joining", "Also written `&&`, `||`, `!`.", known.CONNECTIVES
    yield "Comparing", "A measure or a field with a value. " + _signs(signs), [*comparisons, "in"]
    yield (
        "Directions",
        "In front of addresses, ports and measures; `src and dst`, `src or dst` too. Without one either side will do.",
        known.DIRECTIONS,
    )
    yield (
        "Addresses",
        "`host A`, `net A/LENGTH`, `net A mask M`, `ether host MAC`, an address alone; `inode`: who sent an error.",
        [*known.ADDRESS_TYPES, "mask"],
    )
    yield (
        "Address classes, countries",
        "`class a` to `class e` of IPv4; `src co US`: a label of `argosy ralabel`.",
        ("class", "co"),
    )
    yield "Ports", "`port 80`, `port 1000-2000`, `port https`, `dst port gte 1024`, `port in FILE`.", ("port",)
    yield (
        "Protocols",
        "A word alone, or in front of a port (`tcp port 80`); numbers by `proto 47`, `ether proto 0x88cc`.",
        ["proto", *known.PROTOCOLS],
    )
    yield "To many", "With `ether` or `ip` in front: of which addresses.", (known.BROADCAST, known.MULTICAST)
    yield "Records", "Kinds of records of Argus; here all are flows.", known.RECORDS
    yield (
        "States",
        "Of the flow, of its TCP connection, of ICMP; why it was reported; whether an observation counts.",
        known.STATES,
    )
    yield "Unreachable", "ICMP: destination unreachable, by code, in the order of the codes.", known.UNREACHABLE
    yield (
        "Flags and trouble",
        "Flags of TCP, packets sent again, out of order, copied; fragments; local and remote ends; `src`, `dst`.",
        known.FLAGS,
    )
    yield "TCP options", "Seen in the handshake; `secn` and `decn`: a side can do ECN.", known.TCP_OPTIONS
    yield (
        "Encapsulations",
        "`encaps WORD`: what the packets of the flow were wrapped in.",
        ["encaps", *known.ENCAPSULATIONS],
    )
    yield "Observers", "`srcid PROBE[/INTERFACE]`, `sid PROBE`, `inf INTERFACE`, `site SITE`.", known.OBSERVED


def _signs(signs: Iterable[str]) -> str:
    return f"Signs: {' '.join(code(sign) for sign in signs)}."


def _measures() -> str:
    from topics.filter.words import MEASURES

    rows = (
        [code(word), " ".join(code(name) for name in (*(measured.sides or ()), measured.whole) if name)]
        for word, measured in MEASURES.items()
    )
    text = (
        "`[src|dst] MEASURE OP NUMBER`: `dst pkts gt 10`, `dur > 1.5`. Without a direction either side will do where "
        "there is no field of the whole record; `src and dst` takes both."
    )
    return f"## Measures\n\n{text}\n\n{table(['word', 'fields'], rows)}"
