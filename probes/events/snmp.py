"""Asking devices over SNMP (v2c, v3): who they are, their interfaces, whom they know, who is behind which port.

The tables are those of SNMPv2-MIB, IF-MIB (RFC 2863), IP-MIB (RFC 4293), BRIDGE-MIB (RFC 4188) and Q-BRIDGE-MIB
(RFC 4363).
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probes.events.parsing.text import NO_ADDRESS, short
from probes.events.socket_tables import sixteen
from topics.errors import InputError, SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from probes.events.settings import Device

MOST_ROWS = 20_000
REPETITIONS = 25
SECONDS, RETRIES = 2.0, 1
CENTISECOND = 10_000_000
SYSTEM = {"description": 1, "object_id": 2, "uptime": 3, "name": 5, "location": 6}
SYSTEM_GROUP = "1.3.6.1.2.1.1"
INTERFACES, MORE_INTERFACES = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
INTERFACE_COLUMNS = {
    2: "description", 3: "type", 5: "speed", 6: "mac", 7: "admin", 8: "state", 10: "in_octets", 11: "in_packets",
    13: "in_discards", 14: "in_errors", 16: "out_octets", 17: "out_packets", 19: "out_discards", 20: "out_errors",
}  # fmt: skip
WIDE_COLUMNS = {
    1: "name",
    6: "in_octets",
    7: "in_packets",
    10: "out_octets",
    11: "out_packets",
    15: "megabits",
    18: "alias",
}
ARP_TABLE, NEIGHBOUR_TABLE = "1.3.6.1.2.1.4.22.1.2", "1.3.6.1.2.1.4.35.1.4"
BRIDGE_PORTS, BRIDGE_TABLE, VLAN_BRIDGE_TABLE = (
    "1.3.6.1.2.1.17.1.4.1.2",
    "1.3.6.1.2.1.17.4.3.1.2",
    "1.3.6.1.2.1.17.7.1.2.2.1.2",
)
STATES = {1: "up", 2: "down", 3: "testing", 4: "unknown", 5: "dormant", 6: "not present", 7: "lower layer down"}
COUNTS = (
    "in_octets",
    "out_octets",
    "in_packets",
    "out_packets",
    "in_errors",
    "out_errors",
    "in_discards",
    "out_discards",
)
MEGABIT = 1_000_000
AES, SHA = (1, 3, 6, 1, 6, 3, 10, 1, 2, 4), (1, 3, 6, 1, 6, 3, 10, 1, 1, 3)

Row = dict[str, Any]
Walked = dict[tuple[int, ...], Any]


class DeviceError(InputError):
    """A device that does not answer, or refuses; names it, never what it was asked with."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a device is asked with; never shown."""

    community: str = ""
    authentication: str = ""
    privacy: str = ""

    def __repr__(self) -> str:
        return "Secrets(...)"


def secrets_of(device: Device, environment: Mapping[str, str] = os.environ) -> Secrets:
    """Read the secrets of a device where its settings say: `env:NAME` or `file:PATH`; raises SettingsError."""
    return Secrets(*(_secret(device, name, environment) for name in ("community", "authentication", "privacy")))


def _secret(device: Device, name: str, environment: Mapping[str, str]) -> str:
    where = getattr(device, name)
    kind, _, place = where.partition(":")
    if not where:
        return "public" if name == "community" else ""
    try:
        found = environment[place] if kind == "env" else Path(place).read_text(encoding="utf-8")
    except (KeyError, OSError, UnicodeDecodeError):
        raise SettingsError(f"{device.address}: {name} cannot be read from {where}") from None
    return found.strip("\r\n")


def ask(devices: Iterable[Device], seconds: float) -> list[Row | DeviceError]:
    """Ask devices at the same time for at most so many seconds; return the body of each, or why there is none."""
    return asyncio.run(_ask_all(list(devices), seconds))


