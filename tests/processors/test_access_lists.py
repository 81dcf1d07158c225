"""Access lists: what is read out of their lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from processors.access_lists import read_access_list
from topics import filter as filters
from topics.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("access-list 10 permit any", "ip"),
        ("access-list 10 deny host 10.0.0.1 log", "src host 10.0.0.1"),
        ("access-list 10 permit 10.0.0.1", "src host 10.0.0.1"),
        ("access-list 1300 permit 10.0.0.0 0.0.0.255", "src net 10.0.0.0/24"),
        ("access-list 100 permit tcp any any established", "tcp and est"),
        ("access-list 100 deny icmp any any echo", "icmp and state = ECO"),
        ("access-list 100 permit udp any neq 53 any", "udp and not src port (53)"),
        ("access-list 100 permit 47 any host 10.0.0.1", "proto 47 and dst host 10.0.0.1"),
    ],
)
def test_a_line_becomes_a_filter(line: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "acl").write_text(line + "\n")
    (entry,) = read_access_list(str(tmp_path / "acl"))
    assert entry.filter == text
    assert (entry.permits, entry.logs) == ("permit" in line, "log" in line)
    filters.condition(text)


def test_entries_know_their_list_and_line(tmp_path: Path) -> None:
    lines = ["! edge", "ip access-list standard Edge", " remark ours", " 10 permit 10.0.0.0 0.255.255.255", " deny any"]
    (tmp_path / "acl").write_text("\n".join(lines))
    entries = read_access_list(str(tmp_path / "acl"))
    assert [(entry.name, entry.line, entry.filter) for entry in entries] == [
        ("Edge", 4, "src net 10.0.0.0/8"),
        ("Edge", 5, "ip"),
    ]


def test_a_standard_line_has_no_more_than_a_source(tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("access-list 10 permit any any\n")
    with pytest.raises(SettingsError, match="line 1: 'any' is not understood"):
        read_access_list(str(tmp_path / "acl"))
