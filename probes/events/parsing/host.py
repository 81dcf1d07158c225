"""What the kernel says of the host (/proc/vmstat, net/snmp, net/netstat, net/dev, ...), and vmstat, uptime, df."""

from __future__ import annotations

import re
from typing import Any

from probes.events.parsing.text import UnreadableError, fraction, number, short, small

Body = dict[str, Any]
MOST_COUNTERS = 2000
SECTOR = 512
MILLISECOND = 1_000_000
_LOAD = re.compile(r"([\d.]+) ([\d.]+) ([\d.]+) (\d+)/(\d+)")
_UPTIME = re.compile(r"load averages?: ([\d.,]+?),? ([\d.,]+?),? ([\d.,]+)")
_NETSTAT_LINE = re.compile(r"\s+(\d+) (\S.*)")
_DEVICE_LINE = re.compile(r"\s*([^\s:]{1,64}):\s*((?:\d+\s+){15}\d+)\s*")
_NETSTAT_PAIR = re.compile(r"\s+(\w+): (\d+)")


def parse_vmstat(text: str) -> Body:
    """Read /proc/vmstat, `vmstat -s`, or the last line of a table of `vmstat`."""
    counters: dict[str, int] = {}
    lines = text.splitlines()
    for line in lines:
        words = line.split(maxsplit=1)
        if len(words) == 2 and words[1].isdigit():
            counters[short(words[0], 64)] = number(words[1])
        elif len(words) == 2 and words[0].isdigit() and not words[1][:1].isdigit():
            counters[short(words[1].removeprefix("K "), 64)] = number(words[0])
    table = [line.split() for line in lines[-MOST_COUNTERS:]]
    if not counters and len(table) > 1 and "free" in table[-2 if len(table) < 3 else 1]:
        heading = table[1] if len(table) > 2 else table[0]
        counters = {short(name, 64): number(value) for name, value in zip(heading, table[-1], strict=False)}
    return {"counters": _some(counters, "counters of vmstat")}


def parse_netstat(text: str) -> Body:
    """Read /proc/net/snmp, /proc/net/netstat and /proc/net/dev, one after the other or alone, or `netstat -s`."""
    counters: dict[str, int] = {}
    protocol = ""
    names: list[str] = []
    interfaces: list[Body] = []
    for line in text.splitlines():
        group, colon, values = line.partition(":")
        words = values.split()
        if colon and group == protocol and len(words) == len(names) and all(map(_is_number, words)):
            counters |= {short(f"{group}.{name}", 64): number(value) for name, value in zip(names, words, strict=True)}
            protocol = ""
        elif found := _DEVICE_LINE.fullmatch(line):
            interfaces.append(_interface(found[1], [number(word) for word in found[2].split()]))
        elif colon and words and not line[:1].isspace():
            protocol, names = group, words
        elif colon and not values.strip() and not line[:1].isspace():
            protocol = group
        elif found := _NETSTAT_PAIR.match(line):
            counters[short(f"{protocol}.{found[1]}", 64)] = number(found[2])
        elif found := _NETSTAT_LINE.match(line):
            counters[short(f"{protocol}.{found[2]}", 64)] = number(found[1])
    kept = interfaces[:MOST_COUNTERS]
    return {"counters": {} if kept and not counters else _some(counters, "counters of netstat"), "interfaces": kept}


def _interface(name: str, counts: list[int]) -> Body:
    """Return a line of /proc/net/dev as a row: octets, packets, errors and drops come first, eight for each way."""
    row: Body = {"name": short(name, 64)}
    for way, place in (("in", 0), ("out", 8)):
        for at, count in enumerate(("octets", "packets", "errors", "discards")):
            row[f"{way}_{count}"] = counts[place + at]
    return row


def parse_load(text: str) -> Body:
    """Read /proc/loadavg, or a line of `uptime`."""
    if found := _LOAD.match(text):
        one, five, fifteen = (fraction(word) for word in found.groups()[:3])
        return _load(one, five, fifteen, small(found[4]), small(found[5]))
    if found := _UPTIME.search(text):
        one, five, fifteen = (fraction(word.rstrip(",").replace(",", ".")) for word in found.groups())
        return _load(one, five, fifteen, 0, 0)
    raise UnreadableError("no load averages")


def parse_disk(text: str) -> Body:
    """Read /proc/diskstats, or `df -P -B1` and `df -k`."""
    devices, filesystems = [], []
    unit = 1 if re.search(r"1-blocks|1B-blocks", text) else 1024
    for line in text.splitlines()[:MOST_COUNTERS]:
        words = line.split()
        if len(words) >= 14 and words[0].isdigit() and words[3].isdigit():
            devices.append(device(words))
        elif len(words) >= 6 and all(map(_is_number, words[1:4])) and words[4].endswith("%"):
            size, used, available = (number(word) * unit for word in words[1:4])
            filesystems.append(filesystem(words[0], " ".join(words[5:]), "", (size, used, available), (0, 0)))
    if not devices and not filesystems:
        raise UnreadableError("neither diskstats nor df")
    return {"filesystems": filesystems, "devices": [each for each in devices if each["reads"] or each["writes"]]}


def device(words: list[str]) -> Body:
    """Return a line of /proc/diskstats (Documentation/admin-guide/iostats.rst of Linux) as a row."""
    return {
        "device": short(words[2], 64),
        "reads": number(words[3]),
        "read_bytes": number(words[5]) * SECTOR,
        "writes": number(words[7]),
        "written_bytes": number(words[9]) * SECTOR,
        "busy": number(words[12]) * MILLISECOND,
    }


def filesystem(device: str, mount: str, kind: str, sizes: tuple[int, int, int], files: tuple[int, int]) -> Body:
    """Return a file system as a row: size, used and available bytes; inodes and those that are free."""
    size, used, available = sizes
    return {
        "device": short(device, 256),
        "mount": short(mount, 256),
        "type": short(kind, 32),
        "size": size,
        "used": used,
        "available": available,
        "files": files[0],
        "files_free": files[1],
    }


def _load(one: float, five: float, fifteen: float, running: int, threads: int) -> Body:
    return {"one": one, "five": five, "fifteen": fifteen, "running": running, "threads": threads}


def _is_number(word: str) -> bool:
    return word.removeprefix("-").isdigit()


def _some(counters: dict[str, int], what: str) -> dict[str, int]:
    if not counters:
        raise UnreadableError(f"no {what}")
    return dict(list(counters.items())[:MOST_COUNTERS])
