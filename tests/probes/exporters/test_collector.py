"""Datagrams of exporters become records: templates, options, sampling, pairing, and what is counted of them."""

from __future__ import annotations

import numpy as np
import pytest

from probes.exporters.status import counts_of
from tests.probes.exporters.collected import NOW, ROUTER, SECOND, collected, collector, told
from tests.traffic.exports import (
    SENT,
    USUAL,
    VARIABLE,
    ipfix,
    netflow5,
    netflow7,
    netflow9,
    one_set,
    record,
    sender,
    template,
    usual,
)
from topics.batch import concatenate
from topics.flags import TcpState
from topics.record import FLOW_DTYPE

A, B = "10.0.0.1", "10.0.0.2"
START = SENT * 1000
THERE = usual(A, B, (40000, 443), 10, 1000, START - 2000, START - 1000)
BACK = usual(B, A, (443, 40000), 8, 9000, START - 1990, START - 900)


def counts(one: object) -> dict[str, int]:
    (exporter,) = one.exporters.values()  # type: ignore[attr-defined] # a collector
    return counts_of(exporter)


def test_both_directions_become_one_record_whose_source_began() -> None:
    for order in ((THERE, BACK), (BACK, THERE)):
        batch = collected([ipfix([template(256, USUAL), one_set(256, b"".join(order))])])
        (flow,) = told(batch)
        assert (flow["from"], flow["ports"], flow["packets"], flow["bytes"]) == (A, (40000, 443), (10, 8), (1000, 9000))
        (each,) = batch.records
        assert (each["src_first"], each["dst_last"]) == ((START - 2000) * 10**6, (START - 900) * 10**6)
        assert each["flow_start"] == each["src_first"]
        assert int(each["tcp_state"]) & TcpState.NORMAL_CLOSE
        assert batch.observers[int(each["observer"])].probe == ROUTER


def test_what_comes_later_than_the_window_stays_alone() -> None:
    for window, expected in ((SECOND, 2), (0, 2), (10 * SECOND, 1)):
        messages = [ipfix([template(256, USUAL), one_set(256, THERE)]), *[ipfix([])] * 19, ipfix([one_set(256, BACK)])]
        assert len(collected(messages, collector(window=window))) == expected


def test_records_of_the_same_direction_are_kept_apart() -> None:
    batch = collected([ipfix([template(256, USUAL), one_set(256, THERE + THERE + BACK)])])
    assert sorted(each["packets"] for each in told(batch)) == [(10, 0), (10, 8)]
    assert len(np.unique(batch.records["flow_id"], axis=0)) == 2


def test_netflow_5_and_9_and_ipfix_say_the_same() -> None:
    five = told(collected([netflow5([(A, B, 40000, 53, 17, 3, 300)])]))
    fields = (
        (8, 4),
        (12, 4),
        (7, 2),
        (11, 2),
        (4, 1),
        (2, 4),
        (1, 4),
        (22, 4),
        (21, 4),
        (10, 2),
        (14, 2),
        (16, 2),
        (17, 2),
    )
    values: list[int | bytes | str] = [A, B, 40000, 53, 17, 3, 300, 98_000, 99_000, 1, 2, 64500, 64501]
    nine = told(collected([netflow9([template(300, fields, ipfix=False), one_set(300, record(fields, values))])]))
    assert five == nine
    assert five[0]["labels"] == "in=1:out=2:sas=64500:das=64501"
    batch = collected([netflow5([(A, B, 40000, 53, 17, 3, 300)])])
    assert batch.records["src_first"][0] == (SENT - 2) * SECOND


def test_netflow_7_says_the_same_as_5() -> None:
    flows = [(A, B, 40000, 53, 17, 3, 300), (B, A, 443, 50000, 6, 9, 9000)]
    five, seven = collector(), collector()
    assert told(collected([netflow7(flows)], seven)) == told(collected([netflow5(flows)], five))
    gap = collector()
    collected([netflow7(flows), netflow7(flows, 5)], gap)
    assert counts(gap)["lost_records"] == 3
    cut = collector()
    assert len(collected([netflow7(flows)[:-1]], cut)) == 1
    assert counts(cut)["malformed"] == 1


def test_a_biflow_is_one_record_by_itself() -> None:
    fields = (*USUAL, (2, 8, 29305), (1, 8, 29305), (6, 1, 29305))
    body = record(fields, [A, B, 40000, 443, 6, 0x1B, 10, 1000, START - 9, START, 7, 700, 0x12])
    batch = collected([ipfix([template(256, fields), one_set(256, body)])])
    (flow,) = told(batch)
    assert (flow["packets"], flow["bytes"]) == ((10, 7), (1000, 700))
    assert batch.records["dst_tcp_flags"][0] == 0x12
    assert batch.records["dst_first"][0] == (START - 9) * 10**6


