"""Tasks on a Ray cluster: machines that have Duologue installed and see the same folders under the same paths.

Ray starts a task of a machine that died again on another. Tasks come to the same when they are done twice, and files are
replaced whole, so nothing is lost and nothing is there twice.
"""

from __future__ import annotations

import os
import socket
import sys
import time
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

from duologue import __version__
from duologue.errors import DuologueError

T = TypeVar("T")
R = TypeVar("R")

_RETRIES: Final = 5
"""How often a task's machine may die before the task is blamed."""
_AHEAD: Final = 3
"""Tasks that are sent for each that the cluster has room for: nobody waits while a slow one is waited for."""
_GLANCE: Final = 10.0
"""Seconds between two looks at how large the cluster is: it may grow."""
_PATIENCE: Final = 5.0
"""Seconds in which an address must answer."""
_EVERYWHERE: Final = ("auto", "local")


@contextmanager
def connected(address: str, *, at_once: int | None = None, cpus: float = 1, gpus: float = 0) -> Generator[RayCluster]:
    """Yield a cluster, and leave it in the end: that also ends what is under way.

    Args:
        address: ``auto`` for the one that this machine is part of; ``HOST:PORT``, of its head, on a machine that is part of it;
            ``ray://HOST:PORT`` from elsewhere; ``local`` for one of this machine alone, which is started and stopped.
        at_once: how many tasks are under way at most; by default as many as there is room for.
        cpus: processors that each task occupies.
        gpus: GPUs, or parts of one, that each task occupies.

    Raises:
        DuologueError: FAILED_PRECONDITION ``cluster-missing`` where Ray isn't installed, ``cluster-too-small`` where no machine
            has room for a task; UNAVAILABLE ``cluster-unreachable``.
    """
    ray = _ray()
    if address not in _EVERYWHERE:
        _knock(address)
    alone: dict[str, Any] = {"include_dashboard": False} if address == "local" else {}
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False, **alone)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise _unreachable(address, str(error)) from error
    try:
        with redirect_stdout(sys.stderr):  # where Ray tells of machines that died: standard output is a command's own
            yield RayCluster(ray, at_once, cpus, gpus)
    finally:
        ray.shutdown()


class RayCluster:
    """An executor of a cluster that is connected to."""

    def __init__(self, ray: Any, at_once: int | None, cpus: float, gpus: float) -> None:
        self._ray, self._at_once, self._cpus, self._gpus = ray, at_once, cpus, gpus
        self._room, self._looked = 0, 0.0
        self._look()
        if not self._room:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "cluster-too-small",
                f"no machine of the cluster has the {cpus:g} CPUs and {gpus:g} GPUs that each task is to have; ask for less.",
                field="--cluster",
            )

    def map(self, work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """See ``Executor.map``."""
        ray, rest = self._ray, iter(tasks)
        run = ray.remote(_run).options(num_cpus=self._cpus, num_gpus=self._gpus, max_retries=_RETRIES)
        there = _There(uuid.uuid4().hex, __version__, str(Path.cwd()))
        # In a list, else Ray would unpack it for every task; a process unpacks it once.
        place = [ray.put(work)]
        waiting: deque[Any] = deque()
        while True:
            self._look()
            waiting.extend(run.remote(there, place, task) for task in islice(rest, self._many() - len(waiting)))
            if not waiting:
                return
            yield self._result(waiting.popleft())  # those left behind at an error end with the connection

    def _many(self) -> int:
        return _AHEAD * self._room if self._at_once is None else self._at_once

    def _look(self) -> None:
        """Count how many tasks the machines that live have room for."""
        if time.monotonic() - self._looked < _GLANCE and self._room:
            return
        wanted = {"CPU": self._cpus, "GPU": self._gpus}
        machines = [machine["Resources"] for machine in self._ray.nodes() if machine["Alive"]]
        room = sum(
            min(int(has.get(name, 0) // amount) for name, amount in wanted.items() if amount > 0) for has in machines
        )
        # While a machine that died is waited for there may be none: then things stay as they were.
        self._room, self._looked = room or self._room, time.monotonic()

    def _result(self, under_way: Any) -> Any:
        errors = self._ray.exceptions
        try:
            done, result = self._ray.get(under_way)
        except errors.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, errors.RayError | ImportError):
                raise _differs(f"can't load what is to be done ({str(cause).partition(chr(10))[0]})") from error
            raise cause from error
        except errors.RayError as error:
            raise DuologueError(
                "UNAVAILABLE",
                "cluster-lost",
                f"a task's machine died {_RETRIES + 1} times, or the cluster did ({type(error).__name__}); see what the machines "
                "say, memory above all, and run the same command again: what is done stays done.",
                retryable=True,
            ) from error
        if not done:
            raise result
        return result


@dataclass(frozen=True)
class _There:
    """What a machine must know to do a task as it would be done here."""

    key: str
    version: str
    folder: str
    """Ours, which relative paths are relative to."""


_work: dict[str, Callable[[Any], Any]] = {}
"""What this process does, by the ``key`` of a ``map``: the last one."""


def _run(there: _There, place: list[Any], task: Any) -> tuple[bool, Any]:
    """Do a task, in a process of the cluster; return whether it went well, and its result or the named error."""
    if there.version != __version__:
        return False, _differs(f"has Duologue {__version__}, this one {there.version}")
    if there.key not in _work:
        import ray

        with suppress(OSError):  # absolute paths don't need it
            os.chdir(there.folder)
        _work.clear()
        _work[there.key] = ray.get(place[0])
    try:
        return True, _work[there.key](task)
    except DuologueError as error:
        return False, error


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")  # else it goes on printing when it is left
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "cluster-missing",
            "a cluster needs Ray, here and on each of its machines: pip install 'duologue[cluster]'.",
            field="--cluster",
        ) from error
    return ray


def _knock(address: str) -> None:
    """See that somebody listens: Ray itself would wait for a minute, and then end this process."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), _PATIENCE).close()
    except (OSError, ValueError, OverflowError) as error:
        raise _unreachable(address, str(error)) from error


def _unreachable(address: str, why: str) -> DuologueError:
    return DuologueError(
        "UNAVAILABLE",
        "cluster-unreachable",
        f"no Ray cluster is reached at {address} ({why}); start one with `ray start --head`; that prints its HOST:PORT.",
        field="--cluster",
        retryable=True,
    )


def _differs(what: str) -> DuologueError:
    return DuologueError(
        "FAILED_PRECONDITION",
        "cluster-differs",
        f"{socket.gethostname()} or another machine of the cluster {what}; install the same Duologue on all of them.",
        field="--cluster",
    )
