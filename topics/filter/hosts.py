"""What a filter needs of hosts: records that hold none of them cannot be selected, whatever else they are."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from topics.filter.tree import Address, All, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics.filter.tree import Network, Node

MAPPED = b"\0" * 10 + b"\xff\xff"


def may_select(node: Node, may_hold: Callable[[bytes], bool]) -> bool:
    """Tell whether a filter may select a record out of some of which `may_hold` knows the addresses.

    `may_hold` is asked for 16 bytes, IPv4 mapped into IPv6, and may say yes without need.
    """
    match node:
        case All(parts):
            return all(may_select(part, may_hold) for part in parts)
        case Any(parts):
            return any(may_select(part, may_hold) for part in parts)
        case Address(network=network) if network.prefixlen == network.max_prefixlen:
            return may_hold(_packed(network))
        case _:
            return True


def names_hosts(node: Node) -> bool:
    """Tell whether it makes a difference to a filter which hosts there are."""
    return not may_select(node, lambda _: False)


def _packed(network: Network) -> bytes:
    packed = network.network_address.packed
    return MAPPED + packed if isinstance(network, IPv4Network) else packed
