"""A real Ray cluster of two nodes: one is killed half-way, nothing is lost or doubled, and all is as processes here make it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from duologue.datasets.layouts import open_data
from duologue.datasets.preparing import prepare
from duologue.datasets.synthesis.layouts.writers import write
from duologue.errors import DuologueError
from duologue.executors.executor import Needs, executor
from duologue.executors.processes import Processes
from duologue.take import Take
from duologue.wire.local import LocalServer
from examples_data import some_material
from examples_work import end_this_process, refuse, slow_square

soundfile = pytest.importorskip("soundfile")
REPOSITORY = Path(__file__).resolve().parents[2]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def duologue(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "duologue", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


def test_a_machine_is_killed_half_way(two_machines: Any, tmp_path: Path) -> None:
    def kill() -> None:
        """End the second machine in the middle of a task: the process that does it, and the machine's own."""
        while not (
            under_way := [
                int(path.suffix[1:])
                for path in tmp_path.glob("*.began.*")
                if path.read_text() == two_machines.second.node_id
                and not (tmp_path / f"{path.name.partition('.')[0]}.result").exists()
            ]
        ):
            time.sleep(0.01)
        os.kill(under_way[0], signal.SIGKILL)
        two_machines.remove_node(two_machines.second, allow_graceful=False)

    (killer := threading.Thread(target=kill, daemon=True)).start()
    with executor(cluster=two_machines.address) as who:
        done = list(who.map(partial(slow_square, tmp_path), range(24)))
        killer.join(30)
    assert done == [(number * number, Path.cwd()) for number in range(24)]
    begun = Counter(int(path.name.partition(".")[0]) for path in tmp_path.glob("*.began.*"))
    assert sorted(begun) == list(range(24))
    assert sum(begun.values()) > 24, "whatever the dead machine had begun was begun again"
    assert {path.name: path.read_text() for path in tmp_path.glob("*.result")} == {
        f"{number}.result": str(number * number) for number in range(24)
    }


def test_errors_have_their_names(two_machines: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with executor(cluster=two_machines.address) as who:
        with pytest.raises(DuologueError) as caught:
            list(who.map(refuse, range(5)))
        assert (caught.value.reason, str(caught.value)) == ("file-unreadable", "two: it is torn")
        with pytest.raises(ZeroDivisionError, match="nine"):
            list(who.map(refuse, [9]))
        with pytest.raises(DuologueError) as caught:
            list(who.map(end_this_process, [1]))
        assert (caught.value.reason, caught.value.retryable) == ("cluster-lost", True)
        monkeypatch.setattr("duologue.executors.ray_cluster.__version__", "9.9")
        with pytest.raises(DuologueError) as caught:
            list(who.map(refuse, [1]))
        assert caught.value.reason == "cluster-differs"
    with pytest.raises(DuologueError) as caught, executor(cluster=two_machines.address, needs=Needs(gpus=1)):
        pass
    assert caught.value.reason == "cluster-too-small"


def test_a_machine_without_duologue_is_named(tmp_path: Path, two_machines: Any) -> None:
    two_machines.remove_node(two_machines.second)
    (tmp_path / "duologue").mkdir()
    (tmp_path / "duologue" / "__init__.py").write_text("__version__ = '0'\n")
    before = os.environ["PYTHONPATH"]
    os.environ["PYTHONPATH"] = str(tmp_path)
    try:
        two_machines.add_node(num_cpus=1, num_gpus=1, object_store_memory=100 * 1024**2)
    finally:
        os.environ["PYTHONPATH"] = before
    with executor(cluster=two_machines.address, needs=Needs(gpus=1)) as who, pytest.raises(DuologueError) as caught:
        list(who.map(refuse, [1]))
    assert caught.value.reason == "cluster-differs"


def test_a_corpus_is_the_same_to_the_last_byte(two_machines: Any, tmp_path: Path) -> None:
    """Six shards on two nodes, of which one is killed as soon as the first shard is there; prepared again, nothing is made."""
    write("seamless", some_material(), tmp_path / "data", 24, 6.0, lambda done, of: None)
    data = open_data(tmp_path / "data")
    here, there = tmp_path / "here", tmp_path / "there"
    told: list[int] = []

    def tell(done: int, of: int) -> None:
        if not told:
            two_machines.remove_node(two_machines.second, allow_graceful=False)
        told.append(done)

    with executor(cluster=two_machines.address) as who:
        made = prepare(data, there, executor=who, tell=tell)
        assert told == [4, 8, 12, 16, 20, 24]
        assert made == prepare(data, here, executor=Processes(2))
        assert contents(there) == contents(here)
        before = {path: path.stat().st_mtime_ns for path in (there / "shards").iterdir()}
        assert prepare(data, there, executor=who) == made
        assert {path: path.stat().st_mtime_ns for path in (there / "shards").iterdir()} == before


def test_the_commands_say_and_write_the_same(two_machines: Any, tmp_path: Path) -> None:
    write("seamless", some_material(), tmp_path / "data", 3, 6.0, lambda done, of: None)
    for name, options in (("here", ()), ("there", ("--cluster", two_machines.address))):
        checked = duologue("dataset", "check", tmp_path / "data", "--json", *options)
        assert checked.returncode == 0, checked.stderr
        (tmp_path / f"{name}.json").write_text(json.dumps(json.loads(checked.stdout)))
        for verb in ("labels", "statistics"):
            ended = duologue("dataset", verb, tmp_path / "data", "--out", tmp_path / name / verb, *options)
            assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "here.json").read_text() == (tmp_path / "there.json").read_text()
    assert contents(tmp_path / "here") == contents(tmp_path / "there")
    unreached = duologue("dataset", "check", tmp_path / "data", "--cluster", "127.0.0.1:9")
    assert unreached.returncode == 4
    assert "(cluster-unreachable)" in unreached.stderr


