"""Removing topics of a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.bus.administration import admin_client

if TYPE_CHECKING:
    from collections.abc import Iterable

ANSWER_SECONDS = 60.0


def delete_topics(url: str, names: Iterable[str]) -> None:
    """Delete topics, whether they are there or not; TimeoutError when no answer comes."""
    client = admin_client(url)  # has to outlive the answers: those of one that is gone never come
    for deleted in client.delete_topics(list(names)).values():
        deleted.exception(ANSWER_SECONDS)
