"""The contract, and the choice between those who keep it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from duologue.executors.processes import Processes

T = TypeVar("T")
R = TypeVar("R")


class Executor(Protocol):
    """Does the same work on every task."""

    def map(self, work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """Yield ``work(task)`` of every task, in the order of the tasks, with never more of them taken than are under way.

        ``work`` and what it takes and gives must be picklable, and ``work`` a function of a module (or a ``partial`` of one).
        What it raises is raised here, and then no more is begun. On a cluster a task whose machine died is done again
        elsewhere: ``work`` must come to the same, and write the same, when it is done twice.

        Raises:
            DuologueError: UNAVAILABLE ``process-died``, ``cluster-lost``; FAILED_PRECONDITION ``cluster-differs``,
                ``cluster-too-small``.
        """
        ...


@dataclass(frozen=True)
class Needs:
    """What one task occupies of a cluster's machine."""

    cpus: float = 1
    gpus: float = 0


HERE: Executor = Processes(1)
"""This process, one task after the other."""


@contextmanager
def executor(workers: int | None = None, cluster: str | None = None, needs: Needs = Needs()) -> Generator[Executor]:
    """Yield who does the tasks: ``workers`` processes of this machine, or a Ray cluster where an address is given.

    Args:
        workers: processes, by default this one alone; of a cluster, how many tasks are under way at most, by default all that it
            has room for.
        cluster: where a Ray cluster is reached, see ``ray_cluster.connected``.
        needs: of each task, on a cluster.

    Raises:
        DuologueError: what ``ray_cluster.connected`` raises.
    """
    if cluster is None:
        yield Processes(workers or 1)
        return
    from duologue.executors.ray_cluster import connected

    with connected(cluster, at_once=workers, cpus=needs.cpus, gpus=needs.gpus) as ray:
        yield ray
