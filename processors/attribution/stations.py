"""Where an address is: its MAC by ARP and neighbour tables, the port of a switch by bridge tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from topics.events import EventRecord

MOST = 200_000


class Place(NamedTuple):
    """A port of a switch; `shared` says how many stations it has, since the one with fewest is nearest."""

    switch: str
    port: str
    shared: int


class StationTable:
    """The last word of each device. A MAC that several switches know is where the fewest others are behind its port."""

    def __init__(self) -> None:
        self._macs: dict[bytes, bytes] = {}
        self._places: dict[bytes, dict[str, Place]] = {}

    def __contains__(self, address: bytes) -> bool:
        return address in self._macs

    def add(self, event: EventRecord) -> None:
        """Learn the tables of a device."""
        if event.kind != "snmp" or event.body is None:
            return
        device, stations = event.body["device"], event.body["stations"]
        for row in event.body["neighbours"]:
            if len(self._macs) < MOST or row["address"] in self._macs:
                self._macs[row["address"]] = row["mac"]
        counts: dict[str, int] = {}
        for row in stations:
            port = row["port_name"] or str(row["port"])
            counts[port] = counts.get(port, 0) + 1
        for row in stations:
            port = row["port_name"] or str(row["port"])
            if len(self._places) < MOST or row["mac"] in self._places:
                self._places.setdefault(row["mac"], {})[device] = Place(device, port, counts[port])

    def station(self, address: bytes) -> tuple[bytes, Place | None] | None:
        """Return MAC and place of an address, as far as they are known."""
        mac = self._macs.get(address)
        if mac is None:
            return None
        places = self._places.get(mac, {}).values()
        return mac, min(places, key=lambda place: (place.shared, place.switch), default=None)
