"""What texts of deploy/ and docs/ name: commands with options, variables, topics, metrics, ports, files of ours."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from clients.environment import BUS, prefix, variables
from clients.main import COMMANDS
from clients.reading.source_names import DEFAULT_PORT as KAFKA
from clients.sensor.options import all_options
from clients.sink.shared import SHARED
from clients.web.command import DEFAULT_PORT as WEB
from clients.web.command import TOKEN
from probes.argus.address import PORT as ARGUS
from probes.settings import Settings
from probes.settings_layers import PREFIX as PROBE
from sinks.sql.statements import POSITIONS
from topics.bus.security import FILE, Security
from topics.bus.security import PREFIX as SECURITY
from topics.definitions import TOPICS
from topics.metrics.programs import SERVICES as PROGRAM_SERVICES
from topics.metrics.table import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.options import Option

ROOT = Path(__file__).parents[2]
KINDS = ("sink", "alerts")
SINKS = ("sql", "files", "events", "findings", "alerts")
SERVICES = ("worker", "names", "alerts run", *(f"sink {kind}" for kind in SINKS))
COMPOSE = {"ARGOSY_VERSION", "ARGOSY_POSTGRES_PASSWORD", "ARGOSY_GRAFANA_PASSWORD"}  # of the compose file alone
PROGRAMS = {"ARGOSY_METRICS", "ARGOSY_LOG", "ARGOSY_LOG_LEVEL", "ARGOSY_LOG_FORMAT", "ARGOSY_DEBUG"}
VARIABLE = re.compile(r"\bARGOSY_[A-Z_]*[A-Z](?!\w)")
NAMES = r"(?:[\w-]+\.)*(?:[\w-]*(?:kafka|broker)[\w-]*|example)(?:\.\w+)?"
HOSTS = rf"(?:127\.0\.0\.1|0\.0\.0\.0|\[::1?\]|localhost|HOST|{NAMES})"
ADDRESS = rf"(?<![\w.-]){HOSTS}:(\d{{2,5}})\b(?!:)"
ALONE = r"(?:(?<=[\s`])|^):(\d{3,5})(?=[\s`,|;]|$)"
PORT = re.compile(f"{ADDRESS}|{ALONE}", re.MULTILINE)
TABLES = {POSITIONS}  # of databases, which begin as metrics do
METRIC = re.compile(r"\bargosy_[a-z_]+(?!\w)")
SERIES = re.compile(r"_(bucket|sum|count)$")
PATH = re.compile(r"(?<![\w./-])((?:deploy|tests|docs|topics|probes|processors|sinks|clients)/[\w./*-]+\w)(?![\w{}])")
OBSERVED = 9464  # metrics of the first service, as docs/reference/metrics.md has them
# Ports of others, and of programs that pages have their reader write.
FOREIGN = {
    514: "syslog",
    587: "mail",
    562: "a second argus on one host",
    2055: "NetFlow, as exporters have it",
    2077: "nfcapd, as it was started",
    3000: "Grafana",
    4739: "IPFIX, by IANA",
    5432: "PostgreSQL",
    6343: "sFlow, by IANA",
    8080: "the webhook of the compose file",
    8099: "the receiver of the tutorial",
    9053: "a capture of the sample",
    9090: "Prometheus",
    9093: "Alertmanager; the controller of Kafka",
    9995: "where an argus pushes to",
}
TOPIC = re.compile(r"\bargosy\.[a-z-]+\.v\d+\b")


def options_of(words: list[str]) -> list[Option]:
    """Return the options of a command, given the words behind `argosy`."""
    name = words[0]
    if name == "probe":
        return list(all_options())
    if name in KINDS:
        command = importlib.import_module(f"{COMMANDS[name].module}.command")
        shared = SHARED if name == "sink" else ()
        return [*command.KINDS[words[1]].OPTIONS, *shared]
    return list(importlib.import_module(COMMANDS[name].module).OPTIONS)


def unknown_words(words: list[str]) -> Iterator[str]:
    """Yield what a command line names that there is not: the command, its kind, options."""
    if words[0] not in COMMANDS:
        yield words[0]
        return
    if words[0] in KINDS and words[1] not in importlib.import_module(f"{COMMANDS[words[0]].module}.command").KINDS:
        yield " ".join(words[:2])
        return
    known = {spelling for option in options_of(words) for spelling in option.spellings}
    yield from (word for word in words[1:] if re.fullmatch(r"--?[a-zA-Z][\w-]*", word) and word not in known)


def command_lines(text: str) -> Iterator[list[str]]:
    """Yield the words behind `argosy` of lines in blocks of a page, and of ExecStart in units."""
    for line in re.findall(r"^ExecStart=\S*/argosy (.*)$", text, re.MULTILINE):
        yield shlex.split(line)
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in re.findall(r"^(?:\$ )?argosy ([a-z].*?)(?: &| #.*| \|.*)?$", block, re.MULTILINE):
            yield shlex.split(line.partition(" > ")[0])


def known_variables() -> set[str]:
    """Return every variable of the environment that something reads."""
    found = {BUS, FILE, TOKEN, *COMPOSE, *PROGRAMS}
    found |= {f"{SECURITY}{key.upper()}" for key in Security.model_fields}
    found |= {f"{PROBE}{key.upper()}" for key in Settings.model_fields}
    for service in SERVICES:
        found |= set(variables(options_of(service.split()), prefix(service)))
    return found


def unknown_variables(text: str) -> set[str]:
    """Return variables of ours in a text that nothing reads; one that only says how others begin is none."""
    return set(VARIABLE.findall(text)) - known_variables()


def unknown_topics(text: str) -> set[str]:
    """Return topics of ours in a text that there are not."""
    return set(TOPIC.findall(text)) - {topic.name for topic in TOPICS}


def known_ports() -> set[int]:
    """Return the ports that programs have by themselves, those of metrics, and those of others."""
    return {ARGUS, WEB, KAFKA, *range(OBSERVED, OBSERVED + len(PROGRAM_SERVICES)), *FOREIGN}


def unknown_ports(text: str) -> set[int]:
    """Return ports in addresses of a text that nothing has."""
    return {int(found[1] or found[2]) for found in PORT.finditer(text)} - known_ports()


def unknown_metrics(text: str) -> set[str]:
    """Return metrics of ours in a text that there are not; the beginning of a name stands for all that begin so."""
    known = {metric.name for metric in METRICS}
    named = {SERIES.sub("", name) if SERIES.sub("", name) in known else name for name in METRIC.findall(text)}
    begun = {name for name in named if any(each.startswith(f"{name.rstrip('_')}_") for each in known)}
    return named - known - TABLES - begun


def unknown_files(text: str) -> set[str]:
    """Return files of ours in a text that there are not; words in capitals stand for anything."""
    return {name for name in PATH.findall(text) if not any(ROOT.glob(re.sub(r"\b[A-Z]{2,}\b", "*", name)))}
