"""Servers in processes of their own: found, started, stopped, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest
from duologue.errors import DuologueError
from duologue.wire.client import Client, Finished
from duologue.wire.connection import Connection
from duologue.wire.local import LocalServer, find_server, open_client, process_exists
from servers import HERE, Server, brief, speech


@pytest.fixture
def options(tmp_path: Path) -> dict:
    return {"device": "cpu", "performance": "performances:Swaying", "arguments": ["--state", str(tmp_path / "state")]}


def gone(*pids: int, seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while any(process_exists(pid) for pid in pids):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def workers_of(pid: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return [int(word) for word in listed.split()]


def test_a_server_is_started_for_a_performance_and_stopped_after_it(options: dict) -> None:
    with open_client(**options) as client:
        pid = client.connection.pid
        assert process_exists(pid)
        assert isinstance(list(client.submit(brief(), speech(2)))[-1], Finished)
    assert gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes with ps")
def test_nothing_is_left_when_the_parent_is_killed(options: dict, tmp_path: Path) -> None:
    program = textwrap.dedent(
        f"""
        import time
        from duologue.wire.local import LocalServer
        from duologue.wire.client import Client
        server = LocalServer.start(**{options!r})
        Client.connect(server.connection)
        print(server.process.pid, flush=True)
        time.sleep(600)
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=HERE)
    assert parent.stdout is not None
    server = int(parent.stdout.readline())
    workers = workers_of(server)
    assert len(workers) == 1
    os.kill(workers[0], signal.SIGSTOP)  # even one that can't see that its pipe ends
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(server, *workers)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_stops_a_served_server_and_removes_its_file(tmp_path: Path) -> None:
    file = tmp_path / "server.json"
    command = [
        "--connection-file",
        str(file),
        "--state",
        str(tmp_path / "state"),
        "--performance",
        "performances:Swaying",
    ]
    process = subprocess.Popen([sys.executable, "-m", "duologue.service", "--device", "cpu", *command])
    until = time.monotonic() + 30
    while find_server(file) is None and time.monotonic() < until:
        time.sleep(0.02)
    with Client.connect(file) as client:
        assert client.ready
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert not file.exists()
    assert find_server(file) is None


def test_a_connection_file_that_a_killed_server_left_counts_as_none(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "server.json"
    server.connection.save(file)
    assert find_server(file) == server.connection
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    replace(server.connection, pid=process.pid).save(file)
    assert find_server(file) is None
    replace(server.connection, endpoint="tcp://127.0.0.1:1").save(file)  # another process has got the server's number
    assert find_server(file) is None


def test_a_second_server_does_not_take_the_place_of_the_first(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "server.json"
    server.connection.save(file)
    command = [sys.executable, "-m", "duologue.service", "--connection-file", str(file), "--state", str(tmp_path / "s")]
    second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 1
    assert "server-runs" in second.stderr
    assert find_server(file) == server.connection


def test_a_server_that_can_not_start_says_why(server: Server, options: dict, tmp_path: Path) -> None:
    options_in_use = [*options["arguments"], "--port", server.connection.endpoint.rpartition(":")[2]]
    with pytest.raises(DuologueError) as failed:
        LocalServer.start(**{**options, "arguments": options_in_use})
    assert failed.value.reason == "port-in-use"
    with pytest.raises(DuologueError) as failed:
        LocalServer.start(python=tmp_path / "no-python")
    assert failed.value.reason == "python-missing"
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(DuologueError) as failed:
        LocalServer.start(**{**options, "arguments": ["--state", str(blocked)]})
    assert failed.value.reason == "journal"
    with pytest.raises(DuologueError) as failed:
        LocalServer.start(python="/bin/false" if Path("/bin/false").exists() else sys.executable, timeout=1)
    assert failed.value.reason == "server-start"


def test_the_log_tells_no_label_and_no_secret(options: dict) -> None:
    with LocalServer.start(**options) as server:
        with Client.connect(server.connection) as client:
            list(client.submit(brief(), speech(1)))
        log = server.log()
    assert '"event": "job ended"' in log
    for word in ("calmness", "strangers", server.connection.client_secret):
        assert word not in log


def test_the_command_line_gives_a_key_to_a_client(tmp_path: Path) -> None:
    program = [sys.executable, "-c", "import typer; from duologue.cli.serve import serve; typer.run(serve)"]
    state, file = tmp_path / "state", tmp_path / "anna.json"
    command = [
        "--new-client",
        "anna",
        "--host",
        "render-1",
        "--port",
        "5555",
        "--state",
        str(state),
        "--client-file",
        str(file),
    ]
    subprocess.run([*program, *command], check=True, capture_output=True)
    assert Connection.load(file).endpoint == "tcp://render-1:5555"
    again = subprocess.run([*program, *command], check=False, capture_output=True, text=True)
    assert again.returncode != 0
    assert "there is a client named 'anna' already" in again.stderr
