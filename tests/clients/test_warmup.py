import subprocess
import sys

import pytest

from clients.main import main
from clients.warmup import STAGES

UNCOMPILED = """
import sys
from clients.warmup import STAGES
for compile_stage in STAGES.values():
    compile_stage()
from numba.core.dispatcher import Dispatcher
for name, module in sorted(sys.modules.items()):
    if name.split(".")[0] in ("topics", "probes", "processors", "sinks"):
        for kernel in vars(module).values():
            own = isinstance(kernel, Dispatcher) and kernel.py_func.__module__ == name
            if own and not kernel.signatures and "forceinline" not in kernel.targetoptions:
                print("uncompiled", name, kernel.py_func.__name__, file=sys.stderr)
"""


@pytest.mark.timeout(600)
def test_every_kernel_is_compiled() -> None:
    done = subprocess.run([sys.executable, "-c", UNCOMPILED], capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.timeout(600)
def test_all_stages_are_told(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["warmup"]) == 0
    told = [line.rsplit(maxsplit=2)[0] for line in capfd.readouterr().out.splitlines()]
    assert sorted(told) == sorted([*STAGES, "all"])
