"""`python -m tests.fuzz TARGET... --seconds N`: damaged input for decoders, or `all`; `seeds` writes the corpus anew.

What is found goes to a file that the message names; put it into the corpus with the repair. Run it with
NUMBA_BOUNDSCHECK=1 to see every byte that is read outside its array.
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import time
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.fuzz.argus import Argus
from tests.fuzz.dns import Dns
from tests.fuzz.exports import FlowExports, SampleExports
from tests.fuzz.frames import ControlSelection, LinkLayers, Network, TcpOptions, Tunnels
from tests.fuzz.framing import Filters, Framing
from tests.fuzz.mutation import damaged
from tests.fuzz.target import CORPUS

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {
    each.name: each
    for each in (
        LinkLayers(),
        Network(),
        Tunnels(),
        TcpOptions(),
        ControlSelection(),
        Framing(),
        Filters(),
        Dns(),
        FlowExports(),
        SampleExports(),
        Argus(),
    )
}
ENDLESS = 300  # seconds for a batch, on however busy a machine


def write_seeds() -> None:
    """Write the inputs that each corpus begins with."""
    for target in TARGETS.values():
        directory = CORPUS / target.name
        directory.mkdir(parents=True, exist_ok=True)
        for name, data in target.seeds().items():
            (directory / name).write_bytes(data)


def keep(target: Target, inputs: Sequence[bytes], seed: int) -> list[Path]:
    """Write the inputs that break a promise, each alone if one alone does it."""
    guilty = []
    for each in inputs:
        try:
            target.run([each], Random(seed))
        except Exception:  # noqa: BLE001 - whatever it is, that is the finding
            guilty.append(each)
    paths = []
    for each in guilty or inputs:
        path = Path(f"{target.name}-{blake2b(each, digest_size=4).hexdigest()}")
        path.write_bytes(each)
        paths.append(path)
    return paths


def fuzz(target: Target, seconds: float, seed: int) -> tuple[int, int]:
    """Run the corpus, then damaged inputs until the time is over; return how many, and how many kinds of outcome.

    An input with an outcome that was not seen before is damaged further.
    """
    random, pool = Random(seed), target.corpus()
    seen: set[Hashable] = set()
    waiting = list(pool)
    tried, until = 0, None
    while waiting or until is None or time.monotonic() < until:
        batch, waiting = waiting[: target.batch], waiting[target.batch :]
        if not batch:
            batch = [damaged(random, pool) for _ in range(target.batch)]
        faulthandler.dump_traceback_later(ENDLESS, exit=True)
        state = random.getstate()
        try:
            outcomes = target.run(batch, random)
        except BaseException:
            random.setstate(state)
            print("found:", *keep(target, batch, seed), file=sys.stderr)
            raise
        faulthandler.cancel_dump_traceback_later()
        for each, outcome in zip(batch, outcomes, strict=True):
            if outcome is not None and outcome not in seen:
                seen.add(outcome)
                pool.append(each)
        tried += len(batch)
        if not waiting and until is None:  # what the corpus needed has been compiled
            until = time.monotonic() + seconds
    return tried, len(seen)


def main() -> None:
    """Read the command line and fuzz."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="+", choices=[*TARGETS, "all", "seeds"], metavar="TARGET")
    parser.add_argument("--seconds", type=float, default=60, help="for each of them")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for name in TARGETS if "all" in arguments.targets else arguments.targets:
        if name == "seeds":
            write_seeds()
        else:
            tried, kinds = fuzz(TARGETS[name], arguments.seconds, arguments.seed)
            print(f"{name}: {tried} inputs, {kinds} kinds of outcome", flush=True)


if __name__ == "__main__":
    main()
