"""The `argosy` command: finds the module of a command, runs it, and turns what goes wrong into one line."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from topics.errors import ArgosyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


class Command(NamedTuple):
    """Where a command lives (a module with `run(arguments) -> exit status`) and what it is for."""

    module: str
    summary: str


GROUPS = {
    "From packets to records": {
        "run": Command("clients.run", "read captures, keep their flows and sum them up, all in one process"),
        "probe": Command("clients.sensor.command", "turn packets into flow status records, to a file or to Kafka"),
        "events": Command(
            "clients.events.command", "ask programs, files, sockets, devices and logs, and keep what they say"
        ),
    },
    "Reading records": {
        "ra": Command("clients.records.ra", "filter, print and convert records"),
        "racluster": Command("clients.records.racluster", "merge records into flows, or by any other key"),
        "observers": Command(
            "clients.records.observers", "match what several probes saw, so that each conversation counts once"
        ),
        "rasort": Command("clients.records.rasort", "sort records by any fields"),
        "rabins": Command("clients.records.rabins", "merge records by bins of time, count or size"),
        "rasplit": Command(
            "clients.records.rasplit", "write records into files by time, count, size or values of fields"
        ),
        "rastream": Command("clients.records.rastream", "the same as records come, with a program for each file"),
        "racount": Command("clients.records.racount", "count records, packets and bytes"),
        "rafilteraddr": Command("clients.records.rafilteraddr", "select records by long lists of addresses"),
        "ratimerange": Command("clients.records.ratimerange", "say from when to when records are"),
        "ralabel": Command(
            "clients.records.ralabel", "label records: countries, AS, networks, names, block lists, rules"
        ),
        "rastrip": Command("clients.records.rastrip", "leave out parts of records"),
        "ranonymize": Command(
            "clients.records.ranonymize", "replace addresses, ports and times, keeping what they have in common"
        ),
        "rasql": Command("clients.records.rasql", "records back from a database, as ra has them"),
        "rasqlinsert": Command("clients.records.rasqlinsert", "put records into a table of a database"),
        "radns": Command("clients.names.radns", "list DNS transactions"),
        "raevent": Command("clients.events.raevent", "list events: sockets and processes, counters, logs, alerts"),
        "alerts": Command("clients.alerts", "look for what rules say: check them, try them on the past, list, run"),
        "explain": Command("clients.explaining.command", "tell all that is known of one flow"),
        "who": Command("clients.names.who", "tell what names an address had, and when; or where a MAC or a name was"),
        "fields": Command("clients.fields", "list all fields that can be printed, sorted and filtered by"),
    },
    "Pictures": {
        "web": Command("clients.web", "a page that shows what flows say: over time, by anything, down to each flow"),
        "ragraph": Command("clients.ragraph", "draw metrics over time, by any objects"),
        "rahisto": Command("clients.pictures.rahisto", "how often values of metrics are, in classes"),
        "ratop": Command("clients.ratop", "flows live in the terminal: sorted, filtered, grouped, looked into"),
        "ratree": Command("clients.ratree", "graphs of who talks with whom, as pictures, DOT, GraphML or JSON"),
    },
    "Inventories": {
        "rahosts": Command("clients.inventory.rahosts", "say who talked, with whom, from when to when"),
        "raports": Command("clients.inventory.raports", "list services by host: who offers what, new and gone"),
        "rascan": Command("clients.inventory.rascan", "tell who scanned ports and hosts, with evidence"),
        "radark": Command("clients.inventory.radark", "tell who sent to addresses that nobody has"),
        "rapolicy": Command("clients.inventory.rapolicy", "hold records against an access list: which line was met"),
        "rarpwatch": Command("clients.inventory.rarpwatch", "tell of new stations, and addresses with another MAC"),
        "rapath": Command("clients.inventory.rapath", "draw the routers on the way, and how far they are"),
        "racompare": Command(
            "clients.inventory.racompare", "tell what is new, gone, grown or shrunk between two times"
        ),
    },
    "Payload": {
        "radump": Command(
            "clients.payload.radump", "say what the payload of flows says: DNS, HTTP, TLS, DHCP, SMB, ..."
        ),
        "radecode": Command("clients.payload.radecode", "what tshark says of the payload of flows"),
        "ragrep": Command("clients.payload.ragrep", "search payload for regular expressions, as grep does"),
        "raservices": Command("clients.payload.raservices", "label flows with the service that their payload is of"),
        "rauserdata": Command(
            "clients.payload.rauserdata", "learn signatures of services from how their payload begins"
        ),
    },
    "For other tools": {
        "radium": Command("clients.radium", "serve records to ra and its like, on port 561"),
        "export": Command("clients.export", "send records to another collector, as IPFIX"),
    },
    "On Kafka": {
        "topics": Command("clients.topics", "create, list and follow the topics"),
        "worker": Command("clients.worker", "merge the records of all probes into flows"),
        "names": Command("clients.names.command", "turn control-plane payloads into DNS transactions and names"),
        "audit": Command("clients.audit", "follow the packets from the interface to the sinks: do the numbers agree"),
        "sink": Command("clients.sink", "keep what the topics carry, as files or in a database"),
    },
    "Upkeep": {
        "archive": Command(
            "clients.archive", "compact, thin out and verify the files that a sink keeps, import those of Argus"
        ),
        "completion": Command("clients.manual.completion", "print what makes a shell complete commands and fields"),
        "man": Command("clients.manual.man", "print the manual page of a command, or write those of all"),
        "warmup": Command("clients.warmup", "compile everything now, so that later starts are fast"),
    },
}
COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}

COLLECT_AFTER = 50_000  # new objects: modules and machine code that are loaded make many, and none of them is garbage
MANY_COLUMNS = ("rabins", "racluster", "rasort")  # commands that hold each column by itself, little of it in use
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def help_text() -> str:
    """Return what `argosy --help` prints."""
    lines = ["argosy: who talked to whom, when and how much, from packets to answers", ""]
    lines += ["usage: argosy COMMAND [OPTIONS]"]
    for title, group in GROUPS.items():
        lines += ["", f"{title}:"] + [f"  {name:<12} {command.summary}" for name, command in group.items()]
    lines += ["", "argosy COMMAND --help   the options of a command", "argosy --version        the version installed"]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status; errors become one line on standard error."""
    if argv is not None:
        return _status(argv)
    gc.set_threshold(COLLECT_AFTER)  # the process is ours
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # else NumPy starts threads, for products of matrices
    if sys.argv[1:2] and sys.argv[1] in MANY_COLUMNS:
        os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")  # else of each 2 MB are zeroed where a page would do
    returned: list[int] = []
    atexit.register(_leave, returned)  # registered first, run last
    status = _status(sys.argv[1:])
    returned.append(status)
    return status


