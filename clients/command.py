"""What all clients that read records do alike: help, `-b`, and the exit status of Argus's clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.options import parse_or_help
from clients.reading import inquiry
from topics.errors import ArgosyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from clients.options import Option, Parsed


def run_client(
    arguments: list[str],
    options: Sequence[Option],
    usage: str,
    summary: str,
    work: Callable[[Parsed, set[str]], int],
    known_modes: Iterable[str] = (),
) -> int:
    """Parse the options, do the work, and return its exit status: 0 for some record, 1 for none, 2 after an error."""
    parsed = parse_or_help(usage, summary, options, arguments)
    if parsed is None:
        return 0
    try:
        modes = inquiry.modes(parsed, known_modes)
        if parsed.count("-b"):
            print(inquiry.tree(parsed))
            return 0
        return work(parsed, modes)
    except ArgosyError as error:
        error.exit_status = inquiry.FAILED  # 1 says that nothing matched
        raise
