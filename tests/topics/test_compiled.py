from __future__ import annotations

from pathlib import Path

from topics.compiled import _sources

ROOT = Path(__file__).resolve().parents[2]


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


def test_the_kernel_of_the_probe_knows_its_decoders() -> None:
    found = {path.name for path in _sources(ROOT, ROOT / "probes" / "flows" / "observe.py")}
    assert found >= {"packet.py", "network.py", "link.py", "wireless.py", "tunnel.py", "quoted.py", "report.py"}
