"""Country, city, coordinates and AS out of a database in MaxMind's format, mapped into memory."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any

import maxminddb

from processors.labels.prefixes import MAPPED
from topics.errors import SettingsError

if TYPE_CHECKING:
    from processors.labels.prefixes import Addresses, Facts


class Geography:
    """One database; raises SettingsError naming a file that is none."""

    def __init__(self, path: str) -> None:
        try:
            self._database = maxminddb.open_database(
                path, maxminddb.MODE_AUTO
            )  # mapped, by its extension where that is installed
        except (maxminddb.InvalidDatabaseError, ValueError, OSError) as error:
            reason = getattr(error, "strerror", None) or "no database in MaxMind's format"
            raise SettingsError(f"{path}: {reason}") from None
        self._with_ipv6 = self._database.metadata().ip_version == 6

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
