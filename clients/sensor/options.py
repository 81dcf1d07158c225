"""The options of `argosy probe`: the setting each stands for, and what to use instead of those only argus has."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from clients.options import Option, Parsed
from clients.sensor import values
from clients.telemetry.options import METRICS_OPTION
from probes.settings import MOST_OUTPUTS, NANOSECONDS, Settings
from probes.settings_layers import load
from topics.definitions import CONTROL, EVENTS, FLOW_STATUS, PROBES, SPANS
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from probes.flows.probe import ProbeSettings


class Switch(NamedTuple):
    """An option that sets `key` of the settings to what `value` makes of it."""

    option: Option
    key: str
    value: Callable[[Parsed, str], Any]


SWITCHES = {
    "what to read": (
        Switch(
            Option("-r", "FILE...", "capture files: pcap or pcapng, plain, gzip or zstd; - is\nstandard input"),
            "files",
            values.words,
        ),
        Switch(
            Option(
                "-i",
                "INTERFACE",
                "listen on it; several times for several, all for every\none that is up; IF/NAME names it",
            ),
            "interfaces",
            values.words,
        ),
        Switch(
            Option(
                "--argus",
                "HOST[:561]",
                "records of an argus or radium that runs there, with its\nnames: also SOCKET, argus-udp://[HOST]:PORT; "
                "after -\na filter of ra that it is sent (docs/guides/argus-files.md)",
            ),
            "argus",
            values.words,
        ),
        Switch(Option("-p", "", "only what an interface takes by itself (not promiscuous)"), "promiscuous", values.off),
        Switch(
            Option("-s", "BYTES", "look at so many bytes of each packet (256 and what -U\nkeeps; all with -C)"),
            "snaplen",
            values.word,
        ),
        Switch(Option("--timestamps", "WHO", "who stamps packets: host or adapter (host)"), "timestamps", values.word),
        Switch(
            Option("--buffer", "BYTES", "memory for packets that wait, an interface (67108864)"),
            "ring_bytes",
            values.word,
        ),
        Switch(
            Option("--fanout", "GROUP", "share the packets of the interfaces with the other\nprobes of this number"),
            "fanout_group",
            values.word,
        ),
        Switch(Option("-f", "", "wait for more at the end of the last file"), "follow", values.on),
        Switch(Option("-N", "N | A-B", "the first N packets, or those from A to B"), "packets", values.word),
        Switch(
            Option("-T", "SCALE", "replay files: so many seconds of capture in a second"), "time_scale", values.word
        ),
        Switch(Option("--repeat", "", "replay files again and again, as if it happened now"), "repeat", values.on),
        Switch(Option("-O", "", "do not let libpcap optimise the filter"), "filter_optimizer", values.off),
    ),
    "who observes": (
        Switch(
            Option("-e", "NAME", "name of this probe, the srcid of its records\n(default: name of the host)"),
            "probe",
            values.word,
        ),
        Switch(Option("--site", "NAME", "where the probe stands"), "site", values.word),
    ),
    "flows": (
        Switch(
            Option("-S", "SECONDS", "report each active flow this often, from 0.001 up (5)"),
            "status_interval",
            values.word,
        ),
        Switch(
            Option("-H --max-flows", "N", "flows in memory at most; then the least recently seen\ngo (1048576)"),
            "max_flows",
            values.size,
        ),
        Switch(
            Option("-U", "BYTES", "keep the first bytes of user data of each direction"), "payload_bytes", values.size
        ),
        Switch(
            Option("--cause", "close | argus", "report connections as they close, or when the\ninterval is over"),
            "cause",
            values.word,
        ),
        Switch(Option("--start-records", "", "report each flow at its first packet too"), "start_records", values.on),
        Switch(
            Option("--flow-key", "WORD...", "tell flows apart by vlan, mpls or mac too"),
            "flow_key",
            values.words,
        ),
        Switch(
            Option("--count-copies", "", "count copies that mirroring made as packets, as Argus does"),
            "count_copies",
            values.on,
        ),
        Switch(
            Option("--packet-size-histogram", "", "count how many packets were of which size (-s spktsz dpktsz)"),
            "packet_size_histogram",
            values.on,
        ),
        Switch(
            Option("--jitter-histogram", "", "count how many inter-packet times were how long (-s sintdist\ndintdist)"),
            "jitter_histogram",
            values.on,
        ),
        Switch(Option("--unidirectional", "", "make each direction a flow of its own"), "unidirectional", values.on),
        Switch(
            Option("--tunnels", "all | ip | none", "look into tunnels: all, those of IP alone, or none (all)"),
            "tunnels",
            values.word,
        ),
    ),
    "flow records of others": (
        Switch(
            Option(
                "--netflow",
                "[HOST]:PORT",
                "listen there for NetFlow 5, 7 and 9, or with -r take what\nis sent there (docs/guides/exporters.md)",
            ),
            "netflow",
            values.words,
        ),
        Switch(Option("--ipfix", "[HOST]:PORT", "for IPFIX, over UDP and TCP"), "ipfix", values.words),
        Switch(Option("--sflow", "[HOST]:PORT", "for sFlow 5"), "sflow", values.words),
        Switch(Option("--exporters", "NETWORK...", "of these alone (default: of all)"), "exporters", values.words),
        Switch(
            Option(
                "--pairing-window", "SECONDS", "wait so long for the record of the other direction (10);\n0: do not"
            ),
            "pairing_window",
            values.word,
        ),
        Switch(
            Option(
                "--longest-record",
                "SECONDS",
                "longest time that a record covers: the active timeout of\nexporters (300)",
            ),
            "longest_record",
            values.word,
        ),
        Switch(
            Option("--template-hold", "SECONDS", "keep data so long that came before its template (300)"),
            "template_hold",
            values.word,
        ),
        Switch(Option("--exporter-state", "FILE", "keep templates there over restarts"), "exporter_state", values.word),
    ),
    "where records go": (
        Switch(
            Option(
                "-w",
                "OUT...",
                "write there all records, or those that a filter of\n`argosy ra` behind it selects: "
                "FILE.parquet .arrow\n.avro .argus .csv .jsonl, - for an Arrow stream, or\n"
                f"kafka://HOST:PORT; up to {MOST_OUTPUTS} times",
            ),
            "outputs",
            values.outputs,
        ),
        Switch(Option("--bus", "URL", "the same as -w kafka://HOST:PORT[,HOST:PORT]"), "outputs", values.outputs),
        Switch(
            Option("--spool", "DIR", "keep what goes to the bus there until brokers have it"),
            "spool",
            values.directory,
        ),
        Switch(Option("--topic", "TOPIC", f"topic of status records ({FLOW_STATUS.name})"), "topic", values.word),
    ),
    "the control plane": (
        Switch(
            Option(
                "-C",
                "",
                "keep whole payloads of DNS, DHCP, ARP, ICMP, routing and\nthe like, beside -w FILE or on the bus",
            ),
            "control",
            values.on,
        ),
        Switch(
            Option(
                "--control",
                "LIST",
                "-C with these instead: names as dns, or proto:port as\nudp:9053, ip:89, ether:0x88cc, llc:0x4242",
            ),
            "control_protocols",
            values.control_list,
        ),
        Switch(
            Option("--control-topic", "TOPIC", f"publish them there ({CONTROL.name})"), "control_topic", values.word
        ),
    ),
    "events": (
        Switch(
            Option(
                "--event",
                "SOURCE",
                "ask that too, several times for several: prog:/PATH\nARGUMENTS:30s, file:/proc/vmstat:1m, lsof, "
                "vmstat,\nnetstat, load, disk or wifi (docs/guides/events.md)",
            ),
            "events",
            values.words,
        ),
        Switch(Option("--events-topic", "TOPIC", f"publish them there ({EVENTS.name})"), "events_topic", values.word),
    ),
    "the probe itself": (
        Switch(
            Option("-M", "SECONDS", "report on the probe itself this often (60), and at\nits start and end"),
            "probe_status_interval",
            values.word,
        ),
        Switch(
            Option(
                "--status",
                "FILE",
                "write that there, a JSON object a line (default: beside\n-w FILE as FILE.status.jsonl)",
            ),
            "status",
            values.word,
        ),
        Switch(Option("--status-topic", "TOPIC", f"or publish it there ({PROBES.name})"), "status_topic", values.word),
        Switch(
            Option("--spans-topic", "TOPIC", f"topic of findings about mirror ports ({SPANS.name})"),
            "spans_topic",
            values.word,
        ),
        Switch(
            METRICS_OPTION,
            "metrics",
            values.word,
        ),
        Switch(
            Option("--log", "FILE", "log lines there; syslog for the system's log (default:\nstandard error)"),
            "log",
            values.word,
        ),
        Switch(
            Option("-k", "SEVERITY", "log what is as severe as this, 0 to 7 (4: warnings)"),
            "log_level",
            values.log_level,
        ),
        Switch(Option("-D", "LEVEL", "log details, from level 1 up"), "log_level", values.debug),
        Switch(
            Option("--log-level", "LEVEL", "the same by name: error, warning, info or debug"), "log_level", values.word
        ),
        Switch(Option("--log-format", "text | json", "how log lines look (text)"), "log_format", values.word),
    ),
    "as a daemon": (
        Switch(Option("-d", "", "go into the background; twice: do not"), "daemon", values.toggled),
        Switch(Option("--pid", "FILE", "hold the process id there"), "pid_file", values.word),
        Switch(
            Option(
                "-u",
                "USER",
                "become this user once packets can be read; on interfaces\nwith CAP_NET_RAW, else with no capability",
            ),
            "user",
            values.word,
        ),
        Switch(Option("-g", "GROUP", "become this group (default: that of the user)"), "group", values.word),
        Switch(Option("-c", "DIR", "stay in this directory: the names of outputs begin in it"), "chroot", values.word),
    ),
}
ACTIONS = [
    Option("-b", "", "print the compiled packet filter, and no more"),
    Option("-l", "", "print the interfaces, and no more"),
    Option("-F", "FILE", "settings file (/etc/argosy/probe.yaml where there is one)"),
    Option("-X", "", "look at neither that file nor ARGOSY_PROBE_ variables"),
    Option("-A", "", "as argus: application bytes. They are always measured, as\nare the next four"),
    Option("-J", "", "as argus: inter-packet times"),
    Option("-R", "", "as argus: response times"),
    Option("-Z", "", "as argus: packet sizes"),
    Option("-m", "", "as argus: MAC addresses"),
    Option("-h --help", "", "this text"),
]
# Options of argus that have no counterpart here, with what serves instead.
REFUSED = {
    Option("-B", "ADDRESS"): "there is no listener to bind; publish with -w kafka://HOST:PORT",
    Option("-E", "DAYS"): "there are no licences",
    Option(
        "-P", "PORT"
    ): "there is no listener; publish with -w kafka://HOST:PORT, and argosy radium serves clients of Argus",
    Option("-t", ""): "tsh files are not read; convert them to pcap",
}


def all_options() -> list[Option]:
    """Return every option that is understood, if only to be refused."""
    return [*(switch.option for part in SWITCHES.values() for switch in part), *ACTIONS, *REFUSED]


def help_parts() -> dict[str, list[Option]]:
    """Return the options by heading, without those that are refused."""
    return {heading: [switch.option for switch in part] for heading, part in SWITCHES.items()} | {"others": ACTIONS}


def settings_of(parsed: Parsed) -> Settings:
    """Return the settings of a command line; raises UsageError and SettingsError."""
    for option, instead in REFUSED.items():
        if option.spellings[0] in parsed.given:
            raise UsageError(f"option {option.spellings[0]}: {instead}")
    if any(path.startswith("cisco:") for path in parsed.words("-r")):
        raise UsageError("option -r: write -r FILE --netflow :PORT for NetFlow in a capture (docs/guides/exporters.md)")
    given = _given(parsed)
    if "control_protocols" in given:
        given["control"] = ("--control", True)
    if parsed.rest:
        given["packet_filter"] = ("after -", parsed.expression)
    return load(given, parsed.word("-F"), defaults=not parsed.count("-X"))


def flow_settings(settings: Settings) -> ProbeSettings:
    """Return what the flow tables have to know."""
    from probes.decode.tunnel import IP_TUNNELS, UDP_TUNNELS
    from probes.flows.identity import MAC_KEY, MPLS_KEY, UNIDIRECTIONAL, VLAN_KEY
    from probes.flows.probe import ProbeSettings, Timeouts

    bits = {"vlan": VLAN_KEY, "mpls": MPLS_KEY, "mac": MAC_KEY}
    additions = sum(bits[word] for word in set(settings.flow_key))
    seconds = settings.timeouts.model_dump()
    return ProbeSettings(
        site=settings.site,
        probe=settings.probe,
        boot_id=time.time_ns(),
        status_interval=round(settings.status_interval * NANOSECONDS),
        max_flows=settings.max_flows,
        payload_bytes=settings.payload_bytes,
        early_close=settings.cause == "close",
        start_records=settings.start_records,
        key_additions=additions | (UNIDIRECTIONAL if settings.unidirectional else 0),
        count_copies=settings.count_copies,
        count_sizes=settings.packet_size_histogram,
        count_intervals=settings.jitter_histogram,
        tunnels={"all": IP_TUNNELS | UDP_TUNNELS, "ip": IP_TUNNELS, "none": 0}[settings.tunnels],
        timeouts=Timeouts(**{name: round(value * NANOSECONDS) for name, value in seconds.items()}),
    )


def own_settings(parsed: Parsed) -> Settings:
    """Return the settings of a command that shares some options with the probe, but neither file nor environment."""
    return load(_given(parsed), defaults=False)


def _given(parsed: Parsed) -> dict[str, tuple[str, Any]]:
    """Return what was given, by key: how the option is written, and its value."""
    switches = [switch for part in SWITCHES.values() for switch in part]
    return {
        switch.key: (name, switch.value(parsed, name))
        for switch in switches
        if (name := switch.option.spellings[0]) in parsed.given
    }
