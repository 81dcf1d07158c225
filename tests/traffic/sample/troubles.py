"""What goes wrong: loss, reordering, closed windows, refusals, silence, unreachable ports, and someone who scans."""

from random import Random

from tests.traffic.checksum import with_checksum
from tests.traffic.packets import icmp_error_frame
from tests.traffic.sample import tls
from tests.traffic.sample.mirror_port import MICROSECOND, MILLISECOND, SECOND, way
from tests.traffic.sample.office import ROUTER, UPSTREAM, Host
from tests.traffic.sample.scene import Scene
from tests.traffic.sample.tcp_conversation import Side, TcpConversation
from tests.traffic.sample.web import distance, tls_handshake

OPEN_PORTS, FILTERED_PORTS = (22, 80, 443), range(135, 145)


def lossy_download(scene: Scene, client: Host, server: Host, start: int) -> None:
    """Segments lost on the way to the office: gaps, duplicate acknowledgements with SACK, retransmissions."""
    conversation = TcpConversation(scene, client, server, 443, start=start, round_trip=distance(server))
    conversation.open()
    tls_handshake(conversation, server.name)
    conversation.send(conversation.client, tls.application_data(420, scene.random))
    for missing, reordered in ((3, False), (5, True), (1, False), (7, True)):
        flight = conversation.cut(tls.application_data(11 * conversation.segment, scene.random))
        lossy_flight(conversation, flight, missing, reordered=reordered)
    lose_the_tail(conversation, conversation.server, tls.application_data(600, scene.random))
    conversation.close(conversation.client)


def lossy_flight(conversation: TcpConversation, flight: list[bytes], missing: int, *, reordered: bool) -> None:
    """A flight of the server with segment number `missing` lost before the mirror port, or only late there."""
    client, server = conversation.client, conversation.server
    expected, gap_from = client.received, server.sequence
    for number, payload in enumerate(flight):
        if number == missing:
            gap_from = server.sequence
        conversation.emit(server, "A", payload, lost=number == missing)
        if number < missing:
            client.received = server.sequence
            conversation.emit(client, at=conversation.now + 70 * MICROSECOND)
        elif number > missing:
            edges = ((gap_from + len(flight[missing]), server.sequence),)
            conversation.emit(client, at=conversation.now + 70 * MICROSECOND, sack=edges)
        if reordered and number == missing + 2:
            conversation.emit(server, "A", flight[missing], sequence=gap_from, at=conversation.now + 5 * MICROSECOND)
        conversation.pause(random_gap(conversation.random))
        if reordered and number == missing + 2:
            missing, client.received = len(flight), server.sequence
            conversation.emit(client)
    conversation.pause(conversation.turnaround(server))
    if not reordered:
        conversation.emit(server, "PA", flight[missing], sequence=gap_from)
        conversation.pause(90 * MICROSECOND)
    client.received = server.sequence
    conversation.emit(client)
    conversation.pause(MILLISECOND)
    assert client.received == expected + sum(map(len, flight))


def random_gap(random: Random) -> int:
    """Between two segments of a flight."""
    return random.randint(120 * MICROSECOND, 240 * MICROSECOND)


def lose_the_tail(conversation: TcpConversation, side: Side, payload: bytes) -> None:
    """A last segment seen here but lost later, sent again after 210 and 420 ms, then acknowledged."""
    first, peer = side.sequence, conversation.peer(side)
    conversation.emit(side, "PA", payload)
    for wait in (210, 420):
        conversation.pause(wait * MILLISECOND)
        conversation.emit(side, "PA", payload, sequence=first)
    conversation.pause(conversation.turnaround(peer))
    peer.received = side.sequence
    conversation.emit(peer)
    conversation.pause(conversation.turnaround(side))


def stalled_upload(scene: Scene, client: Host, server: Host, start: int) -> None:
    """A server that stops reading: its window shrinks to zero, is probed three times, and opens again."""
    conversation = TcpConversation(scene, client, server, 443, start=start, round_trip=distance(server))
    conversation.open()
    tls_handshake(conversation, server.name)
    sender, receiver = conversation.client, conversation.server
    receiver.window = 88
    for payload in conversation.cut(scene.random.randbytes(7 * conversation.segment)):
        conversation.emit(sender, "A", payload)
        receiver.received = sender.sequence
        receiver.window = max(0, receiver.window - 13)
        conversation.emit(receiver, at=conversation.now + conversation.round_trip)
        conversation.pause(random_gap(scene.random))
    conversation.pause(conversation.round_trip)
    receiver.window = 0
    conversation.emit(receiver)
    for wait in (220, 440, 880):
        conversation.pause(wait * MILLISECOND)
        conversation.emit(sender, sequence=sender.sequence - 1)
        conversation.pause(conversation.turnaround(receiver))
        conversation.emit(receiver)
    conversation.pause(300 * MILLISECOND)
    receiver.window = 501
    conversation.emit(receiver)
    conversation.pause(200 * MICROSECOND)
    conversation.send(sender, scene.random.randbytes(5 * conversation.segment))
    conversation.send(receiver, tls.application_data(160, scene.random))
    conversation.close(sender)


