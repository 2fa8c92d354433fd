"""What the server remembers of its jobs across restarts: one SQLite table, small rows, no audio and no motion.

A job that was under way when the server ended is ``retryable``: opened again with its key, it is performed again, which gives the
same take. ``windows`` and ``output`` of a job that was done let the server notice when it does not.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from duologue.errors import DuologueError

KEEP_DAYS = 30
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
        """Open or make the file, and mark what an earlier server left unfinished.

        Raises:
            DuologueError: FAILED_PRECONDITION ``journal`` when the file can't be opened.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
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
        except (OSError, sqlite3.Error) as error:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "journal",
                f"{path} can't be used ({error}); make its folder writable, or choose another with --state",
            ) from error

    def find(self, user: str, key: str) -> Entry | None:
        """Return what is known of a job."""
        row = self._table.execute(
            "SELECT job, state, params, windows, output FROM jobs WHERE user = ? AND key = ?", (user, key)
        ).fetchone()
        return Entry(*row) if row else None

    def begin(self, user: str, key: str, job: str, params: str) -> None:
        """Note a new job, in place of an earlier one with its key. What that one gave stays, to be compared with."""
        now = time.time()
        self._table.execute(
            "INSERT INTO jobs VALUES (?, ?, ?, 'uploading', ?, 0, '', 0, ?, ?) ON CONFLICT (user, key) DO UPDATE SET "
            "job = excluded.job, state = excluded.state, params = excluded.params, updated = excluded.updated",
            (user, key, job, params, now, now),
        )

    def change(self, job: str, state: str) -> None:
        """Note a job's new state; ``running`` counts as an attempt."""
        self._table.execute(
            "UPDATE jobs SET state = ?, attempts = attempts + ?, updated = ? WHERE job = ?",
            (state, state == "running", time.time(), job),
        )

    def finish(self, job: str, windows: int, output: str) -> None:
        """Note that a job is done, and what it gave."""
        self._table.execute(
            "UPDATE jobs SET state = 'done', windows = ?, output = ?, updated = ? WHERE job = ?",
            (windows, output, time.time(), job),
        )

    def close(self) -> None:
        """Close the file."""
        self._table.close()
