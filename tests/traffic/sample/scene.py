"""Where a scene is played: the mirror port that watches and the chance that decides."""

from dataclasses import dataclass
from random import Random

from tests.traffic.packets import udp_frame
from tests.traffic.sample.mirror_port import MirrorPort, way
from tests.traffic.sample.office import Host


@dataclass(frozen=True)
class Scene:
    """Every scene draws from a generator of its own, so that one can change and the others stay as they are."""

    mirror: MirrorPort
    random: Random

    def ephemeral_port(self) -> int:
        """A port as Linux gives them to clients."""
        return self.random.randint(32768, 60999)

    def datagram(
        self,
        now: int,
        ends: tuple[Host, Host],
        ports: tuple[int, int],
        payload: bytes,
        *,
        version: int = 4,
        ttl: int | None = None,
        tos: int = 0,
    ) -> bytes:
        """One UDP datagram between two hosts over the mirror port, and its frame. A `ttl` is the sender's choice."""
        sender, receiver = ends
        carriage = way(sender, receiver, self.random.randrange(2**16))
        carriage["tos"] = tos
        if ttl is not None:
            carriage["ttl"], carriage["dont_fragment"] = ttl, False
        frame = udp_frame(sender.address(version), receiver.address(version), *ports, payload, **carriage)
        self.mirror.carry(now, sender, receiver, frame)
        return frame
