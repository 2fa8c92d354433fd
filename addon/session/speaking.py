# SPDX-License-Identifier: GPL-3.0-or-later
"""Scratch voices speak a script in a process of their own: Blender goes on, and hears when they are done."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import bpy
from bpy.app.handlers import persistent
from duologue.errors import DuologueError
from duologue.wire.local import environment_without_here

from . import redrawing

_PROGRESS = re.compile(r"speaking: (\d+) of (\d+)")
_ERROR = re.compile(r"Error \(([\w-]+)\): (.*)")
_TICK: Final = 0.2
_NO_CONSOLE: Final = subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0


class Speaking:
    """One script at a time. ``message``: why the last one failed, for the panel."""

    def __init__(self) -> None:
        self.message = ""
        self.fraction = 0.0
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._lines = deque[str](maxlen=40)
        self._done: Callable[[], None] = lambda: None

    @property
    def busy(self) -> bool:
        """Whether a script is being spoken."""
        return self._process is not None

    def start(self, python: str, arguments: Sequence[str], done: Callable[[], None]) -> None:
        """Run ``duologue speak`` with arguments; ``done`` is called in Blender's own thread when all is written.

        Raises:
            DuologueError: FAILED_PRECONDITION ``python-missing``: it can't be started.
        """
        self.message, self.fraction, self._done = "", 0.0, done
        self._lines.clear()
        command = [python, "-P", "-m", "duologue", "speak", *arguments]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=environment_without_here({**os.environ, "COLUMNS": "10000", "NO_COLOR": "1"}),
                creationflags=_NO_CONSOLE,
            )
        except OSError as error:
            raise DuologueError("FAILED_PRECONDITION", "python-missing", f"{python} can't be run: {error}") from error
        self._reader = threading.Thread(target=self._read, args=(self._process,), name="duologue-speak", daemon=True)
        self._reader.start()
        bpy.app.handlers.load_pre.append(_before_load)
        if not bpy.app.background:
            bpy.app.timers.register(_tick, first_interval=_TICK, persistent=True)

    def wait(self, seconds: float) -> None:
        """Wait until it is spoken: without a window no timer fires.

        Raises:
            DuologueError: DEADLINE_EXCEEDED ``script-slow``; why it failed.
        """
        until = time.monotonic() + seconds
        while self._process is not None and self._process.poll() is None:
            if time.monotonic() > until:
                self.cancel()
                raise DuologueError("DEADLINE_EXCEEDED", "script-slow", f"the script was not spoken in {seconds:.0f} s")
            time.sleep(0.05)
        self._end()
        if self.message:
            raise DuologueError("FAILED_PRECONDITION", "script-unspoken", self.message)

    def cancel(self) -> None:
        """Stop speaking; nothing of it is laid into the scene. May be called when nobody speaks."""
        process, self._process = self._process, None
        _forget()
        if process is not None and process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
        if process is not None and process.poll() is None:
            process.kill()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            if match := _PROGRESS.match(line):
                self.fraction = int(match[1]) / max(int(match[2]), 1)
            elif line.strip():
                self._lines.append(line.strip())

    def tick(self) -> float | None:
        """Look after it from Blender's timer: return in how many seconds again, None when it is over."""
        if self._process is None:
            return None
        redrawing.everything()
        if self._process.poll() is None:
            return _TICK
        self._end()
        return None

    def _end(self) -> None:
        process, self._process = self._process, None
        _forget()
        if process is None:
            return
        if self._reader is not None:
            self._reader.join(5)
        if process.returncode:
            named = next((match for line in self._lines if (match := _ERROR.search(line))), None)
            self.message = (
                named[2] if named else " / ".join(list(self._lines)[-3:]) or f"exit code {process.returncode}"
            )
            return
        try:
            self._done()
        except DuologueError as error:
            self.message = str(error)
        except (OSError, ValueError) as error:
            self.message = f"what was spoken can't be read: {error}; speak the script again"


speaking = Speaking()


def _tick() -> float | None:
    return speaking.tick()


@persistent
def _before_load(*_: object) -> None:
    """Another file is opened: what is being spoken has no place there."""
    speaking.cancel()


def _forget() -> None:
    """Listen to loading no longer. The timer ends by itself when nobody speaks."""
    while _before_load in bpy.app.handlers.load_pre:
        bpy.app.handlers.load_pre.remove(_before_load)


def unregister() -> None:
    """Stop speaking, and the timer: one that is still registered at exit hangs Blender 4.5."""
    speaking.cancel()
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
