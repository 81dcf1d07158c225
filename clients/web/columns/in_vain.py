"""What counts as tried in vain, and how much of it is a scan: by the starter rules (deploy/alerts/scans.yaml)."""

from __future__ import annotations

from typing import NamedTuple


class Scan(NamedTuple):
    """What of a protocol counts as tried in vain, and how many of it are a scan."""

    match: str
    ports: int  # of one host, more than which are a scan
    hosts: int | None  # with one port


SCANS = {"tcp": Scan("tcp and syn and not synack", 20, 25), "udp": Scan("udp and dpkts = 0", 60, None)}
IN_VAIN = " or ".join(f"({scan.match})" for scan in SCANS.values())