def test_shots_are_made_on_both_machines_and_one_is_killed(two_machines: Any, tmp_path: Path) -> None:
    path = os.pathsep.join([str(REPOSITORY / "tests" / "blender"), str(REPOSITORY / "backend")])
    seconds = np.arange(16000) / 16000
    (briefs := tmp_path / "briefs").mkdir()
    for name, pitch in (("a", 120), ("b", 210)):
        soundfile.write(briefs / f"{name}.wav", 0.2 * np.sin(2 * np.pi * pitch * seconds), 16000)
    for number in range(12):
        speech = {"A": {"speech": "a.wav"}, "B": {"speech": "b.wav"}}
        (briefs / f"{number:03d}.json").write_text(json.dumps({"performers": speech, "seed": number, "steps": 3}))
    with LocalServer.start(
        performance="performances:Acting", device="cpu", environment={"PYTHONPATH": path}
    ) as running:
        running.connection.save(server := tmp_path / "server.json")
        asked = ("batch", briefs, "--server", server, "--no-scene", "--json", "--out")
        local = duologue(*asked, tmp_path / "local", "--workers", 2)
        assert local.returncode == 0, local.stderr

        def kill() -> None:
            while not (tmp_path / "there" / "002" / "report.json").exists():
                time.sleep(0.01)
            two_machines.remove_node(two_machines.second, allow_graceful=False)

        (killer := threading.Thread(target=kill)).start()
        ended = duologue(*asked, tmp_path / "there", "--cluster", two_machines.address)
        killer.join()
        again = duologue(*asked, tmp_path / "there", "--cluster", two_machines.address)
    assert ended.returncode == 0, ended.stderr
    for which, counted in ((local, "done"), (ended, "done"), (again, "skipped")):
        summary = json.loads(which.stdout)
        assert [shot["name"] for shot in summary["shots"]] == [f"{number:03d}" for number in range(12)]
        done = Counter(shot["state"] for shot in summary["shots"])
        # What the dead machine had just finished is found done by the one that makes it again.
        assert set(done) <= {counted, "skipped"}, summary
        assert done["skipped"] <= (12 if counted == "skipped" else 1)
    for number in range(12):
        mine, theirs = (Take.load(tmp_path / who / f"{number:03d}" / "take.safetensors") for who in ("local", "there"))
        assert mine.digest() == theirs.digest()
        assert set((tmp_path / "there" / f"{number:03d}").iterdir()) == {
            tmp_path / "there" / f"{number:03d}" / path.name
            for path in (tmp_path / "local" / f"{number:03d}").iterdir()
        }


def test_ray_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DuologueError) as caught, executor(cluster="auto"):
        pass
    assert caught.value.reason == "cluster-missing"
    assert "duologue[cluster]" in caught.value.message
