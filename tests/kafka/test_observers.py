"""`argosy observers --bus` on a real Kafka: what two probes saw counts once, though the worker is killed on the way."""

import numpy as np

from tests.kafka.workers import Bench
from tests.processors.observers.test_match import moved, seen
from topics.batch import concatenate
from topics.verdicts import FURTHER, PRIMARY

SECOND = 1_000_000_000


def test_each_conversation_counts_once_though_a_worker_is_killed(bench: Bench) -> None:
    def lot(first: int) -> None:
        for number in range(first, first + 5):
            for probe, clock in (("a", 0), ("b", SECOND)):
                flows = [moved(seen(probe, host), number * 60 * SECOND + clock) for host in range(1, 21)]
                for host, flow in enumerate(flows):
                    flow.records["flow_id"][0, :3] = (number, host, ord(probe))
                bench.publish([concatenate(flows).replace(partition=0)])

    lot(0)
    first = bench.observe()
    bench.wait_for_flows(100)
    first.kill()
    lot(5)
    second = bench.observe()
    bench.wait_for_flows(300)
    assert second.stop() == 0
    # What still waits for event time to go on stays in the input: whatever was put out is there once, judged.
    records = concatenate(bench.flows()).records
    ids = [each.tobytes() for each in records["flow_id"]]
    assert len(ids) == len(set(ids))
    primary = [each.tobytes()[:2] for each in records["flow_id"][records["verdict"] == PRIMARY]]
    assert len(primary) == len(set(primary))
    assert set(np.unique(records["verdict"]).tolist()) <= {PRIMARY, FURTHER}
