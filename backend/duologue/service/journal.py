"""What the server remembers of its jobs across restarts: one SQLite table, small rows, no audio and no motion.

A job that was under way when the server ended is ``retryable``: opened again with its key, it is performed again, which gives the
same take. ``windows`` and ``output`` of a job that was done let the server notice when it does not.

A journal that can't be written (another process has locked it, the disk is full) holds nobody up: what there is to note waits in
memory, is warned of once, and is written when the file can be had again.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from duologue.errors import DuologueError
from duologue.service import logs

log = logging.getLogger("duologue.journal")

KEEP_DAYS: Final = 30
PATIENCE: Final = 0.05
"""Seconds that a write waits for another process's lock; the whole server waits with it."""
PAUSE: Final = 1.0
"""Seconds until a journal that could not be written is tried again."""
MOST_WAITING: Final = 10_000
"""Writes that wait; then the oldest are lost."""
_UNFINISHED = ("uploading", "queued", "running")


@dataclass(frozen=True)
class Entry:
    """A job as it is remembered."""

    job: str
    state: str
    """uploading, queued, running, done, cancelled, failed, retryable"""
    params: str
    """sha256 of all that was asked for: the brief, the speech, the take and what of it is made again."""
    windows: int
    output: str
    """The digest of the windows, when done."""


class Journal:
    """The table of jobs; a row is known by its client's key and the client itself."""

    def __init__(self, path: Path) -> None:
        """Open or make the file (0600), and mark what an earlier server left unfinished.

        Raises:
            DuologueError: FAILED_PRECONDITION ``journal`` when the file can't be opened.
        """
        self._waiting: deque[tuple[str, tuple[Any, ...]]] = deque(maxlen=MOST_WAITING)
        self._retry_at = 0.0
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            path.chmod(0o600)
            self._table = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
            self._table.execute("PRAGMA journal_mode = WAL")
            self._table.execute("PRAGMA synchronous = NORMAL")
            self._table.execute(
                "CREATE TABLE IF NOT EXISTS jobs (user TEXT, key TEXT, job TEXT, state TEXT, params TEXT, windows INTEGER, "
                "output TEXT, attempts INTEGER, created REAL, updated REAL, PRIMARY KEY (user, key))"
            )
            self._table.execute(
                f"UPDATE jobs SET state = 'retryable' WHERE state IN ({', '.join('?' * len(_UNFINISHED))})", _UNFINISHED
            )
            self._table.execute("DELETE FROM jobs WHERE updated < ?", (time.time() - KEEP_DAYS * 86400,))
            self._table.execute(f"PRAGMA busy_timeout = {int(PATIENCE * 1000)}")
        except (OSError, sqlite3.Error) as error:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "journal",
                f"{path} can't be used ({error}); make its folder writable, or choose another with --state",
            ) from error

    def find(self, user: str, key: str) -> Entry | None:
        """Return what is known of a job; nothing while the journal can't be read."""
        try:
            row = self._table.execute(
                "SELECT job, state, params, windows, output FROM jobs WHERE user = ? AND key = ?", (user, key)
            ).fetchone()
        except sqlite3.Error as error:
            self._warn(error)
            return None
        return Entry(*row) if row else None

    def begin(self, user: str, key: str, job: str, params: str) -> None:
        """Note a new job, in place of an earlier one with its key. What that one gave stays, to be compared with."""
        now = time.time()
        self._write(
            "INSERT INTO jobs VALUES (?, ?, ?, 'uploading', ?, 0, '', 0, ?, ?) ON CONFLICT (user, key) DO UPDATE SET "
            "job = excluded.job, state = excluded.state, params = excluded.params, updated = excluded.updated",
            (user, key, job, params, now, now),
        )

    def change(self, job: str, state: str) -> None:
        """Note a job's new state; ``running`` counts as an attempt."""
        self._write(
            "UPDATE jobs SET state = ?, attempts = attempts + ?, updated = ? WHERE job = ?",
            (state, state == "running", time.time(), job),
        )

    def finish(self, job: str, windows: int, output: str) -> None:
        """Note that a job is done, and what it gave."""
        self._write(
            "UPDATE jobs SET state = 'done', windows = ?, output = ?, updated = ? WHERE job = ?",
            (windows, output, time.time(), job),
        )

    def _write(self, statement: str, values: tuple[Any, ...]) -> None:
        self._waiting.append((statement, values))
        self.catch_up()

    def catch_up(self) -> None:
        """Write what waits, in its order, if that can be tried again. Never fails."""
        if not self._waiting or time.monotonic() < self._retry_at:
            return
        try:
            while self._waiting:
                self._table.execute(*self._waiting[0])
                self._waiting.popleft()
        except sqlite3.Error as error:
            self._warn(error)
            return
        if self._retry_at:
            self._retry_at = 0.0
            log.info("the journal is written again")

    def _warn(self, error: sqlite3.Error) -> None:
        if not self._retry_at:
            reason = "journal-locked" if "locked" in str(error) else "journal"
            log.warning("the journal can't be used", extra=logs.facts(reason=reason, fault=str(error)))
        self._retry_at = time.monotonic() + PAUSE

    def close(self) -> None:
        """Write what can be written, and close the file."""
        self._retry_at = 0.0
        self.catch_up()
        self._table.close()
