"""Run MirrorMaker 2 with a file of settings, in this process's place: it ends as Java does."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from deploy.sites.mirror import mirror_command
from topics.errors import ArgosyError, UsageError


def main(arguments: list[str] | None = None) -> int:  # noqa: RET503 - execv does not return
    """Start MirrorMaker 2; returns only when that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m deploy.sites", description=__doc__)
    parser.add_argument("settings", type=Path, help="its properties, deploy/sites/mirror.properties for instance")
    parser.add_argument("--to", default="centre", help="the cluster in it that is mirrored to (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        if not options.settings.is_file():
            raise UsageError(f"{options.settings}: no such file")
        command = mirror_command(options.settings, [options.to])
    except ArgosyError as error:
        print(f"deploy.sites: {error}", file=sys.stderr)
        return error.exit_status
    os.execv(command[0], command)  # noqa: S606 - an argument list, no shell


if __name__ == "__main__":
    sys.exit(main())
