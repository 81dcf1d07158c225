"""Alerts: lines of Suricata's EVE and of Snort 3's alert_json."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from probes.events.parsing.text import UnreadableError, address, number, short, small
from topics.community_id import WITH_PORTS, community_id

Body = dict[str, Any]
LONGEST_LINE = 256 * 1024
MOST_ALERTS = 20_000
PROTOCOLS = {
    "TCP": 6,
    "UDP": 17,
    "ICMP": 1,
    "IPV6-ICMP": 58,
    "ICMPV6": 58,
    "SCTP": 132,
    "GRE": 47,
    "ESP": 50,
    "IGMP": 2,
}
SECOND, MICROSECOND = 1_000_000_000, 1000


def parse_ids(text: str) -> Body:
    """Read lines of JSON; those that are no alerts are counted, and those that nobody can read."""
    alerts: list[Body] = []
    others = unreadable = 0
    for line in text.split("\n"):
        if not line.strip():
            continue
        event = _event(line)
        if event is None:
            unreadable += 1
        elif (found := _alert(event)) is not None and len(alerts) < MOST_ALERTS:
            alerts.append(found)
        else:
            others += 1
    if unreadable and not alerts and not others:
        raise UnreadableError("no lines of JSON")
    return {"alerts": alerts, "others": others, "unreadable": unreadable}


def _event(line: str) -> Body | None:
    try:
        event = json.loads(line) if len(line) <= LONGEST_LINE else None
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _alert(event: Body) -> Body | None:
    if event.get("event_type") == "alert" and isinstance(event.get("alert"), dict):
        return _of_suricata(event, event["alert"])
    if "event_type" not in event and "msg" in event and ("sid" in event or "rule" in event):
        return _of_snort(event)
    return None


def _of_suricata(event: Body, alert: Body) -> Body:
    protocol = _protocol(event.get("proto"))
    ports = ("icmp_type", "icmp_code") if protocol in (1, 58) else ("src_port", "dest_port")
    ends = (
        address(event.get("src_ip")),
        address(event.get("dest_ip")),
        _port(event.get(ports[0])),
        _port(event.get(ports[1])),
    )
    return _row(
        ends,
        protocol,
        event.get("community_id"),
        time=_time(event.get("timestamp")),
        generator=small(alert.get("gid")),
        signature=number(alert.get("signature_id")),
        revision=small(alert.get("rev")),
        message=short(alert.get("signature", "")),
        category=short(alert.get("category", "")),
        severity=small(alert.get("severity")),
        action=short(alert.get("action", ""), 32),
        interface=short(event.get("in_iface", ""), 64),
        application=short(event.get("app_proto", ""), 64),
        flow=short(event.get("flow_id", ""), 32),
    )


def _of_snort(event: Body) -> Body:
    """Read a line of alert_json, with the fields that its manual lists; `rule` is GID:SID:REV."""
    rule = [number(word) for word in str(event.get("rule", "")).split(":")] + [0, 0, 0]
    protocol = _protocol(event.get("proto"))
    ports = ("icmp_type", "icmp_code") if protocol in (1, 58) else ("src_port", "dst_port")
    source, destination = (
        event.get(f"{side}_addr") or str(event.get(f"{side}_ap", "")).rpartition(":")[0] for side in ("src", "dst")
    )
    source_port, destination_port = (
        event.get(name, str(event.get(f"{name[:3]}_ap", "")).rpartition(":")[2]) for name in ports
    )
    ends = address(source), address(destination), _port(source_port), _port(destination_port)
    return _row(
        ends,
        protocol,
        event.get("community_id"),
        time=_time(event.get("seconds") or event.get("timestamp")),
        generator=small(event.get("gid", rule[0])),
        signature=number(event.get("sid", rule[1])),
        revision=small(event.get("rev", rule[2])),
        message=short(event.get("msg", "")),
        category=short(event.get("class", "")),
        severity=small(event.get("priority")),
        action=short(event.get("action", ""), 32),
        interface=short(event.get("iface", ""), 64),
        application=short(event.get("service", ""), 64),
        flow="",
    )


def _row(ends: tuple[bytes, bytes, int, int], protocol: int, said: object, **others: object) -> Body:
    source, destination, source_port, destination_port = ends
    known = said if isinstance(said, str) and said else ""
    if not known and any(source) and any(destination) and protocol:
        ports = (source_port, destination_port) if protocol in WITH_PORTS else (0, 0)
        known = community_id(source, destination, *ports, protocol)
    return {
        "community_id": short(known, 64),
        "protocol": protocol,
        "source": source,
        "source_port": source_port,
        "destination": destination,
        "destination_port": destination_port,
        **others,
    }


def _protocol(name: object) -> int:
    text = str(name).upper()
    return PROTOCOLS.get(text, number(text) if text.isdigit() and number(text) < 256 else 0)


def _port(value: object) -> int:
    port = number(value)
    return port if 0 <= port <= 65535 else 0


def _time(value: object) -> int:
    """Return ns since the epoch of an ISO 8601 time or of seconds; 0 for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 33:
        return value * SECOND
    if not isinstance(value, str) or len(value) > 40:
        return 0
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        return 0
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return (int(when.replace(microsecond=0).timestamp()) * SECOND) + when.microsecond * MICROSECOND
