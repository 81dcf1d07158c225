"""Fences for kernels that share memory with another writer: what is read or written before, and what after."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic


def _fence(ordering: str) -> Any:
    def define(_context: Any) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
            builder.fence(ordering)
            return context.get_dummy_value()

        return types.none(), generate

    return define


acquire: Any = intrinsic(_fence("acquire"))
acquire.__doc__ = "Let no later read happen before what was read already."
release: Any = intrinsic(_fence("release"))
release.__doc__ = "Let every earlier read and write happen before what is written next."
