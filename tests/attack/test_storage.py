"""The disk fills, the journal is locked, files come and go under the server: one job ends by its name, or none."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import sys
import time
from pathlib import Path

import pytest
from duologue.errors import DuologueError
from duologue.service.limits import Limits
from duologue.wire.client import Finished
from servers import Server, brief, speech

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


def wait_for(condition, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def state_of(server: Server, key: str) -> str:
    entry = server.router.registry._journal.find(server.connection.client_public, key)
    return entry.state if entry else ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full for one file")
def test_a_disk_that_fills_while_windows_come_ends_one_job(start, connect) -> None:
    server = start()
    client = connect(server.connection)
    doomed = client.submit(brief(ms=100), speech())
    wait_for(lambda: server.router.registry.jobs)
    (job,) = server.router.registry.jobs.values()
    (job.folder / "windows").symlink_to("/dev/full")
    with pytest.raises(DuologueError) as failed:
        list(doomed)
    assert (failed.value.code, failed.value.reason, failed.value.retryable) == ("RESOURCE_EXHAUSTED", "disk-full", True)
    assert isinstance(list(client.submit(brief(), speech()))[-1], Finished)


def test_a_journal_without_room_ends_nothing(start, connect) -> None:
    server = start()
    client = connect(server.connection)
    journal = server.router.registry._journal
    journal._table.execute("PRAGMA max_page_count = 1")  # no more than it has: as if the disk were full
    for index in range(40):
        assert isinstance(list(client.submit(brief(steps=1), speech(1), key=f"{index:0200}"))[-1], Finished)
    assert journal._waiting
    assert server.thread.is_alive()


def test_a_journal_that_another_process_has_locked_is_written_later(start, connect, tmp_path: Path) -> None:
    server = start()
    client = connect(server.connection)
    other = sqlite3.connect(tmp_path / "state" / "jobs.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert isinstance(list(client.submit(brief(), speech(), key="mine"))[-1], Finished)
    assert state_of(server, "mine") == ""
    other.execute("COMMIT")
    other.close()
    wait_for(lambda: state_of(server, "mine") == "done")


def test_what_others_leave_in_a_jobs_folder_goes_with_it(start, connect) -> None:
    server = start(Limits(keep=0.3))
    client = connect(server.connection)
    job = client.submit(brief(ms=50), speech(2))
    wait_for(lambda: server.router.registry.jobs)
    (folder,) = [job.folder for job in server.router.registry.jobs.values()]
    (folder / ".DS_Store").touch()
    (folder / ".nfs0001").mkdir()
    assert isinstance(list(job)[-1], Finished)
    wait_for(lambda: not server.router.registry.jobs)
    wait_for(lambda: not folder.exists())
    assert isinstance(list(connect(server.connection).submit(brief(), speech(1)))[-1], Finished)


def test_a_spool_that_was_removed_is_made_again(start, connect, tmp_path: Path) -> None:
    client = connect(start().connection)
    shutil.rmtree(tmp_path / "state" / "spool")
    assert isinstance(list(client.submit(brief(), speech()))[-1], Finished)


def test_windows_that_vanish_end_their_job(start, connect) -> None:
    server = start()
    client = connect(server.connection, credit=100_000)  # one window at a time: the others wait on disk
    job = client.submit(brief(), speech())
    wait_for(lambda: any(job.over for job in server.router.registry.jobs.values()))
    (kept,) = server.router.registry.jobs.values()
    (kept.folder / "windows").unlink()
    with pytest.raises(DuologueError) as failed:
        list(job)
    assert failed.value.reason == "storage"
    assert str(kept.folder) not in failed.value.message
    assert isinstance(list(client.submit(brief(), speech(1)))[-1], Finished)


@posix
def test_nobody_else_may_read_what_the_server_keeps(start, tmp_path: Path) -> None:
    (tmp_path / "state" / "spool").mkdir(parents=True, mode=0o755)
    start()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()}
    assert modes.pop("spool") == 0o700
    assert set(modes.values()) == {0o600}  # the journal and what SQLite lays beside it
