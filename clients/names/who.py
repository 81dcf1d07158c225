"""`argosy who`: what an address, a MAC, a name or a user was, from when to when, and who said so."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clients.options import Option, parse_or_help
from clients.reading.control_plane import names_of, under
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from clients.options import Parsed
    from topics.names import AddressName

USAGE = "argosy who ADDRESS|MAC|NAME|USER [-t RANGE] [-r FILE... | -R DIR | -S kafka://HOST/TOPIC]"
SUMMARY = """\
Tells what names, MACs and users an address had, and when; or where a MAC, a name or a user was. Knows it from DNS as
clients asked for it, reverse and multicast DNS, LLMNR, NetBIOS, DHCP, ARP, neighbour discovery, SIP and NTLM.
Exit status: 0 when something is known, 1 when nothing is, 2 after an error."""
OPTIONS = (
    Option("-t", "RANGE", "as of a time, or within a range: 14:05, 2026/03/10, -7d"),
    Option("-r", "FILE...", "captures, files of payloads (.control.avro), of transactions (.dns) or names (.names)"),
    Option("-R", "DIR...", "all .names files in directories (default: argosy-data, where there is one)"),
    Option("-S", "kafka://HOST/TOPIC", "ask a topic, argosy.names.v1 for instance"),
    Option("-c", "CLIENT", "what this client had been told"),
    Option("-M", "MODE", "json: an object a line"),
    Option("-h --help", "", "this text"),
)
DEFAULT = "argosy-data"
NO_MATCH = 1
SECOND = 1_000_000_000
QUIET_SECONDS = 2.0
_MAC = re.compile(r"(?:[0-9a-f]{1,2}[:-]){5}[0-9a-f]{1,2}", re.IGNORECASE)


def run(arguments: list[str]) -> int:
    """Run the command."""
    parsed = parse_or_help(USAGE, SUMMARY, OPTIONS, arguments)
    if parsed is None:
        return 0
    if len(parsed.rest) != 1:
        raise UsageError("say who: argosy who ADDRESS, MAC, NAME or USER")
    is_wanted = _question(parsed)
    found = sorted(
        latest(name for name in _names(parsed) if is_wanted(name)), key=lambda name: (name.first, name.source)
    )
    if parsed.words("-M") not in ([], ["json"]):
        raise UsageError(f"option -M takes json, not '{parsed.word('-M')}'")
    if parsed.words("-M"):
        for name in found:
            print(json.dumps(_facts(name), ensure_ascii=False))
    elif found:
        _print(found)
    return 0 if found else NO_MATCH


def latest(names: Iterable[AddressName]) -> list[AddressName]:
    """Return the last word on each name: as a compacted topic would keep them."""
    from topics.names import name_key

    return list({name_key(name): name for name in names}.values())


def _names(parsed: Parsed) -> Iterator[AddressName]:
    topic, files = parsed.word("-S"), list(parsed.words("-r"))
    if topic is not None:
        yield from _on_topic(topic)
    directories = parsed.words("-R")
    if not files and not directories and topic is None:
        if not Path(DEFAULT).is_dir():
            raise UsageError(f"say where to look: -r FILE, -R DIR or -S kafka://HOST/TOPIC; there is no {DEFAULT} here")
        directories = [DEFAULT]
    for file in [*files, *under(directories, ".names")]:
        yield from names_of(file)


def _on_topic(source: str) -> Iterator[AddressName]:
    """Yield what a topic holds, until nothing more comes."""
    from clients.reading.source_names import topic_address
    from topics.bus import Subscriber
    from topics.names import decode_name

    url, topic = topic_address(source)
    heard = time.monotonic()
    with Subscriber(url, topic, decode=decode_name, dead_letters=None) as subscriber:
        while time.monotonic() - heard < QUIET_SECONDS:
            for received in subscriber.receive(0.2):
                heard = time.monotonic()
                yield received.value


def _question(parsed: Parsed) -> Any:  # noqa: ANN401 - a function of a name
    from topics import timerange

    subject, client = _subject(parsed.rest[0]), parsed.word("-c")
    asker = None if client is None else _address(client)
    if client is not None and asker is None:
        raise UsageError(f"option -c takes an address, not '{client}'")
    text = parsed.word("-t")
    times = None if text is None else timerange.parse(text)

    def is_wanted(name: AddressName) -> bool:
        if asker is not None and name.client != asker:
            return False
        return subject(name) and (times is None or times.touches(name.first, name.until))

    return is_wanted


def _subject(word: str) -> Any:  # noqa: ANN401 - a function of a name
    if _MAC.fullmatch(word):
        mac = bytes(int(part, 16) for part in re.split("[:-]", word))
        return lambda name: name.mac == mac
    address = _address(word)
    if address is not None:
        return lambda name: name.address == address
    text = word.lower().rstrip(".")
    return lambda name: text in (name.name.lower(), name.user.lower(), *name.chain)


def _address(word: str) -> bytes | None:
    from ipaddress import ip_address

    from topics.address_text import IPV4_MAPPED

    try:
        address = ip_address(word)
    except ValueError:
        return None
    return IPV4_MAPPED + address.packed if address.version == 4 else address.packed


def _facts(name: AddressName) -> dict[str, Any]:
    from topics.address_text import ip_text
    from topics.names import EVERYBODY

    return {
        "address": ip_text(name.address),
        "from": name.first / SECOND,
        "until": name.until / SECOND,
        "source": name.source,
        "name": name.name,
        "mac": name.mac.hex(":"),
        "user": name.user,
        "client": "" if name.client == EVERYBODY else ip_text(name.client),
        "chain": list(name.chain),
        "event": name.event,
        "flow": name.flow_id.hex() or None,
    }


def _print(found: list[AddressName]) -> None:
    from topics.dns.text import readable

    print(f"{'From':<19} {'Until':<19} {'Source':<8} {'Address':<24} {'Name':<36} {'MAC':<17} Told to")
    for name in found:
        facts = _facts(name)
        times = [f"{datetime.fromtimestamp(facts[each]):%Y-%m-%d %H:%M:%S}" for each in ("from", "until")]  # noqa: DTZ006 - local time, as ra shows it
        what = " ".join(filter(None, (readable(name.name), f"({name.user})" if name.user else "")))
        chain = f" by way of {' '.join(name.chain)}" if name.chain else ""
        line = f"{times[0]} {times[1]} {name.source:<8} {facts['address']:<24} {what:<36} {facts['mac']:<17} "
        print(f"{line}{facts['client']}{chain}".rstrip())