def _status(arguments: list[str]) -> int:
    name = "argosy"
    if arguments and arguments[0] in COMMANDS:
        name = f"argosy {arguments[0]}"
    try:
        status = _dispatch(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_standard_output()
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except ArgosyError as error:
        from clients.reading.objects import by_address

        return _report(name, by_address(str(error)), error.exit_status)
    except OSError as error:
        return _report(name, f"{error.filename}: {error.strerror}" if error.filename else str(error), 1)
    except Exception as error:
        if os.environ.get("ARGOSY_DEBUG"):
            raise
        if _lacks_place_of_kernels(error):
            return _report(name, "no place for compiled kernels: NUMBA_CACHE_DIR names a directory to be written to", 1)
        what, where = f"{type(error).__name__}: {error}", _innermost(error)
        return _report(name, f"internal error, {what} ({where}; ARGOSY_DEBUG=1 shows all)", 1)
    return status


def _lacks_place_of_kernels(error: Exception) -> bool:
    """Tell whether Numba could not write to any directory that it may keep kernels in: it has no type for that."""
    return isinstance(error, RuntimeError) and str(error).startswith("cannot cache function")


def _innermost(error: Exception) -> str:
    """Return where an error was raised: who runs a service cannot have it happen once more to be shown."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown"
    return f"{trace.tb_frame.f_globals.get('__name__')}.{trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}"


def _leave(returned: list[int]) -> None:
    """End the process here, where all that was to be done in the end is done: taking modules apart takes 20 ms.

    Not where a command did not return, or something cannot be written: that is told, and the status is another one.
    """
    if not returned:
        return
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return
    os._exit(returned[0])


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(help_text())
        return 0 if arguments else UsageError.exit_status
    if arguments[0] in {"-V", "--version"}:
        print(f"argosy {_version()}")
        return 0
    run: Callable[[list[str]], int] = importlib.import_module(_command(arguments[0]).module).run
    return run(arguments[1:])


def _command(name: str) -> Command:
    if name not in COMMANDS:
        from topics.nearest import suggestion

        kind = "option" if name.startswith("-") else "command"
        known = ["--help", "--version"] if kind == "option" else COMMANDS
        raise UsageError(f"unknown {kind} '{name}'{suggestion(name, known) or '; see argosy --help'}")
    return COMMANDS[name]


def _version() -> str:
    from importlib.metadata import version

    return version("argosy")


def _report(name: str, message: str, status: int) -> int:
    print(f"{name}: {' '.join(message.split())}", file=sys.stderr)
    return status


def _forget_standard_output() -> None:
    """Discard what is still buffered, or the interpreter complains about the closed pipe as it ends."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - pathlib would be imported for this one line
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
