"""The connection file: where a server is, and the keys that open it.

A server on this machine writes one when it starts, readable by its user alone, because any local user can reach a loopback port.
For a server on another machine ``duologue serve --new-client NAME`` makes one to carry over.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast

from duologue.errors import DuologueError
from duologue.files.atomic import write_error
from duologue.files.reading import read_bytes

_MAX_FILE = 64_000
_Z85 = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#")
"""What a key is written in (https://rfc.zeromq.org/spec/32)."""


@dataclass(frozen=True)
class Connection:
    """How to reach a server. Keys are ZeroMQ's Z85 text of 40 characters."""

    endpoint: str
    """``tcp://host:port``"""
    server_key: str
    client_public: str
    client_secret: str
    protocol: str = "DUO/1"
    version: str = ""
    pid: int = 0
    """The server's process, when it is on this machine."""
    instance: str = ""

    def __repr__(self) -> str:
        return f"Connection({self.endpoint!r})"  # never the secret key

    @classmethod
    def load(cls, path: Path | str) -> Connection:
        """Read a connection file.

        Raises:
            DuologueError: NOT_FOUND ``connection-missing``; PERMISSION_DENIED ``connection-exposed`` (others may read it);
                DATA_LOSS ``connection-malformed``.
        """
        path = Path(path)
        try:
            mode = path.stat().st_mode
            text = read_bytes(path, _MAX_FILE).decode()
        except FileNotFoundError as error:
            raise DuologueError(
                "NOT_FOUND", "connection-missing", f"{path} does not exist; start a server with `duologue serve`"
            ) from error
        except (OSError, ValueError, DuologueError) as error:
            raise DuologueError(
                "DATA_LOSS",
                "connection-malformed",
                f"{path} can't be read; start the server anew or copy the file again",
            ) from error
        if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise DuologueError(
                "PERMISSION_DENIED",
                "connection-exposed",
                f"{path} holds a secret key and others may read it; run `chmod 600` on it",
            )
        try:
            return cls.parse(text)
        except DuologueError as error:
            raise DuologueError(
                "DATA_LOSS", "connection-malformed", f"{path}: {error}; start the server anew or copy the file again"
            ) from error

    @classmethod
    def parse(cls, text: str) -> Connection:
        """Read a connection file's text.

        Raises:
            DuologueError: DATA_LOSS ``connection-malformed``; the message never repeats the text, which holds a secret.
        """
        try:
            values = cast("dict[str, Any]", json.loads(text))
            known = {item.name: values[item.name] for item in fields(cls) if item.name in values}
            connection = cls(**known)
            keys = (connection.server_key, connection.client_public, connection.client_secret)
            if not all(is_key(key) for key in cast("tuple[Any, ...]", keys)):
                raise ValueError("a key is not 40 characters of Z85")
            if not cast("Any", connection.endpoint).startswith("tcp://"):
                raise ValueError("the endpoint does not start with tcp://")
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise DuologueError("DATA_LOSS", "connection-malformed", f"not a connection file ({error})") from error
        return connection

    def save(self, path: Path | str) -> None:
        """Write the file atomically with mode 0600; a missing folder is made with mode 0700.

        Raises:
            DuologueError: the folder can't be written.
        """
        write_private(Path(path), json.dumps(asdict(self), indent=2))


def is_key(text: object) -> bool:
    """Return whether something may be a CURVE key: 40 characters of Z85."""
    return isinstance(text, str) and len(text) == 40 and _Z85.issuperset(text)


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, atomically; a missing folder is made for its owner alone.

    Raises:
        DuologueError: what :func:`duologue.files.atomic.write_error` names.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", dir=path.parent)  # mkstemp makes it 0600
        temporary = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise write_error(path, error) from error


def state_folder() -> Path:
    """Return the folder for what the server remembers: XDG_STATE_HOME on Linux, the platform's own place elsewhere."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Duologue"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Duologue"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "duologue"


def default_connection_file() -> Path:
    """Return where a server on this machine writes its connection file unless told otherwise."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if sys.platform == "linux" and runtime and Path(runtime).is_dir():
        return Path(runtime) / "duologue" / "server.json"
    return state_folder() / "server.json"
