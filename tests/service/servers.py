"""A real server for each test: the router in a thread of this process, its workers in processes of their own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from duologue.brief import Brief
from duologue.service.limits import Limits
from duologue.service.router import Router
from duologue.service.settings import Settings
from duologue.units import Sound
from duologue.wire.client import Client
from duologue.wire.connection import Connection

HERE = Path(__file__).parent


@dataclass
class Server:
    """A running server, seen from inside."""

    connection: Connection
    router: Router
    thread: threading.Thread
    stopping: threading.Event

    def worker_pid(self) -> int:
        process = self.router.pool.workers[0].process
        assert process is not None
        return process.pid

    def signal_worker(self, what: signal.Signals) -> None:
        os.kill(self.worker_pid(), what)

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(20)
        assert not self.thread.is_alive()
        self.router.close()


Start = Callable[..., Server]


@pytest.fixture(scope="session", autouse=True)
def environment() -> Iterator[None]:
    """Workers find this folder's performances, and compute with one thread."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


def begin_server(state: Path, limits: Limits | None = None, **options: Any) -> Server:
    options = {"performance": "performances:Swaying", "devices": ("cpu",), "state": state, **options}
    router = Router(Settings(limits=limits or Limits(), **options))
    try:
        connection = router.bind()
    except BaseException:
        router.close()
        raise
    stopping = threading.Event()
    thread = threading.Thread(target=router.run, args=(stopping,), daemon=True)
    thread.start()
    return Server(connection, router, thread, stopping)


@pytest.fixture(name="begin_server", scope="session")
def begin_server_fixture() -> Start:
    """Start a server that lives longer than a test: ``begin_server(state folder, …)``; whoever starts it stops it."""
    return begin_server


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start servers of a test's own: with limits of its own, or to be mistreated. They are stopped after it."""
    servers: list[Server] = []

    def begin(limits: Limits | None = None, **options: Any) -> Server:
        servers.append(begin_server(tmp_path / "state", limits, **options))
        return servers[-1]

    yield begin
    for server in servers:
        if server.thread.is_alive():
            server.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that tests share when they do it no harm."""
    shared = begin_server(tmp_path_factory.mktemp("shared"))
    yield shared
    shared.stop()


@pytest.fixture
def connect() -> Iterator[Callable[..., Client]]:
    """Connect clients; they are closed after the test."""
    clients: list[Client] = []

    def begin(connection: Connection, **options: Any) -> Client:
        clients.append(Client.connect(connection, **options))
        return clients[-1]

    yield begin
    for client in clients:
        client.close()


def brief(*, seed: int = 1, steps: int = 2, ms: int = 0, fault: int = 1) -> Brief:
    """A brief for ``performances.Swaying``: ``ms`` is how long a step lasts, ``fault`` what goes wrong."""
    return Brief.from_json({"seed": seed, "steps": steps, "performers": {"A": {"style": ms}, "B": {"style": fault}}})


def speech(seconds: float = 6.0, rate: int = 16_000) -> tuple[Sound, Sound]:
    """Two tracks of noise: ``seconds`` * 30 frames, a window each second."""
    random = np.random.default_rng(7)
    a, b = (random.normal(scale=0.1, size=int(seconds * rate)).astype(np.float32) for _ in range(2))
    return Sound(a, rate), Sound(b, rate)
