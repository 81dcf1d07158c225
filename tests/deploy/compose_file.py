"""The compose file as its reader sees it: services with their words, variables and volumes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DIRECTORY = Path(__file__).parents[2] / "deploy" / "compose"
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")
OURS = "argosy:"


@dataclass(frozen=True, slots=True)
class Service:
    """One service, its variables filled with their defaults; `volumes` are (source, place in the container)."""

    name: str
    image: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    environment: dict[str, str]
    volumes: tuple[tuple[str, str], ...]
    replicas: int
    restart: str

    @property
    def is_ours(self) -> bool:
        """Whether it runs our image."""
        return self.image.startswith(OURS)


def compose() -> dict[str, Any]:
    """Return the file, its variables filled with their defaults."""
    text = (DIRECTORY / "compose.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(VARIABLE.sub(lambda found: found[2], text)))


def services() -> dict[str, Service]:
    """Return all services by name."""
    return {name: _service(name, said) for name, said in compose()["services"].items()}


def _service(name: str, said: dict[str, Any]) -> Service:
    volumes = (volume.split(":") for volume in said.get("volumes", ()))
    return Service(
        name,
        said["image"],
        tuple(said.get("entrypoint", ())),
        tuple(said.get("command", ())),
        dict(said.get("environment", {})),
        tuple((source, place) for source, place, *_ in volumes),
        said.get("deploy", {}).get("replicas", 1),
        said.get("restart", "no"),
    )
