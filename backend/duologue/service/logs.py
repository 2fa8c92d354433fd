"""The server's log: one JSON object a line on standard error. At INFO it holds no label, no text of a brief and no audio."""

from __future__ import annotations

import json
import logging
import sys
import time

from duologue.errors import DuologueError


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


def to_stderr(level: int = logging.INFO) -> None:
    """Send the log of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logger = logging.getLogger("duologue")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False


def facts(**values: object) -> dict[str, dict[str, object]]:
    """Return the ``extra`` of a log call: ``log.info("job done", extra=facts(job=job.id))``."""
    return {"facts": values}


def error_facts(error: DuologueError) -> dict[str, dict[str, object]]:
    """Return a named error as a log call's ``extra``. ``wire.local`` reads it from the log of a server that did not start."""
    return facts(error={"code": error.code, "reason": error.reason, "field": error.field, "message": error.message})
