"""A finding in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from processors.spans.sums import Kind, Sums

OTHER_MACS, OTHER_MPLS, OTHER_TUNNEL = 4, 8, 16
EVERY, NEARLY_EVERY = 0.98, 0.95
WHOLE = 0.05  # so near to a whole number of copies a packet
TIMES = {1: "twice", 2: "three times", 3: "four times"}
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
    several = round(share) > 1
    return f"{_what(vlan, share, sums)} {_how(vlan, kind, sums, several=several)}: {_why(vlan, kind, sums)}"


def _what(vlan: int, share: float, sums: Sums) -> str:
    subject = f"from VLAN {vlan}" if vlan else "without a VLAN tag"
    if sums.one_way:
        (packets, copies) = sums.ahead
        share = copies / packets
        subject += " and of one direction only"
    if share < NEARLY_EVERY:
        return f"{100 * share:.0f} % of the frames {subject} arrive twice,"
    copies = round(share)
    if abs(share - copies) > WHOLE or copies not in TIMES:
        return f"frames {subject} arrive {1 + share:.1f} times on average,"
    every = "every frame" if share >= EVERY * copies else "nearly every frame"
    return f"{every} {subject} arrives {TIMES[copies]},"


def _how(vlan: int, kind: Kind, sums: Sums, *, several: bool) -> str:
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
    how = ", ".join(ways) or "with the same bytes"
    if several:  # a record adds up copies of all kinds and tells in what any of them differs
        return f"the copies {duration(sums.mean_lag)} later in the mean, {'one or all of them ' * bool(ways)}{how}"
    return f"the copy {duration(sums.mean_lag)} later {how}"


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
