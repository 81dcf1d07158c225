"""Requests taken apart and answers put together: parameters checked, errors and results as JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from clients.web.errors import ParameterError, TooLongError, WebError
from topics.errors import ArgosyError, FilterError, InputError, SettingsError, UsageError

if TYPE_CHECKING:
    from starlette.requests import Request

MOST_PARAMETER = 8192
MOST_PARAMETERS = 32
MOST_BODY = 1 << 20
_COLUMN = re.compile(r"at column (\d+)")
_WORD = re.compile(r"'([^']*)' at column")
_SUGGESTION = re.compile(r"did you mean '([^']*)'")


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever JSON does not know
    """Return what NumPy holds as JSON has it."""
    if type(value).__module__ == "numpy" and hasattr(value, "item"):  # which need not be loaded to answer
        return value.item()
    raise TypeError(type(value).__name__)


def encoded(value: Any) -> bytes:  # noqa: ANN401 - whatever JSON holds
    """Return JSON."""
    return json.dumps(value, default=plain, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8",
        "backslashreplace",  # a name on the wire may hold half a character
    )


def answer(value: Any, status: int = 200) -> Response:  # noqa: ANN401 - as above
    """Return a response that holds JSON."""
    return Response(encoded(value), status, media_type="application/json", headers={"cache-control": "no-store"})


def kept_answer(content: bytes) -> Response:
    """Return a response that holds JSON as it was made before."""
    return Response(content, media_type="application/json", headers={"cache-control": "no-store"})


def refusal(error: ArgosyError, parameter: str = "q") -> Response:
    """Return an error as pages have it."""
    return answer({"error": described(error, parameter)}, _status(error))


def _status(error: ArgosyError) -> int:
    return error.status if isinstance(error, WebError) else 400 if isinstance(error, UsageError) else 500


def described(error: ArgosyError, parameter: str = "q") -> dict[str, Any]:
    """Return what an error says: a mistake in a filter with the place of the word."""
    text = " ".join(str(error).split())
    said: dict[str, Any] = {"kind": "usage", "message": text}
    if isinstance(error, FilterError):
        said |= {"kind": "filter", "parameter": parameter}
        column, word = _COLUMN.search(text), _WORD.search(text)
        if column:
            said |= {"column": int(column[1]), "length": len(word[1]) if word else 1}
    elif isinstance(error, WebError):
        said["kind"] = error.kind
        if isinstance(error, ParameterError):
            said["parameter"] = error.parameter
    elif isinstance(error, SettingsError):
        said["kind"] = "rules"
    elif not isinstance(error, UsageError):
        said["kind"] = "input" if isinstance(error, InputError) else "internal"
    suggestion = _SUGGESTION.search(text)
    return {**said, "suggestion": suggestion[1]} if suggestion else said


def parameters(request: Request) -> dict[str, str]:
    """Return the parameters of a request; raises TooLongError, ParameterError for one given twice."""
    pairs = request.query_params.multi_items()
    if len(pairs) > MOST_PARAMETERS:
        raise TooLongError(f"more than {MOST_PARAMETERS} parameters")
    said: dict[str, str] = {}
    for name, value in pairs:
        if len(value) > MOST_PARAMETER:
            raise TooLongError(f"parameter '{name[:64]}' has {len(value)} characters, more than {MOST_PARAMETER}")
        if name in said:
            raise ParameterError(f"parameter '{name[:64]}' was given twice", name[:64])
        if "\0" in value:
            raise ParameterError(f"parameter '{name[:64]}' holds a null character", name[:64])
        said[name] = value
    return said


async def body(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request; raises TooLongError, ParameterError."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MOST_BODY:
            raise TooLongError(f"a body of more than {MOST_BODY >> 20} MB")
    try:
        said = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        raise ParameterError("the body is no JSON", "body") from None
    if not isinstance(said, dict):
        raise ParameterError("the body is no object", "body")
    return said
