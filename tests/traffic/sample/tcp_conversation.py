"""A TCP connection between two hosts as seen near the client: handshake, data in rounds, acknowledgements, an end."""

from dataclasses import dataclass

from tests.traffic.packets import tcp_frame, tcp_options
from tests.traffic.sample.mirror_port import MICROSECOND, MILLISECOND, way
from tests.traffic.sample.office import Host
from tests.traffic.sample.scene import Scene

SEGMENT = 1448
SEGMENT_IPV6 = 1428
# Some 50 Mbit/s, and more than a mirrored copy is late, so that copies stay in order.
SEGMENT_SPACING = 205 * MICROSECOND, 320 * MICROSECOND


@dataclass
class Side:
    """One end: `sequence` is the next byte it sends, `received` the next it expects."""

    host: Host
    address: str
    port: int
    sequence: int
    identification: int
    clock: int
    window: int
    received: int = 0


class TcpConversation:
    """Writes its packets to a mirror port; `now` (ns) moves on with every call."""

    def __init__(
        self,
        scene: Scene,
        client: Host,
        server: Host,
        server_port: int,
        *,
        start: int,
        round_trip: int = 20 * MILLISECOND,
        version: int = 4,
        client_port: int | None = None,
    ) -> None:
        self.mirror = scene.mirror
        self.random = scene.random
        self.now = start
        self.round_trip = round_trip
        self.segment = SEGMENT_IPV6 if version == 6 else SEGMENT
        port = client_port or scene.ephemeral_port()
        self.client = self._side(client, version, port, 502)
        self.server = self._side(server, version, server_port, 509)

    def _side(self, host: Host, version: int, port: int, window: int) -> Side:
        draw = self.random.randrange
        return Side(host, host.address(version), port, draw(2**32), draw(2**16), draw(2**31), window)

    def peer(self, side: Side) -> Side:
        """The other end."""
        return self.server if side is self.client else self.client

    def turnaround(self, side: Side) -> int:
        """Time from a packet to `side` passing the mirror port until its answer passes there."""
        if side is self.client:
            return self.random.randint(40 * MICROSECOND, 160 * MICROSECOND)
        return self.round_trip + self.random.randint(0, self.round_trip // 10)

    def pause(self, duration: int) -> None:
        """Nothing happens for `duration` ns."""
        self.now += duration

    def emit(
        self,
        side: Side,
        flags: str = "A",
        payload: bytes = b"",
        *,
        at: int | None = None,
        sequence: int | None = None,
        window: int | None = None,
        options: bytes | None = None,
        sack: tuple[tuple[int, int], ...] = (),
        lost: bool = False,
    ) -> None:
        """Send one segment; a given `sequence` repeats old bytes, a `lost` one never reaches the mirror port."""
        peer, time = self.peer(side), self.now if at is None else at
        if options is None:
            options = tcp_options(timestamp=(self._clock(side, time), self._clock(peer, time)), sack=sack)
        first = side.sequence if sequence is None else sequence
        if sequence is None:
            side.sequence += len(payload) + ("S" in flags) + ("F" in flags)
        side.identification += 1
        if lost:
            return
        frame = tcp_frame(
            side.address,
            peer.address,
            side.port,
            peer.port,
            flags=flags,
            sequence=first,
            acknowledgement=side.received if "A" in flags else 0,
            window=side.window if window is None else window,
            options=options,
            payload=payload,
            **way(side.host, peer.host, side.identification),
        )
        self.mirror.carry(time, side.host, peer.host, frame)

    def _clock(self, side: Side, time: int) -> int:
        return (side.clock + time // MILLISECOND) % 2**32

    def synchronize(self) -> None:
        """The client's SYN, as often as it is called: a repetition has the same number."""
        options = tcp_options(
            maximum_segment=self.segment + 12,
            sack_permitted=True,
            timestamp=(self._clock(self.client, self.now), 0),
            window_scale=7,
        )
        self.emit(self.client, "S", sequence=self.client.sequence, window=64240, options=options)

    def open(self) -> None:
        """The three-way handshake."""
        client, server = self.client, self.server
        self.synchronize()
        client.sequence += 1
        server.received = client.sequence
        self.now += self.turnaround(server)
        clocks = (self._clock(server, self.now), self._clock(client, self.now))
        options = tcp_options(maximum_segment=self.segment + 12, sack_permitted=True, timestamp=clocks, window_scale=7)
        self.emit(server, "SA", window=65160, options=options)
        client.received = server.sequence
        self.now += self.turnaround(client)
        self.emit(client)
        self.now += self.random.randint(50 * MICROSECOND, 400 * MICROSECOND)

    def cut(self, data: bytes) -> list[bytes]:
        """`data` in full segments and a rest."""
        return [data[start : start + self.segment] for start in range(0, len(data), self.segment)]

    def send(self, side: Side, data: bytes) -> None:
        """Data from `side` in rounds of 10, 20, 40 ... segments; every second one and the last are acknowledged."""
        segments, flight = self.cut(data), 10
        while segments:
            self._round(side, segments[:flight], final=len(segments) <= flight)
            segments, flight = segments[flight:], flight * 2

    def _round(self, side: Side, segments: list[bytes], final: bool) -> None:
        peer, acknowledged = self.peer(side), self.now
        for number, payload in enumerate(segments, 1):
            last = number == len(segments)
            self.emit(side, "PA" if last and final else "A", payload)
            peer.received += len(payload)
            if last or number % 2 == 0:
                acknowledged = max(acknowledged + MICROSECOND, self.now + self.turnaround(peer))
                self.emit(peer, at=acknowledged)
            self.now += self.random.randint(*SEGMENT_SPACING)
        self.now = acknowledged + (self.turnaround(side) if side is self.server else MICROSECOND * 30)

    def close(self, side: Side) -> None:
        """FIN from `side`, FIN from its peer, the last acknowledgement."""
        peer = self.peer(side)
        self.emit(side, "FA")
        peer.received += 1
        self.now += self.turnaround(peer)
        self.emit(peer, "FA")
        side.received += 1
        self.now += self.turnaround(side)
        self.emit(side)

    def refuse(self) -> None:
        """A SYN and the reset that answers it."""
        self.synchronize()
        self.client.sequence += 1
        self.server.received = self.client.sequence
        self.now += self.turnaround(self.server)
        self.emit(self.server, "RA", sequence=0, window=0, options=b"")

    def reset(self, side: Side) -> None:
        """An established connection torn down by `side`."""
        self.emit(side, "RA", window=0, options=b"")
