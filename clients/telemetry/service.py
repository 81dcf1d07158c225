"""A program that runs for long: its log, its metrics and its health, around what it does."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from clients.telemetry import logs
from clients.telemetry.options import address, log_settings
from clients.telemetry.server import serving
from topics.metrics.vitals import VITALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from clients.options import Parsed
    from clients.telemetry.exposition import Reading


@contextmanager
def service(
    parsed: Parsed, program: str, readings: Callable[[], Iterable[Reading]] = tuple
) -> Iterator[tuple[str, int] | None]:
    """Log as the options say, and serve metrics and health where they say, while the block runs; yield where.

    Raises UsageError, SettingsError, OutputError.
    """
    logs.configure(program, log_settings(parsed))
    with serving(address(parsed), program, readings) as where:
        yield where


@contextmanager
def watched(parsed: Parsed, program: str, readings: Callable[[], Iterable[Reading]] = tuple) -> Iterator[None]:
    """Do so for a command that ends by itself, where its option says so.

    What the environment says is for services: a command typed beside one would fight for its port. Raises likewise.
    """
    logs.configure(program, log_settings(parsed))
    VITALS.settle("started", "at work")
    with serving(parsed.word("--metrics"), program, readings):
        yield
