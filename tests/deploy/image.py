"""The image without a container engine: `python -m tests.deploy.image` runs the Dockerfile and tries what comes out.

The base is a Debian of the same release made by debootstrap, with Debian's Python where the named image has its own.
Steps run as written, each stage in an overlay of its own. Then programs of the image start as its user, on a root that
nobody may write, without a network, and the findings are printed. Wants root, debootstrap, Debian's packages, PyPI and
npm, and takes some ten minutes: so it is not in CI.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.deploy.contained import NETWORK, Container, Root
from tests.deploy.recipe import DOCKERFILE, ROOT, Stage, assignments, context, expanded, stages

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON = "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
VOLUMES = ("/var/lib/argosy", "/var/spool/argosy")
DEMONSTRATION = "/usr/share/argosy/demo.pcap"
READY_SECONDS = 60.0
SECRETS = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}|//[^/@\s:\"']{1,64}:[^/@\s\"'{}<>$]{1,64}@"
)
OURS = ("topics", "probes", "processors", "sinks", "clients", "deploy")


class WrongError(Exception):
    """Something that the image promises does not hold."""


def base(directory: Path) -> Path:
    """Make what the first FROM names: Debian bookworm, `python` on the path; once a directory."""
    made = directory / "base"
    if not (made / "usr" / "local" / "bin" / "python").is_symlink():
        shutil.rmtree(made, ignore_errors=True)
        plain = directory / "debian"
        shutil.rmtree(plain, ignore_errors=True)
        command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", str(plain)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        root = Root(plain, directory / "python", {"PATH": PATH})
        root.run(f"{PYTHON} >/dev/null && apt-get clean && rm -rf /var/lib/apt/lists/*")
        root.flatten(made)
        for name in ("python", "python3"):
            (made / "usr" / "local" / "bin" / name).symlink_to("/usr/bin/python3.11")
    return made


def build(directory: Path, sources: Path) -> tuple[Root, Stage]:
    """Run all steps; return the root of the last stage with its variables, and the stage."""
    made: dict[str, Root] = {}
    found = stages(DOCKERFILE.read_text())
    for number, stage in enumerate(found):
        place = directory / f"stage{number}"
        shutil.rmtree(place, ignore_errors=True)
        root = made[stage.name or str(number)] = Root(base(directory), place)
        root.variables["PATH"] = PATH
        for step in stage.steps:
            begun = time.monotonic()
            apply(
                root, step.word, expanded(step.rest, root.variables) if step.word != "RUN" else step.rest, sources, made
            )
            tell(f"{stage.name or 'image':<6} {step.word} {step.rest[:70]}", f"{time.monotonic() - begun:.1f} s")
    return root, found[-1]


def apply(root: Root, word: str, rest: str, sources: Path, others: dict[str, Root]) -> None:
    """Do one step."""
    match word:
        case "RUN":
            root.run(rest)
        case "COPY":
            *names, target = (each for each in rest.split() if not each.startswith("--"))
            origin = next((each.partition("=")[2] for each in rest.split() if each.startswith("--from=")), "")
            root.copy(sources, names, target, others[origin] if origin else None)
        case "ENV":
            root.variables |= assignments(rest)
        case "WORKDIR":
            root.workdir = "/"
            root.run(f"mkdir -p {shlex.quote(rest)}")
            root.workdir = rest
        case "USER" | "LABEL" | "EXPOSE" | "HEALTHCHECK" | "ENTRYPOINT" | "CMD":
            pass  # read where programs are started
        case _:
            raise WrongError(f"the Dockerfile has a step that is not known here: {word} {rest}")


def gather(sources: Path) -> None:
    """Copy what .dockerignore lets in."""
    for name in context(ROOT):
        target = sources / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)


def tell(what: str, how: str) -> None:
    """Print one finding."""
    print(f"{what:<92} {how}", flush=True)


def contained(root: Root, stage: Stage, words: list[str], log: Path, **variables: str) -> Container:
    """Return the image's entry point with these words."""
    return Container(root, stage.last("USER"), [*json.loads(stage.last("ENTRYPOINT")), *words], VOLUMES, variables, log)


def ended(root: Root, stage: Stage, words: list[str], log: Path, **variables: str) -> tuple[float, str]:
    """Run it to its end; return its seconds and what it printed.

    Raises:
        WrongError: its status was not 0.
    """
    begun = time.monotonic()
    with contained(root, stage, words, log, **variables) as container:
        status = container.process.wait(300)
    text = log.read_text(errors="replace")
    if status:
        raise WrongError(f"argosy {shlex.join(words)} ended with {status}:\n{text}")
    return time.monotonic() - begun, text