def test_fields_of_variable_length_and_of_strangers_are_stepped_over() -> None:
    fields = ((371, VARIABLE), *USUAL[:4], (9999, 3, 12345), (82, VARIABLE), *USUAL[4:])
    for name in (b"", b"x" * 20, b"y" * 300):
        body = record(fields, [name, A, B, 1, 2, b"abc", name, 6, 0x1B, 10, 1000, START, START])
        (flow,) = told(collected([ipfix([template(256, fields), one_set(256, body)])]))
        assert (flow["ports"], flow["packets"]) == ((1, 2), (10, 0))


def test_data_waits_for_its_template() -> None:
    one = collector()
    assert len(collected([ipfix([one_set(256, THERE)]), ipfix([template(256, USUAL)], 1)], one)) == 1
    assert counts(one)["sets_before_template"] == 1
    assert "sets_without_template" not in counts(one)
    late = collector(hold=SECOND // 20)
    assert len(collected([ipfix([one_set(256, THERE)]), ipfix([template(256, USUAL)], 1)], late)) == 0
    assert counts(late)["bytes_without_template"] == len(THERE)


def test_an_id_that_is_used_for_another_layout_means_that_from_then_on() -> None:
    other = tuple(reversed(USUAL))
    swapped = record(other, list(reversed([A, B, 5, 6, 6, 0, 3, 30, START, START])))
    one = collector()
    sets = [template(256, USUAL), one_set(256, THERE), template(256, other), one_set(256, swapped)]
    assert [each["packets"] for each in told(collected([ipfix(sets)], one))] == [(3, 0), (10, 0)]
    assert counts(one)["templates_changed"] == 1


def test_domains_have_templates_of_their_own() -> None:
    other = tuple(reversed(USUAL))
    swapped = record(other, list(reversed([A, B, 5, 6, 6, 0, 3, 30, START, START])))
    messages = [
        ipfix([template(256, USUAL)]),
        ipfix([template(256, other)], domain=7),
        ipfix([one_set(256, THERE)]),
        ipfix([one_set(256, swapped)], domain=7),
    ]
    batch = collected(messages)
    assert [each["packets"] for each in told(batch)] == [(3, 0), (10, 0)]
    assert {observer.interface for observer in batch.observers.values()} == {"", "7"}


@pytest.mark.parametrize("named", [True, False])
def test_sampling_from_options_multiplies_and_is_told(named: bool) -> None:
    scope = ((48, 1),) if named else ((149, 4),)
    options = (*scope, (34, 4))
    fields = (*USUAL, (48, 1)) if named else USUAL
    body = THERE + (b"\5" if named else b"")
    sets = [
        template(300, options, scopes=1),
        one_set(300, record(options, [5 if named else 0, 1000])),
        template(256, fields),
        one_set(256, body),
    ]
    (flow,) = told(collected([ipfix(sets)]))
    assert (flow["packets"], flow["bytes"], flow["labels"]) == ((10_000, 0), (1_000_000, 0), "sampling=1000")


@pytest.mark.parametrize(("ipfix_options", "rest"), [(True, 1), (True, 10), (False, 1)])
def test_sampling_of_an_interface_is_that_of_no_other(ipfix_options: bool, rest: int) -> None:
    scope = (10 if ipfix_options else 2, 4)  # NetFlow 9 has kinds of scope: 2 is an interface
    options, every, fields = (scope, (34, 4)), ((149 if ipfix_options else 1, 4), (34, 4)), (*USUAL, (10, 4), (14, 4))
    rows = [(3, 4, 1), (4, 3, 2), (0, 3, 3), (7, 8, 4)]
    ends: list[list[int | bytes | str]] = [
        [A, B, port, 80, 6, 0, 2, 200, START, START, came, left] for came, left, port in rows
    ]
    sets = [
        template(300, options, ipfix=ipfix_options, scopes=1),
        one_set(300, record(options, [3, 1000])),
        template(301, every, ipfix=ipfix_options, scopes=1),
        one_set(301, record(every, [0, rest])),
        template(256, fields, ipfix=ipfix_options),
        one_set(256, b"".join(record(fields, each) for each in ends)),
    ]
    found = told(collected([(ipfix if ipfix_options else netflow9)(sets)]))
    assert [flow["packets"][0] for flow in found] == [2000, 2 * rest, 2000, 2 * rest]
    assert ["sampling=1000" in flow["labels"] for flow in found] == [True, False, True, False]


def test_sampling_of_netflow_5_and_of_records_themselves() -> None:
    (flow,) = told(collected([netflow5([(A, B, 1, 2, 17, 3, 300)], sampling=0x4000 | 64)]))
    assert flow["packets"] == (192, 0)
    fields = (*USUAL, (305, 4), (306, 4))
    body = THERE + record(fields[-2:], [1, 99])
    (flow,) = told(collected([ipfix([template(256, fields), one_set(256, body)])]))
    assert flow["packets"] == (1000, 0)


def test_names_of_interfaces_are_labels() -> None:
    options = ((10, 4), (82, 16))
    fields = (*USUAL, (10, 4), (14, 4))
    sets = [
        template(300, options, scopes=1),
        one_set(300, record(options, [3, b"Gi0/3:1".ljust(16, b"\0")])),
        template(256, fields),
        one_set(256, THERE + record(fields[-2:], [3, 4])),
    ]
    (flow,) = told(collected([ipfix(sets)]))
    assert flow["labels"] == "in=Gi0/3\\0581:out=4"


def test_questions_and_answers_of_ping_are_paired() -> None:
    fields = ((8, 4), (12, 4), (4, 1), (32, 2), (2, 4), (1, 4), (152, 8), (153, 8))
    ask = record(fields, [A, B, 1, 0x0800, 5, 420, START, START])
    answer = record(fields, [B, A, 1, 0, 4, 336, START, START])
    for order in ((ask, answer), (answer, ask)):
        (flow,) = told(collected([ipfix([template(256, fields), one_set(256, b"".join(order))])]))
        assert (flow["from"], flow["ports"], flow["packets"]) == (A, (0x0800, 0), (5, 4))
    assert (
        len(
            collected(
                [
                    ipfix(
                        [
                            template(256, fields),
                            one_set(256, ask + record(fields, [B, A, 1, 0x0800, 1, 1, START, START])),
                        ]
                    )
                ]
            )
        )
        == 2
    )


def test_a_field_for_ping_means_nothing_elsewhere() -> None:
    fields = (*USUAL, (32, 2))
    body = THERE + b"\0\0" + BACK + b"\0\0"
    (flow,) = told(collected([ipfix([template(256, fields), one_set(256, body)])]))
    assert (flow["ports"], flow["packets"]) == ((40000, 443), (10, 8))


def test_gaps_are_lost_records_and_what_comes_late_is_taken_back() -> None:
    def numbered(numbers: list[int]) -> dict[str, int]:
        one = collector()
        data = one_set(256, THERE * 2)
        collected([ipfix([template(256, USUAL)], numbers[0]), *(ipfix([data], number) for number in numbers)], one)
        return counts(one)

    assert numbered([0, 2, 4])["lost_records"] == 0
    assert numbered([0, 2, 8, 10])["lost_records"] == 4
    assert numbered([0, 4, 2, 6])["lost_records"] == 0
    assert numbered([2**32 - 2, 0, 2])["lost_records"] == 0
    nine = collector()
    head = netflow9([template(256, USUAL, ipfix=False)], 1)
    collected([head, netflow9([one_set(256, THERE)], 2), netflow9([one_set(256, THERE)], 5)], nine)
    assert counts(nine)["lost_datagrams"] == 2


def test_numbers_that_include_their_own_records_are_no_loss() -> None:
    one = collector()
    messages = [ipfix([template(256, USUAL), one_set(256, THERE * 3)], 3)]
    messages += [ipfix([one_set(256, THERE * size)], number) for size, number in ((1, 4), (5, 9), (2, 11))]
    collected(messages, one)
    assert counts(one)["lost_records"] == 0


def test_every_exporter_is_a_probe_of_its_own_and_all_packets_are_accounted_for() -> None:
    one = collector()
    message = ipfix([template(256, USUAL), one_set(256, THERE + BACK)])
    for number in range(1, 4):
        one.take("netflow", sender(f"192.0.2.{number}"), message, NOW)
    batches = list(one.finish())
    assert {batch.probe for batch in batches} == {"192.0.2.1", "192.0.2.2", "192.0.2.3"}
    assert len({batch.boot_id for batch in batches}) == 3
    assert [(each.packets, each.record_packets, each.rows, each.records) for each in one.told.values()] == [
        (18, 18, 2, 1)
    ] * 3


def test_the_same_datagrams_give_the_same_records_however_they_are_decoded() -> None:
    messages = [ipfix([template(256, USUAL), one_set(256, THERE + BACK + THERE)])] + [ipfix([one_set(256, BACK)])] * 3
    at_once = collected(messages)
    one, found = collector(), []
    for number, message in enumerate(messages):
        one.take("netflow", sender(ROUTER), message, NOW + number * SECOND // 10)
        found += list(one.decoded())
    bit_by_bit = concatenate([*found, *one.finish()])
    for name in FLOW_DTYPE.names or ():
        if name != "labels_offset":
            assert np.array_equal(at_once.records[name], bit_by_bit.records[name]), name


def test_a_window_full_of_records_lets_the_oldest_go() -> None:
    one = collector(most_waiting=16)
    flows = [(A, B, 1000 + number, 53, 17, 1, 50) for number in range(100)]
    batch = collected([netflow5(flows[:30]), netflow5(flows[30:60], 30), netflow5(flows[60:90], 60)], one)
    assert len(batch) == 90
    assert one.pairing_counts()["unpaired_early"] == 74
    assert sorted(each["ports"][0] for each in told(batch)) == list(range(1000, 1090))
