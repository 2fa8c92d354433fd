"""Processes of this machine do what this one does, in the same order; their errors come back whole; they stop when left."""

from __future__ import annotations

import os
import pickle
import time
from functools import partial
from pathlib import Path

import pytest
from duologue.errors import DuologueError
from duologue.executors.executor import executor
from duologue.shots.perform import HaltError
from examples_work import counted, end_this_process, refuse, slow_square, tidy


@pytest.mark.parametrize("workers", [1, 3])
def test_all_is_done_once_and_in_order(tmp_path: Path, workers: int) -> None:
    with executor(workers) as who:
        done = list(who.map(partial(slow_square, tmp_path), range(4)))
    assert done == [(number * number, Path.cwd()) for number in range(4)]
    assert len(list(tmp_path.glob("*.began.*"))) == 4
    processes = {path.suffix for path in tmp_path.glob("*.began.*")}
    assert (processes == {f".{os.getpid()}"}) == (workers == 1)


def test_no_more_is_taken_than_is_under_way() -> None:
    taken: list[int] = []
    with executor(2) as who:
        results = who.map(refuse, counted(range(10, 1000), taken))
        assert next(results) == 10
    assert len(taken) < 10


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_come_back_as_they_were(workers: int) -> None:
    with executor(workers) as who:
        results = who.map(refuse, range(5))
        assert [next(results), next(results)] == [0, 1]
        with pytest.raises(DuologueError) as caught:
            next(results)
        assert (caught.value.code, caught.value.reason, str(caught.value)) == (
            "DATA_LOSS",
            "file-unreadable",
            "two: it is torn",
        )
        assert caught.value.retryable
        assert caught.value.retry_after_ms == 3
        with pytest.raises(ZeroDivisionError, match="nine"):
            list(who.map(refuse, [9]))


def test_a_halt_stays_one_between_processes() -> None:
    halt = pickle.loads(pickle.dumps(HaltError(DuologueError("UNAVAILABLE", "server-unreachable", "nobody there"))))
    assert isinstance(halt, HaltError)
    assert (halt.reason, halt.code) == ("server-unreachable", "UNAVAILABLE")


def test_a_process_that_dies_is_named() -> None:
    with executor(2) as who, pytest.raises(DuologueError) as caught:
        list(who.map(end_this_process, range(2)))
    assert (caught.value.reason, caught.value.retryable, caught.value.exit_code) == ("process-died", True, 4)


def test_left_before_its_end_what_is_under_way_tidies_up_and_nothing_new_begins(tmp_path: Path) -> None:
    with executor(2) as who:
        results = who.map(partial(tidy, tmp_path), range(8))
        assert next(results) == 0
        while not (tmp_path / "1.began").exists():
            time.sleep(0.02)
        began = time.monotonic()
        results.close()
    assert time.monotonic() - began < 30  # each would take a minute
    begun = {path.stem for path in tmp_path.glob("*.began")}
    assert begun == {path.stem for path in tmp_path.glob("*.tidied")}
    assert begun < {str(number) for number in range(8)}
