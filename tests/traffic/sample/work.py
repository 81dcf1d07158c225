"""The office at work: remote shells, the file server, a chat that is always on, and the pings of the monitoring."""

from tests.traffic.packets import PROTOCOL_ICMP, echo_frame, frame, icmp, ipv4
from tests.traffic.sample import ssh, tls
from tests.traffic.sample.mirror_port import MICROSECOND, MILLISECOND, SECOND, way
from tests.traffic.sample.office import Host
from tests.traffic.sample.scene import Scene
from tests.traffic.sample.services import http_request, http_response, page
from tests.traffic.sample.tcp_conversation import TcpConversation
from tests.traffic.sample.web import distance, tls_handshake

LOCAL_ROUND_TRIP = 350 * MICROSECOND


def remote_shell(scene: Scene, client: Host, server: Host, start: int, keys: int) -> None:
    """An interactive SSH session: key exchange, `keys` echoed keystrokes, now and then a screen of output."""
    conversation = TcpConversation(scene, client, server, 22, start=start, round_trip=LOCAL_ROUND_TRIP)
    here, there = conversation.client, conversation.server
    conversation.open()
    conversation.send(here, ssh.banner("OpenSSH_9.6"))
    conversation.send(there, ssh.banner("OpenSSH_9.2p1"))
    conversation.send(here, ssh.key_exchange_init(scene.random))
    conversation.send(there, ssh.key_exchange_init(scene.random))
    conversation.send(here, ssh.exchange_init(scene.random))
    conversation.send(there, ssh.exchange_reply(scene.random))
    conversation.send(here, ssh.new_keys())
    for number in range(keys):
        conversation.pause(scene.random.randint(60 * MILLISECOND, 420 * MILLISECOND))
        conversation.send(here, ssh.encrypted(16, scene.random))
        conversation.send(there, ssh.encrypted(16, scene.random))
        if number % 20 == 19:
            conversation.pause(30 * MILLISECOND)
            conversation.send(there, ssh.encrypted(16 * scene.random.randint(20, 120), scene.random))
            conversation.pause(scene.random.randint(SECOND, 8 * SECOND))
    conversation.close(here)


def wiki_visit(scene: Scene, client: Host, server: Host, start: int, version: int) -> None:
    """A page of the internal wiki over plain HTTP."""
    conversation = TcpConversation(scene, client, server, 80, start=start, round_trip=LOCAL_ROUND_TRIP, version=version)
    conversation.open()
    conversation.send(conversation.client, http_request(server.name, f"/page/{scene.random.randint(1, 400)}"))
    conversation.send(
        conversation.server, http_response("200 OK", page(scene.random.randint(2_000, 9_000), scene.random))
    )
    conversation.close(conversation.client)


def file_transfer(scene: Scene, client: Host, server: Host, start: int, size: int) -> None:
    """`size` bytes read from the file server over TLS in three pieces, a little written back."""
    conversation = TcpConversation(scene, client, server, 443, start=start, round_trip=LOCAL_ROUND_TRIP)
    conversation.open()
    tls_handshake(conversation, server.name)
    for _ in range(3):
        conversation.send(conversation.client, tls.application_data(300, scene.random))
        conversation.send(conversation.server, tls.application_data(size // 3, scene.random))
        conversation.pause(scene.random.randint(100 * MILLISECOND, 2 * SECOND))
    conversation.send(conversation.client, tls.application_data(size // 10, scene.random))
    conversation.send(conversation.server, tls.application_data(60, scene.random))
    conversation.close(conversation.client)


def standing_chat(scene: Scene, client: Host, server: Host, start: int, end: int) -> None:
    """One connection for the whole time: a keepalive every 25 s, every fourth time a message instead."""
    conversation = TcpConversation(scene, client, server, 443, start=start, round_trip=distance(server), version=4)
    here, there = conversation.client, conversation.server
    conversation.open()
    tls_handshake(conversation, server.name)
    for number in range((end - start) // (25 * SECOND) - 1):
        conversation.pause(25 * SECOND)
        if number % 4 == 3:
            conversation.send(there, tls.application_data(scene.random.randint(90, 300), scene.random))
            continue
        conversation.emit(here, sequence=here.sequence - 1)
        conversation.pause(conversation.turnaround(there))
        conversation.emit(there)
    conversation.pause(end - conversation.now)
    conversation.close(here)


def ping(
    scene: Scene,
    client: Host,
    server: Host,
    start: int,
    *,
    count: int,
    round_trip: int,
    version: int = 4,
    missing: frozenset[int] = frozenset(),
) -> None:
    """Echo requests a second apart; the numbers in `missing` stay unanswered."""
    identifier, payload = scene.random.randrange(2**16), bytes(range(8, 64))
    here, there = client.address(version), server.address(version)
    for number in range(1, count + 1):
        now = start + (number - 1) * SECOND + scene.random.randint(0, 400 * MICROSECOND)
        request = echo_frame(
            here, there, identifier, number, payload, **way(client, server, scene.random.randrange(2**16))
        )
        scene.mirror.carry(now, client, server, request)
        if number in missing:
            continue
        carriage = way(server, client, scene.random.randrange(2**16))
        reply = echo_frame(there, here, identifier, number, payload, reply=True, **carriage)
        scene.mirror.carry(now + round_trip + scene.random.randint(0, round_trip // 5), server, client, reply)


def large_ping(scene: Scene, client: Host, server: Host, start: int) -> None:
    """An echo of 3,000 bytes and its reply, each in three fragments."""
    payload, identifier = bytes(index % 256 for index in range(3000)), scene.random.randrange(2**16)
    for sender, receiver, kind, delay in ((client, server, 8, 0), (server, client, 0, 400 * MICROSECOND)):
        message = icmp(kind, 0, identifier.to_bytes(2, "big") + b"\0\x01" + payload)
        carriage, identification = way(sender, receiver), scene.random.randrange(2**16)
        for number, offset in enumerate(range(0, len(message), 1480)):
            packet = ipv4(
                message[offset : offset + 1480],
                sender.ipv4,
                receiver.ipv4,
                PROTOCOL_ICMP,
                ttl=carriage["ttl"],
                identification=identification,
                more_fragments=offset + 1480 < len(message),
                fragment_offset=offset,
            )
            whole = frame(packet, source_mac=carriage["source_mac"], destination_mac=carriage["destination_mac"])
            scene.mirror.carry(start + delay + number * 13 * MICROSECOND, sender, receiver, whole)
