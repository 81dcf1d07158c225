"""The image's parts: its recipe, its bill of materials, its health check, and kernels that nobody may write."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from threading import Thread
from typing import Any

import numba
import pytest
from numba.core import caching

from deploy.container.bill import bill
from deploy.container.healthy import is_healthy
from deploy.container.kernels import ReadOnlyKernels, ScratchKernels
from tests.deploy.receiving import answering
from tests.deploy.recipe import DOCKERFILE, ROOT, assignments, context, expanded, ignored, stages, steps

MOST_CONTEXT = 20 << 20  # bytes
RUN = "import runpy, sys; sys.path.insert(0, {place!r}); runpy.run_module(sys.argv.pop(1), run_name='__main__')"


def test_the_image_runs_as_nobody_special_and_says_how_it_is() -> None:
    stage = stages(DOCKERFILE.read_text())[-1]
    words = [step.word for step in stage.steps]
    assert stage.last("USER") == "10001:10001"
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert "deploy.container.healthy" in stage.last("HEALTHCHECK")


def copied() -> list[tuple[int, list[str]]]:
    """Stage and sources of each COPY out of the context."""
    return [
        (number, step.rest.split()[:-1])
        for number, stage in enumerate(stages(DOCKERFILE.read_text()))
        for step in stage.steps
        if step.word == "COPY" and "--from" not in step.rest
    ]


def test_what_is_copied_gets_in_and_nothing_else_does() -> None:
    files = list(context(ROOT))
    names = [name for _, sources in copied() for name in sources]
    for name in names:
        assert any(file == name or file.startswith(f"{name}/") for file in files), name
    strangers = [file for file in files if not any(file == name or file.startswith(f"{name}/") for name in names)]
    assert strangers == []
    assert not [
        file for file in files if re.search(r"node_modules|__pycache__|web/assets|\.pcap$|/\.env$|/\.git/", file)
    ]
    assert sum((ROOT / file).stat().st_size for file in files) < MOST_CONTEXT
    assert 1 not in {number for number, _ in copied()}, "the last stage takes from the first alone, so no tests"


def test_what_gets_in_is_enough_to_make_the_demonstration_and_the_bill(tmp_path: Path) -> None:
    for name in context(ROOT):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    for words in (["tests.traffic", "demonstration", "demo.pcap"], ["deploy.container.bill"]):
        done = subprocess.run(
            [sys.executable, "-P", "-c", RUN.format(place=str(tmp_path)), *words], cwd=tmp_path, check=False
        )
        assert done.returncode == 0
    assert (tmp_path / "demo.pcap").stat().st_size > 1_000_000


def test_steps_are_read_as_a_builder_does() -> None:
    text = """# x
ARG BASE=debian:12
FROM ${BASE} AS build
ENV A=1 B="two words"
RUN a \\
# no step
 && b

FROM $BASE
USER 1
USER 2
"""
    first, second = stages(text)
    assert (first.base, first.name, second.base, second.last("USER")) == ("debian:12", "build", "debian:12", "2")
    assert first.steps[1].rest.split() == ["a", "&&", "b"]
    assert assignments(first.last("ENV")) == {"A": "1", "B": "two words"}
    assert expanded("$A-${B}-$C", {"A": "1", "B": "2"}) == "1-2-"


@pytest.mark.parametrize(
    ("path", "out"),
    [("x", True), ("topics/a.py", False), ("topics/__pycache__/a.pyc", True), ("a/b/.env", True), ("topicsx", True)],
)
def test_what_is_left_out_is_what_the_last_pattern_says(path: str, out: bool) -> None:
    assert ignored(path, ["*", "!topics", "**/__pycache__", "**/.env"]) is out


def test_no_secret_gets_into_a_layer() -> None:
    text = DOCKERFILE.read_text()
    assert not re.search(r"(?i)password|secret|token|--mount=type=secret", text)
    assert not [step.rest for step in steps(text) if step.word == "ARG" and not step.rest.startswith("PYTHON=")]
    assert "**/.env" in (ROOT / ".dockerignore").read_text()


def test_the_bill_names_everything_that_is_installed() -> None:
    made = bill(list(distributions()))
    named = {part["name"] for part in made["components"]}
    assert made["metadata"]["component"]["name"] == "argosy"
    assert {"numba", "confluent-kafka", "polars"} <= named
    assert len({part["bom-ref"] for part in made["components"]}) == len(made["components"])
    assert all(part["purl"].startswith("pkg:pypi/") for part in made["components"])


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_health_is_what_the_program_says(status: int, healthy: bool) -> None:
    with answering(status) as server:
        Thread(target=server.handle_request).start()
        assert is_healthy(f"0.0.0.0:{server.server_port}") is healthy
        assert server.asked == ["/healthz"]
    assert not is_healthy(f"0.0.0.0:{server.server_port}")
    assert is_healthy("")


def double(number: int) -> int:
    return 2 * number


def located(kind: Any) -> Any:
    """What Numba would ask for the cache of a function; it has no types."""
    return kind.from_function(double, __file__)


def test_kernels_are_read_where_nothing_may_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    found = located(ReadOnlyKernels)
    assert found is None, "nothing is compiled yet"
    scratch = located(ScratchKernels)
    assert scratch.get_cache_path().startswith(str(tmp_path / "scratch"))
    filled = Path(located(caching.UserProvidedCacheLocator).get_cache_path())
    (filled / "double.nbi").touch()
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: pytest.fail("writes"))
    assert located(ReadOnlyKernels).get_cache_path() == str(filled)