async def _ask_all(devices: list[Device], seconds: float) -> list[Row | DeviceError]:
    from pysnmp.hlapi.v3arch.asyncio import SnmpEngine

    async def one(device: Device) -> Row | DeviceError:
        engine = SnmpEngine()
        try:
            return await asyncio.wait_for(_Walk(engine, device).body(), seconds)
        except TimeoutError:
            return DeviceError(f"{device.address}: no answer within {seconds:g} s")
        except (DeviceError, SettingsError) as error:
            return DeviceError(str(error))
        except Exception as error:  # noqa: BLE001 - pysnmp lets through whatever damaged answers lead to
            return DeviceError(f"{device.address}: {type(error).__name__}")
        finally:
            engine.close_dispatcher()

    return await asyncio.gather(*map(one, devices))


class _Walk:
    def __init__(self, engine: Any, device: Device) -> None:  # noqa: ANN401 - an engine of pysnmp
        self._engine, self._device = engine, device
        self._login: Any = None
        self._target: Any = None

    async def body(self) -> Row:
        """Return everything the device tells; raises DeviceError when it does not even tell who it is."""
        from pysnmp.hlapi.v3arch.asyncio import UdpTransportTarget

        self._login = _login(self._device)
        where = self._device.address, self._device.port
        self._target = await UdpTransportTarget.create(where, timeout=SECONDS, retries=RETRIES)
        system = await self._table(SYSTEM_GROUP, most=200)
        values = {name: system.get((column, 0)) for name, column in SYSTEM.items()}
        narrow, wide = await self._table(INTERFACES), await self._table(MORE_INTERFACES)
        ports = {key[0]: int(value) for key, value in (await self._table(BRIDGE_PORTS)).items() if len(key) == 1}
        interfaces = interface_rows(narrow, wide)
        names = {row["index"]: row["name"] for row in interfaces}
        stations = station_rows(await self._table(BRIDGE_TABLE), await self._table(VLAN_BRIDGE_TABLE), ports, names)
        neighbours = neighbour_rows(await self._table(ARP_TABLE), await self._table(NEIGHBOUR_TABLE))
        texts = {name: short(_text(values[name])) for name in ("name", "description", "object_id", "location")}
        return {
            "device": self._device.label,
            "version": self._device.version,
            **texts,
            "uptime": int(values["uptime"] or 0) * CENTISECOND,
            "interfaces": interfaces,
            "neighbours": neighbours,
            "stations": stations,
        }

    async def _table(self, prefix: str, most: int = MOST_ROWS) -> Walked:
        """Return what is below an object, by the rest of its identifier."""
        skipped = prefix.count(".") + 1
        found: Walked = {}
        async for identifier, value in self._values(prefix):
            found[identifier[skipped:]] = value
            if len(found) >= most:
                break
        return found

    async def _values(self, prefix: str) -> AsyncIterator[tuple[tuple[int, ...], Any]]:
        from pysnmp.hlapi.v3arch.asyncio import ContextData, ObjectIdentity, ObjectType, bulk_walk_cmd

        walk: Any = bulk_walk_cmd(
            self._engine, self._login, self._target, ContextData(), 0, REPETITIONS,
            ObjectType(ObjectIdentity(prefix)), lookupMib=False, lexicographicMode=False,
        )  # fmt: skip
        async for failure, status, _, bindings in walk:
            if failure:
                raise DeviceError(f"{self._device.address}: {short(failure, 200)}")
            if status:
                return
            for identifier, value in bindings:
                yield tuple(identifier), value


def _login(device: Device) -> Any:  # noqa: ANN401 - a login of pysnmp
    from pysnmp.hlapi.v3arch.asyncio import CommunityData, UsmUserData

    secrets = secrets_of(device)
    if device.version == "2c":
        return CommunityData(secrets.community, mpModel=1)  # noqa: S508 - what many a device has
    if not secrets.authentication:
        return UsmUserData(device.user)  # noqa: S509 - as the settings say
    protocols: dict[str, Any] = {"authKey": secrets.authentication, "authProtocol": SHA}
    if secrets.privacy:
        protocols |= {"privKey": secrets.privacy, "privProtocol": AES}
    return UsmUserData(device.user, **protocols)  # noqa: S509 - as above


