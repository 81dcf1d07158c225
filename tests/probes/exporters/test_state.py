"""Templates and what options told are there again after a restart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from probes.exporters.state import read_state, write_state
from tests.probes.exporters.collected import NOW, ROUTER, collected, collector, told
from tests.traffic.exports import SENT, USUAL, VARIABLE, ipfix, one_set, record, sender, template
from topics.errors import InputError, OutputError

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = (*USUAL, (10, 4), (48, 1), (82, VARIABLE), (5, 2, 9999))
OPTIONS = ((10, 4), (82, 8), (48, 1), (34, 4))
VALUES: list[int | bytes | str] = [
    "10.0.0.1",
    "10.0.0.2",
    1,
    2,
    6,
    2,
    10,
    1000,
    SENT * 1000,
    SENT * 1000,
    3,
    5,
    b"abc",
    b"xy",
]


def test_data_is_read_by_templates_of_the_run_before(tmp_path: Path) -> None:
    path = str(tmp_path / "state.json")
    before, after = collector(), collector()
    learned = one_set(301, record(OPTIONS, [3, b"uplink\0\0", 5, 100]))
    known = [template(300, FIELDS), template(301, OPTIONS, scopes=1), learned]
    before.take("netflow", sender(ROUTER), ipfix(known, domain=4), NOW)
    write_state(before, path)
    read_state(after, path)
    (flow,) = told(collected([ipfix([one_set(300, record(FIELDS, VALUES))], domain=4)], after))
    assert (flow["packets"], flow["labels"]) == ((1000, 0), "in=uplink:sampling=100")


def test_rates_of_interfaces_are_kept(tmp_path: Path) -> None:
    path, options = str(tmp_path / "state.json"), ((10, 4), (34, 4))
    before, after = collector(), collector()
    said = [template(301, options, scopes=1), one_set(301, record(options, [3, 50]))]
    before.take("netflow", sender(ROUTER), ipfix([template(300, FIELDS[:-1]), *said]), NOW)
    write_state(before, path)
    read_state(after, path)
    values = [*VALUES[:-2], b""]
    values[11] = 0  # the sampler
    (flow,) = told(collected([ipfix([one_set(300, record(FIELDS[:-1], values))])], after))
    assert flow["packets"] == (500, 0)


def test_no_state_is_none_and_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    read_state(collector(), str(path))
    one = collector()
    one.take("netflow", sender(ROUTER), ipfix([template(300, FIELDS)]), NOW)
    write_state(one, str(path))
    good = path.read_text()
    for text in ("", "{}", "[]", '{"version": 1, "exporters": [1]}', good[:-20], json.dumps({"version": 9})):
        path.write_text(text)
        with pytest.raises(InputError, match=r"state\.json: "):
            read_state(collector(), str(path))
    with pytest.raises(OutputError, match="No such file"):
        write_state(one, str(tmp_path / "none" / "state.json"))
