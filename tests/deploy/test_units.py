"""The units of systemd: systemd finds nothing wrong with them, and little that they could do."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

DIRECTORY = Path(__file__).parents[2] / "deploy" / "systemd"
UNITS = sorted(DIRECTORY.glob("*.service"))
MOST_EXPOSED = 20  # tenths of the scale of systemd-analyze, whose 10.0 is an unconfined service

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="apt-get install systemd")


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False, timeout=60)


def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    program = tmp_path / "argosy"
    program.touch(mode=0o755)
    for unit in UNITS:
        text = unit.read_text().replace("/opt/argosy/bin/argosy", str(program))
        (tmp_path / unit.name).write_text(re.sub("(?m)^Documentation=.*\n", "", text))
    done = analyze("verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_there_is_a_unit_for_each_role_with_a_port_of_its_own() -> None:
    roles = {unit.stem.removeprefix("argosy-") for unit in UNITS}
    assert roles == {
        *("probe", "worker", "names", "alerts"),
        *("sink-sql", "sink-files", "sink-events", "sink-alerts", "sink-findings"),
    }
    ports = [re.search(r"ARGOSY_METRICS=127.0.0.1:(\d+)", unit.read_text()) for unit in UNITS]
    assert all(ports)
    assert len({port and port[1] for port in ports}) == len(UNITS)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_can_do_little(unit: Path) -> None:
    done = analyze("security", "--offline=true", "--json=short", f"--threshold={MOST_EXPOSED}", str(unit))
    assert done.returncode == 0, done.stderr
    found = {check["json_field"]: check for check in json.loads(done.stdout)}
    assert found["NoNewPrivileges"]["set"]
    held = re.findall(r"^CapabilityBoundingSet=(.*)$", unit.read_text(), re.MULTILINE)
    assert held == ["CAP_NET_RAW" if "probe" in unit.stem else ""]
