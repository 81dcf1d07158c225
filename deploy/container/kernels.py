"""Where compiled kernels are read from when nothing may be written: NUMBA_CACHE_LOCATOR_CLASSES names this class."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from numba.core.caching import UserProvidedCacheLocator


class ReadOnlyKernels(UserProvidedCacheLocator):
    """The directory of a kernel file as `argosy warmup` has filled it; nowhere, so the next class, when it has not."""

    def ensure_cache_path(self) -> None:
        """Ask for what is there, not for the right to write."""
        if not any(Path(self._cache_path).glob("*.nbi")):
            raise FileNotFoundError(self._cache_path)


class ScratchKernels(UserProvidedCacheLocator):
    """A directory for temporary files, for what `argosy warmup` has not compiled."""

    def __init__(self, function: Any, source: str) -> None:  # noqa: ANN401 - as Numba calls it
        super().__init__(function, source)  # type: ignore[no-untyped-call]  # Numba has no types
        self._cache_path = str(Path(tempfile.gettempdir(), "argosy-kernels", Path(self._cache_path).name))
