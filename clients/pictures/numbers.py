"""Numbers with units as people read them: 1.25 Mbit/s, 340 us, 12 %."""

from __future__ import annotations

import math

PREFIXES = {-3: "n", -2: "u", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T", 5: "P", 6: "E"}
COUNTED = {"packets", "records"}
DIGITS = 3
SYMBOLS = {"bit/s", "B", "s", "B/s"}  # units that prefixes are written to; 780 mpackets would be none
PARTS = {"s"}  # units of which there are thousandths: 500 mbit/s would be read as half a gigabit in two seconds


def with_unit(value: float, unit: str) -> str:
    """Return a number with three significant digits, the prefix of the SI and its unit."""
    if not math.isfinite(value):
        return "-"
    prefixed = unit in SYMBOLS
    if abs(value) < 1 and unit not in PARTS:
        return f"{value:.{DIGITS}g} {unit}".strip()
    power = 0 if not prefixed and abs(value) < 1000 else _power(value)
    number = f"{value / 1000.0**power:.{DIGITS}g}"
    if "e" in number:  # 999.6 of one prefix is 1 of the next
        power = min(power + 1, max(PREFIXES))
        number = f"{value / 1000.0**power:.{DIGITS}g}"
    if value == 1 and unit in COUNTED:
        return f"1 {unit.removesuffix('s')}"
    suffix = f"{PREFIXES[power]}{'' if prefixed else ' '}{unit}".strip()
    return f"{number} {suffix}" if suffix else number


def _power(value: float) -> int:
    if not value:
        return 0
    return min(max(math.floor(math.log10(abs(value)) / 3), min(PREFIXES)), max(PREFIXES))


def parsed(text: str) -> float | None:
    """Return what a number such as 1500, 10k, 2.5M or -1G says, None when it is none."""
    suffixes = {"k": 1e3, "K": 1e3, "M": 1e6, "m": 1e6, "g": 1e9, "G": 1e9, "T": 1e12}  # m too is a million to ragraph
    digits, factor = (text[:-1], suffixes[text[-1]]) if text[-1:] in suffixes else (text, 1.0)
    try:
        value = float(digits) * factor
    except ValueError:
        return None
    return value if math.isfinite(value) else None
