"""The command line of `argosy radium`, and what it puts together."""

from __future__ import annotations

import threading
from ipaddress import ip_network
from typing import TYPE_CHECKING

import structlog

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.telemetry.options import OPTIONS as SERVICE
from topics.errors import SettingsError, UsageError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable
    from ipaddress import IPv4Network, IPv6Network

    from clients.options import Parsed
    from clients.radium.feeds import Feed, Live, Status
    from clients.radium.server import Server
    from topics.batch import FlowBatch

USAGE = "argosy radium -r FILE... | -R DIR... | -S kafka://HOST/TOPIC | --argus HOST... [OPTIONS] [- FILTER]"
SUMMARY = """Serves records to the clients of Argus (ra -S HOST:PORT, radium -S, ...). Of files and directories each
client gets everything from the beginning; of topics, pipes and running argus what comes from then on, all clients at
once: one that takes too little is dropped, and counted."""
PORT, MAR_SECONDS = 561, 60
OPTIONS = (
    *inquiry.INPUT,
    Option("--argus", "HOST[:561]...", "records of running argus or radium, as `argosy probe --argus`"),
    Option("--close", "", "close the connection after the last record of files"),
    Option("-P", "PORT", "listen there (561)"),
    Option("-B", "ADDRESS", "and on this address (127.0.0.1); 0.0.0.0 or :: is all of them"),
    Option("--allow", "NETWORK...", "only to clients of these networks (all that can reach the address)"),
    Option("--tls", "CERT KEY...", "wrapped in TLS, with the certificate and key of these files (PEM)"),
    Option("--tls-ca", "FILE", "and only to clients with a certificate that is signed by one of these"),
    Option("-m", "SECONDS", "a management record so often (60)"),
    Option("--id", "NAME", "source id of management records: an address, a number or four letters"),
    *SERVICE,
)


def run(arguments: list[str]) -> int:
    """Run the command until Ctrl-C, or the end of what comes."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run)


def _run(parsed: Parsed, _: set[str]) -> int:
    from clients.ending import heeding
    from clients.radium.server import Server
    from clients.telemetry.consumers import of_radium
    from clients.telemetry.service import service

    allowed = [_network(word) for word in parsed.words("--allow")]
    place = (parsed.word("-B") or "127.0.0.1", parsed.number("-P", PORT, minimum=0))
    status = _status(parsed)
    tls = _tls(parsed)
    feed, work = _feed(parsed, status)

    _compile()
    server = Server(place, feed, status, allowed, tls, _say)
    with service(parsed, "radium", lambda: of_radium(server, feed)):
        _say(f"listening on {place[0]}:{server.port}")
        with heeding(server.stop, lambda: None):
            threading.Thread(target=_until_end, args=(work, server), daemon=True).start()
            server.run()
        _say(f"{server.clients} clients served, {server.refused} refused, {server.early} gone early")
    return 0


def _compile() -> None:
    """Load what clients need, or compile it, before the first of them waits for it."""
    from topics.argus import decoder, encoder

    decoder.warm_up()
    encoder.warm_up()


def _say(text: str) -> None:
    structlog.get_logger().info(text)


def _until_end(work: Callable[[Server], None], server: Server) -> None:
    try:
        work(server)
    except Exception as error:  # noqa: BLE001 - said, and the server ends: nothing more would come
        _say(str(error))
        server.stop()


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise UsageError(f"option --allow takes addresses and networks as 192.0.2.0/24, not '{text}'") from None


def _status(parsed: Parsed) -> Callable[[], Status]:
    from clients.radium.feeds import Status

    interval = parsed.number("-m", MAR_SECONDS, minimum=1)
    name = parsed.word("--id") or ""
    return lambda: Status(name, interval)


def _tls(parsed: Parsed) -> ssl.SSLContext | None:
    words = parsed.words("--tls")
    if not words and not parsed.word("--tls-ca"):
        return None
    import ssl

    if len(words) != 2:
        raise UsageError("option --tls takes two files, the certificate and its key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(*words)
        if authority := parsed.word("--tls-ca"):
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(authority)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"option --tls: {', '.join(words)}: {error.strerror or error}") from error
    return context


def _feed(parsed: Parsed, status: Callable[[], Status]) -> tuple[Feed, Callable[[Server], None]]:
    """Return what serves clients, and what has to be done meanwhile in a thread of its own."""
    from clients.radium.feeds import Live, Replay, filtered
    from clients.reading.selection import selection
    from clients.reading.source_names import DASH, SCHEME, paths
    from clients.reading.sources import Source

    wanted = selection(parsed).wanted
    if parsed.words("--argus"):
        live = Live(status(), _say)
        return live, lambda server: _attach(parsed, live, server)
    names = paths(parsed)
    if any(name == DASH or name.startswith(SCHEME) for name in names):
        live = Live(status(), _say)
        return live, lambda server: _publish(filtered(Source(parsed, names).batches(), wanted), live, server)
    replay = Replay(
        lambda: filtered(Source(parsed, names).batches(), wanted), status, close=bool(parsed.count("--close"))
    )
    return replay, lambda _: None


def _publish(batches: Iterable[FlowBatch], live: Live, server: Server) -> None:
    _ticking(live)
    for batch in batches:
        if len(batch):
            live.publish(batch)
    server.stop()


def _ticking(live: Live) -> None:
    def tick() -> None:
        while True:
            live.tick()
            pause.wait(1.0)

    pause = threading.Event()
    threading.Thread(target=tick, daemon=True).start()


def _attach(parsed: Parsed, live: Live, server: Server) -> None:
    from probes.argus.address import parsed as address
    from probes.argus.attachment import Attachment

    def say(what: str, reason: str) -> None:
        _say(f"{what} ({reason})" if reason else what)

    lock = threading.Lock()

    def publish(batch: FlowBatch) -> None:
        with lock:
            live.publish(batch)

    _ticking(live)
    attachments = [
        Attachment(address(text), parsed.expression, "", publish, lambda _: None, lambda _: None, say)
        for text in parsed.words("--argus")
    ]
    threads = [threading.Thread(target=each.run, daemon=True) for each in attachments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.stop()
