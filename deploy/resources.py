"""What the programs of the chart ask for and may take, from the costs of the capacity table.

`python -m deploy.resources` prints it, `--write` puts it into the values of the chart.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.costs import ASSUMED, BUSY, HELD_SECONDS, INPUTS

if TYPE_CHECKING:
    from collections.abc import Mapping

VALUES = Path(__file__).parent / "helm" / "argosy" / "values.yaml"
FLOWS = 5_000  # a second, of a release; a probe sees all of them at most
REPLICAS = {"worker": 2}  # at least; of others one
PROBE_FLOWS = 1 << 20  # its table holds at most
PROBE_BYTES, SINK_BYTES, SINK_FLOW_BYTES = 0.5e9, 0.3e9, 256e6
EVALUATOR_BYTES = 0.5e9
CPU_STEP, MEMORY_STEP, MIB = 50, 256, 1 << 20  # thousandths of a core, MiB
LEAST_CPU = 2000  # that each may take: all have threads beside the one that does the work


@dataclass(frozen=True, slots=True)
class Share:
    """What one program asks for and may take: thousandths of a core, MiB."""

    cpu: int
    memory: int
    most_cpu: int
    most_memory: int

    @property
    def requests(self) -> str:
        """As it stands in the values of the chart."""
        return f"{{cpu: {_cores(self.cpu)}, memory: {_memory(self.memory)}}}"

    @property
    def limits(self) -> str:
        """As it stands in the values of the chart."""
        return f"{{cpu: {_cores(self.most_cpu)}, memory: {_memory(self.most_memory)}}}"


def shares(costs: Mapping[str, float], flows: int = FLOWS) -> dict[str, Share]:
    """Return the share of each program that the capacity table has costs of, for so many flows a second.

    It asks for what keeps it busy for BUSY of the time, and for its part of the memory. It may take twice what it would
    need with no other replica beside it, or holds when it is full: for bursts, and to catch up.
    """
    records = flows * costs["records_a_flow"]
    held = flows * HELD_SECONDS * costs["flow_bytes"]
    worker = costs["worker_memory"] * 1e6
    probe = flows * costs["packets_a_flow"] / costs["probe"] + records * costs["publisher"] / 1e6
    return {
        "probe": _share(probe, PROBE_BYTES, PROBE_BYTES + PROBE_FLOWS * costs["flow_bytes"]),
        "worker": _share(records * costs["worker"] / 1e6, worker + held / 2, worker + held, REPLICAS["worker"]),
        "alerts": _share(records / costs["alerts"], EVALUATOR_BYTES, EVALUATOR_BYTES),
        "sql": _share(flows * costs["database"] / 1e6, SINK_BYTES, SINK_BYTES + SINK_FLOW_BYTES),
        "files": _share(flows * costs["files"] / 1e6, SINK_BYTES, SINK_BYTES + SINK_FLOW_BYTES),
    }


def _share(cores: float, memory: float, full: float, replicas: int = 1) -> Share:
    alone = cores / BUSY * 1000
    return Share(
        _up(alone / replicas, CPU_STEP),
        _up(memory / MIB, MEMORY_STEP),
        max(LEAST_CPU, _up(2 * alone, 1000)),
        _up(2 * full / MIB, MEMORY_STEP),
    )


def _up(amount: float, step: int) -> int:
    return math.ceil(amount / step) * step


def _cores(thousandths: int) -> str:
    return f'"{thousandths // 1000}"' if thousandths % 1000 == 0 else f"{thousandths}m"


def _memory(mebibytes: int) -> str:
    return f"{mebibytes // 1024}Gi" if mebibytes % 1024 == 0 else f"{mebibytes}Mi"


def wanted() -> dict[str, Share]:
    """Return the shares that the recorded costs give."""
    return shares(json.loads(INPUTS.read_text(encoding="utf-8"))["costs"] | ASSUMED)


def put(text: str, found: Mapping[str, Share]) -> str:
    """Return the values of the chart with these shares."""
    for role, share in found.items():
        place = rf"(?m)(^ *{role}:\n(?:.*\n)*? *resources:\n *requests: )\{{.*?\}}(\n *limits: )\{{.*?\}}"
        text, count = re.subn(place, rf"\g<1>{share.requests}\g<2>{share.limits}", text, count=1)
        if not count:
            raise ValueError(f"{VALUES}: no resources of {role}")
    return text


def main(arguments: list[str] | None = None) -> int:
    """Print or write them."""
    parser = argparse.ArgumentParser(prog="python -m deploy.resources", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put them into the values of the chart")
    if parser.parse_args(arguments).write:
        VALUES.write_text(put(VALUES.read_text(encoding="utf-8"), wanted()), encoding="utf-8")
    for role, share in wanted().items():
        sys.stdout.write(f"{role:<8} requests {share.requests:<34} limits {share.limits}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