def try_help(root: Root, stage: Stage, log: Path) -> None:
    """The image as it is, without words of ours."""
    seconds, text = ended(root, stage, json.loads(stage.last("CMD")), log)
    expect("usage" in text.lower(), "the image without words prints no help")
    tell("entry point with CMD, as its user on a root that cannot be written", f"{seconds:.2f} s")


def try_audit(root: Root, stage: Stage, log: Path) -> None:
    """`argosy run` on the sample; nothing may be compiled meanwhile."""
    words = ["run", "-r", DEMONSTRATION, "-e", "edge", "--data", "/var/lib/argosy/data"]
    seconds, text = ended(root, stage, words, log)
    expect("flows; audited in" in text, text)
    tell("argosy run on the demonstration", f"{seconds:.2f} s; " + next(x for x in text.splitlines() if "audited" in x))
    again = min(ended(root, stage, words, log)[0] for _ in range(3))
    tell("the same, the best of three more", f"{again:.2f} s")
    _, text = ended(root, stage, words, log, NUMBA_DEBUG_CACHE="1")
    saved = re.findall(r"(?:data|index) saved to '(.*?)'", text)
    loaded = text.count("data loaded from")
    expect(not saved and loaded > 0, f"kernels are compiled at the start: {saved[:5]}")
    tell("the same, told what Numba's cache does", f"{loaded} kernels loaded, none compiled")


def try_service(root: Root, stage: Stage, log: Path) -> None:
    """A program that goes on: its health check, what it may write, who it is, its end."""
    words = ["probe", "-r", DEMONSTRATION, "--repeat", "-T", "7", "-C", "-w", "/var/lib/argosy/records.arrow"]
    check = health(stage)
    with contained(root, stage, words, log) as container:
        begun = time.monotonic()
        while container.execute(check).returncode:
            expect(container.process.poll() is None, log.read_text(errors="replace"))
            expect(time.monotonic() - begun < READY_SECONDS, "the health check did not succeed")
        tell("argosy probe: until its health check succeeds", f"{time.monotonic() - begun:.2f} s")
        identity = container.execute(["id", "-u"]).stdout.strip()
        expect(identity == stage.last("USER").partition(":")[0], f"runs as {identity}")
        status = Path(f"/proc/{container.inside()}/status").read_text()
        expect("CapBnd:\t0000000000000000" in status and "NoNewPrivs:\t1" in status, status)
        refused = container.execute(
            ["sh", "-c", "for each in / /opt/argosy/cache /etc /var; do touch $each/x && exit 9; done; exit 0"]
        )
        expect(refused.returncode == 0 and "Read-only" in refused.stderr, refused.stderr)
        scratch = container.execute(["sh", "-c", "ls -A /tmp"]).stdout.split()
        tell(
            "it runs as its user, without any capability; the root cannot be written; in /tmp",
            f"{scratch or 'nothing'}",
        )
        expect("argosy-kernels" not in scratch, "kernels were compiled at the start")
        expect(container.stop() == 0, "SIGTERM did not end it in order")
    with contained(root, stage, ["fields"], log) as container:
        container.process.wait(60)
    dead = Container(root, stage.last("USER"), check, VOLUMES, {}, log)
    with dead:
        expect(dead.process.wait(60) == 1, "the health check succeeds where nothing answers")
    tell("SIGTERM ends it with status 0; the health check fails where nothing answers", "ok")


def health(stage: Stage) -> list[str]:
    """Return the words of the health check."""
    return list(json.loads(stage.last("HEALTHCHECK").partition(" CMD ")[2]))


def try_bill(root: Root) -> None:
    """The bill of materials is what is installed."""
    bill = json.loads((root.layer / "opt/argosy/sbom.cdx.json").read_text())
    named = {(part["name"], part["version"]) for part in bill["components"]}
    found = set()
    for path in sorted((root.layer / "opt/argosy").glob("lib/python3*/site-packages/*.dist-info/METADATA")):
        headers = dict(
            line.split(": ", 1)
            for line in path.read_text().split("\n\n")[0].splitlines()
            if re.match(r"[\w-]+: ", line)
        )
        found.add((headers["Name"].lower().replace("_", "-"), headers["Version"]))
    ours = bill["metadata"]["component"]
    found.discard((ours["name"], ours["version"]))
    expect(named == found, f"the bill and what is installed differ: {named ^ found}")
    tell(
        "sbom.cdx.json names everything that is installed, and nothing else",
        f"{bill['specVersion']}, {len(named)} packages",
    )


