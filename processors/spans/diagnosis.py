"""A finding in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from processors.spans.sums import Kind, Sums

OTHER_MACS, OTHER_MPLS, OTHER_TUNNEL = 4, 8, 16
EVERY = 0.9
NUMBERS = ("no", "one", "two", "three", "four")


def duration(nanoseconds: int) -> str:
    """Return a time as people say it."""
    for unit, size in (("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds} ns"


def diagnosis(vlan: int, kind: Kind, packets: int, sums: Sums) -> str:
    """Say what arrives how often, how much later and with what differences, and what that tells of the mirroring."""
    share = sums.copies / packets if packets else 1.0
    return f"{_what(vlan, share, sums)} {_how(vlan, kind, sums)}: {_why(vlan, kind, sums)}"


def _what(vlan: int, share: float, sums: Sums) -> str:
    subject = f"from VLAN {vlan}" if vlan else "without a VLAN tag"
    if sums.one_way:
        (packets, copies) = sums.ahead
        share = copies / packets
        subject += " and of one direction only"
    if share < EVERY:
        return f"{100 * share:.0f} % of the frames {subject} arrive twice,"
    times = {1: "twice", 2: "three times"}.get(round(share), f"{1 + share:.1f} times")
    return f"every frame {subject} arrives {times},"


def _how(vlan: int, kind: Kind, sums: Sums) -> str:
    ways = []
    if kind.vlan != vlan:
        ways.append(f"in VLAN {kind.vlan}" if kind.vlan else "without the tag")
    if kind.ttl_steps:
        steps = abs(kind.ttl_steps)
        word = NUMBERS[steps] if steps < len(NUMBERS) else str(steps)
        ways.append(f"with TTL {word} {'lower' if kind.ttl_steps > 0 else 'higher'}")
    if kind.differences & OTHER_MACS:
        ways.append("between other MAC addresses")
    if kind.differences & OTHER_MPLS:
        ways.append("under another MPLS label")
    if kind.differences & OTHER_TUNNEL:
        ways.append("in another tunnel")
    return f"the copy {duration(sums.mean_lag)} later {', '.join(ways) or 'with the same bytes'}"


def _why(vlan: int, kind: Kind, sums: Sums) -> str:
    if kind.differences & (OTHER_MPLS | OTHER_TUNNEL):
        return "both ends of the encapsulation are mirrored"
    if kind.ttl_steps and kind.vlan != vlan:
        return "the VLANs on both sides of a router are mirrored"
    if kind.ttl_steps:
        return "the port mirrors both ingress and egress, with a router in between"
    if kind.vlan != vlan:
        return "the port mirrors the tagged and the untagged side of the same path"
    if sums.one_way:
        return "copies in one direction only, as of a port that is mirrored at two places on one way"
    return "the port mirrors both ingress and egress"
