"""A server on this machine: find the one that runs, or start one and stop it afterwards.

A server started here holds the reading end of a pipe whose writing end is ours: when this process ends, however it ends, the
server reads the pipe's end and stops, and its workers after it. Nothing is left behind, not even by ``kill -9``.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import zmq

from duologue.errors import DuologueError
from duologue.wire.client import Client
from duologue.wire.connection import Connection, default_connection_file
from duologue.wire.transport import Transport

START_SECONDS = 30.0
"""How long a server may take to write its connection file; it loads no models before that."""


# Windows' word for start_new_session, and no console window.
_NEW_GROUP = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0


class LocalServer:
    """A server process that lives as long as this object (or this process, whichever ends first)."""

    def __init__(self, process: subprocess.Popen[bytes], connection: Connection, folder: Path, log: Path) -> None:
        self.connection = connection
        self.process = process
        self._folder = folder
        self._log = log

    @classmethod
    def start(
        cls,
        *,
        device: str = "auto",
        performance: str | None = None,
        python: str | Path = sys.executable,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
        timeout: float = START_SECONDS,
    ) -> LocalServer:
        """Start ``python -m duologue serve`` and wait until it can be connected to.

        Args:
            device: What the models run on: ``"cpu"``, ``"cuda:0"``, ``"auto"``.
            performance: Dotted name of the performance (``"package.module:Class"``); by default Duologue's own.
            python: The interpreter that has Duologue's backend (inside Blender this is not Blender's own).
            arguments: More arguments for ``serve``.
            environment: Variables to set for the server.
            log: File for its log, which then stays when the server is gone; by default it goes with the server.
            timeout: Seconds.

        Raises:
            DuologueError: FAILED_PRECONDITION ``python-missing``; the named error that the server ended with; UNAVAILABLE
                ``server-start``.
        """
        folder = Path(tempfile.mkdtemp(prefix="duologue-"))  # mode 0700
        file, log = folder / "server.json", log or folder / "log"
        # -P: nothing of the current folder is imported.
        command = [str(python), "-P", "-m", "duologue.service", "--connection-file", str(file), "--device", device]
        command += ["--with-parent", "--own-folder", str(folder)]
        if performance:
            command += ["--performance", performance]
        try:
            process = _spawn([*command, *arguments], log, environment or {})
        except OSError as error:
            _remove(folder)
            raise DuologueError(
                "FAILED_PRECONDITION",
                "python-missing",
                f"{python} can't be started ({error.strerror}); set the path of the Python that has Duologue",
            ) from error
        until = time.monotonic() + timeout
        try:
            while time.monotonic() < until and process.poll() is None:
                if file.exists():
                    return cls(process, Connection.load(file), folder, log)
                time.sleep(0.02)
            raise _why(process, log, timeout)
        except BaseException:
            _end(process)
            _remove(folder)
            raise

    def alive(self) -> bool:
        """Return whether the server still runs."""
        return self.process.poll() is None

    def log(self) -> str:
        """Return what the server has written to its log."""
        with contextlib.suppress(OSError):
            return self._log.read_text(errors="replace")
        return ""

    def stop(self) -> None:
        """Stop the server and its workers, and remove its files. May be called twice."""
        _end(self.process)
        _remove(self._folder)

    def __enter__(self) -> LocalServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def find_server(path: Path | None = None) -> Connection | None:
    """Return the connection of the server that runs on this machine, or None when there is none.

    A connection file whose process is gone is what a killed server leaves; it counts as none.
    """
    try:
        connection = Connection.load(path or default_connection_file())
    except DuologueError:
        return None
    if connection.pid and not process_exists(connection.pid):
        return None
    # A port alone proves nothing: another process may have got it, and the number of the process as well.
    return connection if _answers(connection) else None


def _answers(connection: Connection, seconds: float = 2.0) -> bool:
    """Return whether the very server that the connection is for listens there; its key is proven by the handshake."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    transport: Transport | None = None
    until = time.monotonic() + seconds
    try:
        transport = Transport(context, connection)
        while not transport.connected and time.monotonic() < until:
            transport.monitor.poll(50)
            transport.check()
        return transport.connected
    except DuologueError:
        return False
    finally:
        if transport is not None:
            transport.close()
        context.term()


@contextlib.contextmanager
def open_client(connection: Connection | Path | str | None = None, **start: Any) -> Generator[Client]:
    """Yield a client that is ready: of the given server, else of the one that runs here, else of one started for this block.

    ``start`` is passed to ``LocalServer.start``. Leaving the block cancels what runs and stops a server started here.

    Raises:
        DuologueError: what ``Client.connect`` and ``LocalServer.start`` raise.
    """
    target = connection
    if target is None and not start.get("performance") and find_server() is not None:
        target = default_connection_file()  # the file and not what it says: it is read again after a break
    if target is not None:
        with Client.connect(target) as client:
            yield client
        return
    with LocalServer.start(**start) as server, Client.connect(server.connection, alive=server.alive) as client:
        yield client


def environment_without_here(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a Python of ours: an empty entry of PYTHONPATH is the current folder, whatever -P says."""
    path = [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry]
    rest = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    return {**rest, "PYTHONPATH": os.pathsep.join(path)} if path else rest


def _spawn(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a server whose standard input we hold, and whose log goes to a file. Raises OSError."""
    with log.open("wb") as stderr:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=environment_without_here({**os.environ, **environment}),
            # Ctrl-C is for us: we cancel, keep what there is, and then stop the server.
            start_new_session=True,
            creationflags=_NEW_GROUP,
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()  # the server stops when it reads the pipe's end
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()  # its workers stop with it
        process.wait(10)


def _remove(folder: Path) -> None:
    for file in (*folder.glob("*"), *folder.glob(".*")):
        with contextlib.suppress(OSError):
            file.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()


def _why(process: subprocess.Popen[bytes], log: Path, timeout: float) -> DuologueError:
    """Return the named error that the server wrote as the last line of its log, else one with the log's end."""
    lines = log.read_text(errors="replace").splitlines()
    for line in reversed(lines):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            error: dict[str, Any] = json.loads(line)["error"]
            return DuologueError(error["code"], error["reason"], error["message"], field=error["field"])
    how = (
        f"ended with code {process.returncode}"
        if process.poll() is not None
        else f"was not there after {timeout:.0f} s"
    )
    tail = lines[-1] if lines else "it wrote nothing"
    return DuologueError("UNAVAILABLE", "server-start", f"the server {how}: {tail}", retryable=True)


def process_exists(pid: int) -> bool:
    """Return whether a process with this id runs."""
    if sys.platform == "win32":
        import ctypes

        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        if handle:
            ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
