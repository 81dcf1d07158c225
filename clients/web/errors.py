"""What may go wrong with a question, each with the status of HTTP that tells it."""

from __future__ import annotations

from topics.errors import ArgosyError, UsageError


class WebError(ArgosyError):
    """A question that is refused; `kind` names the reason to programs."""

    status = 400
    kind = "usage"


class ParameterError(UsageError, WebError):
    """A parameter that is none; names it."""

    def __init__(self, message: str, parameter: str, kind: str = "usage") -> None:
        super().__init__(message)
        self.parameter, self.kind = parameter, kind


class TokenError(WebError):
    """Nobody who may ask."""

    status, kind = 401, "token"


class ForbiddenError(WebError):
    """A request that another site may have made."""

    status, kind = 403, "forbidden"


class MissingError(WebError):
    """Something that is not there; names it."""

    status, kind = 404, "missing"


class SupersededError(WebError):
    """A question in whose place another one was asked, or whose asker left."""

    status, kind = 409, "superseded"


class TooLongError(WebError):
    """A parameter or body longer than any sensible one; names it."""

    status, kind = 413, "too-long"


class TooLargeError(WebError):
    """A question about more than may be asked for at once."""

    status, kind = 422, "too-large"


class BusyError(WebError):
    """Too much at once."""

    status, kind = 429, "busy"


class TimeoutExceededError(WebError):
    """A question that took longer than any may."""

    status, kind = 504, "timeout"
