"""What the whole tree has to obey: import directions, file names, nothing of a developer's machine."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "topics": set(),
    "probes": {"topics"},
    "processors": {"topics"},
    "sinks": {"topics"},
    "deploy": {"topics"},
    "clients": {"topics", "probes", "processors", "sinks", "deploy"},
}
OURS = {*MAY_IMPORT, "tests"}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager"}
# Written so that this file does not match itself.
FOREIGN = re.compile(
    r"/(?:work|tmp/w)/|index[-]url|(?:pypi|pythonhosted|npmjs|debian|crates|maven(?:\.apache)?|maven2)\.(?:org|io|com)\b"
)


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def imported_names(source: str) -> Iterator[tuple[int, str]]:
    """Every module that a file may import, wherever in it: (line, dotted name)."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield node.lineno, module
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield node.lineno, module


def broken_directions(package: str, source: str) -> list[str]:
    """Imports of this source that a file of the package must not make."""
    allowed = MAY_IMPORT[package] | {package}
    forbidden = OURS - allowed
    return [f"{line}: {name}" for line, name in imported_names(source) if name.split(".")[0] in forbidden]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_one_way(package: str) -> None:
    files = [path for path in tracked_files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] == package]
    broken = [
        f"{path.relative_to(ROOT)}:{found}" for path in files for found in broken_directions(package, path.read_text())
    ]
    assert files
    assert broken == []


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("topics", "import probes"),
        ("probes", "from processors.merge import Merge"),
        ("processors", "def late():\n    from sinks import sql"),
        ("sinks", "if TYPE_CHECKING:\n    import clients.main"),
        ("clients", "import numpy, tests.traffic"),
        ("deploy", "import importlib\nimportlib.import_module('clients.main')"),
        ("topics", "from importlib import import_module\nimport_module('sinks.sql')"),
    ],
)
def test_a_wrong_direction_is_found(package: str, source: str) -> None:
    assert len(broken_directions(package, source)) == 1


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("topics", "import numpy\nfrom topics.schema import load\nfrom . import schema"),
        ("probes", "from topics import errors"),
        ("clients", "import sinks.sql, probes"),
        ("sinks", "text = 'import clients'"),
    ],
)
def test_a_right_direction_passes(package: str, source: str) -> None:
    assert broken_directions(package, source) == []


def test_every_file_is_named_after_its_idea() -> None:
    vague = [
        path.relative_to(ROOT) for path in tracked_files() if VAGUE_NAMES & {path.stem, *path.relative_to(ROOT).parts}
    ]
    assert vague == []


def test_no_file_tells_of_a_machine_or_a_registry() -> None:
    found = []
    for path in tracked_files():
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if FOREIGN.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "cd /" + "work/main",
        "open('/tmp" + "/w/x')",
        "--index" + "-url x",
        "https://files.python" + "hosted.org/x",
        "https://repo.maven" + ".apache.org/maven2",
        "http://deb.debi" + "an.org/debian",
    ],
)
def test_a_trace_of_a_machine_is_found(line: str) -> None:
    assert FOREIGN.search(line)
