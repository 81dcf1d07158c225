"""`python -m tests.traffic KIND OUT.pcap`: captures to show, to fill a system, to measure with and to compare."""

import argparse
from pathlib import Path

from tests.traffic.attacks import demonstration_frames
from tests.traffic.bulk.capture import write_bulk
from tests.traffic.encapsulated import encapsulated_frames
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames


def parser() -> argparse.ArgumentParser:
    """The command line."""
    whole = argparse.ArgumentParser(prog="python -m tests.traffic", description=__doc__)
    kinds = whole.add_subparsers(dest="kind", required=True)
    sample = kinds.add_parser("sample", help="ten minutes of an office, under 2 MB")
    demonstration = kinds.add_parser("demonstration", help="the same with attacks in it, for a system to look at")
    bulk = kinds.add_parser("bulk", help="millions of packets, exactly as many as asked for")
    encapsulated = kinds.add_parser("encapsulated", help="everything that packets are wrapped in")
    encapsulated.add_argument("path", type=Path, metavar="OUT.pcap")
    for kind in (sample, demonstration, bulk):
        kind.add_argument("path", type=Path, metavar="OUT.pcap")
        kind.add_argument("--seed", type=int, default=1)
    bulk.add_argument("--packets", type=int, default=2_000_000)
    bulk.add_argument("--seconds", type=float, help="time they span (default: 600 for every 2 million packets)")
    bulk.add_argument("--snaplen", type=int, default=0, help="bytes kept of a packet (default 0: all)")
    return whole


def main() -> None:
    """Write the capture that the command line asks for and say how large it is."""
    arguments = parser().parse_args()
    if arguments.kind == "sample":
        write_pcap(arguments.path, sample_frames(arguments.seed))
    elif arguments.kind == "demonstration":
        write_pcap(arguments.path, demonstration_frames(arguments.seed))
    elif arguments.kind == "encapsulated":
        write_pcap(arguments.path, encapsulated_frames())
    else:
        write_bulk(
            arguments.path,
            arguments.packets,
            seed=arguments.seed,
            seconds=arguments.seconds,
            snaplen=arguments.snaplen,
        )
    print(f"{arguments.path}: {arguments.path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
