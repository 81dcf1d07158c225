from __future__ import annotations

from typing import Any

import pytest

from probes.flows.identity import MAC_KEY, MPLS_KEY, UNIDIRECTIONAL, VLAN_KEY
from tests.probes.observed import CLIENT, SERVER, observed, only
from tests.traffic import encapsulations as e
from tests.traffic.packets import echo_frame, frame, ip, ipv4, udp, udp_frame

THERE, BACK = (CLIENT, SERVER, 4000, 5000), (SERVER, CLIENT, 5000, 4000)
OTHER_MAC = "02:00:00:00:00:99"


def labelled(label: int, ends: tuple[str, str, int, int] = THERE) -> bytes:
    packet = ip(udp(*ends), *ends[:2], 17)
    return frame(e.mpls(packet, label), ethertype=0x8847)


DIFFERENT: dict[str, tuple[int, bytes, bytes]] = {
    "vlan": (VLAN_KEY, udp_frame(*THERE, vlans=[1]), udp_frame(*THERE, vlans=[2])),
    "vlan or none": (VLAN_KEY, udp_frame(*THERE, vlans=[1]), udp_frame(*THERE)),
    "inner vlan": (VLAN_KEY, udp_frame(*THERE, vlans=[1, 2]), udp_frame(*THERE, vlans=[1, 3])),
    "vlans in another order": (VLAN_KEY, udp_frame(*THERE, vlans=[1, 2]), udp_frame(*THERE, vlans=[2, 1])),
    "mpls": (MPLS_KEY, labelled(100), labelled(101)),
    "mac": (MAC_KEY, udp_frame(*THERE), udp_frame(*THERE, source_mac=OTHER_MAC)),
}


def flows(*frames: bytes, key_additions: int = 0) -> int:
    return len(observed([(n / 10, each) for n, each in enumerate(frames)], key_additions=key_additions))


@pytest.mark.parametrize("name", DIFFERENT)
def test_the_key_takes_what_is_added_and_only_that(name: str) -> None:
    addition, one, other = DIFFERENT[name]
    assert flows(one, other, key_additions=addition) == 2
    assert flows(one, other) == 1
    for unrelated in {VLAN_KEY, MPLS_KEY, MAC_KEY} - {addition}:
        assert flows(one, other, key_additions=unrelated) == 1


@pytest.mark.parametrize("addition", [VLAN_KEY, MPLS_KEY, MAC_KEY, VLAN_KEY | MPLS_KEY | MAC_KEY])
def test_an_answer_has_the_key_of_its_question(addition: int) -> None:
    there = udp_frame(*THERE, vlans=[7], source_mac=OTHER_MAC, destination_mac="02:00:00:00:00:01")
    back = udp_frame(*BACK, vlans=[7], source_mac="02:00:00:00:00:01", destination_mac=OTHER_MAC)
    record = only(observed([(0, there), (0.1, back)], key_additions=addition))
    assert (record["src_packets"], record["dst_packets"]) == (1, 1)


def test_priority_is_no_part_of_a_vlan() -> None:
    tagged = bytearray(udp_frame(*THERE, vlans=[7]))
    urgent = bytearray(tagged)
    urgent[14] |= 0xA0
    assert flows(bytes(tagged), bytes(urgent), key_additions=VLAN_KEY) == 1


def test_the_lifetime_of_a_label_is_no_part_of_it() -> None:
    near = bytearray(labelled(100))
    near[17] -= 5
    assert flows(labelled(100), bytes(near), key_additions=MPLS_KEY) == 1


def test_one_direction_is_a_flow_when_asked_so() -> None:
    frames = [udp_frame(*THERE), udp_frame(*BACK), udp_frame(*THERE)]
    records = observed([(n / 10, each) for n, each in enumerate(frames)], key_additions=UNIDIRECTIONAL)
    assert sorted(records["src_packets"].tolist()) == [1, 2]
    assert records["dst_packets"].tolist() == [0, 0]
    assert flows(*frames) == 1


def test_pings_of_one_direction() -> None:
    asked, told = echo_frame(CLIENT, SERVER, 7, 1), echo_frame(SERVER, CLIENT, 7, 1, reply=True)
    records = observed([(0, asked), (0.1, told)], key_additions=UNIDIRECTIONAL)
    assert records["dst_packets"].tolist() == [0, 0]


def test_fragments_stay_with_their_first_one_under_added_keys() -> None:
    whole = udp(CLIENT, SERVER, 4000, 5000, b"p" * 2000)
    parts: list[Any] = [
        ipv4(whole[:1480], CLIENT, SERVER, 17, identification=9, more_fragments=True),
        ipv4(whole[1480:], CLIENT, SERVER, 17, identification=9, fragment_offset=1480),
    ]
    frames = [(n / 10, frame(each, vlans=[7])) for n, each in enumerate(parts)]
    for addition in (VLAN_KEY, MAC_KEY, UNIDIRECTIONAL):
        assert only(observed(frames, key_additions=addition))["src_packets"] == 2
