"""The image's parts: its recipe, its bill of materials, its health check, and kernels that nobody may write."""

from __future__ import annotations

import re
from importlib.metadata import distributions
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import numba
import pytest
from numba.core import caching

from deploy.container.bill import bill
from deploy.container.healthy import is_healthy
from deploy.container.kernels import ReadOnlyKernels, ScratchKernels
from tests.deploy.receiving import answering

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy" / "container" / "Dockerfile").read_text()


def steps() -> Iterator[tuple[str, str]]:
    """Yield the instructions of the recipe."""
    for line in re.sub(r"\\\n", " ", DOCKERFILE).splitlines():
        if line and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


def last_stage() -> list[tuple[str, str]]:
    found = list(steps())
    return found[max(place for place, (word, _) in enumerate(found) if word == "FROM") :]


def test_the_image_runs_as_nobody_special_and_says_how_it_is() -> None:
    stage = last_stage()
    words = [word for word, _ in stage]
    assert ("USER", "10001:10001") in stage
    assert words.index("USER") < words.index("ENTRYPOINT")
    (check,) = (rest for word, rest in stage if word == "HEALTHCHECK")
    assert "deploy.container.healthy" in check


def test_what_is_copied_is_there_and_ships_no_tests() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for word, rest in steps():
        if word == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists()
                assert any(each == source or each.startswith(f"{source}/") for each in allowed), source
    assert not [rest for word, rest in last_stage() if word == "COPY" and "tests" in rest]


def test_no_secret_gets_into_a_layer() -> None:
    assert not re.search(r"(?i)password|secret|token|--mount=type=secret", DOCKERFILE)
    assert not [rest for word, rest in steps() if word == "ARG" and not rest.startswith("PYTHON=")]
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