def interface_rows(narrow: Walked, wide: Walked) -> list[Row]:
    """Return a row for each interface of ifTable, with the wide counters of ifXTable where it has them."""
    cells: dict[int, dict[str, Any]] = {}
    for table, columns, mark in ((narrow, INTERFACE_COLUMNS, ""), (wide, WIDE_COLUMNS, "wide ")):
        for key, value in table.items():
            if len(key) == 2 and key[0] in columns:
                cells.setdefault(key[1], {})[mark + columns[key[0]]] = value
    return [_interface(index, cell) for index, cell in sorted(cells.items()) if "type" in cell or "wide name" in cell]


def _interface(index: int, cell: dict[str, Any]) -> Row:
    speed = int(cell.get("wide megabits") or 0) * MEGABIT or int(cell.get("speed") or 0)
    counts = {name: _signed(cell.get(f"wide {name}", cell.get(name, 0))) for name in COUNTS}
    return {
        "index": index,
        "name": short(_text(cell.get("wide name") or cell.get("description")), 256),
        "alias": short(_text(cell.get("wide alias")), 256),
        "type": int(cell.get("type") or 0),
        "speed": speed,
        "mac": bytes(cell.get("mac") or b"")[:8],
        "admin": STATES.get(int(cell.get("admin") or 4), "unknown"),
        "state": STATES.get(int(cell.get("state") or 4), "unknown"),
        **counts,
        "counter_bits": 64 if "wide in_octets" in cell else 32,
    }


def _signed(value: Any) -> int:  # noqa: ANN401 - a counter of pysnmp
    """Return a counter; of 64 bits the lowest 63, which is all that a long of Avro holds."""
    return int(value) & ((1 << 63) - 1)


def neighbour_rows(arp: Walked, neighbours: Walked) -> list[Row]:
    """Return rows of ipNetToMediaTable (interface, IPv4) and ipNetToPhysicalTable (interface, kind, size, address)."""
    rows = {}
    for key, value in arp.items():
        if len(key) == 5 and max(key[1:]) < 256:
            rows[key[0], bytes(key[1:])] = bytes(value)
    for key, value in neighbours.items():
        if len(key) > 3 and key[1] in (1, 2) and len(key) == 3 + key[2] and key[2] in (4, 16) and max(key[3:]) < 256:
            rows[key[0], bytes(key[3:])] = bytes(value)
    return [
        {"address": sixteen(packed), "mac": mac[:8], "interface": index}
        for (index, packed), mac in sorted(rows.items())
        if sixteen(packed) != NO_ADDRESS
    ]


def station_rows(bridge: Walked, vlans: Walked, ports: Mapping[int, int], names: Mapping[int, str]) -> list[Row]:
    """Return rows of dot1dTpFdbTable (MAC) and dot1qTpFdbTable (VLAN, MAC); ports by the number of their interface."""
    found = {(0, key): value for key, value in bridge.items() if len(key) == 6}
    found |= {(key[0], key[1:]): value for key, value in vlans.items() if len(key) == 7}
    rows = []
    for (vlan, mac), value in sorted(found.items()):
        if max(mac) < 256 and int(value):
            port = ports.get(int(value), int(value))
            rows.append({"mac": bytes(mac), "port": port, "port_name": names.get(port, ""), "vlan": min(vlan, 1 << 30)})
    return rows


def _text(value: Any) -> str:  # noqa: ANN401 - a value of pysnmp
    if value is None:
        return ""
    octets = getattr(value, "asOctets", None)
    return octets().decode("utf-8", "replace") if octets else str(value)
