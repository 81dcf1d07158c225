"""Visits to web servers: TLS sessions and plain HTTP, each after its name lookup."""

from tests.traffic.sample import tls
from tests.traffic.sample.lookups import Resolution
from tests.traffic.sample.mirror_port import MILLISECOND, SECOND
from tests.traffic.sample.office import WEB, Host
from tests.traffic.sample.scene import Scene
from tests.traffic.sample.services import http_request, http_response, page
from tests.traffic.sample.tcp_conversation import TcpConversation


def distance(host: Host) -> int:
    """A round trip that suits its number of hops, in ns."""
    return 4 * MILLISECOND + host.hops * 3 * MILLISECOND


def tls_handshake(conversation: TcpConversation, server_name: str) -> None:
    """Hellos and the switch to encryption."""
    random = conversation.random
    hello = tls.client_hello(server_name, random)
    conversation.send(conversation.client, hello)
    conversation.send(conversation.server, tls.server_flight(hello, random))
    conversation.send(conversation.client, tls.change_cipher_spec() + tls.application_data(36, random))


def tls_visit(scene: Scene, client: Host, server: Host, start: int, version: int = 4) -> None:
    """A page and what belongs to it over TLS; the client says goodbye, or in one of ten visits just resets."""
    looked_up = Resolution(scene, client).resolve(start, server)
    conversation = TcpConversation(
        scene, client, server, 443, start=looked_up, round_trip=distance(server), version=version
    )
    conversation.open()
    tls_handshake(conversation, server.name)
    for _ in range(scene.random.randint(1, 4)):
        conversation.send(conversation.client, tls.application_data(scene.random.randint(180, 700), scene.random))
        length = min(45_000, int(900 * scene.random.paretovariate(0.9)))
        conversation.send(conversation.server, tls.application_data(length, scene.random))
        conversation.pause(scene.random.randint(20 * MILLISECOND, 3 * SECOND))
    if scene.random.random() < 0.1:
        conversation.reset(conversation.client)
        return
    conversation.emit(conversation.client, "PA", tls.close_notify(scene.random))
    conversation.server.received = conversation.client.sequence
    conversation.close(conversation.client)


def http_visit(
    scene: Scene, client: Host, server: Host, start: int, *, paths: tuple[str, ...], version: int = 4
) -> None:
    """Requests for `paths` over one plain connection that the server ends."""
    looked_up = Resolution(scene, client).resolve(start, server)
    conversation = TcpConversation(
        scene, client, server, 80, start=looked_up, round_trip=distance(server), version=version
    )
    conversation.open()
    for path in paths:
        conversation.send(conversation.client, http_request(server.name, path))
        found = not path.endswith("missing.html")
        body = page(scene.random.randint(800, 14_000) if found else 200, scene.random)
        conversation.pause(scene.random.randint(MILLISECOND, 40 * MILLISECOND))
        conversation.send(conversation.server, http_response("200 OK" if found else "404 Not Found", body))
        conversation.pause(scene.random.randint(50 * MILLISECOND, SECOND))
    conversation.close(conversation.server)


def browsing(scene: Scene, clients: list[Host], visits: int, start: int, end: int) -> None:
    """`visits` TLS sessions between `start` and `end`; a third of them over IPv6."""
    for _ in range(visits):
        when = scene.random.randrange(start, end)
        version = 6 if scene.random.random() < 0.33 else 4
        tls_visit(scene, scene.random.choice(clients), scene.random.choice(WEB), when, version)
