"""Names of a package whose modules are imported when they are asked for: Numba takes longer than many an answer."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def on_demand(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a `__getattr__` (PEP 562) for a package: `homes` are the modules in it that have the names."""

    def attribute(name: str) -> Any:  # noqa: ANN401 - whatever a module has
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return attribute


def import_all(package: str) -> None:
    """Import every module of a package, for a process that will not be able to read them later."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        importlib.import_module(module.name)
