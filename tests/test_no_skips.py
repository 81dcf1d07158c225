import os
import subprocess
import sys
from pathlib import Path

import pytest

SKIPPING = """
import pytest

@pytest.mark.skip(reason="no server")
def test_marked(): ...

def test_called():
    pytest.skip("no server")

@pytest.fixture
def server():
    pytest.skip("no server")

def test_fixture(server): ...
"""
MODULE = 'import pytest\npytest.importorskip("there_is_no_such_module")\n'
EXPECTED_FAILURE = "import pytest\n@pytest.mark.xfail\ndef test_known(): assert False\n"


def run_pytest(directory: Path, test: str, ci: str) -> subprocess.CompletedProcess[str]:
    (directory / "test_made.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-p", "tests.no_skips", "--rootdir", str(directory), str(directory)]
    plain = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}  # this plugin and no other
    environment = os.environ | {"CI": ci, "PYTHONPATH": str(Path(__file__).parents[1])} | plain
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_every_way_to_skip_is_a_failure_in_ci(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, SKIPPING, "true")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert done.stdout.count("skipping is a failure under CI=true: ") >= 3
    assert "no server" in done.stdout
    assert "skipped" not in done.stdout.splitlines()[-1]


def test_skipping_a_module_is_a_failure_in_ci(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, MODULE, "true")
    assert done.returncode == pytest.ExitCode.INTERRUPTED
    assert "there_is_no_such_module" in done.stdout


def test_skipping_is_allowed_elsewhere(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, SKIPPING, "")
    assert done.returncode == pytest.ExitCode.OK
    assert "3 skipped" in done.stdout


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, EXPECTED_FAILURE, "true").returncode == pytest.ExitCode.OK
