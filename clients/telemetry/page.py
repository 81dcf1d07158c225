"""docs/reference/metrics.md: what the code says of its metrics, as tables between words of ours."""

from __future__ import annotations

from topics.metrics import table
from topics.metrics.programs import EVERY, SERVICES
from topics.metrics.vitals import STALE_SECONDS, START_SECONDS

GROUPS = {
    "Every program": ("argosy_build", "argosy_healthy", "argosy_ready", "argosy_loop", "argosy_log", "process_"),
    "Stages": ("argosy_batch", "argosy_packet"),
    "The bus": ("argosy_consumer", "argosy_producer"),
    "Probes": ("argosy_probe",),
    "Events": ("argosy_events",),
    "Workers and observers": ("argosy_worker",),
    "DNS and names": ("argosy_dns", "argosy_names"),
    "Rules and alerts": ("argosy_alerts", "argosy_delivery"),
    "Sinks": ("argosy_sink",),
    "Other programs": ("argosy_radium", "argosy_export", "argosy_web", "argosy_run", "argosy_archive"),
}
HEAD = f"""\
# Metrics, health and logs

<!-- Made by `python -m clients.telemetry`: change topics/metrics/table.py or clients/telemetry/page.py instead. -->

## One port

`--metrics [HOST]:PORT` makes any program that runs for long answer there, on loopback unless a host is named: `:9464` is
127.0.0.1:9464, `0.0.0.0:9464` every address, `:0` a free port, which the log tells (`metrics served`). Services take
`ARGOSY_METRICS` from the environment for the same; `run` and `archive`, which end by themselves, take the option alone, so
that a command typed beside a service does not fight for its port. Nothing is served without it. There is neither TLS nor a
password: keep the port on loopback or inside a cluster.

| page | status | what |
|---|---|---|
| `/metrics` | 200 | the metrics below, as text or OpenMetrics, whichever is asked for |
| `/healthz` | 200, 503 | whether the program lives: every loop of it turned within {STALE_SECONDS:.0f} s. In the first \
{START_SECONDS:.0f} s a turn may take longer, for kernels may have to be compiled. Restart what fails |
| `/readyz` | 200, 503 | whether it can do its work, as below. Wait for what fails |

Both say why in JSON: `{{"status": "ok", "program": "worker", "version": "...", "checks": [{{"name": "reading \
argosy.flow-status.v1 as argosy-merge", "ok": true, "reason": "partitions 0-7"}}]}}`.

| program | ready when |
|---|---|
| `probe`, `events` | what it reads and where it writes are open. Brokers that are away do not matter to one with a spool |
| `worker`, `observers` | kernels, lists and names are loaded, and the group has given it partitions, if only none: a standby |
| `names`, `sink` | the group has given it partitions; files or database are open and the database answers |
| `alerts run` | its state was read, and all topics are |
| `sink alerts` | each channel has its partitions |
| `radium`, `export`, `web` | it listens; the collector is connected |

In all of them a broker that does not answer, or a group that shares its partitions out anew, makes it unready. Being behind
does not: nothing is gained by sending nobody there, and there is an alert for it.

On one host these ports are usual: {", ".join(f"{name} {9464 + number}" for number, name in enumerate(SERVICES))}.

## Logs

Services log a line for each thing that somebody may want to act on: start and stop, partitions given and taken, brokers or a
database away and back, messages that could not be read, losses with their causes, lists that were refused, deliveries that
failed. Passwords and tokens are in none of them.

| option | environment | default | |
|---|---|---|---|
| `--log FILE` | `ARGOSY_LOG` | standard error | a file, or `syslog` |
| `--log-level LEVEL` | `ARGOSY_LOG_LEVEL` | info; probe and events: warning | error, warning, info or debug |
| `--log-format FORMAT` | `ARGOSY_LOG_FORMAT` | text | `text`: `timestamp=... level=... event="..." key=value`; `json`: an object a \
line with the same keys and `program` |

Options win, then `ARGOSY_PROBE_LOG` and its like (probe and events), then these variables, then the settings file.

## Dashboards and alerts

`deploy/grafana/dashboards` holds dashboards for Grafana (made by `python -m deploy.grafana`), `deploy/grafana/provisioning` \
what makes Grafana load them, and
`deploy/prometheus/argosy.rules.yaml` the alert rules, each with what to do about it. They take programs by the job names
`argosy-probe`, `argosy-worker`, ..., `argosy-sink-sql`.
A program that was killed has no series until it serves again, and one that starts knows nothing yet: panels of the moment \
show a gap meanwhile, rates over five minutes go on.

## Conventions

Names follow those of Prometheus: base units, `_total` for what only grows, `_timestamp_seconds` for times since the epoch.
Counters begin at 0 when a program starts. All is counted by batches, from what kernels counted, never by packet or
record.
Labels are bounded by what is configured, by interfaces and probes (exporters: 4,096), or by fixed words.
"""


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    for title, prefixes in GROUPS.items():
        rows = [metric for metric in table.METRICS if metric.name.startswith(prefixes)]
        lines = ["| metric | type | labels | programs | meaning |", "|---|---|---|---|---|"]
        lines += [
            f"| `{each.name}` | {each.kind} | {', '.join(each.labels)} | {_programs(each.programs)} | {each.text} |"
            for each in rows
        ]
        parts.append(f"## {title}\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _programs(programs: tuple[str, ...]) -> str:
    return "all" if set(programs) == set(EVERY) else ", ".join(programs)
