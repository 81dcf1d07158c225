"""Pages of the documentation that are made of the code: commands, fields, filters, topics with schemas, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.reference import commands, fields, filters, settings, topics

if TYPE_CHECKING:
    from collections.abc import Callable

PAGES: dict[str, Callable[[], str]] = {
    "reference/commands.md": commands.page,
    "reference/fields.md": fields.page,
    "reference/filters.md": filters.page,
    "reference/topics.md": topics.page,
    "reference/settings.md": settings.page,
}
