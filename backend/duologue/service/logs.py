"""The server's log: one JSON object a line on standard error. At INFO it holds no label, no text of a brief and no audio.

Nobody waits for it: a thread of its own writes. What it can't keep up with (standard error is a pipe that nobody reads) is
dropped and counted, and of an event that comes in a flood a few lines a second are written.
"""

from __future__ import annotations

import atexit
import json
import logging
import queue
import sys
import threading
import time
from typing import Final, TextIO

from duologue.errors import DuologueError

MOST_WAITING: Final = 1000
"""Lines between the server and the thread that writes them."""
MOST_A_SECOND: Final = 20
"""Lines of one event; warnings and errors as well."""
CLOSE_SECONDS: Final = 1.0
"""That the last lines may take when the process ends."""


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line.update(getattr(record, "facts", {}))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class _RateLimit(logging.Filter):
    """Lets through ``MOST_A_SECOND`` lines of each event; the first of the next second says how many there were besides."""

    def __init__(self) -> None:
        super().__init__()
        self._events: dict[str, tuple[int, int]] = {}
        """The second that an event was last seen in, and how often in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        second = int(record.created)
        last, count = self._events.get(str(record.msg), (second, 0))
        if last != second:
            if count > MOST_A_SECOND:
                record.facts = {**getattr(record, "facts", {}), "suppressed": count - MOST_A_SECOND}
            count = 0
        self._events[str(record.msg)] = second, count + 1
        return count < MOST_A_SECOND


class _Writer(logging.Handler):
    """Hands lines to a thread that writes them; drops them when it has too many."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._lines: queue.Queue[str] = queue.Queue(MOST_WAITING)
        self._dropped = 0
        self._written = threading.Condition()
        threading.Thread(target=self._write, name="duologue-log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            self._dropped += 1

    def _write(self) -> None:
        while True:
            line = self._lines.get()
            dropped, self._dropped = self._dropped, 0
            try:
                if dropped:
                    self._stream.write(json.dumps({"event": "lines dropped", "count": dropped}) + "\n")
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                pass  # nobody reads it any more
            with self._written:
                self._lines.task_done()
                self._written.notify_all()

    def flush(self) -> None:
        """Wait until all is written, for ``CLOSE_SECONDS`` at the most."""
        with self._written:
            self._written.wait_for(lambda: not self._lines.unfinished_tasks, CLOSE_SECONDS)


def to_stderr(level: int = logging.INFO) -> None:
    """Send the log of this process to standard error."""
    handler = _Writer(sys.stderr)
    handler.setFormatter(_JsonLines())
    handler.addFilter(_RateLimit())
    atexit.register(handler.flush)
    logger = logging.getLogger("duologue")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False


def flush() -> None:
    """Wait until the log is written; for a process that ends without Python's own ending."""
    for handler in logging.getLogger("duologue").handlers:
        handler.flush()


def facts(**values: object) -> dict[str, dict[str, object]]:
    """Return the ``extra`` of a log call: ``log.info("job done", extra=facts(job=job.id))``."""
    return {"facts": values}


def error_facts(error: DuologueError) -> dict[str, dict[str, object]]:
    """Return a named error as a log call's ``extra``. ``wire.local`` reads it from the log of a server that did not start."""
    return facts(error={"code": error.code, "reason": error.reason, "field": error.field, "message": error.message})
