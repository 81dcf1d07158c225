"""What a probe can be told: one model, filled from options, before the environment, before a YAML file.

Every key of the file is a field here; the environment has the same names in capitals behind ARGOSY_PROBE_.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from probes.events.settings import MOST_SOURCES, EventSource, Source
from topics.definitions import CONTROL, EVENTS, FLOW_STATUS, PROBES, SPANS
from topics.environment import SHARED
from topics.errors import FilterError, SettingsError
from topics.nearest import suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.config import JsonDict
    from pydantic_core import ErrorDetails

DEFAULT_FILE = Path("/etc/argosy/probe.yaml")
PREFIX = "ARGOSY_PROBE_"
MOST_OUTPUTS = 5  # as Argus
LONGEST_NAME = 255
BUS = "kafka://"
HOST_PORT = re.compile(r"(?:(?P<host>[\w.-]*|\[[0-9A-Fa-f:.]+\]):)?(?P<port>\d{1,5})")
NANOSECONDS = 1_000_000_000
PLAINER = {
    "extra_forbidden": "is unknown",
    "string_too_short": "should not be empty",
    "too_long": f"should be at most {MOST_OUTPUTS}",
}
ARGUS_LINE = re.compile(r"^(ARGUS_\w+)\s*=", re.MULTILINE)
ARGUS_KEYS = {
    "ARGUS_MONITOR_ID": "probe",
    "ARGUS_INTERFACE": "interfaces",
    "ARGUS_GO_PROMISCUOUS": "promiscuous",
    "ARGUS_PCAP_BUF_SIZE": "ring_bytes",
    "ARGUS_TIMESTAMP_TYPE": "timestamps",
    "ARGUS_FILTER": "packet_filter",
    "ARGUS_FILTER_OPTIMIZER": "filter_optimizer",
    "ARGUS_FLOW_STATUS_INTERVAL": "status_interval",
    "ARGUS_MAR_STATUS_INTERVAL": "probe_status_interval",
    "ARGUS_HASHTABLE_SIZE": "max_flows",
    "ARGUS_OUTPUT_FILE": "outputs",
    "ARGUS_OUTPUT_STREAM": "outputs",
    "ARGUS_ACCESS_PORT": "outputs",
    "ARGUS_CAPTURE_FULL_CONTROL_DATA": "control",
    "ARGUS_CONTROLPLANE_PROTO": "control_protocols",
    "ARGUS_EVENT_DATA": "events",
    "ARGUS_DAEMON": "daemon",
    "ARGUS_SETUSER_ID": "user",
    "ARGUS_SETGROUP_ID": "group",
    "ARGUS_CHROOT_DIR": "chroot",
    "ARGUS_PID_PATH": "pid_file",
    "ARGUS_SET_PID": "pid_file",
    "ARGUS_DEBUG_LEVEL": "log_level",
    "ARGUS_LOG_DISPLAY_PRIORITY": "log_level",
}
RELOAD: JsonDict = {"reload": True}


def _words(value: Any) -> Any:  # noqa: ANN401 - whatever a file or the environment says
    """Take a list written as one text: words between commas or blanks."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _listed(value: Any) -> Any:  # noqa: ANN401 - as above
    """Take a single output for a list of one."""
    return [value] if isinstance(value, str | dict) else value


def _not_too_many(sources: tuple[EventSource, ...]) -> tuple[EventSource, ...]:
    if len(sources) > MOST_SOURCES:
        raise ValueError(f"should be at most {MOST_SOURCES}")
    return sources


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


class Output(BaseModel):
    """Where records go: a file, `-` or `kafka://HOST:PORT`, and which of them (a filter of `argosy ra`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: str = Field(min_length=1, description="FILE.parquet .arrow .avro .csv .jsonl, - or kafka://HOST:PORT")
    filter: str = Field(default="", description="which records, in the language of `argosy ra`")

    @property
    def is_bus(self) -> bool:
        """Whether records are published."""
        return self.to.startswith(BUS)

    @field_validator("to")
    @classmethod
    def _reachable(cls, text: str) -> str:
        if "://" in text and not text.startswith(BUS):
            raise ValueError(f"should be a file, - or {BUS}HOST:PORT")
        return text

    @field_validator("filter")
    @classmethod
    def _understood(cls, text: str) -> str:
        from topics import filter as filters

        try:
            filters.parse(text)
        except FilterError as error:
            raise ValueError(str(error)) from None
        return text


def _output(value: Any) -> Any:  # noqa: ANN401 - as above
    """Take `OUT FILTER...` as Argus's configuration has it."""
    if isinstance(value, str):
        to, _, expression = value.strip().partition(" ")
        return {"to": to, "filter": expression.strip().strip("\"'")}
    return value