def refused(scene: Scene, client: Host, server: Host, port: int, start: int) -> None:
    """Three attempts to reach a closed port."""
    for attempt in range(3):
        when = start + attempt * SECOND
        TcpConversation(scene, client, server, port, start=when, round_trip=300 * MICROSECOND).refuse()


def unanswered(scene: Scene, client: Host, server: Host, port: int, start: int) -> None:
    """A SYN repeated after 1, 2 and 4 s, never answered."""
    conversation = TcpConversation(scene, client, server, port, start=start)
    for wait in (1, 2, 4, 0):
        conversation.synchronize()
        conversation.pause(wait * SECOND)


def port_scan(scene: Scene, client: Host, server: Host, start: int) -> None:
    """SYNs to 100 ports: resets from the closed ones, an opened and at once reset connection from the open ones."""
    ports = [*range(20, 90), *FILTERED_PORTS, *scene.random.sample(range(200, 9000), 19), 443]
    scene.random.shuffle(ports)
    source_port = scene.random.randint(40000, 50000)
    for number, port in enumerate(ports):
        conversation = TcpConversation(
            scene,
            client,
            server,
            port,
            start=start + number * 23 * MILLISECOND,
            round_trip=350 * MICROSECOND,
            client_port=source_port,
        )
        if port in FILTERED_PORTS:
            conversation.synchronize()
        elif port in OPEN_PORTS:
            conversation.open()
            conversation.reset(conversation.client)
        else:
            conversation.refuse()


def port_unreachable(scene: Scene, client: Host, server: Host, start: int) -> None:
    """An SNMP manager asks a machine without an agent: ICMP 3/3 quotes each question."""
    port = scene.ephemeral_port()
    for attempt in range(3):
        now, request = start + attempt * 2 * SECOND, snmp_get(scene.random.randrange(1, 2**30))
        question = scene.datagram(now, (client, server), (port, 161), request)
        error = icmp_error_frame(server.ipv4, client.ipv4, 3, 3, question[14:], **way(server, client, attempt + 9))
        scene.mirror.carry(now + 280 * MICROSECOND, server, client, error)


def snmp_get(request: int) -> bytes:
    """SNMPv2c GetRequest for sysUpTime.0 with community `public` (RFC 3416), in definite BER lengths."""
    name = bytes.fromhex("06082b06010201010300")
    binding = b"\x30" + bytes((len(name) + 2,)) + name + b"\x05\x00"
    bindings = b"\x30" + bytes((len(binding),)) + binding
    inner = b"\x02\x04" + request.to_bytes(4, "big") + b"\x02\x01\x00\x02\x01\x00" + bindings
    message = b"\x02\x01\x01\x04\x06public\xa0" + bytes((len(inner),)) + inner
    return b"\x30" + bytes((len(message),)) + message


def trace_route(scene: Scene, client: Host, server: Host, start: int) -> None:
    """UDP probes with TTL 1 to 5, three each: time exceeded from every router, port unreachable from the end."""
    source_port, now = scene.ephemeral_port(), start
    path = (ROUTER, *UPSTREAM, server)
    for number in range(3 * len(path)):
        answering = path[number // 3]
        ports = source_port, 33434 + number
        probe = scene.datagram(now, (client, server), ports, bytes(32), ttl=number // 3 + 1)
        kind, code = (3, 3) if answering is server else (11, 0)
        carriage = way(answering, client, scene.random.randrange(2**16))
        answer = icmp_error_frame(answering.ipv4, client.ipv4, kind, code, expired(probe[14:]), **carriage)
        now += scene.random.randint(300 * MICROSECOND, 500 * MICROSECOND) + answering.hops * 3 * MILLISECOND
        scene.mirror.carry(now, answering, client, answer)
        now += 100 * MICROSECOND


def expired(packet: bytes) -> bytes:
    """An IPv4 packet as the last router quotes it: its TTL has come down to 1."""
    header = packet[:8] + b"\x01" + packet[9:10] + b"\0\0" + packet[12:20]
    return with_checksum(header, 10) + packet[20:]


def administratively_blocked(scene: Scene, client: Host, server: Host, start: int) -> None:
    """The router forbids STUN over IPv6: ICMPv6 1/1 quotes the packet (RFC 4443 section 3.1)."""
    port = scene.ephemeral_port()
    for now in (start, start + SECOND):
        request = bytes.fromhex("000100002112a442") + scene.random.randbytes(12)
        blocked = scene.datagram(now, (client, server), (port, 3478), request, version=6)
        error = icmp_error_frame(ROUTER.ipv6, client.ipv6, 1, 1, blocked[14:], **way(ROUTER, client))
        scene.mirror.carry(now + 350 * MICROSECOND, ROUTER, client, error)
