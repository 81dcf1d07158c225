"""What a probe can be told: one model, which settings_layers.py fills."""

from __future__ import annotations

import hashlib
import re
import socket
from ipaddress import ip_network
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from probes.events.settings import MOST_SOURCES, EventSource, Source
from topics.definitions import CONTROL, EVENTS, FLOW_STATUS, PROBES, SPANS
from topics.errors import FilterError, SettingsError

if TYPE_CHECKING:
    from pydantic.config import JsonDict

MOST_OUTPUTS = 5  # as Argus
LONGEST_NAME = 255
BUS = "kafka://"
HOST_PORT = re.compile(r"(?:(?P<host>[\w.-]*|\[[0-9A-Fa-f:.]+\]):)?(?P<port>\d{1,5})")
NANOSECONDS = 1_000_000_000
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
    packet_size_histogram: bool = Field(default=False, description="count how many packets were of which size")
    jitter_histogram: bool = Field(default=False, description="count how many inter-packet times were how long")
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
