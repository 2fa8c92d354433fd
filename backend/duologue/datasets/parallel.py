"""The same work on every entry of a data set, in this process or in several, in order and never more of it than is under way."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_AHEAD = 2
"""Tasks a process that wait for their turn."""


def in_order(work: Callable[[T], R], tasks: Iterable[T], workers: int = 1) -> Iterator[R]:
    """Yield ``work(task)`` of every task, in order. ``workers``: processes; with one it is done here.

    ``work`` and what it takes and gives must be picklable. What ``work`` raises is raised here.
    """
    if workers <= 1:
        yield from map(work, tasks)
        return
    spawn = multiprocessing.get_context("spawn")
    with single_threads(), ProcessPoolExecutor(workers, spawn, initializer=_begin, initargs=(work,)) as pool:
        rest = iter(tasks)
        waiting: deque[Future[R]] = deque(pool.submit(_run, task) for task in islice(rest, _AHEAD * workers))
        try:
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(_run, task) for task in islice(rest, 1))
        finally:
            for future in waiting:
                future.cancel()


_work: list[Callable[[Any], Any]] = []
"""What this process does: sent once, for it may hold a table of all that there is to do."""


def _begin(work: Callable[[Any], Any]) -> None:
    _work[:] = [work]


def _run(task: Any) -> Any:
    return _work[0](task)


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
