"""`argosy web`: what it reads, where it listens, and who may look."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clients.options import Option, parse, parse_or_help
from clients.telemetry.options import OPTIONS as SERVICE
from topics.errors import InputError, UsageError

if TYPE_CHECKING:
    from clients.options import Parsed
    from clients.web.setup import Setup

USAGE = "argosy web -R DIR... | -r FILE... | --bus kafka://HOST [OPTIONS]"
SUMMARY = """Serves a page that shows what flows say: over time, by anything, down to each flow and why it is as it is.
The archive is only read; columns that pages ask for are kept in a cache directory. Until Ctrl-C."""
OPTIONS = (
    Option("-r", "FILE...", "files of flows, or databases: FILE.duckdb, postgresql://..., mysql://..., or .../TABLE"),
    Option("-R", "DIR...", "archives: all files of flows under directories, with what lies beside them"),
    Option("--bus", "URL", "Kafka: flows and alerts live, kafka://HOST:PORT"),
    Option("--rules", "RULES...", "rules to look at and try: files, directories, or `starter` (the default)"),
    Option("--listen", "ADDRESS", "where to listen (127.0.0.1); elsewhere only with a token or a proxy"),
    Option("--port", "NUMBER", "port to listen on (8561); 0 takes a free one"),
    Option("--token-file", "FILE", "ask for the token in this file; ARGOSY_WEB_TOKEN has it, too"),
    Option("--host-name", "NAME...", "names that the page goes by, besides localhost"),
    Option("--user-header", "NAME", "believe the name of the user in this header, from --proxy"),
    Option("--proxy", "ADDRESS...", "addresses or networks of proxies that sign users in"),
    Option("--cache", "DIR", "where columns are kept (~/.cache/argosy/web)"),
    Option("--state", "DIR", "where acknowledgements and silences are kept (~/.local/state/argosy/web)"),
    Option("--seconds", "SECONDS", "the longest that a question may take (10)"),
    *SERVICE,
    Option("-h --help", "", "this text"),
)
DEFAULT_PORT = 8561
BACKLOG = 128
TOKEN = "ARGOSY_WEB_TOKEN"  # noqa: S105 - the name of a variable


def run(arguments: list[str]) -> int:
    """Run the command until it is stopped."""
    parsed = parse_or_help(USAGE, SUMMARY, OPTIONS, arguments)
    if parsed is None:
        return 0
    if parsed.rest:
        raise UsageError(f"no filter is taken here: '{parsed.expression}'; ask on the page")
    asked, address = setup(parsed), parsed.word("--listen") or "127.0.0.1"
    port = parsed.number("--port", DEFAULT_PORT, minimum=0)
    from clients.telemetry.service import service

    with service(parsed, "web"):
        serve(asked, address, port)
    return 0


def setup(parsed: Parsed) -> Setup:
    """Return what a command line asks for; raises UsageError, InputError."""
    from clients.web.serving.guard import guard
    from clients.web.setup import Setup

    directories, files = parsed.words("-R"), parsed.words("-r")
    if not directories and not files and not parsed.word("--bus"):
        raise UsageError("say what to show: -R DIR, -r FILE or --bus kafka://HOST:PORT")
    for name in directories:
        if not Path(name).is_dir():
            raise InputError(f"{name}: No such directory")
    return Setup(
        cache=Path(parsed.word("--cache") or _home("XDG_CACHE_HOME", ".cache")),
        state=Path(parsed.word("--state") or _home("XDG_STATE_HOME", ".local/state")),
        directories=tuple(directories),
        files=tuple(files),
        bus=parsed.word("--bus") or "",
        rules=tuple(parsed.words("--rules")),
        guard=guard(
            parsed.word("--listen") or "127.0.0.1",
            _token(parsed),
            parsed.words("--host-name"),
            parsed.word("--user-header") or "",
            parsed.words("--proxy"),
        ),
        seconds=float(parsed.number("--seconds", 10, minimum=1)),
    )


def show(directory: str, rules: list[str]) -> None:
    """Serve the page of one archive on this machine until it is stopped; raises InputError."""
    parsed = parse(OPTIONS, ["-R", directory, *(["--rules", *rules] if rules else [])])
    serve(setup(parsed), "127.0.0.1", 0)


def _home(variable: str, usual: str) -> str:
    return str(Path(os.environ.get(variable) or Path.home() / usual) / "argosy" / "web")


def _token(parsed: Parsed) -> str:
    path = parsed.word("--token-file")
    if path is None:
        return os.environ.get(TOKEN, "").strip()
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or 'no text'}") from None


def serve(asked: Setup, address: str, port: int) -> None:
    """Serve a site until it is stopped; raises InputError when the address cannot be listened on."""
    import signal
    import socket

    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address, port))
        listening.listen(BACKLOG)  # who comes before everything is loaded waits, and is not turned away
    except OSError as error:
        raise InputError(f"{address} port {port}: {error.strerror}") from None
    shown = f"[{address}]" if ":" in address else address
    print(f"http://{shown}:{listening.getsockname()[1]}/  (Ctrl-C ends it)", file=sys.stderr, flush=True)
    import uvicorn

    from clients.web.serving.opening import Opening

    opening = Opening(asked, lambda: setattr(server, "should_exit", True))
    settings = uvicorn.Config(
        opening,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        limit_concurrency=512,
        h11_max_incomplete_event_size=65_536,
    )
    # uvicorn ends in good order and then sends itself the signal once more: that is no failure.
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        server = uvicorn.Server(settings)
        server.run(sockets=[listening])
    finally:
        signal.signal(signal.SIGTERM, before)
    if opening.failure is not None:
        raise opening.failure
