from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from clients.main import main
from sinks.formats import open_reader
from tests.clients.inventories.asked import MAIL, found
from topics.batch import concatenate

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.inventories.asked import Capture

ACL = """\
! what may pass
access-list 100 permit tcp any any eq 443
access-list 100 deny ip 10.0.0.3 0.0.0.0 any log
access-list 100 permit tcp any host 192.0.2.80
"""


@pytest.fixture
def acl(tmp_path: Path) -> str:
    path = tmp_path / "acl"
    path.write_text(ACL)
    return str(path)


def test_lines_of_an_access_list_are_counted_those_never_met_too(acl: str, office: str, capfdbinary: Capture) -> None:
    lines = found(capfdbinary, "rapolicy", "-f", acl, "-r", office)
    assert [(row["line"], row["action"], row["records"]) for row in lines] == [
        (2, "permit", 3),
        (3, "deny", 2),
        (4, "permit", 0),
        (None, "deny", 1),
    ]
    unused = found(capfdbinary, "rapolicy", "-f", acl, "-r", office, "-M", "unused")
    assert [row["rule"] for row in unused] == ["access-list 100 permit tcp any host 192.0.2.80"]


def test_records_are_put_out_with_the_line_they_met(
    acl: str, office: str, tmp_path: Path, capfdbinary: Capture
) -> None:
    denied = found(capfdbinary, "rapolicy", "-f", acl, "-r", office, "-M", "deny", "-s", "daddr", "label", "-", "ipv4")
    assert [(row["daddr"], row["label"]) for row in denied] == [
        (MAIL, "ACL=ImplicitDeny_100"),
        ("10.0.0.99", "ACL=Deny_100_Line_0003"),
        ("10.0.0.100", "ACL=Deny_100_Line_0003"),
    ]
    logged = found(capfdbinary, "rapolicy", "-f", acl, "-r", office, "-M", "log", "-s", "daddr")
    assert [row["daddr"] for row in logged] == ["10.0.0.99", "10.0.0.100"]
    target = str(tmp_path / "labelled.parquet")
    assert main(["rapolicy", "-f", acl, "-r", office, "-M", "label", "-w", target]) == 0
    batch = concatenate(open_reader(target))
    assert len(batch) == 7
    assert main(["ra", "-r", target, "-q", "-", 'label ~ "Permit_100_Line_0002"']) == 0


def test_a_rapolicy_conf_says_what_is_shown(acl: str, office: str, tmp_path: Path, capfdbinary: Capture) -> None:
    conf = tmp_path / "rapolicy.conf"
    conf.write_text(f'# ours\nRA_POLICY_SHOW_WHICH="deny"\nRA_POLICY_LABEL_LOG="yes"\nRA_POLICY_ACL_FILE="{acl}"\n')
    denied = found(capfdbinary, "rapolicy", "-f", str(conf), "-r", office, "-s", "daddr", "label", "-", "ipv4")
    assert [(row["daddr"], row["label"]) for row in denied] == [
        (MAIL, None),
        ("10.0.0.99", "ACL=Deny_100_Line_0003"),
        ("10.0.0.100", "ACL=Deny_100_Line_0003"),
    ]
    conf.write_text("RA_POLICY_JUST_LABEL=yes\n")
    assert main(["rapolicy", "-f", str(conf), "-r", office]) == 2
    assert "names no access list" in capfdbinary.readouterr().err.decode()
