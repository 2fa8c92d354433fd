"""What else may be at an address, in a connection file or in the temporary folder; and a server that was started anew."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import zmq
from duologue.errors import DuologueError
from duologue.wire.client import Client, Finished
from duologue.wire.connection import Connection
from duologue.wire.local import find_server
from servers import HERE, Server, brief, speech


def refused(connection: Connection) -> str:
    with pytest.raises(DuologueError) as error:
        Client.connect(connection, patience=0.5)
    return error.value.reason


def test_who_hangs_up_has_no_key_at_all(server: Server) -> None:
    def hang_up(listener: socket.socket) -> None:
        while True:
            try:
                listener.accept()[0].close()
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=hang_up, args=(listener,), daemon=True).start()
        port = listener.getsockname()[1]
        assert refused(replace(server.connection, endpoint=f"tcp://127.0.0.1:{port}")) == "not-a-server"


def test_a_zeromq_server_of_somebody_else_is_none_of_ours(server: Server) -> None:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as plain:
        port = plain.bind_to_random_port("tcp://127.0.0.1")
        assert refused(replace(server.connection, endpoint=f"tcp://127.0.0.1:{port}")) == "not-a-server"


def test_a_machine_that_is_not_there(server: Server) -> None:
    assert refused(replace(server.connection, endpoint="tcp://no-such-machine.invalid:5555")) == "host-unknown"


def test_a_file_whose_process_and_port_are_others_now_is_no_server(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "server.json"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        replace(server.connection, pid=os.getpid(), endpoint=endpoint).save(file)
        assert find_server(file) is None
    server.connection.save(file)
    assert find_server(file) == server.connection


def test_a_local_server_that_was_started_anew_performs_the_rest(start, tmp_path: Path) -> None:
    """Its keys and its port are others then; the file says which, and the page promises that the job goes on."""
    file = tmp_path / "server.json"
    first = start()
    with Client.connect(first.connection) as client:
        whole = list(client.submit(brief(seed=5), speech()))[-1]
    first.connection.save(file)
    with Client.connect(file) as client:
        job = client.submit(brief(seed=5, ms=50), speech())
        events = [job.next_event(30) for _ in range(5)]
        first.stop()
        start().connection.save(file)
        events += list(job)
    assert isinstance(events[-1], Finished)
    assert events[-1].digest == whole.digest


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_an_owner_that_is_terminated_leaves_nothing_behind(tmp_path: Path) -> None:
    program = textwrap.dedent(
        f"""
        import time
        from duologue.wire.local import LocalServer
        options = {{"device": "cpu", "performance": "performances:Swaying", "arguments": ["--state", {str(tmp_path / "s")!r}]}}
        server = LocalServer.start(**options)
        print(server.process.pid, flush=True)
        time.sleep(600)
        """
    )
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    command = [sys.executable, "-c", program]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE, env=environment)
    assert owner.stdout is not None
    owner.stdout.readline()
    assert [*temporary.iterdir()]
    owner.send_signal(signal.SIGTERM)
    owner.wait(20)
    owner.stdout.close()
    until = time.monotonic() + 20
    while any(temporary.iterdir()):
        assert time.monotonic() < until
        time.sleep(0.05)
