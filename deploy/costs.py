"""What the capacity of a system is computed from: measured costs, and what is assumed."""

from __future__ import annotations

from pathlib import Path

INPUTS = Path(__file__).with_name("capacity.json")
BUSY = 0.6  # of a core: the rest is for bursts, and for going on after a restart
HELD_SECONDS = 75.0  # that a flow stays in a worker: half of them TCP, closed or idle for 60 s, others for 30 s
# What an input is called here, where `make bench` writes it, and what it says.
MEASURED: dict[str, tuple[str, str]] = {
    "probe": ("probe, marginal", "packets a CPU second, probe"),
    "records_a_flow": ("stages, records a flow", "status records that become one flow"),
    "publisher": ("stages, publisher", "us of CPU a status record, publishing"),
    "broker": ("stages, broker", "us of CPU a status record, broker (in, to the worker, flows in)"),
    "worker": ("stages, worker", "us of CPU a status record, worker"),
    "files": ("stages, files", "us of CPU a flow, sink of files"),
    "database": ("stages, database", "us of CPU a flow, sink of DuckDB"),
    "worker_memory": ("stages, worker's memory", "MB, a worker at work"),
    "alerts": ("alerts, starter set", "status records a second, one evaluator"),
    "postgresql": ("PostgreSQL, in", "flows a second, one PostgreSQL"),
    "message": ("link, 10,000/s, lz4", "bytes a status record on the bus, lz4"),
    "archive": ("archive, as they come", "bytes a flow in Parquet"),
}
ASSUMED = {"packets_a_flow": 30.0, "flow_bytes": 900.0}
