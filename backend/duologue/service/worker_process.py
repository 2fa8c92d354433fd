"""One device's worker as its pool knows it: the process, and what was last heard of it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from duologue.service.jobs import Job
from duologue.wire.local import environment_without_here


@dataclass(eq=False)
class WorkerProcess:
    """One device's worker."""

    kind: str
    """Of its jobs: ``jobs.PERFORM``, ``jobs.INTERACT``."""
    device: str
    process: subprocess.Popen[bytes] | None = None
    identity: str = ""
    ready: bool = False
    job: Job | None = None
    failures: int = 0
    start_at: float = 0.0
    started: float = 0.0
    beat: float = 0.0
    ticks: int = -1
    moved: float = 0.0
    stop_by: float = field(default=float("inf"))

    @property
    def state(self) -> str:
        """For people: starting, idle, busy or down."""
        if self.process is None:
            return "down"
        return "busy" if self.job else ("idle" if self.ready else "starting")

    def end(self, *, patience: float) -> None:
        """Kill it, after it has had ``patience`` seconds to end by itself."""
        if self.process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            if patience:
                self.process.wait(patience)
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()

    def start(self) -> None:
        """Start its process, which waits to be told who it is. Raises OSError where there is no room for one."""
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "duologue.service.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=environment_without_here(os.environ),
            start_new_session=True,
        )

    def tell(self, config: Mapping[str, Any]) -> None:
        """Tell a process that has been started who it is, and whom it works for."""
        assert self.process is not None
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # it died at once; the next tick sees that
            self.process.stdin.write(json.dumps(config).encode() + b"\n")
            self.process.stdin.flush()
