from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np

from topics.compiled import _sources, borrowed, kept

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = """
from topics.compiled import kernel
from topics.factor import FACTOR


@kernel
def product(number):
    return number * FACTOR
"""


def test_kernels_are_kept_by_the_state_of_all_that_they_are_made_of(tmp_path: Path) -> None:
    package = tmp_path / "probes"
    package.mkdir()
    texts = {
        "kernel.py": (
            "from probes.one import a\nfrom probes.two import (\n    b,  # why\n    c,\n)\nfrom probes import three\n"
        ),
        "one.py": "import numpy as np\nfrom probes.four import d\n\n\ndef f():\n    return 1\n",
        "two.py": "from probes.five import e\nfrom probes.six import g\nfrom probes.seven import h\n",
        "unrelated.py": "",
        **{f"{name}.py": "" for name in ("three", "four", "five", "six", "seven")},
    }
    for name, text in texts.items():
        (package / name).write_text(text)
    found = {path.name for path in _sources(tmp_path, package / "kernel.py")}
    assert found == texts.keys() - {"unrelated.py"}


def test_another_installation_of_the_same_sources_has_nothing_to_compile(tmp_path: Path) -> None:
    found = []
    for place, factor in (("here", 2), ("there", 2), ("changed", 3)):
        package = tmp_path / place / "topics"
        package.mkdir(parents=True)
        shutil.copy(ROOT / "topics" / "compiled.py", package)
        (package / "factor.py").write_text(f"FACTOR = {factor}\n")
        (package / "product.py").write_text(PRODUCT)
        run = "from topics.product import product; print(product(7), sum(product.stats.cache_hits.values()))"
        kept_in = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
        done = subprocess.run(
            [sys.executable, "-c", run], cwd=tmp_path / place, env=kept_in, capture_output=True, text=True, check=True
        )
        found.append(done.stdout.split())
    assert found == [["14", "0"], ["14", "1"], ["21", "0"]]


def test_the_kernel_of_the_probe_knows_its_decoders() -> None:
    found = {path.name for path in _sources(ROOT, ROOT / "probes" / "flows" / "observe.py")}
    assert found >= {"packet.py", "network.py", "link.py", "wireless.py", "tunnel.py", "quoted.py", "report.py"}


def _written_beside() -> Any:
    """Write through a borrowed view; another array of its size would take the place of one that was freed."""
    own = np.empty(64, np.int64)
    view = borrowed(own)
    other = np.zeros(64, np.int64)
    view[5] = 7
    found = other[5]
    kept(own)
    return found


def test_an_array_that_a_kernel_makes_and_borrows_is_held_until_the_end() -> None:
    compiled: Any = numba.njit(_written_beside)
    assert compiled() == 0


REGISTERED = """
from topics.compiled import kernel
from numba.core.registry import cpu_target
from numba.core.typing.typeof import typeof_impl
before = len(typeof_impl.registry)
cpu_target.typing_context.refresh()
cpu_target.target_context.refresh()
print(len(typeof_impl.registry) - before)
"""


def test_the_first_kernel_changes_no_table_that_another_thread_may_walk() -> None:
    said = subprocess.run([sys.executable, "-c", REGISTERED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout == "0\n", "worker: dictionary changed size during iteration"
