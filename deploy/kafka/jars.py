"""Kafka's jars: downloaded once through Maven, kept in the user's cache, shared by every checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

from topics.errors import ServerError

POM = Path(__file__).with_name("pom.xml")
DOWNLOAD_SECONDS = 900
JAVA_INSTALL = "apt-get install default-jre-headless (Java 17 or newer)"
MAVEN_INSTALL = "apt-get install maven"


def kafka_version(pom: Path = POM) -> str:
    """Version of Apache Kafka that a POM names."""
    version = ET.parse(pom).findtext("properties/kafka.version")  # noqa: S314 -- our own file
    if version is None:
        raise ServerError(f"{pom}: no property kafka.version")
    return version


def java_command() -> str:
    """Path of the Java launcher: JAVA_HOME first, then PATH.

    Raises ServerError when there is none, naming what installs it.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if java is None:
        where = f"JAVA_HOME={home}" if home else "PATH"
        raise ServerError(f"Kafka needs Java and there is none in {where}; install it with: {JAVA_INSTALL}")
    return java


def jar_path(pom: Path = POM) -> Path:
    """Where the jars of a POM in this version are kept, whether they are there yet or not."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    name = "kafka" if pom == POM else f"kafka-{pom.parent.name}"
    return Path(cache) / "argosy" / f"{name}-{kafka_version(pom)}"


def jar_directory(pom: Path = POM) -> Path:
    """Directory of the jars of a POM, filled on first use.

    Raises ServerError when they have to be downloaded and cannot be.
    """
    target = jar_path(pom)
    if not target.is_dir():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _download(pom, target)
        except OSError as error:
            raise ServerError(f"Kafka's jars cannot be kept in {target.parent}: {error.strerror}") from None
    return target


def _download(pom: Path, target: Path) -> None:
    """Fill a directory of its own, then rename it, so that an interrupted download is never taken for a whole one."""
    maven = shutil.which("mvn")
    if maven is None:
        raise ServerError(f"downloading Kafka needs Maven and there is none in PATH; install it with: {MAVEN_INSTALL}")
    with tempfile.TemporaryDirectory(prefix="download-", dir=target.parent) as scratch:
        shutil.copy(pom, Path(scratch) / POM.name)
        jars = Path(scratch) / "jars"
        _run_maven(maven, Path(scratch), jars, kafka_version(pom))
        try:
            jars.rename(target)
        except OSError:
            if not target.is_dir():  # otherwise another process was faster, and its copy is as good
                raise


def _run_maven(maven: str, directory: Path, jars: Path, version: str) -> None:
    command = [
        maven,
        "-q",
        "-B",
        "-Dstyle.color=never",
        "dependency:copy-dependencies",
        "-DincludeScope=runtime",
        f"-DoutputDirectory={jars}",
    ]
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ServerError(f"Maven did not deliver Kafka {version} within {DOWNLOAD_SECONDS} s") from None
    if done.returncode != 0:
        reason = next((line for line in done.stdout.splitlines() if "ERROR" in line), f"exit status {done.returncode}")
        raise ServerError(f"Maven could not deliver Kafka {version}: {reason.strip()[:300]}")
