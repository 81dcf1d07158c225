from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.checked_kernels import run_checked
from tests.fuzz.__main__ import TARGETS
from tests.fuzz.mutation import LONGEST, damaged

if TYPE_CHECKING:
    import subprocess

SECONDS = 1  # beyond the corpus; damage is the same in every run, more of it is for the command


@pytest.fixture(scope="module")
def done() -> subprocess.CompletedProcess[str]:
    """All targets in one process: most need the same kernels, which take a second to load."""
    return run_checked("-m", "tests.fuzz", *TARGETS, "--seconds", str(SECONDS))


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_input_breaks_no_promise(name: str, done: subprocess.CompletedProcess[str]) -> None:
    told = re.search(rf"^{name}: (\d+) inputs, (\d+) kinds of outcome$", done.stdout, re.MULTILINE)
    assert told, done.stderr[-2000:]
    assert int(told[1]) > len(TARGETS[name].corpus())
    assert int(told[2]) > 5


def test_nothing_went_wrong_in_the_end(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_is_in_the_corpus(name: str) -> None:
    assert len(TARGETS[name].corpus()) >= len(TARGETS[name].seeds()) > 5


def test_damage_can_be_done_again() -> None:
    inputs = [bytes(range(200)), bytes(range(90)), b"", b"\0"]
    first, second = Random(7), Random(7)
    hurt = [damaged(first, inputs) for _ in range(500)]
    assert hurt == [damaged(second, inputs) for _ in range(500)]
    assert len(set(hurt)) > 150
    assert max(map(len, hurt)) <= LONGEST
