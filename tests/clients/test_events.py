"""`argosy events` and `argosy raevent` from end to end."""

import json
import os
import socket
from pathlib import Path

import pytest

from clients.main import main

Text = pytest.CaptureFixture[str]


def test_sockets_of_this_process_are_asked_kept_and_found(tmp_path: Path, capsys: Text) -> None:
    path = str(tmp_path / "a.events")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        settings = tmp_path / "probe.yaml"
        settings.write_text(
            "site: berlin\nprobe: edge\nevents:\n  - {kind: lsof, every: 0}\n  - file:/proc/loadavg:0\n"
        )
        assert main(["events", "-F", str(settings), "-w", path]) == 0
    assert main(["raevent", "-r", path, "-M", "json"]) == 0
    events = {event["kind"]: event for event in map(json.loads, capsys.readouterr().out.splitlines())}
    assert (events["load"]["site"], events["load"]["probe"], events["load"]["status"]) == ("berlin", "edge", "ok")
    (row,) = (row for row in events["lsof"]["body"]["sockets"] if row["local_port"] == port)
    assert (row["pid"], row["local"], row["state"]) == (os.getpid(), "127.0.0.1", "LISTEN")
    assert main(["raevent", "-r", path, "-n", f"^{port}$", "-M", "rows"]) == 0
    assert [json.loads(line)["local_port"] for line in capsys.readouterr().out.splitlines()] == [port]
    assert main(["raevent", "-r", path, "--kind", "ids"]) == 1
    assert main(["raevent", "-r", path, "-t", "2001/01/01"]) == 1


def test_events_are_listed_with_what_was_printed(tmp_path: Path, capsys: Text) -> None:
    path = str(tmp_path / "a.events")
    assert main(["events", "prog:/bin/echo two words:0", "prog:/bin/false:0", "-w", path, "-e", "edge"]) == 0
    assert main(["raevent", "-r", path]) == 0
    shown = capsys.readouterr().out
    assert "edge               generic  ok         prog:/bin/echo\n" in shown
    assert "    two words\n" in shown
    assert "failed     prog:/bin/false  (exit status 1)\n" in shown
    assert main(["raevent", "-r", path, "--status", "failed", "-M", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["exit_status"] == 1


def test_what_cannot_be_asked_is_said_in_a_line(tmp_path: Path, capsys: Text) -> None:
    assert main(["events", "-w", "x.events"]) == 2
    assert main(["events", "nothing", "-w", "x.events"]) == 2
    assert main(["raevent", "-r", str(tmp_path / "absent.events")]) == 1
    (tmp_path / "junk.events").write_bytes(b"junk")
    assert main(["raevent", "-r", str(tmp_path / "junk.events")]) == 1
    assert capsys.readouterr().err.count("\n") == 4
