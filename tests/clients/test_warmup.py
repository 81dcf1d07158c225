import subprocess
import sys
from pathlib import Path

import pytest

from clients.main import main
from clients.warmup import STAGES
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames

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


COMPILED_LATER = """
import sys
from clients.main import main
from clients.warmup import OF_A_RUN, STAGES
for name in OF_A_RUN:
    STAGES[name]()
from numba.core.dispatcher import Dispatcher
OURS = ("topics", "probes", "processors", "sinks")
def signatures():
    return {(name, kernel.py_func.__name__, signature)
        for name, module in list(sys.modules.items()) if name.split(".")[0] in OURS
        for kernel in vars(module).values() if isinstance(kernel, Dispatcher) for signature in kernel.signatures}
before = signatures()
assert before
assert main(["run", "-q", "-r", sys.argv[1], "--data", sys.argv[2]]) == 0
for late in sorted(signatures() - before, key=str):
    print("compiled later", *late, file=sys.stderr)
"""


@pytest.mark.timeout(600)
def test_a_run_compiles_nothing_but_its_stages(tmp_path: Path) -> None:
    write_pcap(tmp_path / "sample.pcap", sample_frames(1))
    command = [sys.executable, "-c", COMPILED_LATER, str(tmp_path / "sample.pcap"), str(tmp_path / "data")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == ""


@pytest.mark.timeout(600)
def test_all_stages_are_told(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["warmup"]) == 0
    told = [line.rsplit(maxsplit=2)[0] for line in capfd.readouterr().out.splitlines()]
    assert sorted(told) == sorted([*STAGES, "all"])