class Spool(BaseModel):
    """Where batches wait on disk for the brokers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    directory: str = Field(default="", description="where; without one nothing waits on disk")
    size: int = Field(default=1 << 30, ge=1 << 20, description="bytes at most")
    carry: float = Field(
        default=1.0, ge=0, le=60, description="seconds without confirmation after which a batch goes to disk"
    )


class Timeouts(BaseModel):
    """How many seconds a flow may be idle before its next packet begins another one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tcp: float = Field(default=60.0, gt=0, le=86_400, description="TCP")
    closed: float = Field(default=10.0, gt=0, le=86_400, description="TCP after its end")
    icmp: float = Field(default=5.0, gt=0, le=86_400, description="ICMP")
    arp: float = Field(default=5.0, gt=0, le=86_400, description="ARP")
    other: float = Field(default=30.0, gt=0, le=86_400, description="everything else")


class Settings(BaseSettings):
    """All settings of a probe; times in seconds, sizes in bytes. Those marked RELOAD may change while it runs."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, enable_decoding=False)

    site: str = Field(default="", description="where the probe stands")
    probe: str = Field(default_factory=socket.gethostname, description="name of this probe, the srcid of its records")

    files: tuple[str, ...] = Field(default=(), description="capture files to read")
    interfaces: Words = Field(default=(), description="interfaces to listen on")
    argus: Words = Field(default=(), description="argus or radium to attach to: HOST[:561], socket or argus-udp://")
    promiscuous: bool = Field(default=True, description="take packets for other stations too")
    snaplen: int | None = Field(default=None, ge=64, le=262_144, description="bytes of each packet to look at")
    follow: bool = Field(default=False, description="wait for more at the end of a capture file")
    packets: str = Field(default="", description="which packets of the input to take: N or A-B")
    time_scale: float | None = Field(default=None, gt=0, description="replay files at so many times their speed")
    repeat: bool = Field(default=False, description="replay files again and again, as if it happened now")
    packet_filter: str = Field(default="", description="libpcap filter on the input")
    filter_optimizer: bool = Field(default=True, description="let libpcap optimise the filter")
    fanout_group: int | None = Field(default=None, ge=0, le=65535, description="number of probes that share interfaces")
    ring_bytes: int = Field(default=64 << 20, ge=1 << 20, le=1 << 34, description="memory of each ring with the kernel")
    timestamps: Literal["host", "adapter"] = Field(default="host", description="who says when a packet came")

    status_interval: float = Field(default=5.0, ge=0.001, le=86_400, description="report each active flow this often")
    max_flows: int = Field(
        default=1 << 20, ge=16, le=1 << 26, description="flows in memory; then the least recently seen go"
    )
    payload_bytes: int = Field(default=0, ge=0, le=16_384, description="first bytes of user data to keep")
    cause: Literal["close", "argus"] = Field(default="close", description="report connections as they close, or later")
    start_records: bool = Field(default=False, description="report each flow at its first packet too")
    flow_key: tuple[Literal["vlan", "mpls", "mac"], ...] = Field(default=(), description="what else tells flows apart")
    unidirectional: bool = Field(default=False, description="make each direction a flow of its own")
    count_copies: bool = Field(default=False, description="count copies that mirroring made as packets")
    tunnels: Literal["all", "ip", "none"] = Field(default="all", description="which tunnels to look into")
    timeouts: Timeouts = Field(default_factory=Timeouts, description="when an idle flow is over")

    netflow: Words = Field(default=(), description="listen there for NetFlow: [HOST]:PORT")
    ipfix: Words = Field(default=(), description="listen there for IPFIX: [HOST]:PORT")
    sflow: Words = Field(default=(), description="listen there for sFlow: [HOST]:PORT")
    exporters: Words = Field(default=(), description="networks of the exporters that are listened to")
    pairing_window: float = Field(default=10.0, ge=0, le=3600, description="wait so long for the other direction")
    longest_record: float = Field(default=300.0, gt=0, le=86_400, description="longest time a record of theirs covers")
    template_hold: float = Field(default=300.0, ge=0, le=86_400, description="keep data so long that has no template")
    exporter_state: str = Field(default="", description="file for templates over restarts")

    outputs: Annotated[
        tuple[Annotated[Output, BeforeValidator(_output)], ...],
        BeforeValidator(_listed),
        Field(max_length=MOST_OUTPUTS, description="where records go, and which of them"),
    ] = ()
    topic: str = Field(default=FLOW_STATUS.name, min_length=1, description="topic of status records")
    spool: Spool = Field(default_factory=Spool, description="disk in front of the bus")

    status: str = Field(default="", description="file for the status of the probe itself, a JSON object a line")
    status_topic: str = Field(default=PROBES.name, min_length=1, description="topic of the probe's own status")
    spans_topic: str = Field(default=SPANS.name, min_length=1, description="topic of findings about mirror ports")
    probe_status_interval: float = Field(
        default=60.0, ge=0.1, le=86_400, description="report on the probe itself this often", json_schema_extra=RELOAD
    )

    control: bool = Field(default=False, description="keep whole payloads of the control plane")
    control_protocols: Words = Field(default=(), description="which: names or proto:port", json_schema_extra=RELOAD)
    control_topic: str = Field(default=CONTROL.name, min_length=1, description="topic of control-plane payloads")

    events: Annotated[
        tuple[Source, ...],
        BeforeValidator(_listed),
        AfterValidator(_not_too_many),
        Field(description="programs, files, devices to ask besides, or what to listen to"),
    ] = ()
    events_topic: str = Field(default=EVENTS.name, min_length=1, description="topic of events")

    daemon: bool = Field(default=False, description="go into the background")
    user: str = Field(default="", description="user to become once everything is open")
    group: str = Field(default="", description="group to become")
    chroot: str = Field(default="", description="directory to stay in")
    pid_file: str = Field(default="", description="file to hold the process id")
    metrics: str = Field(default="", description="[HOST]:PORT for Prometheus and health")
    log: str = Field(default="", description="file for log lines; syslog for the system's")
    log_level: Literal["error", "warning", "info", "debug"] = Field(
        default="warning", description="least severity of log lines", json_schema_extra=RELOAD
    )
    log_format: Literal["text", "json"] = Field(default="text", description="how log lines look")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - as pydantic-settings calls it, like the next three
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take nothing but arguments: load() joins the layers, so that errors can say where a value came from."""
        return (init_settings,)

    @field_validator("site", "probe")
    @classmethod
    def _name(cls, text: str) -> str:
        name = socket.gethostname() if text == "`hostname`" else text.strip('"')
        if len(name.encode()) > LONGEST_NAME or not name.isprintable():
            raise ValueError(f"should be at most {LONGEST_NAME} bytes of printable text")
        return name

    @field_validator("control_protocols")
    @classmethod
    def _known(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        if words:
            from probes.control.protocols import Protocols

            try:
                Protocols(words)
            except SettingsError as error:
                raise ValueError(str(error)) from None
        return words

    @field_validator("flow_key", mode="before")
    @classmethod
    def _key_words(cls, value: Any) -> Any:  # noqa: ANN401 - whatever a file or the environment says
        return tuple(_words(value)) if isinstance(value, str | list) else value

    @field_validator("netflow", "ipfix", "sflow")
    @classmethod
    def _endpoints(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            host_port(word)
        return words

    @field_validator("exporters")
    @classmethod
    def _networks(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            try:
                ip_network(word, strict=False)
            except ValueError:
                raise ValueError("should be addresses or networks as 192.0.2.0/24") from None
        return words

    @field_validator("metrics")
    @classmethod
    def _endpoint(cls, text: str) -> str:
        if text:
            host_port(text)
        return text

    @property
    def digest(self) -> str:
        """Return 16 hexadecimal digits that are the same for the same settings."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @property
    def endpoints(self) -> tuple[tuple[str, str, int], ...]:
        """Return where exporters are listened to: kind, host (empty for all addresses) and port."""
        named = [(kind, word) for kind in ("netflow", "ipfix", "sflow") for word in getattr(self, kind)]
        found = ((kind, HOST_PORT.fullmatch(word), host_port(word)[1]) for kind, word in named)
        return tuple((kind, ((match and match["host"]) or "").strip("[]"), port) for kind, match, port in found)

    @property
    def interface_names(self) -> dict[str, str]:
        """Return each interface with the name that its records carry: `eth0/edge-3` gives it one of its own."""
        pairs = (spec.partition("/")[::2] for spec in self.interfaces)
        return {interface: name or self.probe for interface, name in pairs}


def host_port(text: str) -> tuple[str, int]:
    """Return where to listen: loopback when only a port is given; raises ValueError."""
    found = HOST_PORT.fullmatch(text)
    if found is None or int(found["port"]) > 65535:
        raise ValueError("should be :PORT, HOST:PORT or [IPV6]:PORT")
    return (found["host"] or "127.0.0.1").strip("[]"), int(found["port"])


def reloadable() -> frozenset[str]:
    """Return the keys that may change while a probe runs."""
    return frozenset(key for key, field in Settings.model_fields.items() if field.json_schema_extra == RELOAD)


def load(options: Mapping[str, tuple[str, Any]], file: str | None = None, *, defaults: bool = True) -> Settings:
    """Return the settings from options (key: how it was written, value), environment and file.

    `file` None is DEFAULT_FILE where there is one; without `defaults`, neither that nor the environment is looked at.
    Raises SettingsError naming the option, the variable, or the file and its key.
    """
    if file is None and defaults and DEFAULT_FILE.exists():
        file = str(DEFAULT_FILE)
    layers: list[tuple[str, dict[str, Any]]] = [
        ("option", {key: value for key, (_, value) in options.items()}),
        ("environment", _environment() if defaults else {}),
        ("shared", _shared() if defaults else {}),
        (file or "", _from_file(file) if file else {}),
    ]
    merged: dict[str, Any] = {}
    for _, values in reversed(layers):
        for key, value in values.items():
            before = merged.get(key)
            merged[key] = before | value if isinstance(before, dict) and isinstance(value, dict) else value
    try:
        return Settings(**merged)
    except ValidationError as error:
        raise _explained(error.errors()[0], options, layers) from None


def _environment() -> dict[str, Any]:
    for name in os.environ:
        key = name.removeprefix(PREFIX).lower()
        if name.startswith(PREFIX) and key not in Settings.model_fields:
            raise SettingsError(f"environment: {name} is no setting{suggestion(key, Settings.model_fields)}")
    found = EnvSettingsSource(Settings, env_prefix=PREFIX)()
    return {key: _structured(key, value) for key, value in found.items()}


def _shared() -> dict[str, Any]:
    """Return what the environment says to all programs alike."""
    return {key: os.environ[name] for key, name in SHARED.items() if os.environ.get(name)}


def _structured(key: str, text: Any) -> Any:  # noqa: ANN401 - as the environment has it
    """Take a list or mapping written in YAML, which is how one line of the file would have it."""
    if key in {"spool", "timeouts"} or (key in {"outputs", "files", "events"} and text.lstrip().startswith(("[", "{"))):
        return _yaml(text, f"environment: {PREFIX}{key.upper()}")
    return [text] if key == "files" else text


def _from_file(path: str) -> dict[str, Any]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {getattr(error, 'strerror', None) or 'is no UTF-8 text'}") from None
    if found := ARGUS_LINE.search(text):
        key = ARGUS_KEYS.get(found[1])
        instead = f"write `{key}:` for {found[1]}" if key else f"nothing here is like {found[1]}"
        raise SettingsError(f"{path}: an argus.conf, which is not read; {instead}, see docs/reference/probe.md")
    values = _yaml(text, path)
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: should hold keys and values, `site: berlin` for instance")
    for key in values:
        if key not in Settings.model_fields:
            raise SettingsError(f"{path}: unknown key '{key}'{suggestion(str(key), Settings.model_fields)}")
    return values


def _yaml(text: str, where: str) -> Any:  # noqa: ANN401 - whatever it says
    try:
        return yaml.load(text, _UniqueKeys)  # noqa: S506 - a safe loader, which also refuses a key given twice
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark and "\n" in text.strip() else ""
        problem = getattr(error, "problem", None) or "no text"
        raise SettingsError(f"{where}{line}: no YAML ({problem})") from None


class _UniqueKeys(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen = set()
        for key, _ in node.value:
            if isinstance(key.value, str) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key.value}' twice", key.start_mark)
            seen.add(key.value if isinstance(key.value, str) else "")
        return super().construct_mapping(node, deep)


def _explained(
    problem: ErrorDetails, options: Mapping[str, tuple[str, Any]], layers: list[tuple[str, dict[str, Any]]]
) -> SettingsError:
    key, path = str(problem["loc"][0]), ".".join(map(str, problem["loc"]))
    where = f"key '{path}'"
    for name, values in layers:
        if key in values:
            shown = {"option": f"option {options.get(key, (key,))[0]}", "environment": f"{PREFIX}{key.upper()}"}
            shown["shared"] = SHARED.get(key, "")
            where = shown.get(name) or f"{name}: key '{path}'"
            break
    message = PLAINER.get(problem["type"]) or problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    given = problem["input"]
    what = f", not '{given}'" if given != "" and isinstance(given, str | int | float) and "should" in message else ""
    return SettingsError(f"{where} {message}{what}")
