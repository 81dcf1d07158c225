from __future__ import annotations

from pathlib import Path

from deploy.kafka.class_archive import ClassArchive


def option(archive: ClassArchive) -> tuple[str, str]:
    name, _, path = archive.options()[0].partition("=")
    return name, path


def test_what_the_first_run_leaves_is_used_by_later_ones_of_the_same_java(tmp_path: Path) -> None:
    jars, java = tmp_path / "cache" / "kafka-1", tmp_path / "jdk" / "bin" / "java"
    jars.mkdir(parents=True)
    java.parent.mkdir(parents=True)
    killed, first = (ClassArchive(str(java), jars, "broker") for _ in range(2))
    killed.keep()
    name, made = option(first)
    assert name == "-XX:ArchiveClassesAtExit"
    Path(made).write_text("classes")
    first.keep()
    name, used = option(ClassArchive(str(java), jars, "broker"))
    assert name == "-XX:SharedArchiveFile"
    assert Path(used).read_text() == "classes"
    assert option(ClassArchive(str(java), jars, "format"))[0] == "-XX:ArchiveClassesAtExit"
    (tmp_path / "jdk" / "release").write_text("another Java")
    assert option(ClassArchive(str(java), jars, "broker"))[0] == "-XX:ArchiveClassesAtExit"
