"""What labelling costs a flow: two databases, 100,000 networks, block lists of a million entries, and names."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from processors.labels import Labeller, LabelSettings, Lists
from processors.names import NameTable
from tests.maxmind import place, system, write_database
from topics.address_text import IPV4_MAPPED
from topics.batch import FlowBatch, records_like
from topics.names import AddressName

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from topics.batch import Heap

FLOWS, AT_ONCE = 1_024_000, 2048  # a full message of the bus holds as many, with labels like these
CLIENTS, SERVERS, VISITED = 1_000, 10_000, 50  # each client talks to so many servers
TOGETHER = 8  # connections that a client opens to a server, one after the other
NETWORKS, BLOCKED = 100_000, 1_000_000
START, HOUR = 1_700_000_000_000_000_000, 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class LabelCost:
    """Microseconds of CPU time a flow, at first and once all is remembered; seconds to read the lists; share named."""

    microseconds: float
    again: float
    loading: float
    named: float


def _servers(chance: random.Random) -> list[int]:
    return [chance.randrange(1 << 24, 224 << 24) for _ in range(SERVERS)]


def _text(address: int) -> str:
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))


def lists(directory: Path, chance: random.Random) -> LabelSettings:
    """Write the lists and return the settings that name them."""
    network = {
        f"{first}.{second}.0.0/16": (first, second) for first in range(1, 224, 3) for second in range(0, 256, 32)
    }
    write_database(
        directory / "city.mmdb", {text: place("DE", f"City {key}", 1.0 * key[0], 2.0) for text, key in network.items()}
    )
    write_database(directory / "as.mmdb", {text: system(key[0] * 256 + key[1], "Net") for text, key in network.items()})
    numbers = (chance.randrange(1 << 24, 224 << 24) & ~255 for _ in range(NETWORKS))
    lines = (f"{_text(number)}/24 site=s{number % 997}\n" for number in numbers)
    (directory / "networks").write_text("".join(lines))
    blocked = (f"{_text(chance.randrange(1 << 24, 224 << 24))}\n" for _ in range(BLOCKED))
    (directory / "addresses").write_text("".join(blocked))
    names = (f"bad{chance.randrange(1 << 40)}.example\n" for _ in range(BLOCKED))
    (directory / "names").write_text("".join(names))
    return LabelSettings(
        geo=[str(directory / "city.mmdb"), str(directory / "as.mmdb")],
        addresses=[str(directory / "networks")],
        blocked_addresses={"bad": str(directory / "addresses")},
        blocked_names={"badnames": str(directory / "names")},
        services=True,
        classes=True,
    )


def _column(numbers: list[int]) -> Heap:
    mapped = b"".join(IPV4_MAPPED + number.to_bytes(4) for number in numbers)
    return np.frombuffer(mapped, np.uint8).reshape(-1, 16)


def visits(chance: random.Random) -> dict[int, list[int]]:
    """Return clients, each with servers of its own choice."""
    servers = _servers(chance)
    return {(10 << 24) + number: chance.sample(servers, VISITED) for number in range(CLIENTS)}


def names(visited: dict[int, list[int]]) -> NameTable:
    """Return the names of half of these servers."""
    table = NameTable()
    for client, servers in visited.items():
        for server in servers[::2]:
            ends = [IPV4_MAPPED + number.to_bytes(4) for number in (client, server)]
            times = (START - 1, START - 1, START + HOUR)
            table.add(AddressName(ends[1], f"host{server}.example", "dns", *times, client=ends[0]))
    return table


def flows(chance: random.Random, visited: dict[int, list[int]]) -> Iterator[FlowBatch]:
    """Yield flows between them, some connections at a time, as many as a message of the bus holds."""
    everybody = list(visited)
    for begin in range(0, FLOWS, AT_ONCE):
        count = min(AT_ONCE, FLOWS - begin)
        clients = [client for client in chance.choices(everybody, k=count // TOGETHER) for _ in range(TOGETHER)]
        targets = [target for client in clients[::TOGETHER] for target in [chance.choice(visited[client])] * TOGETHER]
        records = records_like(count)
        records["src_address"], records["dst_address"] = _column(clients), _column(targets)
        records["ethertype"], records["protocol"] = 0x0800, 6
        records["src_port"], records["dst_port"] = 50_000, 443
        records["src_first"] = records["dst_first"] = START + begin
        yield FlowBatch(records)


def measure(directory: Path) -> LabelCost:
    """Label a million flows, nothing being remembered before, and the same ones again."""
    chance = random.Random(1)
    settings, visited = lists(directory, chance), visits(chance)
    begun = time.process_time()
    facts = Lists(settings)
    loading = time.process_time() - begun
    list(Labeller(facts).process(next(flows(chance, visited))))  # loads the kernels
    labeller = Labeller(facts, names(visited))
    first = _cost(labeller, flows(random.Random(2), visited))
    again = _cost(labeller, flows(random.Random(2), visited))
    return LabelCost(first, again, loading, labeller.named / FLOWS / 2)


def _cost(labeller: Labeller, batches: Iterator[FlowBatch]) -> float:
    cost = 0.0
    for batch in batches:
        begun = time.process_time()
        labeller.process(batch)
        cost += time.process_time() - begun
    return cost / FLOWS * 1e6
