"""One Kafka node as an object: start, stop, kill, restart, on the same port and data."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import time
from typing import IO, TYPE_CHECKING, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.kafka.class_archive import ClassArchive
from deploy.kafka.jars import JAVA_INSTALL, POM, jar_directory, java_command
from deploy.kafka.ports import free_port, is_free
from deploy.kafka.properties import SASL_LISTENER, TLS_LISTENER, parse_properties, server_properties
from topics.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deploy.kafka.properties import NodeSecurity

# Few cores and a short life: the second compiler and a concurrent collector would cost more than they save. The first
# one knows no instruction for checksums, the interpreter does.
SHORT_LIFE = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:CompileCommand=quiet",
    "-XX:CompileCommand=exclude,java.util.zip.CRC32C::updateBytes",
    "-XX:CompileCommand=exclude,java.util.zip.CRC32C::updateDirectByteBuffer",
)
HEAP = "512m"
START_SECONDS = 60.0
STOP_SECONDS = 60.0  # the first node writes an archive of classes, too
POLL_SECONDS = 0.05
CLUSTER_ID = "YXJnb3N5LWRldi1rYWZrYQ"


class KafkaNode:
    """A broker and controller in one process, listening on 127.0.0.1 only.

    data is its directory, made when missing: properties, log, broker.log and jvm.log. port is the one given, else the
    one this directory was used with before, else a free one. security adds listeners and rights. A node that is
    not for a short life compiles itself for speed. As a context manager it starts and stops the node.

    Whether the node runs is told by a lock that its process inherits, so a number that was left behind in the pid file
    and now belongs to another process does no harm.
    """

    def __init__(
        self, data: Path, port: int | None = None, security: NodeSecurity | None = None, *, short_life: bool = True
    ) -> None:
        self.data = data.absolute()
        self.log = self.data / "broker.log"
        self._jvm_log = self.data / "jvm.log"
        self._pid_file = self.data / "kafka.pid"
        self._properties = self.data / "server.properties"
        before = self._ports_before()
        self.port = port or before.get("PLAINTEXT") or free_port()
        self._ports = {"PLAINTEXT": self.port, "CONTROLLER": before.get("CONTROLLER") or free_port()}
        self._security = security
        self._machine = SHORT_LIFE if short_life else ()
        if security is not None:
            self._ports |= {name: before.get(name) or free_port() for name in (SASL_LISTENER, TLS_LISTENER)}
        self._process: subprocess.Popen[bytes] | None = None
        self._archive: ClassArchive | None = None

    @property
    def bootstrap(self) -> str:
        """Address that clients are given: host:port."""
        return f"127.0.0.1:{self.port}"

    def listener(self, name: str) -> str:
        """Address of one of the listeners that NodeSecurity adds."""
        return f"127.0.0.1:{self._ports[name]}"

    @property
    def pid(self) -> int | None:
        """Process id while the node runs; None before its process exists, too."""
        number = self._pid_file.read_text() if self.running() else ""
        return int(number) if number else None

    def running(self) -> bool:
        """Whether a node runs on this data directory, whoever started it."""
        try:
            with self._pid_file.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except BlockingIOError:
            return True
        return False

    def start(self) -> None:
        """Start the node and return once it answers.

        Raises ServerError when Java, Maven or the jars are missing, when the data directory or the port is in use,
        and when the node ends or stays silent.
        """
        java, jars = java_command(), jar_directory()
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            with self._locked() as lock:
                self._prepare(java, jars)
                self._process = self._launch(java, jars, lock)
        except OSError as error:
            raise ServerError(f"Kafka cannot start: {error.filename or self.data}: {error.strerror}") from None
        self._wait_for_answer(self._process)

    def stop(self) -> None:
        """End the node in order and return once it is gone; a node that does not run is left alone."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the node as a power cut would, and return once it is gone."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop, if running, and start again on the same port and data."""
        self.stop()
        self.start()

    def wait(self) -> None:
        """Return when the node that this object started has ended."""
        if self._process is not None:
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _ports_before(self) -> dict[str, int]:
        if not self._properties.is_file():
            return {}
        listeners = parse_properties(self._properties.read_text()).get("listeners", "")
        pairs = (listener.split("://127.0.0.1:") for listener in listeners.split(",") if listener)
        return {name: int(port) for name, port in pairs}

    @contextlib.contextmanager
    def _locked(self) -> Iterator[IO[str]]:
        with self._pid_file.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ServerError(f"a Kafka node already runs on {self.data}") from None
            file.truncate(0)
            yield file

    def _prepare(self, java: str, jars: Path) -> None:
        for port in self._ports.values():
            if not is_free(port):
                raise ServerError(f"Kafka cannot listen on 127.0.0.1:{port}: the port is in use")
        self._properties.write_text(server_properties(self.data, self._ports, self._security))
        self._format_storage(java, jars)

    def _format_storage(self, java: str, jars: Path) -> None:
        if (self.data / "log" / "meta.properties").is_file():
            return
        tool = ["kafka.tools.StorageTool", "format", "--standalone", "--ignore-formatted", "-t", CLUSTER_ID]
        users = self._security.scram_arguments() if self._security is not None else []
        archive = ClassArchive(java, jars, "format")
        machine = ("-Xmx128m", *SHORT_LIFE, *archive.options())
        command = self._java(java, jars, *machine, *tool, "-c", str(self._properties), *users)
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=START_SECONDS, check=False
        )
        if done.returncode != 0:
            raise ServerError(f"Kafka could not format {self.data}: {_reason(done.stdout + done.stderr)}")
        archive.keep()

    def _launch(self, java: str, jars: Path, lock: IO[str]) -> subprocess.Popen[bytes]:
        self._archive = ClassArchive(java, jars, "broker")
        machine = (f"-Xmx{HEAP}", f"-Xms{HEAP}", *self._machine, *self._archive.options())
        command = self._java(java, jars, *machine, "kafka.Kafka", str(self._properties))
        with self._jvm_log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.data,
                start_new_session=True,  # Ctrl-C in the terminal is for us, who then stop the node in order
                pass_fds=(lock.fileno(),),
            )
        lock.write(str(process.pid))
        return process

    def _java(self, java: str, jars: Path, *arguments: str) -> list[str]:
        logging = [f"-Dlog4j2.configurationFile={POM.with_name('log4j2.properties')}", f"-Dkafka.log.file={self.log}"]
        return [java, *logging, "-cp", f"{jars}/*", *arguments]

    def _wait_for_answer(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if process.poll() is not None:
                raise ServerError(f"Kafka ended while starting: {_reason(self._said())} (more in {self.log})")
            if time.monotonic() > deadline:
                self.kill()
                raise ServerError(
                    f"Kafka did not answer on {self.bootstrap} within {START_SECONDS:.0f} s; see {self.log}"
                )
            time.sleep(POLL_SECONDS)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
        except OSError:
            return False
        client = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        try:
            return bool(client.list_topics(timeout=1.0).brokers)
        except KafkaException:
            return False

    def _said(self) -> bytes:
        return b"\n".join(path.read_bytes() for path in (self.log, self._jvm_log) if path.is_file())

    def _end(self, number: signal.Signals) -> None:
        pid = self.pid
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        if not self._gone_within(STOP_SECONDS):
            os.kill(pid, signal.SIGKILL)
            self._gone_within(STOP_SECONDS)

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        if self._process is not None:
            self._process.wait()  # its lock is free, so it has ended: only collect it
            self._process = None
        if self._archive is not None:
            self._archive.keep()
        return True


def _reason(output: bytes) -> str:
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    if any("UnsupportedClassVersionError" in line for line in lines):
        return f"this Java is too old; install a newer one with: {JAVA_INSTALL}"
    telling = [line for line in lines if "ERROR" in line or "FATAL" in line or "Exception" in line]
    return (telling or lines or ["it said nothing"])[-1][:300]
