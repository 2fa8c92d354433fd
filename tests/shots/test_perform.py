"""A brief becomes a folder: what lies in it, what the report says, and what a Ctrl-C leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from duologue.brief import Brief, PerformerBrief, Speech
from duologue.errors import DuologueError
from duologue.motion.skeleton import Skeleton
from duologue.shots.perform import Connection, HaltError, Outputs, perform_into, request
from duologue.shots.report import REPORT, TAKE
from duologue.take import Notice, Progress, Take, Track
from duologue.take.edit import Edit
from duologue.units import Sound

SKELETON = Skeleton.builtin("duologue60")
VOICE = Sound(np.full(32_000, 0.1, np.float32), 16_000)
STILL = Track(np.zeros((60, 3)), np.zeros((60, len(SKELETON), 3)), np.zeros((60, 52)), np.ones(60, bool), np.zeros(60))
TWO_SECONDS = Take(SKELETON, (STILL, STILL))


class Client:
    """Plays two seconds of standing still in windows of half a second; ``interrupted``: a Ctrl-C after so many."""

    performance: ClassVar[dict[str, Any]] = {"skeleton": SKELETON.to_json(), "checkpoints": {"body": "b" * 64}}
    error: DuologueError | None = None

    def __init__(self, interrupted: int | None = None) -> None:
        self.interrupted = interrupted
        self.remakes: list[Any] = []

    def perform(self, brief: Brief, voices: Any, on_event: Any, *, remake: Any = None) -> Iterator[Any]:
        self.remakes.append(remake)
        on_event(Notice("worker-restarted", "the worker died once"))
        yield Progress("body", 0, 60)
        for number, window in enumerate(TWO_SECONDS.windows(15)):
            if number == self.interrupted:
                raise KeyboardInterrupt
            yield window


class Stage:
    """No decoder and no Blender: two equal voices, and a scene that is a file."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.rendered: list[Outputs] = []

    def read(self, brief: Brief) -> tuple[tuple[Sound, Sound], tuple[str, ...]]:
        return (VOICE, VOICE), ("A's track is short",)

    def client(self) -> Any:
        return self._client

    def progress(self, stage: str, done: int, total: int) -> None:
        assert (stage, done, total) == ("body", 0, 60)

    def render(self, take: Path, outputs: Outputs) -> tuple[list[str], list[str]]:
        assert Take.load(take).frames
        self.rendered.append(outputs)
        (take.parent / "scene.blend").write_bytes(b"a scene")
        return ["scene.blend"], ["no OpenGL"]


@pytest.fixture
def brief() -> Brief:
    said = PerformerBrief(Speech(sound=VOICE))
    return Brief(said, said, seed=7)


def test_the_report_names_all_that_is_there_and_where_it_comes_from(tmp_path: Path, brief: Brief) -> None:
    stage = Stage(Client())
    report = perform_into(tmp_path, request(brief, stage, Outputs(engine="eevee")), stage)
    assert report == json.loads((tmp_path / REPORT).read_text())
    assert set(report["files"]) == {path.name for path in tmp_path.iterdir()}
    assert report["notes"] == ["A's track is short", "the worker died once", "no OpenGL"]
    assert report["take"]["provenance"] == {
        "brief": brief.digest((VOICE, VOICE)), "seed": 7, "steps": 0, "checkpoints": {"body": "b" * 64}, "duologue": "0.1.0",
    }  # fmt: skip
    assert set(report["seconds"]) == {"starting", "first_window", "performing", "rendering", "all"}
    assert Take.load(tmp_path / TAKE).digest() == report["take"]["digest"] == TWO_SECONDS.digest()
    assert stage.rendered == [Outputs(engine="eevee")]


def test_without_a_scene_no_blender_is_asked(tmp_path: Path, brief: Brief) -> None:
    stage = Stage(Client())
    report = perform_into(tmp_path, request(brief, stage, Outputs(scene=False)), stage)
    assert report["files"] == [TAKE, "A.bvh", "A.csv", "A.wav", "B.bvh", "B.csv", "B.wav", REPORT]
    assert stage.rendered == []


def test_ctrl_c_keeps_the_part_that_is_there(tmp_path: Path, brief: Brief) -> None:
    stage = Stage(Client(interrupted=3))
    report = perform_into(tmp_path, request(brief, stage, Outputs(scene=False)), stage)
    assert (report["take"]["frames"], report["take"]["complete"]) == (45, False)
    assert not Take.load(tmp_path / TAKE).complete
    stage = Stage(Client(interrupted=0))
    with pytest.raises(DuologueError) as caught:
        perform_into(tmp_path / "none", request(brief, stage, Outputs()), stage)
    assert (caught.value.reason, caught.value.exit_code) == ("cancelled", 130)
    assert not (tmp_path / "none" / REPORT).exists()


def test_a_part_made_again_is_known_by_the_take_that_it_is_of(tmp_path: Path, brief: Brief) -> None:
    stage = Stage(Client())
    remake = (TWO_SECONDS, Edit(0.5, 1.0, ("B",)))
    report = perform_into(tmp_path, request(brief, stage, Outputs(scene=False), remake), stage)
    provenance = report["take"]["provenance"]
    assert (provenance["kept"], provenance["remade"]) == (TWO_SECONDS.digest(), remake[1].to_json())
    assert stage.client().remakes == [remake]


def test_a_part_of_other_speech_is_refused_before_a_server_is_asked(brief: Brief) -> None:
    client = Client()
    second = Take(SKELETON, (STILL[slice(0, 30)], STILL[slice(0, 30)]))
    for take, part, reason in ((second, Edit(), "take-length"), (TWO_SECONDS, Edit(2.0), "span-empty")):
        with pytest.raises(DuologueError) as caught:
            request(brief, Stage(client), Outputs(), (take, part))
        assert caught.value.reason == reason
    assert client.remakes == []


def test_a_connection_is_opened_when_it_is_needed_and_again_when_it_was_lost() -> None:
    opened: list[Any] = []

    @contextmanager
    def open_client() -> Iterator[Any]:
        if len(opened) == 2:
            raise DuologueError("UNAVAILABLE", "server-not-reachable", "no server", retryable=True)
        opened.append(Client())
        yield opened[-1]

    connection = Connection(open_client)
    assert opened == []
    assert connection.client() is connection.client() is opened[0]
    opened[0].error = DuologueError("UNAVAILABLE", "server-died", "gone")
    assert connection.client() is opened[1]
    connection.close()
    with pytest.raises(HaltError, match="no server") as caught:
        connection.client()
    assert (caught.value.reason, caught.value.exit_code) == ("server-not-reachable", 4)
