"""No window lost, none doubled, whatever happens to the connection: the take is the one that an unbroken one brings."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from duologue.errors import DuologueError
from duologue.service.auth import KeyStore
from duologue.service.limits import Limits
from duologue.service.proxy import Proxy
from duologue.take import Window
from duologue.wire.client import Client, Finished, Job
from duologue.wire.connection import Connection
from servers import Server, brief, speech


def through(server: Server, proxy: Proxy) -> Connection:
    return replace(server.connection, endpoint=f"tcp://127.0.0.1:{proxy.port}")


def port(server: Server) -> int:
    return int(server.connection.endpoint.rpartition(":")[2])


def whole(server: Server) -> Finished:
    with Client.connect(server.connection) as client:
        ending = list(client.submit(brief(seed=5), speech()))[-1]
    assert isinstance(ending, Finished)
    return ending


@pytest.fixture(scope="module")
def expected(server: Server) -> Finished:
    """What an unbroken connection brings."""
    return whole(server)


def check(events: list, expected: Finished) -> None:
    starts = [event.start for event in events if isinstance(event, Window)]
    assert starts == [0, 30, 60, 90, 120, 150]
    assert isinstance(events[-1], Finished)
    assert events[-1].digest == expected.digest


@pytest.mark.parametrize("at", range(7))
def test_cut_after_every_window(server, expected, connect, at: int) -> None:
    with Proxy(port(server)) as proxy:
        client = connect(through(server, proxy))
        job = client.submit(brief(seed=5, ms=15), speech())
        events = []
        for event in job:
            events.append(event)
            if sum(isinstance(one, Window) for one in events) == at and proxy.connections == 1:
                proxy.cut()
        check(events, expected)


# Where a connection is cut, in bytes from the server: the handshake has some 200, the welcome ends near 3,000, a window of this
# performance has 57,000. Each list is for one connection after the other.
@pytest.mark.parametrize(
    "cuts", [(3000, 3100, 3500), (20_000, 40_000), (100_000, 100_000, 100_000), (170_001, 64), (3400, 12, 150, 300_000)]
)
def test_cut_in_the_middle_of_messages_and_handshakes(server, expected, connect, cuts: tuple[int, ...]) -> None:
    with Proxy(port(server), cuts) as proxy:
        client = connect(through(server, proxy))
        check(list(client.submit(brief(seed=5, ms=5), speech())), expected)
        assert proxy.connections >= 2


def test_cut_while_speech_goes_up(start, connect) -> None:
    server = start(Limits(upload_credit=400_000))
    with Proxy(port(server), rate=2_000_000) as proxy:
        client = connect(through(server, proxy))
        job = client.submit(brief(steps=1), speech(12, 48_000))  # 4.6 MB
        for _ in range(3):
            time.sleep(0.3)
            proxy.cut()
        proxy.rate = 0.0
        windows = [event for event in job if isinstance(event, Window)]
        assert windows[-1].end == 360
        (remembered,) = server.router.registry.jobs.values()
        assert remembered.attempts == 1  # it was one job all the time


def test_slow_and_far(server, expected, connect) -> None:
    with Proxy(port(server), delay=0.01, rate=3_000_000) as proxy:
        client = connect(through(server, proxy))
        check(list(client.submit(brief(seed=5), speech())), expected)
        assert proxy.connections == 1


def test_a_connection_that_hangs_is_given_up_and_made_anew(start, connect, expected) -> None:
    server = start(Limits(heartbeat=0.3))
    with Proxy(port(server)) as proxy:
        job, events = begin(connect(through(server, proxy)))
        proxy.frozen.set()  # half open: nothing comes, nothing breaks
        until = time.monotonic() + 20
        while proxy.connections == 1 and time.monotonic() < until:
            time.sleep(0.05)
        assert proxy.connections > 1
        proxy.frozen.clear()
        check(events + list(job), expected)


def begin(client: Client) -> tuple[Job, list]:
    """Begin a slow performance and wait for its first window."""
    job = client.submit(brief(seed=5, ms=40), speech())
    events = []
    while not (events and isinstance(events[-1], Window)):
        events.append(job.next_event(30))
    return job, events


def test_the_server_started_anew_performs_the_rest(start, connect, expected, tmp_path: Path) -> None:
    # A server with clients on other machines keeps its keys, so that they come back by themselves.
    KeyStore(tmp_path / "state").new_client("anna", "tcp://127.0.0.1:1", tmp_path / "anna.json")
    server = start()
    with Proxy(port(server)) as proxy:
        anna = replace(Connection.load(tmp_path / "anna.json"), endpoint=f"tcp://127.0.0.1:{proxy.port}")
        job, events = begin(connect(anna))
        server.stop()
        proxy.target = port(start())
        check(events + list(job), expected)


def test_another_server_at_the_same_address_is_not_mistaken_for_it(start, connect) -> None:
    server = start()
    with Proxy(port(server)) as proxy:
        job, _ = begin(connect(through(server, proxy)))
        server.stop()
        proxy.target = port(start())  # the keys of a server for this machine alone are made anew at each start
        with pytest.raises(DuologueError) as lost:
            list(job)
        assert lost.value.reason == "server-key"


def test_a_server_that_is_gone_for_good_is_an_error_in_good_time(start) -> None:
    server = start()
    with Client.connect(server.connection, alive=server.thread.is_alive) as client:
        job, _ = begin(client)
        server.stop()
        begun = time.monotonic()
        with pytest.raises(DuologueError) as lost:
            list(job)
        assert lost.value.reason == "server-died"
        assert time.monotonic() - begun < 5
