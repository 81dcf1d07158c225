"""`python -m tests.traffic sample|bulk OUT.pcap`: the captures that demonstrations and benchmarks run on."""

import argparse
from pathlib import Path

from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames


def parser() -> argparse.ArgumentParser:
    """The command line."""
    whole = argparse.ArgumentParser(prog="python -m tests.traffic", description=__doc__)
    kinds = whole.add_subparsers(dest="kind", required=True)
    sample = kinds.add_parser("sample", help="ten minutes of an office, under 2 MB")
    for kind in (sample,):
        kind.add_argument("path", type=Path, metavar="OUT.pcap")
        kind.add_argument("--seed", type=int, default=1)
    return whole


def main() -> None:
    """Write the capture that the command line asks for and say how large it is."""
    arguments = parser().parse_args()
    write_pcap(arguments.path, sample_frames(arguments.seed))
    print(f"{arguments.path}: {arguments.path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
