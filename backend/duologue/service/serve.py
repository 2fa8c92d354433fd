"""Run a server until it is told to stop; what ``duologue serve`` and ``python -m duologue.service`` both do."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from duologue.errors import DuologueError
from duologue.service import logs
from duologue.service.descriptors import raise_limit
from duologue.service.router import Router
from duologue.service.settings import Settings, parse_weights
from duologue.wire.connection import Connection, default_connection_file, state_folder
from duologue.wire.local import find_server

log = logging.getLogger("duologue.serve")


def run(
    settings: Settings, connection_file: Path, *, with_parent: bool = False, own_folder: Path | None = None
) -> None:
    """Serve until Ctrl-C, SIGTERM or (``with_parent``) the end of standard input.

    ``own_folder``: made for this server alone; removed with the server when its parent has ended, however that ended.

    Raises:
        DuologueError: the server can't start: ``port-in-use``, ``no-clients``, ``server-runs`` …
    """
    if running := find_server(connection_file):
        raise DuologueError(
            "FAILED_PRECONDITION",
            "server-runs",
            f"a server already runs here (process {running.pid}, {running.endpoint}): use that one, stop it, or give this one "
            f"another --connection-file than {connection_file}",
            field="--connection-file",
        )
    stop, orphaned = threading.Event(), threading.Event()
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop.set())
    if with_parent:
        threading.Thread(target=_watch_parent, args=(stop, orphaned), name="parent-watch", daemon=True).start()
    raise_limit()
    router = Router(settings)
    connection = None
    try:
        connection = router.bind()
        connection.save(connection_file)
        router.run(stop)
    finally:
        if connection is not None:
            remove_own(connection_file, connection.instance)
        router.close()
        if own_folder is not None and orphaned.is_set():
            shutil.rmtree(own_folder, ignore_errors=True)


def remove_own(path: Path, instance: str) -> None:
    """Remove a connection file unless another server has put its own in its place."""
    with contextlib.suppress(DuologueError, OSError):
        if Connection.load(path).instance == instance:
            path.unlink()


def _watch_parent(stop: threading.Event, orphaned: threading.Event) -> None:
    """Wait for the end of the pipe that whoever started us holds."""
    while os.read(0, 4096):
        pass
    orphaned.set()
    stop.set()


def main(arguments: Sequence[str] | None = None) -> int:
    """Start a server from a plain command line: what ``wire.local`` runs. Errors end up as the log's last line."""
    parser = argparse.ArgumentParser(prog="python -m duologue.service")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--device", action="append")
    parser.add_argument("--performance", default=Settings.performance)
    parser.add_argument("--weights", action="append", default=[])
    parser.add_argument("--connection-file", type=Path, default=None)
    parser.add_argument("--state", type=Path, default=None)
    parser.add_argument("--with-parent", action="store_true")
    parser.add_argument("--own-folder", type=Path, default=None)
    options = parser.parse_args(arguments)
    logs.to_stderr()
    file = options.connection_file or default_connection_file()
    try:
        settings = Settings(
            host=options.host,
            port=options.port,
            devices=tuple(options.device or ["auto"]),
            performance=options.performance,
            weights=parse_weights(options.weights),
            state=options.state or state_folder(),
        )
        run(settings, file, with_parent=options.with_parent, own_folder=options.own_folder)
    except DuologueError as error:
        log.error("can't serve", extra=logs.error_facts(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
