"""File descriptors run out: at the server for strangers' connections, and through jobs that were opened and left."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from duologue.service.limits import Limits
from duologue.wire.client import Client, Finished
from duologue.wire.greeting import address_of
from duologue.wire.local import find_server
from servers import HERE, brief, speech

linux = pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")

SCANTY = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
from duologue.service.serve import main
sys.exit(main(sys.argv[1:]))
"""


def crowd(address: tuple[str, int]) -> list[socket.socket]:
    """Connect until nobody takes any more: all descriptors there are, and the system's queue behind them."""
    strangers: list[socket.socket] = []
    with suppress(TimeoutError):
        while len(strangers) < 300:
            strangers.append(socket.create_connection(address, timeout=2))
    assert len(strangers) > 100
    return strangers


def workers_of(pid: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return [int(word) for word in listed.split()]


@linux
def test_strangers_take_all_descriptors_and_a_worker_dies(tmp_path: Path) -> None:
    file = tmp_path / "server.json"
    options = ["--connection-file", str(file), "--state", str(tmp_path / "state"), "--device", "cpu"]
    command = [sys.executable, "-c", SCANTY, *options, "--performance", "performances:Swaying"]
    server = subprocess.Popen(command, cwd=HERE, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while (connection := find_server(file)) is None:
            assert time.monotonic() < until
            time.sleep(0.05)
        with Client.connect(file) as client:
            assert client.ready
        strangers = crowd(address_of(connection.endpoint))
        time.sleep(0.5)
        for worker in workers_of(server.pid):
            os.kill(worker, signal.SIGKILL)
        time.sleep(1.5)
        assert server.poll() is None
        for stranger in strangers:
            stranger.close()
        with Client.connect(file) as client:
            assert isinstance(list(client.submit(brief(), speech(1)))[-1], Finished)
    finally:
        server.terminate()
        assert server.wait(20) == 0


@linux
def test_jobs_that_were_opened_and_cancelled_hold_nothing(start, connect) -> None:
    server = start(Limits(ended_per_client=10))
    client = connect(server.connection)
    list(client.submit(brief(), speech(1)))
    before = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(60):
        job = client.submit(brief(ms=50), speech(1))
        while not job.opened:
            job.next_event(0.01)
        job.cancel()
        assert list(job)[-1].cancelled
    assert len([*Path("/proc/self/fd").iterdir()]) <= before + 2
    assert len(server.router.registry.jobs) <= 10
