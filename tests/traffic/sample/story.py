"""The ten minutes, scene by scene. Each scene draws from a generator of its own, so that one can change alone."""

from random import Random

from tests.traffic.sample import lan, troubles, web, work
from tests.traffic.sample.lookups import Resolution
from tests.traffic.sample.mirror_port import MICROSECOND, MILLISECOND, SECOND, MirrorPort
from tests.traffic.sample.office import (
    BUILD,
    CHAT,
    DESKTOPS,
    FILES,
    PHONES,
    PRINTER,
    RESOLVER,
    ROUTER,
    SCANNER,
    TIME,
    WEB,
    WIKI,
    Host,
)
from tests.traffic.sample.scene import Scene

# 2026-03-10 09:00:00 UTC, a Tuesday.
START = 1_773_133_200 * SECOND
DURATION = 600 * SECOND
NOBODY = Host("nobody", "02:20:00:00:05:63", "10.20.5.99", "2001:db8:20:5::63", 5)
SILENT = Host("silent", ROUTER.mac, "203.0.113.99", "2001:db8:82::63", 0, 64, 12)


def sample_frames(seed: int) -> list[tuple[int, bytes]]:
    """(time in ns, frame) of the whole capture in order; the same for the same seed."""
    mirror = MirrorPort(Random(f"{seed}/mirror"), both_ways=frozenset((FILES, WIKI)))
    for play in (lookups, visits, office_work, local_noise, monitoring, failures):
        play(Scene(mirror, Random(f"{seed}/{play.__name__}")))
    return [(time, frame) for time, frame in mirror.in_order() if time < START + DURATION]


def sometime(scene: Scene, before_end: int = 60 * SECOND) -> int:
    """A moment of the ten minutes, the last `before_end` ns excluded."""
    return START + scene.random.randrange(DURATION - before_end)


def lookups(scene: Scene) -> None:
    """Names that are looked up beside the visits, most of them as they should be."""
    for _ in range(60):
        client, version = scene.random.choice(DESKTOPS), scene.random.choice((4, 4, 6))
        Resolution(scene, client, version).resolve(sometime(scene), scene.random.choice(WEB))
    for number in range(8):
        name = scene.random.choice(("wpad.example.com", "printer.example.com", f"host-{number}.example.net"))
        Resolution(scene, scene.random.choice(DESKTOPS)).fail(sometime(scene), name)
    for _ in range(3):
        Resolution(scene, scene.random.choice(DESKTOPS)).stay_unanswered(sometime(scene), "slow.example.org")
    Resolution(scene, DESKTOPS[4]).fall_back_to_tcp(START + 140 * SECOND, "keys.example.org")


def visits(scene: Scene) -> None:
    """Browsing from the desks and, tagged with their VLAN, from the guests."""
    web.browsing(scene, DESKTOPS, 28, START + SECOND, START + DURATION - 30 * SECOND)
    web.browsing(scene, PHONES, 9, START + 20 * SECOND, START + DURATION - 30 * SECOND)
    for number in range(8):
        paths = ("/", "/style.css", "/missing.html")[: 1 + number % 3]
        client, version = scene.random.choice(DESKTOPS), 6 if number % 4 == 3 else 4
        web.http_visit(scene, client, scene.random.choice(WEB[:3]), sometime(scene), paths=paths, version=version)


def office_work(scene: Scene) -> None:
    """Shells, files, wiki pages and the chat; the servers' ports are mirrored both ways."""
    work.standing_chat(scene, DESKTOPS[0], CHAT, START + 200 * MILLISECOND, START + DURATION - SECOND)
    work.remote_shell(scene, DESKTOPS[2], BUILD, START + 33 * SECOND, 90)
    work.remote_shell(scene, DESKTOPS[7], BUILD, START + 250 * SECOND, 40)
    work.file_transfer(scene, DESKTOPS[5], FILES, START + 95 * SECOND, 90_000)
    work.file_transfer(scene, BUILD, FILES, START + 301 * SECOND, 60_000)
    for number in range(6):
        client = scene.random.choice(DESKTOPS)
        work.wiki_visit(scene, client, WIKI, sometime(scene), 6 if number % 3 == 2 else 4)


def local_noise(scene: Scene) -> None:
    """Address resolution, leases, clocks, services, switches."""
    for client in DESKTOPS:
        lan.resolve_by_arp(scene, client, ROUTER, sometime(scene))
        lan.resolve_neighbour(scene, client, ROUTER, sometime(scene))
        lan.set_clock(scene, client, TIME, sometime(scene), scene.random.choice((4, 6)))
    lan.resolve_by_arp(scene, BUILD, FILES, START + 301 * SECOND - 2 * MILLISECOND)
    lan.search_in_vain(scene, ROUTER, "10.20.1.77", START + 210 * SECOND)
    for client in DESKTOPS[9:12]:
        arrived = sometime(scene)
        lan.lease(scene, client, RESOLVER, arrived)
        lan.announce_by_arp(scene, client, arrived + SECOND)
    for number in range(6):
        when = sometime(scene)
        lan.discover_service(scene, scene.random.choice(DESKTOPS), PRINTER, when, 6 if number % 2 else 4)
    for number in range(3):
        lan.advertise_router(scene, START + (17 + 200 * number) * SECOND)
    for number in range(60):
        lan.spanning_tree(scene, START + number * 10 * SECOND + 731 * MILLISECOND)
    for number in range(20):
        lan.link_layer_discovery(scene, START + number * 30 * SECOND + 402 * MILLISECOND)


def monitoring(scene: Scene) -> None:
    """Pings near and far, some without an answer."""
    near, far = 300 * MICROSECOND, 31 * MILLISECOND
    work.ping(scene, BUILD, FILES, START + 60 * SECOND, count=10, round_trip=near)
    work.ping(scene, DESKTOPS[1], WEB[0], START + 75 * SECOND, count=20, round_trip=far, missing=frozenset((7,)))
    work.ping(scene, DESKTOPS[3], WEB[0], START + 400 * SECOND, count=8, round_trip=far, version=6)
    everything = frozenset(range(1, 6))
    work.ping(scene, BUILD, NOBODY, START + 90 * SECOND, count=5, round_trip=near, missing=everything)
    work.large_ping(scene, DESKTOPS[1], BUILD, START + 120 * SECOND)


def failures(scene: Scene) -> None:
    """Everything an analyst would open the capture for."""
    troubles.lossy_download(scene, DESKTOPS[6], WEB[6], START + 180 * SECOND)
    troubles.stalled_upload(scene, DESKTOPS[8], WEB[3], START + 222 * SECOND)
    troubles.refused(scene, DESKTOPS[10], BUILD, 8080, START + 260 * SECOND)
    troubles.unanswered(scene, DESKTOPS[11], SILENT, 8443, START + 270 * SECOND)
    troubles.unanswered(scene, DESKTOPS[12], SILENT, 25, START + 350 * SECOND)
    troubles.port_unreachable(scene, BUILD, TIME, START + 310 * SECOND)
    troubles.trace_route(scene, DESKTOPS[13], WEB[0], START + 330 * SECOND)
    troubles.administratively_blocked(scene, DESKTOPS[3], CHAT, START + 440 * SECOND)
    troubles.port_scan(scene, SCANNER, BUILD, START + 480 * SECOND)
