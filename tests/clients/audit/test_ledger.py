import dataclasses
from typing import Any

from clients.audit.ledger import Account, Amount, Received
from topics.probe_status import ProbeStatus

BASE: dict[str, Any] = {
    field.name: "" if field.type == "str" else 0
    for field in dataclasses.fields(ProbeStatus)
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
}


def status(**values: Any) -> ProbeStatus:
    """The last word of a probe that saw 1000 packets and put them all on the bus, in 50 records."""
    output = {"offered_records": 50, "dropped_full_records": 0, "dropped_full_packets": 0}
    usual = {"cause": "stop", "packets": 1000, "record_packets": 1000, "records": 50, "output": output}
    return ProbeStatus(**BASE | usual | values)


def account(**values: Any) -> Account:
    """Numbers that all agree."""
    amount = Amount(50, 1000)
    usual: dict[str, Any] = {"statuses": [status()], "received": Received(amount), "merged": Amount(50, 1000, 20)}
    usual |= {"distinct": Amount(50, 1000, 20), "kept": {"db": Amount(50, 1000, 20)}}
    return Account(("", "probe"), **usual | values)


def parted(one: Account) -> list[tuple[str, str]]:
    return [(stage.name, stage.parts) for stage in one.stages() if stage.parts]


def test_numbers_that_agree_from_end_to_end() -> None:
    assert parted(account()) == []
    names = [stage.name for stage in account().stages()]
    assert names == ["interface", "read", "reported", "published", "received", "merged", "kept in db"]


def test_the_stage_where_they_part_is_named() -> None:
    assert parted(account(statuses=[status(record_packets=990)]))[0] == ("reported", "10 packets are missing")
    assert parted(account(received=Received(Amount(48, 900))))[0] == ("received", "2 records are missing")
    assert parted(account(merged=Amount(49, 1000, 20))) == [("merged", "1 records are missing")]
    assert parted(account(merged=Amount(51, 1000, 20))) == [("merged", "1 records too many")]
    assert parted(account(kept={"db": Amount(50, 999, 20)})) == [("kept in db", "1 packets are missing")]


def test_losses_with_a_cause_are_no_parting() -> None:
    output = {"offered_records": 50, "dropped_full_records": 10, "dropped_full_packets": 200}
    lossy = status(dropped={"kernel": 7}, output=output)
    less = Amount(40, 800, 20)
    one = account(statuses=[lossy], received=Received(Amount(40, 800)), merged=less, distinct=less, kept={"db": less})
    assert parted(one) == []
    stages = {stage.name: stage for stage in one.stages()}
    assert stages["interface"].packets == 1007
    assert stages["read"].notes == ("7 lost: kernel",)
    assert stages["published"].notes == ("10 lost: full",)
    assert (stages["published"].records, stages["published"].packets) == (40, 800)


def test_what_is_under_way_is_no_loss() -> None:
    running = status(cause="status", record_packets=900, records=45)
    waiting = Received(Amount(55, 1050), pending=Amount(30, 600), open=True)
    part = Amount(30, 500, 9)
    assert parted(account(statuses=[running], received=waiting, merged=part, distinct=part, kept={"db": part})) == []
    lost = account(statuses=[running], received=waiting, merged=Amount(24, 500, 9), kept={})
    assert parted(lost) == [("merged", "1 records are missing")]


def test_replays_and_gaps_are_told() -> None:
    one = account(received=Received(Amount(50, 1000), replays=3, missing=2))
    notes = next(stage.notes for stage in one.stages() if stage.name == "received")
    assert notes == ("3 batches came twice and count once", "2 batches are missing")


def test_a_topic_without_the_beginning_is_not_compared() -> None:
    assert parted(account(received=Received(Amount(5, 100), cut=True), kept={})) == []


def test_records_that_a_filter_chose_are_compared_by_number() -> None:
    chosen = status(output={"sent_records": 10})
    few = Amount(10, 70, 5)
    one = account(statuses=[chosen], received=Received(Amount(10, 70)), merged=few, distinct=few, kept={"db": few})
    assert parted(one) == []
    assert "a filter chose records" in next(s.notes for s in one.stages() if s.name == "published")


def test_without_the_bus_sinks_are_compared_with_what_was_reported() -> None:
    one = Account(("", "probe"), [status(output={})], kept={"dir": Amount(49, 1000, 20)})
    assert parted(one) == [("kept in dir", "1 records are missing")]
