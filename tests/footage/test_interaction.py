"""A touch from a take to pictures, small: what is written, what is gone on with, what is made again, what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.evaluation.contact.standing import standing_take
from duologue.footage.asked import parse_touch
from duologue.footage.interaction import Asked, interact, plan
from duologue.footage.pictures import PictureFolder, make_pictures, region_of
from duologue.interactions.track import InteractionTrack, Touch
from duologue.passes import png
from duologue.passes.contract import EYE, HAIR, HAND, HEAD, PARTS
from duologue.passes.options import Span
from duologue.passes.sources import StoredPasses
from duologue.shots.touch import events_of
from duologue.take import Take
from duologue.video.backends import Pictures, Wish, open_backend

PATTERN = "stroke-cheek"


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("take") / "take.safetensors"
    standing_take(PATTERN).save(path)
    return path


def run(take: Path, out: Path, should_stop: Callable[[], bool] = lambda: False, **changes: Any) -> dict[str, Any]:
    asked = Asked(out, (parse_touch("A stroke cheek of B 1.8-2.6"),), size=(64, 64), frames="49:73:6")
    asked = replace(asked, **changes)
    return interact(plan(Take.load(take), take.parent, asked), asked, lambda *_: None, should_stop)


@pytest.fixture(scope="module")
def made(take: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("interaction")
    return out, run(take, out)


def test_what_is_written(made: tuple[Path, dict[str, Any]]) -> None:
    out, report = made
    assert report["complete"]
    assert report["frames"] == {"first": 49, "last": 73, "step": 6, "count": 5, "made": 5}
    assert set(report["files"]) >= {"frames", "passes", "interactions.safetensors", "settings.json", "report.json"}
    assert report["fps"] == 5
    assert report["touches"][0]["short_mm"] < 5
    assert json.loads((out / "report.json").read_text())["digest"] == report["digest"]
    track = InteractionTrack.load(out / "interactions.safetensors")
    assert track.touches[0].pattern == PATTERN
    pictures = [png.read(out / "frames" / f"{k:04}.png") for k in range(1, 6)]
    relit = StoredPasses.open(out / "passes").read("relit", 0, 5)
    assert np.array_equal(np.stack(pictures), relit)


def test_an_odd_size(take: Path, tmp_path: Path) -> None:
    """Pictures have it to the pixel; the video, whose colours are 2 x 2 pixels, one more."""
    av = pytest.importorskip("av")
    report = run(take, tmp_path, size=(67, 49))
    assert report["size"] == [67, 49]
    assert png.read(tmp_path / "frames" / "0001.png").shape == (49, 67, 3)
    for name, size in (("interaction.mp4", (68, 50)), ("passes/comfy/control_depth.mp4", (80, 64))):
        with av.open(str(tmp_path / name)) as file:
            assert (file.streams.video[0].width, file.streams.video[0].height) == size
            assert len(list(file.decode(video=0))) == 5


def test_the_hand_is_on_the_cheek_in_the_picture(made: tuple[Path, dict[str, Any]]) -> None:
    """Both are in sight, and while it lasts the hand is seen to touch: by the passes, which are exact."""
    out, _ = made
    passes = StoredPasses.open(out / "passes")
    part, contact = passes.read("part", 0, 5), passes.read("contact", 0, 5)
    for value in (len(PARTS) + HAND, 2 * len(PARTS) + HEAD):
        assert (part[2:] == value).sum() > 60
    near = (contact[..., 0] > 150).sum(axis=(1, 2))
    assert near[0] == 0
    assert near[1:].min() > 0
    assert passes.read("pose", 0, 5).any(axis=-1).sum() > 100
    shown = np.isin(part[2:], (len(PARTS) + HAND, 2 * len(PARTS) + HEAD, 2 * len(PARTS) + HAIR))
    rows, columns = (np.flatnonzero(shown.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    assert max(np.ptp(rows), np.ptp(columns)) > 0.8 * part.shape[1]  # head and hand fill the picture


def test_the_same_again_is_there_and_other_settings_are_refused(take: Path, made: tuple[Path, dict[str, Any]]) -> None:
    out, report = made
    before = (out / "frames" / "0003.png").stat().st_mtime_ns
    assert run(take, out)["digest"] == report["digest"]
    assert (out / "frames" / "0003.png").stat().st_mtime_ns == before
    with pytest.raises(DuologueError) as error:
        run(take, out, seed=1)
    assert error.value.reason == "pictures-there"
    assert "seed" in error.value.message
    assert run(take, out, passes_only=True)["complete"]


def test_stopped_and_gone_on_with(take: Path, tmp_path: Path, made: tuple[Path, dict[str, Any]]) -> None:
    asked = iter(range(100))
    stopped = run(take, tmp_path, should_stop=lambda: next(asked) >= 2)
    assert not stopped["complete"]
    assert len(list((tmp_path / "passes" / "part").iterdir())) == 2
    whole = run(take, tmp_path)
    assert whole["complete"]
    assert whole["digest"] == made[1]["digest"]


class Drawn:
    """A backend whose pictures are numbers: a chunk of two at a time, each made of the one before."""

    def __init__(self, backend: Any, step: int) -> None:
        self._inner, self._step = backend, step

    def generate(
        self, passes: Any, references: Any, events: Any, wish: Wish, should_stop: Any, *, since: Any = None
    ) -> Any:
        start = 0 if since is None else since.stop
        value = wish.seed if since is None else int(since.left["value"][0])
        while start < passes.frames:
            if should_stop():
                return
            count = min(2, passes.frames - start)
            value = value * 31 % 251 + self._step
            rgb = np.full((count, 64, 64, 3), value % 256, np.uint8)
            rgb = rgb if wish.region is None else wish.region.put(passes, start, rgb)
            yield Pictures(start, rgb, {"value": np.array([value])})
            start += count


def pictures_of(root: Path, out: Path, wish: Wish, region: str = "", stop_at: int = 99) -> tuple[int, PictureFolder]:
    """Make pictures of the clip in ``out`` into ``root`` with a backend that has a state."""
    passes = StoredPasses.open(out / "passes")
    settings = {"clip": "one", "seed": wish.seed}
    target = PictureFolder(root, settings, passes.frames, region)
    polls = iter(range(99))
    backend: Any = Drawn(open_backend("carried"), 1)
    asked = replace(wish, region=region_of(target))
    done = make_pictures(
        backend, target, passes, ({}, ()), asked, tell=lambda *_: None, should_stop=lambda: next(polls) >= stop_at
    )
    target.finish(done, 5.0)
    return done, target


def test_a_state_is_taken_up(made: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    whole = pictures_of(tmp_path / "whole", made[0], Wish(seed=3))[1].pictures.digest(5)
    done, _ = pictures_of(tmp_path / "cut", made[0], Wish(seed=3), stop_at=1)
    assert done == 2
    settings = json.loads((tmp_path / "cut" / "settings.json").read_text())
    assert (settings["complete"], settings["made"]) == (False, 2)
    (tmp_path / "cut" / "frames" / "0003.png").write_bytes(b"half a picture of a worker that was killed")
    done, target = pictures_of(tmp_path / "cut", made[0], Wish(seed=3))
    assert done == 5
    assert target.pictures.digest(5) == whole


@pytest.mark.parametrize(("region", "kinds"), [("hand", (HAND,)), ("face", (HEAD, EYE))])
def test_a_region_again(made: tuple[Path, dict[str, Any]], tmp_path: Path, region: str, kinds: tuple[int, ...]) -> None:
    """All other pixels bit for bit, also when it is stopped; what was there is kept in ``before``."""
    pictures_of(tmp_path, made[0], Wish(seed=3))
    old = np.stack([png.read(tmp_path / "frames" / f"{k:04}.png") for k in range(1, 6)])
    part = StoredPasses.open(made[0] / "passes").read("part", 0, 5)
    inside = np.isin(part % len(PARTS), kinds) & (part >= len(PARTS))
    done, _ = pictures_of(tmp_path, made[0], Wish(seed=4), region, stop_at=1)
    half = np.stack([png.read(tmp_path / "frames" / f"{k:04}.png") for k in range(1, 6)])
    assert done == 2
    assert np.array_equal(half[2:], old[2:])
    assert pictures_of(tmp_path, made[0], Wish(seed=4), region)[0] == 5
    new = np.stack([png.read(tmp_path / "frames" / f"{k:04}.png") for k in range(1, 6)])
    assert np.array_equal(new[~inside], old[~inside])
    assert (new[inside] != old[inside]).all(axis=-1).mean() > 0.9
    assert np.array_equal(png.read(tmp_path / "before" / "0001.png"), old[0])


def test_a_region_of_nothing(made: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    for region, reason in (("hand", "pictures-missing"), ("hands", "unknown-label")):
        with pytest.raises(DuologueError) as error:
            pictures_of(tmp_path, made[0], Wish(), region)
        assert error.value.reason == reason


def test_events_in_frames_of_the_clip() -> None:
    touch = Touch({}, PATTERN, "A", "B", "left", "left", 1.0, 1.6, 2.4, 3.0)
    (event,) = events_of([touch], Span(31, 95, 2), 30)
    assert (event.begins, event.ends) == (9.0, 21.0)
    assert not events_of([touch], Span(1, 17), 30)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"added": (parse_touch("A poke nose 4.7-4.9"),)}, "interaction-too-long"),
        ({"added": (parse_touch("A poke nose 2-2.1"),)}, "interaction-too-short"),
        (
            {"added": (parse_touch("A poke nose 1-2 left"), parse_touch("A poke chin 1.5-2.5 left"))},
            "interactions-overlap",
        ),
        ({"preset": "quick"}, "unknown-label"),
        ({"backend": "wan"}, "unknown-label"),
        ({"backend": "wan-vace"}, "weights-missing"),
        ({"mode": "render"}, "unknown-label"),
    ],
)
def test_bad_input_is_told_before_anything_is_written(
    take: Path, tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(DuologueError) as error:
        run(take, tmp_path / "out", **changes)
    assert error.value.reason == reason
    assert not (tmp_path / "out").exists()


def test_on_the_command_line(take: Path, tmp_path: Path) -> None:
    def typed(*more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "duologue", "interact", *more, "--out", str(tmp_path / "out")]
        environment = {**os.environ, "COLUMNS": "200"}
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)

    for arguments, code, says in (
        ((str(take), "--size", "10"), 2, "(size-unsupported)"),
        ((str(tmp_path / "no.safetensors"),), 3, "no.safetensors"),
        ((str(take), "--add", "A kiss cheek of B 1-2"), 2, "(unknown-label)"),
        ((str(take), "--backend", "wan-lora"), 3, "(weights-missing)"),
    ):
        ended = typed(*arguments)
        assert (ended.returncode, says in ended.stderr) == (code, True), ended.stderr
    assert not (tmp_path / "out").exists()
