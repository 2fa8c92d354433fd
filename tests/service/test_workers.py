"""Workers die, stop, hang and will not start; clients hear of it, and the server goes on."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from duologue.errors import DuologueError
from duologue.service.limits import Limits
from duologue.take import Progress, Window
from duologue.wire.client import Client, Finished, Notice
from servers import Server, brief, speech

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def wait_for(condition, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture(scope="module")
def unbroken(server: Server) -> str:
    """The digest of the take that a worker makes which is left alone."""
    with Client.connect(server.connection) as client:
        return list(client.submit(brief(), speech()))[-1].digest


@posix
@pytest.mark.parametrize("windows", [0, 1, 3])
def test_a_killed_worker_costs_no_window(start, connect, unbroken, windows: int) -> None:
    server = start()
    client = connect(server.connection)
    events = []
    killed = 0
    for event in client.submit(brief(ms=30), speech()):
        events.append(event)
        running = any(isinstance(one, Progress) and one.stage == "body" for one in events)
        if running and sum(isinstance(one, Window) for one in events) == windows and not killed:
            killed = server.worker_pid()
            os.kill(killed, signal.SIGKILL)
    assert [event.start for event in events if isinstance(event, Window)] == [0, 30, 60, 90, 120, 150]
    assert events[-1].digest == unbroken
    assert [event.reason for event in events if isinstance(event, Notice)] == ["worker-restarted"]
    assert server.worker_pid() != killed


@posix
def test_a_worker_killed_while_idle_is_replaced(start, connect) -> None:
    server = start()
    client = connect(server.connection)
    before = server.worker_pid()
    server.signal_worker(signal.SIGKILL)
    assert isinstance(list(client.submit(brief(), speech()))[-1], Finished)
    assert server.worker_pid() != before


@posix
def test_a_stopped_worker_is_found_by_its_silence(start, connect) -> None:
    server = start(Limits(worker_silence=2.0, worker_beat=0.2))
    client = connect(server.connection)
    job = client.submit(brief(ms=30), speech())
    while not isinstance(job.next_event(30), Window):
        pass
    stopped = server.worker_pid()
    server.signal_worker(signal.SIGSTOP)
    events = list(job)
    assert isinstance(events[-1], Finished)
    assert any(isinstance(event, Notice) and "silent" in event.message for event in events)
    with pytest.raises(ProcessLookupError):  # killed, not left behind
        os.kill(stopped, 0)


def test_a_hung_performance_is_found_though_its_worker_beats(start, connect) -> None:
    client = connect(start(Limits(worker_stall=1.0, worker_beat=0.1)).connection)
    with pytest.raises(DuologueError) as failed:
        list(client.submit(brief(fault=103), speech()))
    assert (failed.value.reason, failed.value.code) == ("worker-died", "UNAVAILABLE")
    assert "hangs" in failed.value.message


def test_a_performance_that_kills_its_worker_every_time_fails_after_one_retry(start, connect) -> None:
    server = start()
    client = connect(server.connection)
    events: list = []
    with pytest.raises(DuologueError) as failed:
        events.extend(client.submit(brief(fault=104), speech()))
    assert failed.value.reason == "worker-died"
    assert failed.value.retryable
    # A killed process takes along what it had not sent yet, so the last window may be missing; never one before it, never twice.
    starts = [event.start for event in events if isinstance(event, Window)]
    assert starts
    assert starts == [0, 30][: len(starts)]
    assert isinstance(list(client.submit(brief(), speech()))[-1], Finished)  # the server goes on


def test_a_worker_that_dies_once_is_forgiven(start, connect, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("DUOLOGUE_TEST_MARKER", str(tmp_path / "died"))
    client = connect(start().connection)
    events = list(client.submit(brief(fault=107), speech()))
    assert (tmp_path / "died").exists()
    assert isinstance(events[-1], Finished)


def test_a_performance_that_does_not_listen_to_a_cancel_loses_its_worker(start, connect) -> None:
    server = start(Limits(cancel_grace=0.5, worker_beat=0.1))
    client = connect(server.connection)
    job = client.submit(brief(fault=103), speech())
    while not isinstance(event := job.next_event(30), Window) or event.start != 30:
        pass
    (worker,) = server.router.pool.workers
    wait_for(lambda: time.monotonic() - worker.moved > 1.0)  # now it hangs, and does not ask whether it should stop
    before = server.worker_pid()
    job.cancel()
    assert list(job)[-1].cancelled
    wait_for(lambda: server.router.pool.idle() is not None)
    assert server.worker_pid() != before


def test_an_error_while_loading_reaches_the_client_by_its_name(start) -> None:
    server = start(performance="performances:Broken")
    with pytest.raises(DuologueError) as failed:
        Client.connect(server.connection)
    assert (failed.value.code, failed.value.reason) == ("DATA_LOSS", "checkpoint-hash")


def test_a_performance_that_is_not_there_is_named(start) -> None:
    server = start(performance="performances:Nothing")
    with pytest.raises(DuologueError) as failed:
        Client.connect(server.connection)
    assert failed.value.reason == "performance-missing"


def test_a_worker_that_never_starts_is_given_up_after_its_restarts(start) -> None:
    server = start(Limits(worker_restarts=2), performance="performances:Crashing")
    with pytest.raises(DuologueError) as failed:
        Client.connect(server.connection)
    assert (failed.value.code, failed.value.reason) == ("UNAVAILABLE", "worker-failing")
    assert failed.value.retry_after_ms > 0
    assert server.router.pool.restarts == 3


def test_two_workers_perform_side_by_side(start, connect) -> None:
    server = start(devices=("cpu", "cpu"))
    client = connect(server.connection)
    wait_for(lambda: all(worker.ready for worker in server.router.pool.workers))
    jobs = [client.submit(brief(seed=seed, steps=10, ms=20), speech(4)) for seed in (1, 2)]
    seen = []
    while not all(job.over for job in jobs):
        seen.append(sum(worker.job is not None for worker in server.router.pool.workers))
        time.sleep(0.01)
    assert max(seen) == 2
    assert len({list(job)[-1].digest for job in jobs}) == 2
