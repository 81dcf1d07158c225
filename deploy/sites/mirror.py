"""The command that runs MirrorMaker 2 from Kafka's own jars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deploy.kafka.jars import jar_directory, java_command

if TYPE_CHECKING:
    from collections.abc import Sequence

POM = Path(__file__).with_name("pom.xml")
SETTINGS = POM.with_name("mirror.properties")
MACHINE = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")  # as the node for development: see its module


def mirror_command(settings: Path, clusters: Sequence[str] = ("centre",)) -> list[str]:
    """Return the command line that mirrors to some clusters by a file of settings, the jars downloaded once.

    Raises ServerError when Java, Maven or the jars are missing.
    """
    java, jars = java_command(), jar_directory(POM)
    logging = f"-Dlog4j2.configurationFile={POM.with_name('log4j2.properties')}"
    main = "org.apache.kafka.connect.mirror.MirrorMaker"
    return [java, *MACHINE, logging, "-cp", f"{jars}/*", main, str(settings), "--clusters", *clusters]
