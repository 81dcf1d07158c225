"""The version that is installed: read once, since a program may give up its files before it is asked."""

from __future__ import annotations

import functools
from importlib.metadata import version


@functools.cache
def installed_version() -> str:
    """Return the version of Argosy."""
    return version("argosy")
