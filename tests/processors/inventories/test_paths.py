"""Paths as Argus's rapath draws them, AS and all."""

from __future__ import annotations

import pytest

from processors.inventories.paths import Node, drawn, letters

# The path of rapath's manual: which router is in which AS, and how far away it is.
SYSTEMS = {"B": "30496", "C": "6079", "D": "6079", "E": "6079", "F": "1257", "G": "11164", "H": "11164", "I": "5050"}
HOPS = dict(zip("ABCDEFGHIJKL", (1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 10), strict=True))
PATH = [Node(name, SYSTEMS.get(name, "9" if name in "JKL" else ""), hop) for name, hop in HOPS.items()]


@pytest.mark.parametrize(
    ("mode", "distances", "line"),
    [
        ("node", False, "A -> [B] -> [C -> {D,E}] -> [F] -> [G -> H] -> [I] -> [J -> {K,L}]"),
        (
            "asnode",
            False,
            "A -> AS30496:[B] -> AS6079:[C -> {D,E}] -> AS1257:[F] -> AS11164:[G -> H] -> AS5050:[I] -> AS9:[...]",
        ),
        ("aspath", False, "A -> AS30496 -> AS6079 -> AS1257 -> AS11164 -> AS5050 -> AS9"),
        ("aspath", True, "A:1 -> AS30496:2 -> AS6079:3-4 -> AS1257:5 -> AS11164:6-7 -> AS5050:8 -> AS9:9-10"),
    ],
)
def test_a_path_is_drawn_as_the_manual_has_it(mode: str, distances: bool, line: str) -> None:
    assert drawn(PATH, mode, distances=distances) == line.replace("...", "J -> {K,L}")


def test_there_are_letters_for_long_paths() -> None:
    assert [letters(number) for number in (0, 25, 26, 51, 52, 26 + 26 * 26)] == ["A", "Z", "AA", "AZ", "BA", "AAA"]
