# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bug report needs, as text. No keys, no speech, and the user's name is masked."""

from __future__ import annotations

import platform
from pathlib import Path

import bpy
import zmq
from duologue import __version__
from duologue.errors import DuologueError

from ..identity import preferences
from . import environments, servers
from .session import session

LOG_LINES = 40


def log_exists() -> bool:
    """Return whether Blender has started a server whose log is still there. Cheap enough for a button's poll."""
    return servers.log_file().is_file()


def report() -> str:
    """Return the report."""
    chosen = preferences()
    state = session.server_state()
    lines = [
        f"Duologue {__version__} in Blender {bpy.app.version_string} ({bpy.app.build_hash.decode()})",
        f"Python {platform.python_version()}, pyzmq {zmq.__version__}, libzmq {zmq.zmq_version()}, {platform.platform()}",
        f"server: {chosen.where}, online access {'on' if bpy.app.online_access else 'off'}",
        f"environment: {_environment(chosen.environment)}",
        f"connection: {state.text}",
        f"performance: {session.state} {session.message}",
        *(f"note: {note}" for note in session.notes),
    ]
    if log_exists():
        lines += ["", f"the last {LOG_LINES} lines of {servers.log_file()}:"]
        lines += servers.log_file().read_text(errors="replace").splitlines()[-LOG_LINES:]
    return masked("\n".join(lines)) + "\n"


def masked(text: str) -> str:
    """Return the text without the user's home folder, which mostly holds their name."""
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text


def _environment(given: str) -> str:
    try:
        environment = environments.find(servers.given_path(given))
    except DuologueError as error:
        return str(error)
    if environment is None:
        return "none found"
    python, version = environment.python, environment.version or "not seen"
    return f"{python}, Duologue {version}; `{python} -m duologue doctor` says more"
