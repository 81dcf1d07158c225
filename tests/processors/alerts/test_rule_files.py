"""Rules out of files: what is wrong is said with file, line and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from processors.access_lists import policy_filter
from processors.alerts import read_rules
from topics import filter as filters
from topics.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

ONE = "rules:\n  - name: one\n    match: tcp\n"


def refusal(tmp_path: Path, text: str) -> str:
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(SettingsError) as error:
        read_rules([str(tmp_path / "r.yaml")])
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{tmp_path / 'r.yaml'}: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ONE + "    mach: udp\n", "line 4: rule 'one': mach: no such key; did you mean 'match'?"),
        (ONE + "    by: [saddr, dadr]\n", "line 4: rule 'one': by: unknown field 'dadr'; did you mean 'daddr'?"),
        ("rules:\n- name: one\n  match: tcp and dst prt 80\n", "line 3: rule 'one': match: filter: "),
        (
            ONE + "    threshold:\n      over: 3\n      within: soon\n",
            "line 6: rule 'one': threshold.within: should be a",
        ),
        (ONE + "    threshold: {over: 3}\n", "line 4: rule 'one': threshold.within: field required"),
        (ONE + "    threshold: {over: -1, within: 1m}\n", "line 4: rule 'one': threshold.over: input should be gre"),
        (ONE + "    new: {}\n    lasting: {over: 1h}\n", "line 2: rule 'one': has several conditions, new and lasting"),
        (ONE + "    sequence: {then: udp and prot 3, within: 1m}\n", "line 4: rule 'one': sequence.then: filter: "),
        (ONE + "  - name: One two\n", "line 4: rule 'One two': name: string should match pattern"),
        (ONE + ONE.removeprefix("rules:\n"), "line 4: there is another rule 'one', in "),
        (
            "rules:\n- {name: d, about: dns, match: tcp}\n",
            "line 2: rule 'd': match: filter: 'tcp' is about flow records",
        ),
        (
            "rules:\n- {name: d, about: dns, by: nmae}\n",
            "line 2: rule 'd': by: unknown field 'nmae' of dns; did you mean",
        ),
        (
            ONE + "    summary: '{saddr} to {dadr}: {value}'\n",
            "line 4: rule 'one': summary: 'dadr' is none of saddr, daddr, value, limit, count, packets, bytes, note; d",
        ),
        (
            ONE + "    by: saddr\n    summary: '{count} to {daddr}'\n",
            "line 5: rule 'one': summary: 'daddr' is none of saddr, value, ",
        ),
        (
            "rules:\n- {name: d, about: dns, summary: '{cleint}'}\n",
            "line 2: rule 'd': summary: 'cleint' is none of client, value, limit, count, packets, bytes, note; did",
        ),
        ("silences:\n- {rule: '('}\n", "line 2: silences.0: '(' is no regular expression"),
        ("silences:\n- {hours: 8-9}\n", "line 2: silences.0.hours: "),
        ("rules: [\n", "line 2: no YAML: "),
        ("- 1\n", "line 1: should have the keys rules and silences"),
        ("rule: []\n", "line 1: rule: no such key; did you mean 'rules'?"),
        (ONE + "    policy: none.acl\n", ""),
    ],
)
def test_what_is_wrong_is_said_with_line_and_key(text: str, said: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, text).startswith(said)


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read_rules([str(tmp_path / "nothing.yaml")])
    with pytest.raises(SettingsError, match="holds no files of rules"):
        read_rules([str(tmp_path)])
    (tmp_path / "r.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(SettingsError, match="no UTF-8"):
        read_rules([str(tmp_path / "r.yaml")])


ACL = """\
! a list
ip access-list extended edge
 10 permit tcp 10.0.0.0 0.255.255.255 any eq www 443
access-list 101 deny udp any host 192.0.2.9 range 1000 2000 log
access-list 101 permit udp any gt 1023 any
access-list 101 remark rest
"""


def test_an_access_list_denies_what_its_lines_do_not_permit(tmp_path: Path) -> None:
    (tmp_path / "p.acl").write_text(ACL)
    text = policy_filter(str(tmp_path / "p.acl"), "ipv4")
    assert text == (
        "(ipv4) and (ip and not (udp and src port gt 1023) or (udp and dst host 192.0.2.9 and dst port 1000-2000)"
        " and not (tcp and src net 10.0.0.0/8 and dst port (http or 443)))"
    )
    assert filters.condition(text) is not None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("allow ip any any", "line 1: 'allow' is neither permit nor deny"),
        ("permit tcp any", "line 1: ends where an address should be"),
        ("permit foo any any", "line 1: unknown protocol 'foo'"),
        ("permit ip 10.0.0.0 0.255.0.255 any", "line 1: a wildcard mask whose ones are not all at its end"),
        ("permit tcp any any eq 70000", "line 1: '70000' is no port"),
        ("permit ip host 1.2.3 any", "line 1: '1.2.3' is no IPv4 address"),
        ("permit ip any any time-range x", "line 1: 'time-range' is not understood"),
    ],
)
def test_a_line_that_is_not_understood_is_named(line: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "p.acl").write_text(line + "\n")
    with pytest.raises(SettingsError) as error:
        policy_filter(str(tmp_path / "p.acl"))
    assert str(error.value) == f"{tmp_path / 'p.acl'}: {said}"
