"""Kernels that run without Numba: what they compute, and when their machine code is made anew."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from topics.rows.coding import Coding

ROOT = Path(__file__).resolve().parents[2]
KERNEL = """
from topics.factor import FACTOR
from topics.memory import store


def product(number, out):
    store(number * FACTOR, out)


def raising(number, out):
    if number:
        raise ValueError


def printing(number, out):
    print(number)
"""
MEMORY = (
    (ROOT / "topics" / "rows" / "words.py").read_text()
    + """
from topics.compiled import inlined


@inlined
def store(number, out):
    integers_at(out, 1)[0] = number
"""
)
RUN = """
import sys
import numpy as np
from topics.native import Native, address_of
out = np.zeros(1, np.int64)
Native("topics.kernel", "product", 2)(7, address_of(out))
print(out[0], "numba" in sys.modules)
"""


def package(place: Path, factor: int) -> Path:
    topics = place / "topics"
    topics.mkdir(parents=True, exist_ok=True)
    for name in ("compiled.py", "native.py"):
        shutil.copy(ROOT / "topics" / name, topics)
    (topics / "factor.py").write_text(f"FACTOR = {factor}\n")
    (topics / "kernel.py").write_text(KERNEL)
    (topics / "memory.py").write_text(MEMORY)
    return place


def run(place: Path, program: str = RUN, **more: str) -> list[str]:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(place.parent / "cache")} | more
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.split() or done.stderr.splitlines()[-1:]


def test_machine_code_is_kept_until_what_it_is_made_of_changes_or_it_is_damaged(tmp_path: Path) -> None:
    here = package(tmp_path / "here", 2)
    assert run(here) == ["14", "True"]
    assert run(here) == ["14", "False"]
    assert run(package(tmp_path / "there", 2)) == ["14", "False"]  # another installation of the same sources
    (kept,) = (tmp_path / "cache" / "native").iterdir()
    whole = kept.read_bytes()
    for damaged in (whole[:-1], whole.replace(b"product", b"protect", 1)):
        kept.write_bytes(damaged)
        assert run(here) == ["14", "True"]
        assert kept.read_bytes() == whole
    assert run(package(here, 3)) == ["21", "True"]
    assert run(here) == ["21", "False"]


def test_numba_runs_it_where_bounds_are_to_be_checked(tmp_path: Path) -> None:
    here = package(tmp_path / "here", 2)
    assert run(here, NUMBA_BOUNDSCHECK="1") == ["14", "True"]
    assert not (tmp_path / "cache" / "native").exists()


ELSEWHERE = """
import llvmlite.binding
llvmlite.binding.get_host_cpu_name = lambda: "x86-64"
llvmlite.binding.get_host_cpu_features = llvmlite.binding.FeatureMap
"""


def test_each_processor_has_its_own_unless_code_for_any_is_asked_for(tmp_path: Path) -> None:
    here = package(tmp_path / "here", 2)
    assert run(here, NUMBA_CPU_NAME="generic") == ["14", "True"]
    assert run(here, ELSEWHERE + RUN, NUMBA_CPU_NAME="generic") == ["14", "False"]
    assert run(here) == ["14", "True"]
    assert len(list((tmp_path / "cache" / "native").iterdir())) == 2


WITHOUT_A_HOME = """
import pathlib
def home():
    raise RuntimeError("Could not determine home directory.")
pathlib.Path.home = home
"""
WITHOUT_ROOM = """
import pathlib
write = pathlib.Path.write_bytes
def half(path, content):
    write(path, content[:100])
    raise OSError(28, "No space left on device")
pathlib.Path.write_bytes = half
"""


def test_it_runs_where_nothing_can_be_kept(tmp_path: Path) -> None:
    here = package(tmp_path / "here", 2)
    assert run(here, WITHOUT_A_HOME + RUN, NUMBA_CACHE_DIR="", XDG_CACHE_HOME="") == ["14", "True"]
    assert run(here, WITHOUT_ROOM + RUN) == ["14", "True"]
    assert list((tmp_path / "cache" / "native").iterdir()) == []


def test_settings_of_numba_for_looking_into_kernels_do_no_harm(tmp_path: Path) -> None:
    assert run(package(tmp_path / "here", 2), NUMBA_OPT="0", NUMBA_DEBUGINFO="1") == ["14", "True"]


def test_a_kernel_that_needs_python_is_refused_and_one_that_raises_is_noticed(tmp_path: Path) -> None:
    here = package(tmp_path / "here", 2)
    (refused,) = run(here, RUN.replace('"product"', '"printing"'))
    assert "TypeError: topics.kernel.printing: needs more than its arguments: " in refused
    (raised,) = run(here, RUN.replace('"product"', '"raising"'))
    assert raised == "RuntimeError: topics.kernel.raising raised an exception"


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint32, np.uint64])
@pytest.mark.parametrize("parts", [1, 3])
def test_rows_are_numbered_as_they_come(kind: type[np.unsignedinteger], parts: int) -> None:
    rng, bits = np.random.default_rng(parts), np.dtype(kind).itemsize * 8
    coding, known = Coding([(bits, parts), (8, 1)]), dict[bytes, int]()
    for rows in (1, 700, 3000):
        values = rng.integers(0, 12, (rows, parts)).astype(kind), rng.integers(0, 2, rows).astype(np.uint8)
        codes, before = np.empty(rows, np.int64), len(known)
        # In pieces that need not be alike, one of them empty.
        pieces = [[values[0]], [values[1][:0], *np.array_split(values[1], [rows // 3, rows // 2])]]
        first = coding.code(pieces, codes)
        words = [b"".join(value.tobytes() for value in row) for row in zip(*values, strict=True)]
        assert codes.tolist() == [known.setdefault(word, len(known)) for word in words]
        assert [words[row] for row in first] == list(known)[before:]