def try_secrets(root: Root, directory: Path) -> None:
    """Nothing of this machine is in the layer, and no secret but what public packages show as examples."""
    ours = {
        os.environ[name].encode()
        for name in NETWORK
        if len(os.environ.get(name, "")) > 8 and name.endswith(("URL", "PROXY", "REGISTRY"))
    }
    ours |= {str(ROOT).encode(), str(directory).encode()}
    files, wrong = 0, []
    for path in files_of(root.layer):
        files += 1
        inside = "/" + str(path.relative_to(root.layer))
        data = path.read_bytes()
        foreign = "site-packages" in path.parts and path.parts[path.parts.index("site-packages") + 1] not in OURS
        hits = [] if foreign else [found.group()[:60] for found in SECRETS.finditer(data)]
        hits += [each for each in ours if each in data]
        if (
            hits
            or path.name in (".env", ".netrc", "pip.conf", ".npmrc", ".git", "id_rsa")
            or (path.suffix == ".pcap" and inside != DEMONSTRATION)
        ):
            wrong.append(f"{inside} {hits[:2]}")
    expect(not wrong, "secrets, or things of this machine: " + "\n".join(wrong))
    tell("no key, password in an address, setting of pip or path of this machine", f"{files:,} files read")


def try_size(root: Root) -> None:
    """How large the layers are, and the largest parts."""
    layer, below = size(root.layer), size(root.base)
    cache = size(root.layer / "opt/argosy/cache")
    tell(
        "size: base, what is added, of which compiled kernels",
        f"{below / 1e6:.0f}, {layer / 1e6:.0f}, {cache / 1e6:.0f} MB",
    )
    packages = next((root.layer / "opt/argosy/lib").glob("python3*/site-packages"))
    largest = sorted(((size(each), each.name) for each in packages.iterdir()), reverse=True)[:8]
    tell("the largest", ", ".join(f"{name} {amount / 1e6:.0f}" for amount, name in largest))


def try_files(root: Root) -> None:
    """Nothing sets a user, nothing can be written by all, no tests; the page of `argosy web` is there."""
    modes = [path for path in files_of(root.layer) if path.stat().st_mode & 0o6002]
    expect(not modes, f"set-user or written by all: {modes[:5]}")
    packages = next((root.layer / "opt/argosy/lib").glob("python3*/site-packages"))
    expect(not (packages / "tests").exists() and not list(packages.glob("pip")), "tests or pip are in the image")
    expect((packages / "clients/web/assets/index.html").exists(), "argosy web has no page")
    tell("no tests, no pip, nothing set-user; the page of argosy web", "ok")


def files_of(place: Path) -> Iterator[Path]:
    """Yield regular files below a place."""
    return (path for path in place.rglob("*") if path.is_file() and not path.is_symlink())


def size(place: Path) -> int:
    """Bytes of all files below a place, or of it."""
    return sum(path.stat().st_size for path in files_of(place)) if place.is_dir() else place.lstat().st_size


def expect(holds: object, otherwise: str) -> None:
    """Complain when something does not hold."""
    if not holds:
        raise WrongError(otherwise)


def examine(root: Root, stage: Stage, directory: Path) -> None:
    """Try everything."""
    log = directory / "log"
    try_help(root, stage, log)
    try_audit(root, stage, log)
    try_service(root, stage, log)
    try_bill(root)
    try_files(root)
    try_secrets(root, directory)
    try_size(root)


def main() -> int:
    """Build and examine; say what is wrong in one line."""
    summary = f"{__doc__}".partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m tests.deploy.image", description=summary)
    parser.add_argument("--directory", type=Path, help="build there and leave it (default: a scratch directory)")
    parser.add_argument("--again", action="store_true", help="do not build, examine what --directory holds")
    options = parser.parse_args()
    if os.geteuid():
        parser.error("wants root: it mounts, and changes roots")
    with tempfile.TemporaryDirectory() as scratch:
        directory = options.directory or Path(scratch)
        sources = directory / "context"
        try:
            if not options.again:
                shutil.rmtree(sources, ignore_errors=True)
                gather(sources)
                tell("context: files, MB", f"{sum(1 for _ in files_of(sources)):,}, {size(sources) / 1e6:.1f}")
            root, stage = laid_out(directory) if options.again else build(directory, sources)
            examine(root, stage, directory)
        except (WrongError, RuntimeError, subprocess.CalledProcessError) as problem:
            print(f"the image: {problem}", file=sys.stderr)
            return 1
    return 0


def laid_out(directory: Path) -> tuple[Root, Stage]:
    """Return the last stage as it was built before."""
    found = stages(DOCKERFILE.read_text())
    root = Root(base(directory), directory / f"stage{len(found) - 1}")
    root.variables["PATH"] = PATH
    for step in found[-1].steps:
        if step.word == "ENV":
            root.variables |= assignments(expanded(step.rest, root.variables))
        elif step.word == "WORKDIR":
            root.workdir = step.rest
    return root, found[-1]


if __name__ == "__main__":
    sys.exit(main())
