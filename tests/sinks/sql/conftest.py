from pathlib import Path

import pytest


@pytest.fixture(params=["duckdb", "sqlite", "postgresql", "mariadb"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database of each kind."""
    if request.param in ("duckdb", "sqlite"):
        return str(tmp_path / f"flows.{request.param}")
    return str(request.getfixturevalue(f"{request.param}_database"))
