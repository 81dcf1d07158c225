"""Country, city, coordinates and AS out of a database in MaxMind's format, mapped into memory."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any

import maxminddb
import numpy as np

from processors.labels.geography_kernel import walk
from processors.labels.prefixes import MAPPED
from topics.errors import SettingsError

if TYPE_CHECKING:
    from processors.labels.prefixes import Addresses, Facts, Places

WIDTHS = (24, 28, 32)


class Geography:
    """One database; raises SettingsError naming a file that is none."""

    def __init__(self, path: str) -> None:
        try:
            # mapped, by its extension where that is installed
            self._database = maxminddb.open_database(path, maxminddb.MODE_AUTO)
            self._tree = np.asarray(np.memmap(path, np.uint8, "r"))
        except (maxminddb.InvalidDatabaseError, ValueError, OSError) as error:
            reason = getattr(error, "strerror", None) or "no database in MaxMind's format"
            raise SettingsError(f"{path}: {reason}") from None
        said = self._database.metadata()
        self._with_ipv6 = said.ip_version == 6
        self._shape = (said.record_size, said.node_count)
        if said.record_size not in WIDTHS or len(self._tree) < said.node_count * (said.record_size >> 2):
            raise SettingsError(f"{path}: no database in MaxMind's format")

    def places(self, addresses: Addresses) -> Places:
        """Return a number for what is known of each address (S16), the same one where it is the same."""
        found = np.empty(len(addresses), np.int64)
        walk(self._tree, *self._shape, self._with_ipv6, addresses.view(np.uint8).reshape(-1, 16), found)
        return found

    def facts(self, addresses: Addresses) -> list[Facts]:
        """Return what is known of addresses (S16)."""
        return [self._one(int.from_bytes(address.ljust(16, b"\0"))) for address in addresses.tolist()]

    def _one(self, address: int) -> Facts:
        is_ipv4 = address >> 32 == MAPPED >> 32
        if not is_ipv4 and not self._with_ipv6:
            return {}
        try:
            found: Any = self._database.get(IPv4Address(address & 0xFFFFFFFF) if is_ipv4 else IPv6Address(address))
        except (maxminddb.InvalidDatabaseError, ValueError):
            return {}
        return _facts(found) if isinstance(found, dict) else {}


def _facts(found: dict[str, Any]) -> Facts:
    place, names = found.get("location") or {}, (found.get("city") or {}).get("names") or {}
    country = found.get("country") or found.get("registered_country") or {}
    facts = {
        "co": country.get("iso_code"),
        "city": names.get("en") or next(iter(names.values()), None),
        "lat": place.get("latitude"),
        "lon": place.get("longitude"),
        "as": found.get("autonomous_system_number"),
        "asorg": found.get("autonomous_system_organization"),
    }
    return {key: str(value) for key, value in facts.items() if value is not None}
