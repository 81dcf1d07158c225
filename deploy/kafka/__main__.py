"""Start, stop, show or run one Kafka node on loopback."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from deploy.kafka.jars import jar_path, kafka_version
from deploy.kafka.node import KafkaNode
from topics.errors import ArgosyError, ServerError

DEFAULT_PORT = 9092
NOT_RUNNING = 3


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status: 0, 1 for an error, 3 for the status of a node that is down."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.command(options.data, options.port)
    except ArgosyError as error:
        print(f"deploy.kafka: {error}", file=sys.stderr)
        return error.exit_status
    return status


def start(data: Path, port: int | None) -> int:
    """Start a node that outlives this command, unless it runs already, and print its address."""
    running = KafkaNode(data)
    if running.running():
        if port not in (None, running.port):
            raise ServerError(
                f"the node on {data} already runs on port {running.port}; stop it before using port {port}"
            )
        print(running.bootstrap)
        return 0
    _tell_of_download()
    node = _node(data, port)
    node.start()
    print(node.bootstrap)
    return 0


def stop(data: Path, _: int | None) -> int:
    """Stop the node, if it runs, and return once it is gone."""
    KafkaNode(data).stop()
    return 0


def status(data: Path, _: int | None) -> int:
    """Print address and process id of the node."""
    node = KafkaNode(data)
    pid = node.pid
    if pid is None:
        print(f"no Kafka node runs on {data}")
        return NOT_RUNNING
    print(f"{node.bootstrap} (pid {pid}, log {node.log})")
    return 0


def run(data: Path, port: int | None) -> int:
    """Run the node until it ends or this command is interrupted or terminated."""
    _tell_of_download()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _node(data, port) as node:
            print(node.bootstrap, flush=True)
            node.wait()
            raise ServerError(f"the node on {data} has ended; see {node.log}")
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, before)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.kafka", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="start|stop|status|run")
    for command in (start, stop, status, run):
        sub = commands.add_parser(command.__name__, help=(command.__doc__ or "").split("\n", 1)[0])
        sub.set_defaults(command=command)
        sub.add_argument("--data", type=Path, default=Path("build/kafka"), help="its directory (default: %(default)s)")
        sub.add_argument("--port", type=_port, help=f"port on 127.0.0.1 (default: as before, else {DEFAULT_PORT})")
    return parser


def _node(data: Path, port: int | None) -> KafkaNode:
    known = (data / "server.properties").is_file()
    return KafkaNode(data, port or (None if known else DEFAULT_PORT))


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 65536:
        raise argparse.ArgumentTypeError(f"{text} is not a port (1 to 65535)")
    return port


def _tell_of_download() -> None:
    if not jar_path().is_dir():
        print(f"downloading Apache Kafka {kafka_version()} to {jar_path()}, once", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
