import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from deploy.kafka import jars
from deploy.kafka.node import KafkaNode
from deploy.kafka.ports import free_port, is_free
from topics.errors import ServerError

ROOT = Path(__file__).parents[2]


def make_topic(bootstrap: str, topic: str) -> None:
    client = AdminClient({"bootstrap.servers": bootstrap})  # has to live until its answer is there
    client.create_topics([NewTopic(topic, 1, 1)])[topic].result(timeout=60)


def produce(bootstrap: str, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "message.max.bytes": 2_000_000})
    producer.produce(topic, value)
    assert producer.flush(20) == 0


def consume(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    try:
        return [message.value() for message in consumer.consume(count, timeout=60)]
    finally:
        consumer.close()


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.kafka", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture
def node(kafka_installed: None, tmp_path: Path) -> Iterator[KafkaNode]:
    node = KafkaNode(tmp_path / "data")
    yield node
    node.kill()


def test_messages_outlive_an_orderly_restart_and_a_kill(node: KafkaNode) -> None:
    node.start()
    address = node.bootstrap
    make_topic(address, "lasting")
    produce(address, "lasting", b"before")
    node.restart()
    assert node.bootstrap == address
    produce(address, "lasting", b"between")
    node.kill()
    assert not node.running()
    node.start()
    assert consume(address, "lasting", 2) == [b"before", b"between"]
    node.stop()
    assert not node.running()
    assert is_free(node.port)


def test_command_starts_a_node_that_stays_and_stops_it(node: KafkaNode) -> None:
    data, port = str(node.data), str(node.port)
    started = command("start", "--data", data, "--port", port)
    assert (started.returncode, started.stdout) == (0, f"127.0.0.1:{port}\n"), started.stderr
    assert command("start", "--data", data).stdout == f"127.0.0.1:{port}\n"
    refused = command("start", "--data", data, "--port", str(free_port()))
    assert refused.returncode == 1
    assert f"already runs on port {port}" in refused.stderr
    status = command("status", "--data", data)
    assert status.returncode == 0
    assert f"127.0.0.1:{port} (pid {node.pid}" in status.stdout
    assert command("stop", "--data", data).returncode == 0
    assert not node.running()
    assert command("status", "--data", data).returncode == 3


def test_run_ends_its_node_when_terminated(node: KafkaNode) -> None:
    arguments = [sys.executable, "-m", "deploy.kafka", "run", "--data", str(node.data), "--port", str(node.port)]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{node.bootstrap}\n"
        assert node.running()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert not node.running()


def test_listens_on_loopback_only_and_makes_no_topic_by_itself(kafka_bootstrap: str, topic_prefix: str) -> None:
    port = int(kafka_bootstrap.rsplit(":", 1)[1])
    with socket.socket() as other_address:
        other_address.bind(("127.0.0.2", port))
    client = AdminClient({"bootstrap.servers": kafka_bootstrap})
    error = client.list_topics(f"{topic_prefix}unknown", timeout=30).topics[f"{topic_prefix}unknown"].error
    assert error is not None
    assert error.name() == "UNKNOWN_TOPIC_OR_PART"


def test_takes_messages_of_more_than_a_megabyte(kafka_bootstrap: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}large"
    make_topic(kafka_bootstrap, topic)
    value = os.urandom(1_500_000)
    produce(kafka_bootstrap, topic, value)
    assert consume(kafka_bootstrap, topic, 1) == [value]


def test_a_port_in_use_is_named(kafka_installed: None, tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(ServerError, match=rf"127\.0\.0\.1:{port}: the port is in use"):
            KafkaNode(tmp_path, port).start()


def test_a_node_that_ends_at_start_says_why(kafka_installed: None, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "meta.properties").write_text("version=1\ncluster.id=another\nnode.id=7\n")
    with pytest.raises(
        ServerError, match=r"Kafka ended while starting: .*node id 7.* \(more in .*broker\.log\)"
    ) as caught:
        KafkaNode(tmp_path).start()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a-file", "a-file/below"])
def test_data_that_cannot_be_a_directory_is_named(kafka_installed: None, tmp_path: Path, name: str) -> None:
    (tmp_path / "a-file").touch()
    done = command("start", "--data", str(tmp_path / name), "--port", str(free_port()))
    assert done.returncode == 1
    assert done.stderr.startswith(f"deploy.kafka: Kafka cannot start: {tmp_path / 'a-file'}")
    assert len(done.stderr.splitlines()) == 1


def test_a_stale_pid_file_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "kafka.pid").write_text(str(os.getpid()))
    node = KafkaNode(tmp_path)
    assert not node.running()
    node.kill()


def test_a_port_that_is_none_is_refused(tmp_path: Path) -> None:
    done = command("start", "--data", str(tmp_path), "--port", "70000")
    assert done.returncode == 2
    assert "70000 is not a port" in done.stderr


def test_missing_java_is_one_line_that_names_what_installs_it(tmp_path: Path) -> None:
    done = command("start", "--data", str(tmp_path / "data"), PATH=str(tmp_path), JAVA_HOME="")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("deploy.kafka: Kafka needs Java and there is none in PATH")
    assert "apt-get install" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists()


def test_java_home_goes_before_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert jars.java_command() == str(java)


def fake_maven(directory: Path, script: str) -> None:
    maven = directory / "mvn"
    maven.write_text(f"#!/bin/sh\n{script}\n")
    maven.chmod(0o755)


class TestDownload:
    @pytest.fixture(autouse=True)
    def own_cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "bin").mkdir()
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")

    def test_missing_maven_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        with pytest.raises(ServerError, match="apt-get install maven"):
            jars.jar_directory()

    def test_a_failed_download_leaves_nothing_and_says_why(self, tmp_path: Path) -> None:
        fake_maven(tmp_path / "bin", "mkdir jars; touch jars/half.jar; echo '[ERROR] no route'; exit 1")
        with pytest.raises(ServerError, match="no route"):
            jars.jar_directory()
        assert list((tmp_path / "cache" / "argosy").iterdir()) == []

    def test_a_cache_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        fake_maven(tmp_path / "bin", "exit 0")
        (tmp_path / "cache").touch()
        with pytest.raises(ServerError, match=r"jars cannot be kept in .*cache/argosy: Not a directory"):
            jars.jar_directory()

    def test_jars_are_downloaded_once(self, tmp_path: Path) -> None:
        fake_maven(tmp_path / "bin", "mkdir jars; touch jars/whole.jar")
        assert [jar.name for jar in jars.jar_directory().iterdir()] == ["whole.jar"]
        fake_maven(tmp_path / "bin", "exit 1")
        assert jars.jar_directory().is_dir()

    def test_another_process_may_be_faster(self, tmp_path: Path) -> None:
        target = jars.jar_path()
        fake_maven(tmp_path / "bin", f"mkdir jars; touch jars/late.jar; mkdir {target}; touch {target}/first.jar")
        assert [jar.name for jar in jars.jar_directory().iterdir()] == ["first.jar"]


def test_free_ports_lie_below_the_ephemeral_range() -> None:
    ports = {free_port() for _ in range(20)}
    lowest_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert len(ports) > 1
    assert max(ports) < lowest_ephemeral or lowest_ephemeral < 16000
