"""The one decorator of all kernels, and where their machine code is cached.

Numba notices when the file of a kernel changes, but not when a constant or an inlined function from another file does.
So the cache lies in a directory named after the state of all our source files: a changed tree never meets old machine
code, and a read-only installation works.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import numba

PACKAGES = ("topics", "probes", "processors", "sinks")

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def _source_state(root: Path) -> str:
    state = blake2b(f"{numba.__version__} {root}".encode(), digest_size=8)
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            stat = path.stat()
            state.update(f"{path}{stat.st_mtime_ns}{stat.st_size}".encode())
    return state.hexdigest()


def cache_directory() -> Path:
    """Return the directory of compiled kernels: $NUMBA_CACHE_DIR, else one for this state of the sources."""
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(given)
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "argosy" / f"kernels-{_source_state(Path(__file__).resolve().parent.parent)}"


numba.config.CACHE_DIR = str(cache_directory())


def kernel(function: Kernel) -> Kernel:
    """Compile a function with Numba: no Python objects inside, GIL released, machine code kept on disk."""
    compiled: Kernel = numba.njit(cache=True, nogil=True)(function)
    return compiled


def inlined(function: Kernel) -> Kernel:
    """Compile a function that only kernels call: no entry in the cache of its own."""
    compiled: Kernel = numba.njit(nogil=True)(function)
    return compiled
