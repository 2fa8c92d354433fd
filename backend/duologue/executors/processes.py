"""Tasks in processes of this machine, or in this one."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from duologue.errors import DuologueError

T = TypeVar("T")
R = TypeVar("R")

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_AHEAD = 2
"""Tasks a process that wait for their turn."""


class Processes:
    """So many processes; with one, all is done in this very process."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def map(self, work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """See ``Executor.map``. Left before its end, it stops what is under way."""
        if self._workers <= 1:
            yield from map(work, tasks)
            return
        spawn = multiprocessing.get_context("spawn")
        before = set(multiprocessing.active_children())
        with single_threads(), ProcessPoolExecutor(self._workers, spawn, initializer=_begin, initargs=(work,)) as pool:
            rest = iter(tasks)
            waiting: deque[Future[R]] = deque(pool.submit(_run, task) for task in islice(rest, _AHEAD * self._workers))
            try:
                while waiting:
                    yield waiting.popleft().result()
                    waiting.extend(pool.submit(_run, task) for task in islice(rest, 1))
            except BrokenProcessPool as error:
                raise DuologueError(
                    "UNAVAILABLE",
                    "process-died",
                    "one of the processes was ended from outside, as happens where memory runs out; run the same command "
                    "again, with fewer --workers: what is done stays done.",
                    retryable=True,
                ) from error
            finally:
                for future in waiting:
                    future.cancel()
                if any(not future.done() for future in waiting):
                    for process in set(multiprocessing.active_children()) - before:
                        process.terminate()


_work: list[Callable[[Any], Any]] = []
"""What this process does: sent once, for it may hold a table of all that there is to do."""
_busy: list[bool] = []


def _begin(work: Callable[[Any], Any]) -> None:
    _work[:] = [work]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)


def _stop(*_: object) -> None:
    """Let the task that is under way tidy up behind itself."""
    if _busy:
        raise KeyboardInterrupt
    os._exit(130)


def _run(task: Any) -> Any:
    _busy.append(True)
    try:
        return _work[0](task)
    except KeyboardInterrupt:
        os._exit(130)  # or the pool would have this process begin the next one
    finally:
        _busy.clear()


@contextmanager
def single_threads() -> Generator[None]:
    """Let processes that start here do their algebra in one thread each: numpy reads this as it is imported."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
