# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses and keys of servers that run elsewhere: which hosts Blender may speak to, and where the keys are kept.

The keys lie in a file of their own in the extension's folder that only its user can read, never among Blender's preferences:
those are copied, synchronised and attached to bug reports.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path

import bpy
from duologue.errors import DuologueError, invalid
from duologue.wire.connection import Connection

from ..identity import preferences, user_folder
from . import environments
from .opening import ServerTarget


def keys_file() -> Path:
    """Return where address and keys are kept."""
    return user_folder() / "server.json"


def log_file() -> Path:
    """Return where a server that Blender starts writes its log."""
    return user_folder() / "server.log"


def endpoint_of(address: str) -> str:
    """Return ``tcp://host:port`` of what a user has typed.

    Raises:
        DuologueError: INVALID_ARGUMENT ``endpoint``.
    """
    host, colon, port = address.strip().removeprefix("tcp://").rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536) or set(host) & set(" /@"):
        raise invalid("endpoint", f"{address!r} is no address; write it as host:port, for example render-1:5555")
    return f"tcp://{host}:{port}"


def is_this_computer(endpoint: str) -> bool:
    """Return whether an endpoint leads nowhere but to this computer."""
    host = endpoint.removeprefix("tcp://").rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_online(endpoint: str) -> None:
    """Let this computer pass always, and others where Blender may go online.

    Raises:
        DuologueError: PERMISSION_DENIED ``offline``.
    """
    if not is_this_computer(endpoint) and not bpy.app.online_access:
        raise DuologueError(
            "PERMISSION_DENIED",
            "offline",
            f"{endpoint} is another computer and Blender is set to stay offline: tick Allow Online Access in Preferences > "
            "System, or use a server on this computer",
        )


def load_keys(address: str) -> Connection:
    """Return the connection that was saved, with the address that stands in the preferences now.

    Raises:
        DuologueError: FAILED_PRECONDITION ``keys-missing``; ``endpoint``; what ``Connection.load`` raises.
    """
    if not keys_file().is_file():
        raise DuologueError(
            "FAILED_PRECONDITION",
            "keys-missing",
            "there are no keys for this server yet; on its computer run `duologue serve --new-client NAME`, then press Paste "
            "Connection or Enter Keys in the Duologue preferences",
        )
    saved = Connection.load(keys_file())
    return Connection(endpoint_of(address), saved.server_key, saved.client_public, saved.client_secret)


def given_path(text: str) -> str:
    """Return a path of the preferences as the operating system knows it, or nothing."""
    return bpy.path.abspath(text.strip()) if text.strip() else ""


def target() -> ServerTarget:
    """Return which server the preferences ask for.

    Raises:
        DuologueError: FAILED_PRECONDITION ``connection-file-missing``, ``keys-missing``, ``python-missing``; PERMISSION_DENIED
            ``offline``; INVALID_ARGUMENT ``endpoint``; what ``Connection.load`` raises.
    """
    chosen = preferences()
    if chosen.where == "LOCAL":
        environments.find.cache_clear()
        environment = environments.find(given_path(chosen.environment))
        return ServerTarget(python=environment.python if environment else "", log=log_file())
    known = load_keys(chosen.address) if chosen.where == "ADDRESS" else _load_file(chosen.file)
    check_online(known.endpoint)
    return ServerTarget(connection=known, file=Path(given_path(chosen.file)) if chosen.where == "FILE" else None)


def _load_file(text: str) -> Connection:
    path = given_path(text)
    if not path or not Path(path).is_file():
        raise DuologueError(
            "FAILED_PRECONDITION",
            "connection-file-missing",
            f"the connection file {path} is not there; choose it in the Duologue preferences"
            if path
            else "no connection file is chosen; choose it in the Duologue preferences",
        )
    return Connection.load(path)
