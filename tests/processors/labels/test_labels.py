"""Labels from each kind of list, in place while traffic flows; what is wrong is named and changes nothing."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, ip_network
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from clients.main import main
from processors.labels import Labeller, LabelSettings, Lists, NoLists, read_label_settings
from processors.labels.blocking import NameSet
from processors.labels.geography import Geography
from processors.labels.prefixes import Prefixes
from processors.names import NameTable
from sinks.formats import open_writer
from tests.control_payloads import SECOND, START, address
from tests.maxmind import database, place, system, write_database
from topics.address_text import IPV4_MAPPED
from topics.batch import FlowBatch, Observer, records_like
from topics.errors import SettingsError
from topics.names import AddressName
from topics.schema import flow_fields

if TYPE_CHECKING:
    from pathlib import Path

CAUSES = next(field for field in flow_fields() if field.name == "cause").symbols
HOME, AWAY = "10.1.2.3", "198.51.100.7"


def flows(*ends: tuple[str, str], at: float = 1, port: int = 443, cause: str = "close", begun: float = 0) -> FlowBatch:
    records = records_like(len(ends))
    for number, (record, (source, target)) in enumerate(zip(records, ends, strict=True)):
        record["src_address"] = np.frombuffer(address(source), np.uint8)
        record["dst_address"] = np.frombuffer(address(target), np.uint8)
        record["flow_id"][:] = number + 1
    records["ethertype"], records["protocol"] = 0x0800, 6
    records["src_port"], records["dst_port"] = 50_000, port
    for name in ("src_first", "src_last", "dst_first", "dst_last"):
        records[name] = START + round(at * SECOND)
    records["flow_start"] = START + round((begun or at) * SECOND)
    records["src_packets"] = records["dst_packets"] = 1
    records["src_mac"] = np.frombuffer(bytes.fromhex("00000c112233"), np.uint8)
    records["cause"] = CAUSES.index(cause)
    observer = Observer("", "edge", "")
    records["observer"] = observer.id
    return FlowBatch(records, probe="edge", observers={observer.id: observer})


def labels(batch: FlowBatch, facts: Any = None, table: NameTable | None = None) -> list[dict[str, str]]:
    (labelled,) = Labeller(facts or NoLists(), table).process(batch)
    texts = [labelled.heap_value(row, "labels").decode() for row in range(len(labelled))]
    return [dict(pair.split("=") for pair in text.split(":") if pair) for text in texts]


def lists(tmp_path: Path, **contents: str) -> Lists:
    """Lists with one file for each kind that is given."""
    values: dict[str, Any] = {}
    for kind, content in contents.items():
        path = tmp_path / kind
        path.write_text(content)
        single, named = kind in {"vendors", "rules"}, kind.startswith("blocked")
        values[kind] = str(path) if single else {"bad": str(path)} if named else [str(path)]
    return Lists(LabelSettings(**values))


def test_geography_and_systems_come_from_databases(tmp_path: Path) -> None:
    write_database(
        tmp_path / "city.mmdb",
        {"198.51.100.0/24": place("DE", "Köln", 50.9, 6.95), "2001:db8::/32": place("JP", "Edo", 1.0, 2.0)},
    )
    write_database(tmp_path / "asn.mmdb", {"198.51.0.0/16": system(64500, "Example: Net")})
    settings = LabelSettings(geo=[str(tmp_path / "city.mmdb"), str(tmp_path / "asn.mmdb")], classes=True)
    (found,) = labels(flows((HOME, AWAY)), Lists(settings))
    assert (found["dco"], found["dcity"], found["dlat"], found["dlon"]) == ("DE", "Köln", "50.9", "6.95")
    assert (found["das"], found["dasorg"]) == ("64500", "Example\\058 Net")
    assert (found["scls"], found["dcls"]) == ("private", "documentation")
    assert "sco" not in found
    six = flows(("2001:db8::1", "2001:db8:1::2"))
    six.records["ethertype"] = 0x86DD
    assert labels(six, Lists(settings))[0]["sco"] == "JP"


@pytest.mark.parametrize(("width", "version"), [(24, 4), (24, 6), (28, 6), (32, 6)])
def test_every_shape_of_database_is_walked_as_its_own_reader_does(tmp_path: Path, width: int, version: int) -> None:
    chance = Random(width)
    networks = [f"{chance.randrange(1, 224)}.{chance.randrange(256)}.{number}.0/24" for number in range(200)]
    networks += [f"2001:db8:{number:x}::/48" for number in range(100)] if version == 6 else []
    (tmp_path / "x.mmdb").write_bytes(
        database({text: system(number, "a") for number, text in enumerate(networks)}, width, version)
    )
    known = Geography(str(tmp_path / "x.mmdb"))
    asked = [IPV4_MAPPED + chance.randbytes(4) for _ in range(100)] + [chance.randbytes(16), bytes(16), b"\xff" * 16]
    asked += [address(str(ip_network(text)[chance.randrange(256)])) for text in networks]
    column = np.array(asked, "S16")
    wanted, places = known.facts(column), known.places(column).tolist()
    assert [place != 0 for place in places] == [bool(facts) for facts in wanted]
    assert len({(place, facts.get("as")) for place, facts in zip(places, wanted, strict=True)}) == len(set(places))


def test_networks_inherit_what_they_do_not_say(tmp_path: Path) -> None:
    text = "10.0.0.0/8 org=acme:site=hq\n10.1.0.0/16 site=berlin  # smaller\n10.1.2.3 printer\n"
    text += "198.51.100.0-198.51.100.9 partner=yes\n"
    (found,) = labels(flows((HOME, AWAY)), lists(tmp_path, addresses=text))
    assert found == {"sorg": "acme", "ssite": "berlin", "saddr": "printer", "dpartner": "yes"}


def test_texts_of_larger_networks_stand_before_those_of_smaller_ones(tmp_path: Path) -> None:
    text = "10.0.0.0/8 acme\n10.1.0.0/16 berlin:site=b\n10.1.2.3 printer\n"
    (found,) = labels(flows((HOME, AWAY)), lists(tmp_path, addresses=text))
    assert found == {"saddr": "acme,berlin,printer", "ssite": "b"}


def test_ralabel_prints_networks_as_they_lie_in_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own").write_text("10.1.2.3 printer\n10.0.0.0/8 acme:site=hq\n10.1.0.0/16 berlin\n2001:db8::/32 six\n")
    (tmp_path / "labels.yaml").write_text("addresses: [own]\n")
    assert main(["ralabel", "-f", str(tmp_path / "labels.yaml"), "-M", "debug.tree"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "10.0.0.0/8 addr=acme:site=hq",
        "   10.1.0.0/16 addr=berlin",
        "      10.1.2.3/32 addr=printer",
        "2001:db8::/32 addr=six",
    ]


def test_facts_of_nested_networks_are_those_of_every_network_an_address_lies_in() -> None:
    chance = Random(4)
    found, known = Prefixes(), dict[IPv4Network, str]()
    for number in range(300):
        network = IPv4Network((chance.randrange(1 << 14) << 18, chance.randrange(0, 33)), strict=False)
        known[network] = str(number)
        found.add(str(network), {f"n{network.prefixlen}": str(number)})
    found.freeze()
    asked = [chance.randrange(1 << 32) for _ in range(500)] + [0, (1 << 32) - 1]
    asked += [int(network[place]) + step for network in known for place in (0, -1) for step in (-1, 0, 1)]
    asked = [number for number in asked if 0 <= number < 1 << 32]
    wanted = [
        {f"n{network.prefixlen}": text for network, text in known.items() if IPv4Address(number) in network}
        for number in asked
    ]
    column = np.array([IPV4_MAPPED + number.to_bytes(4) for number in asked], "S16")
    assert found.facts(column) == wanted
    assert found.facts(np.array([bytes(16), b"\xff" * 16], "S16")) == [{}, {}]


def test_locality_delegations_vendors_services_and_blocks(tmp_path: Path) -> None:
    facts = lists(
        tmp_path,
        locality="10.0.0.0/8 200 64512 office\n",
        delegated="2|ripencc|20260101|3|1|2|3\nripencc|*|ipv4|*|3|summary\nripencc|FR|ipv4|198.51.100.0|256|20200101|assigned\n",
        vendors="00-00-0C   (hex)\t\tCisco Systems, Inc\n",
        blocked_addresses="198.51.100.7\n203.0.113.0/24\n",
    )
    (found,) = labels(flows((HOME, AWAY)), facts)
    assert found == {
        "sloc": "200",
        "sas": "64512",
        "sgrp": "office",
        "dco": "FR",
        "dblock": "bad",
        "svendor": "Cisco Systems\\044 Inc",
    }
    assert labels(flows((AWAY, HOME)), Lists(LabelSettings(services=True))) == [{"svc": "https"}]


def test_rules_label_by_filters_the_first_one_unless_it_goes_on(tmp_path: Path) -> None:
    rules = 'filter="tcp and dst port 443" label="use=web" cont\nfilter="dst co DE" label="german"\n'
    rules += 'filter="" label="use=other"\n'
    facts = lists(tmp_path, rules=rules, addresses="198.51.100.0/24 co=DE\n")
    web, other = labels(flows((HOME, AWAY), (AWAY, HOME)), facts)
    assert (web["use"], web["flow"]) == ("web", "german")
    assert (other["use"], "flow" in other) == ("web,other", False)


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        *(("bad.example", True), ("a.bad.example", False), ("worse.example", True), ("x.y.worse.example", True)),
        *(("below.example", False), ("a.below.example", True), ("ad1.tracker.net", True), ("ads.tracker.net", True)),
        *(("add12.tracker.net", False), ("notworse.example", False), ("hosts.example", True), ("example", False)),
    ],
)
def test_names_are_blocked_exactly_with_all_below_or_by_pattern(name: str, listed: bool) -> None:
    found = NameSet()
    for entry in ("BAD.example.", ".worse.example", "*.below.example", "ad?.tracker.net", "hosts.example"):
        found.add(entry)
    found.freeze()
    assert found.holds([name]).tolist() == [listed]


def named(name: str, first: float, until: float, client: str = HOME, server: str = AWAY) -> AddressName:
    begin, end = (START + round(at * SECOND) for at in (first, until))
    return AddressName(address(server), name, "dns", begin, begin, end, client=address(client))


def test_a_name_holds_as_of_the_start_of_the_flow_and_for_its_client(tmp_path: Path) -> None:
    table = NameTable()
    for name in (named("old.example", 0, 50), named("new.example", 10, 60)):
        table.add(name)
    said = {at: labels(flows((HOME, AWAY), at=at), table=table)[0].get("dname") for at in (-1, 5, 10, 55, 61)}
    assert said == {-1: None, 5: "old.example", 10: "new.example", 55: "new.example", 61: None}
    assert labels(flows(("10.9.9.9", AWAY)), table=table) == [{}]
    turned = flows((AWAY, HOME), port=50_001)
    turned.records["src_port"] = 443
    assert labels(turned, table=table) == [{"sname": "old.example"}]
    blocked = lists(tmp_path, blocked_names="*.example\n")
    assert labels(flows((HOME, AWAY)), blocked, table) == [{"dname": "old.example", "nblock": "bad"}]


def test_later_pieces_of_a_flow_have_the_name_of_the_first_also_when_they_come_again() -> None:
    table = NameTable()
    table.add(named("a.example", 0, 10))
    table.add(named("b.example", 300, 310))
    labeller = Labeller(NoLists(), table)
    for at, cause in ((1, "status"), (301, "status"), (601, "close"), (601, "close")):
        (piece,) = labeller.process(flows((HOME, AWAY), at=at, cause=cause, begun=1))
        assert piece.heap_value(0, "labels") == b"dname=a.example"
    (other,) = labeller.process(flows((HOME, AWAY), at=601, begun=600))
    assert other.heap_value(0, "labels") == b""


def test_labels_that_a_flow_has_stay_but_for_keys_said_anew(tmp_path: Path) -> None:
    facts = lists(tmp_path, addresses="10.0.0.0/8 site=hq\n")
    (once,) = Labeller(facts).process(flows((HOME, AWAY)))
    facts = lists(tmp_path, addresses="10.0.0.0/8 site=berlin\n198.51.100.0/24 x=y\n", rules='label="mine=1"')
    assert labels(once, facts) == [{"ssite": "berlin", "dx": "y", "mine": "1"}]


def test_lists_replaced_while_traffic_flows_count_at_once_and_broken_ones_do_not(tmp_path: Path) -> None:
    addresses, blocked = tmp_path / "addresses", tmp_path / "blocked"
    addresses.write_text("10.0.0.0/8 site=one\n")
    blocked.write_text("198.51.100.7\n")
    write_database(tmp_path / "geo.mmdb", {"198.51.100.0/24": place("DE", "a", 1.0, 2.0)})
    facts = Lists(
        LabelSettings(
            addresses=[str(addresses)], blocked_addresses={"bad": str(blocked)}, geo=[str(tmp_path / "geo.mmdb")]
        )
    )
    now = 0.0
    labeller = Labeller(facts, clock=lambda: now)

    def said() -> dict[str, str]:
        nonlocal now
        now += 10
        labeller.process(flows((HOME, AWAY)))
        facts.wait()
        (labelled,) = labeller.process(flows((HOME, AWAY)))
        return dict(pair.split("=") for pair in labelled.heap_value(0, "labels").decode().split(":"))

    assert [said()[key] for key in ("ssite", "dblock", "dco")] == ["one", "bad", "DE"]
    addresses.write_text("10.0.0.0/8 site=two again\n")
    write_database(tmp_path / "geo.mmdb", {"198.51.100.0/24": place("FR", "b", 1.0, 2.0)})
    assert [said()[key] for key in ("ssite", "dblock", "dco")] == ["two again", "bad", "FR"]
    blocked.write_text("# a comment\n10.0.0.1\n10.0.0.300\n")
    (tmp_path / "geo.mmdb").write_bytes(b"no database at all")
    assert [said()[key] for key in ("ssite", "dblock", "dco")] == ["two again", "bad", "FR"]
    assert facts.refused[str(blocked)] == f"{blocked}: line 3: '10.0.0.300' is no address, network or range"
    assert f"{tmp_path / 'geo.mmdb'}: " in facts.refused[str(tmp_path / "geo.mmdb")]
    blocked.unlink()
    assert said()["dblock"] == "bad"
    blocked.write_text("10.1.2.3\n")
    found = said()
    assert (found.get("sblock"), found.get("dblock")) == ("bad", None)
    assert str(blocked) not in facts.refused


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("addresses", "10.0.0.0/8 a\n10.0.0.0/40 b\n", "line 2: '10.0.0.0/40' is no address, network or range"),
        ("locality", "10.0.0.0/8 300\n", "line 1: write ADDRESS LOCUS"),
        ("delegated", "arin|US|ipv4|1.2.3|256|2020|assigned\n", "line 1: "),
        ("rules", 'filter="tcp and" label="x"\n', "line 1: "),
        ("rules", 'filter="tcp"\n', 'line 1: has no label="..."'),
        ("vendors", "nothing\n", "line 1: holds no vendors"),
        ("blocked_names", "a.example\nb,c.example\n", "line 2: 'b,c.example' is no name"),
    ],
)
def test_a_broken_list_is_refused_by_file_and_line(tmp_path: Path, kind: str, content: str, message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        lists(tmp_path, **{kind: content})
    assert str(refused.value).startswith(f"{tmp_path / kind}: {message}")


def test_settings_are_yaml_or_a_ralabel_conf(tmp_path: Path) -> None:
    yaml, conf = tmp_path / "labels.yaml", tmp_path / "ralabel.conf"
    yaml.write_text("classes: true\naddresses: [own.txt]\nblocked_names: {ads: ads.txt}\n")
    found = read_label_settings(str(yaml))
    assert (found.classes, found.addresses, found.blocked_names) == (
        True,
        [str(tmp_path / "own.txt")],
        {"ads": str(tmp_path / "ads.txt")},
    )
    conf.write_text(
        '# Argus\nRALABEL_IANA_ADDRESS=yes\nRALABEL_IANA_ADDRESS_FILE="/etc/own"\nRALABEL_ARGUS_FLOW=yes\n'
        "RALABEL_ARGUS_FLOW_FILE=/etc/rules\nRALABEL_GEOIP_ASN_V4_FILE=/g/a\nRALABEL_GEOIP_CITY_FILE=/g/c\n"
    )
    found = read_label_settings(str(conf))
    assert (found.classes, found.addresses, found.rules, found.geo) == (
        True,
        ["/etc/own"],
        "/etc/rules",
        ["/g/a", "/g/c"],
    )
    for content, message in (
        ("clases: true", "clases: "),
        ("geo: 1", "geo: "),
        ("a: [", "line 1: no YAML"),
        ("RALABEL_X=1", "line 1: unknown"),
    ):
        yaml.write_text(content)
        with pytest.raises(SettingsError, match=message):
            read_label_settings(str(yaml))


def test_ralabel_writes_what_ra_and_racluster_then_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own").write_text("10.0.0.0/8 co=DE\n198.51.100.0/24 co=US:as=64500\n")
    (tmp_path / "labels.yaml").write_text("addresses: [own]\n")
    with open_writer(str(tmp_path / "in.parquet")) as writer:
        writer.write(flows((HOME, AWAY), ("10.1.2.4", AWAY), (AWAY, "192.0.2.1")))
    arguments = [
        "-f",
        str(tmp_path / "labels.yaml"),
        "-r",
        str(tmp_path / "in.parquet"),
        "-w",
        str(tmp_path / "out.parquet"),
    ]
    assert main(["ralabel", *arguments]) == 0
    assert (
        main(["ra", "-r", str(tmp_path / "out.parquet"), "-n", "-s", "sco", "dco", "das", "-", "src", "co", "DE"]) == 0
    )
    assert capsys.readouterr().out.split()[3:] == ["DE", "US", "64500"] * 2
    assert main(["racluster", "-r", str(tmp_path / "out.parquet"), "-m", "sco", "-n", "-s", "sco", "trans"]) == 0
    assert sorted(capsys.readouterr().out.splitlines()[1:]) == sorted(capsys_lines(("DE", 2), ("US", 1)))


def capsys_lines(*pairs: tuple[str, int]) -> list[str]:
    return [f"{country:>3} {count:>6}" for country, count in pairs]
