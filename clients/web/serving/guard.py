"""Who may ask: the token, a proxy that is trusted, and what tells the page's own requests from those of other sites."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from clients.web.errors import ForbiddenError, TokenError
from topics.errors import UsageError

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from starlette.requests import HTTPConnection

COOKIE = "argosy"
OURS = "x-argosy"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
READING = {"GET", "HEAD"}
LEAST_TOKEN = 16
SEALED = b"argosy page"
SAFE = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True)
class Guard:
    """`token` is asked for when there is one; `hosts` are the names that the page goes by, lower case.

    A request from `proxies` that has the header `user_header` is of the user it names.
    """

    token: str = ""
    hosts: frozenset[str] = frozenset(LOOPBACK)
    user_header: str = ""
    proxies: tuple[IPv4Network | IPv6Network, ...] = field(default=())

    @property
    def cookie(self) -> str:
        """Return what the cookie holds: not the token, but what only somebody who has it can make."""
        return hmac.new(self.token.encode(), SEALED, sha256).hexdigest()

    def is_token(self, text: str) -> bool:
        """Tell whether a text is the token, in a time that does not hang on how much of it is right."""
        return bool(self.token) and hmac.compare_digest(text.encode(), self.token.encode())

    def client(self, request: HTTPConnection) -> str:
        """Return who asks: the user that a trusted proxy names, or an address."""
        return self.user(request) or (request.client.host if request.client else "")

    def user(self, request: HTTPConnection) -> str | None:
        """Return the user that a trusted proxy names, None without one."""
        name = request.headers.get(self.user_header, "").strip() if self.user_header else ""
        if not name or len(name) > 256 or not self._is_proxy(request):
            return None
        return name

    def _is_proxy(self, request: HTTPConnection) -> bool:
        try:
            address = ip_address(request.client.host if request.client else "")
        except ValueError:
            return False
        return any(address in network for network in self.proxies)

    def is_signed_in(self, request: HTTPConnection) -> bool:
        """Tell whether a request may ask."""
        if self.user(request) is not None:
            return True
        if not self.token:
            return not self.user_header
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.is_token(given.strip()):
            return True
        cookie = request.cookies.get(COOKIE, "")
        return hmac.compare_digest(cookie.encode(), self.cookie.encode())

    def check_host(self, request: HTTPConnection) -> None:
        """Raise ForbiddenError for a name that this page does not go by: that of another site, rebound to it."""
        host = _host(request.headers.get("host", ""))
        if host not in self.hosts:
            raise ForbiddenError("this page does not go by that name; --host-name says which it does")

    def check_source(self, request: HTTPConnection, method: str) -> None:
        """Raise ForbiddenError for a request to change something that another site may have made."""
        if (
            request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}
            and method not in READING
        ):
            raise ForbiddenError("made by another site")
        if method in READING:
            return
        if OURS not in request.headers:
            raise ForbiddenError("what changes something takes the header X-Argosy")
        origin = request.headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != request.headers.get("host", "").lower():
            raise ForbiddenError("made by another site")

    def check_user(self, request: HTTPConnection) -> None:
        """Raise TokenError for somebody who may not ask."""
        if not self.is_signed_in(request):
            raise TokenError("sign in with the token that the server was started with")


def _host(header: str) -> str:
    """Return the name in a Host header, without the port."""
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.rpartition(":")[0] if ":" in text else text


def guard(address: str, token: str, names: list[str], user_header: str, proxies: list[str]) -> Guard:
    """Return the guard of a server that listens on an address.

    Raises UsageError where that is not loopback and there is neither a token nor a proxy, or the token is short.
    """
    networks = tuple(_network(text) for text in proxies)
    if user_header and not networks:
        raise UsageError("--user-header takes --proxy: from which addresses the header is believed")
    if token and len(token) < LEAST_TOKEN:
        raise UsageError(f"the token has fewer than {LEAST_TOKEN} characters")
    if address not in LOOPBACK and not token and not user_header:
        raise UsageError(f"{address} is not loopback: say --token-file FILE, or --user-header NAME --proxy ADDRESS")
    own = {address} if address not in {"0.0.0.0", "::"} else set()  # noqa: S104 - compared, not bound
    return Guard(token, frozenset({*LOOPBACK, *own, *(name.lower() for name in names)}), user_header.lower(), networks)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise UsageError(f"--proxy takes an address or network, not '{text}'") from None
