"""From a scene to pictures: windows that follow each other, what stays as it was, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from duologue.checkpoints.store import open_checkpoint
from duologue.errors import DuologueError
from duologue.evaluation.video.systems import carried, conditions_of
from duologue.video.checkpoint import VideoModel
from duologue.video.conditions import Kept, SceneWindow, VideoConditions
from duologue.video.config import VideoConfig
from duologue.video.latents import blocks
from duologue.video.pipeline import VideoPipeline
from duologue.video.scene import colours
from duologue.video.streams import MODES
from examples_video import network
from synthetic_clips import SIDE, drawn

CONFIG = VideoConfig.named("tiny")


def model(*, awake: bool = True) -> VideoModel:
    """A model with fitted bases; ``awake``: nothing of it at zero."""
    made = VideoModel.untrained(CONFIG)
    if awake:
        made.denoiser.load_state_dict(network(CONFIG).state_dict())
    for basis, name in ((made.picture, "rgb"), (made.structure, "structure")):
        basis.fit(blocks(colours(drawn(k).arrays[name])[None], begins=True).flatten(0, 3) for k in range(3))
    return made


def clip_of(frames: int) -> VideoConditions:
    """A drawn clip, played forth and back for as long as is wanted."""
    arrays = drawn(1).arrays
    order = np.abs((np.arange(frames) + 16) % 32 - 16)
    asked: list[tuple[int, int]] = []

    def scene(start: int, stop: int) -> SceneWindow:
        asked.append((start, stop))
        names = ("structure", "part", "contact", "relit", "hole")
        return SceneWindow(*(arrays[name][order[start:stop]] for name in names))

    made = replace(conditions_of(drawn(1)), frames=frames, scene=scene)
    object.__setattr__(made, "asked", asked)
    return made


def pictures(pipeline: VideoPipeline, conditions: VideoConditions, **options: object) -> np.ndarray:
    return np.concatenate([window.pictures for window in pipeline.stream(conditions, **options)])  # pyright: ignore


@pytest.mark.parametrize("mode", list(MODES))
def test_every_mode_makes_pictures(mode: str) -> None:
    made = pictures(VideoPipeline(model()), clip_of(17), mode=mode, steps=2)
    assert made.shape == (17, SIDE, SIDE, 3)
    assert np.array_equal(made[0], drawn(1).arrays["rgb"][0])


def test_windows_follow_each_other() -> None:
    """50 frames too many for one window: every frame once, in order, and the scene is asked for a window at a time."""
    clip = clip_of(53)
    windows = list(VideoPipeline(model()).stream(clip, steps=1))
    assert [w.start for w in windows] == [0, 17, 33, 49]
    assert sum(len(w.pictures) for w in windows) == 53
    assert clip.asked == [(0, 17), (13, 33), (29, 49), (45, 53)]  # pyright: ignore[reportAttributeAccessIssue]


def test_a_shared_latent_is_made_once() -> None:
    """A longer clip begins with the very frames of a shorter one: nothing is changed after it was shown."""
    pipeline = VideoPipeline(model())
    long, short = (pictures(pipeline, clip_of(frames), steps=2) for frames in (37, 17))
    assert np.array_equal(long[:17], short)


def test_the_same_seed_is_the_same_clip() -> None:
    pipeline = VideoPipeline(model())
    one, again, other = (pictures(pipeline, clip_of(25), seed=seed, steps=2) for seed in (3, 3, 4))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_less_noise_to_begin_with_is_less_of_a_difference_between_seeds() -> None:
    differences = []
    for noise in (1.0, 0.3, 0.0):
        made = model()
        made.denoiser.config = replace(CONFIG, noise=noise)
        one, other = (pictures(VideoPipeline(made), clip_of(9), seed=seed, steps=1).astype(float) for seed in (3, 4))
        differences.append(np.abs(one - other).mean())
    assert differences[0] > 1.5 * differences[1] > 0
    assert differences[2] == 0


def test_untrained_it_shows_the_carried_picture() -> None:
    """The output is read as what is known plus what the network says, which is nothing yet; detail is the carried picture's."""
    clip = drawn(1)
    made = pictures(VideoPipeline(model(awake=False)), conditions_of(clip), steps=3)
    shown = clip.arrays["hole"] == 0
    error = np.abs(made.astype(int) - carried(clip))[shown]
    assert error.max() <= 1


def test_without_a_scene_the_first_picture_is_held() -> None:
    clip = drawn(1)
    known = replace(conditions_of(clip), scene=None)
    made = pictures(VideoPipeline(model(awake=False)), known, steps=2, mode="base")
    assert np.array_equal(made[1:5], made[13:17])  # every block is the same one
    exact = np.abs(made[1].astype(float) - clip.arrays["rgb"][0]).mean()
    assert exact < 4  # but for what the latent loses


def test_no_first_picture_no_reference_one_frame() -> None:
    pipeline = VideoPipeline(model())
    bare = VideoConditions(1, (SIDE, SIDE))
    assert pictures(pipeline, bare, mode="base", steps=1).shape == (1, SIDE, SIDE, 3)
    unseen = replace(clip_of(9), first=None, crops={})
    assert pictures(pipeline, unseen, steps=1).shape == (9, SIDE, SIDE, 3)


@pytest.mark.parametrize("mode", ["render", "full"])
def test_hands_again_and_all_else_bit_for_bit(mode: str) -> None:
    """Nothing of the hand was carried here: what was is as the first picture shows it, however often it is made."""
    pipeline = VideoPipeline(model())
    plain = clip_of(25)
    given = plain.scene
    assert given is not None
    hands = given(0, 25).part == 19

    def scene(start: int, stop: int) -> SceneWindow:
        return replace(given(start, stop), hole=hands[start:stop].astype(np.uint8))

    clip = replace(plain, scene=scene)
    before = pictures(pipeline, clip, steps=2)
    kept = replace(clip, kept=lambda start, stop: Kept(before[start:stop], hands[start:stop]))
    again = pictures(pipeline, kept, seed=1, steps=2, mode=mode)
    assert np.array_equal(again[~hands], before[~hands])
    assert not np.array_equal(again[hands], before[hands])


def test_an_object_is_a_reference() -> None:
    pipeline = VideoPipeline(model())
    clip = clip_of(9)
    thing = {("thing", "face"): np.random.default_rng(0).integers(0, 255, (40, 90, 3)).astype(np.uint8)}
    plain, given = (pictures(pipeline, replace(clip, crops=clip.crops | more), steps=1) for more in ({}, thing))
    assert not np.array_equal(plain, given)


def test_guidance_pulls() -> None:
    pipeline = VideoPipeline(model())
    clip = replace(clip_of(9), pattern="poke-nose")
    plain, one, two = (
        pictures(pipeline, clip, steps=2, strengths=s)
        for s in ({}, {"pattern": 1.0}, {"pattern": 3.0, "reference": 0.0})
    )
    assert np.array_equal(plain, one)
    assert not np.array_equal(plain, two)


def test_a_stopped_stream_ends_with_the_window_before() -> None:
    polls = iter(range(100))
    windows = list(VideoPipeline(model()).stream(clip_of(53), steps=4, should_stop=lambda: next(polls) >= 6))
    assert [w.start for w in windows] == [0]


@pytest.mark.parametrize(
    ("changed", "options", "reason"),
    [
        ({"frames": 16}, {}, "frames-shape"),
        ({"frames": 0}, {}, "frames-empty"),
        ({"size": (40, 32)}, {}, "size-unsupported"),
        ({"pattern": "poke-knee"}, {}, "unknown-label"),
        ({"scene": None}, {"mode": "render"}, "passes-missing"),
        ({}, {"mode": "rendr"}, "unknown-label"),
        ({}, {"steps": 0}, "steps"),
        ({}, {"strengths": {"mood": 2.0}}, "unknown-label"),
    ],
)
def test_what_can_not_be_made_is_said_before(changed: dict, options: dict, reason: str) -> None:
    with pytest.raises(DuologueError) as error:
        next(VideoPipeline(model()).stream(replace(clip_of(17), **changed), **options))
    assert error.value.reason == reason


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    """In 16 bits: the same pictures but for a rounding here and there; a cut file, a pickle, another model's are refused."""
    mine = model()
    checkpoint = mine.save(tmp_path / "video", "video", {"steps": 0})
    assert (
        checkpoint.folder.joinpath("model.safetensors").stat().st_size
        < 2 * sum(v.numel() for v in mine.state_dict().values()) + 100_000
    )
    back = VideoPipeline.load(tmp_path / "video")
    made, again = (pictures(p, clip_of(9), steps=2).astype(int) for p in (VideoPipeline(mine), back))
    assert np.abs(made - again).mean() < 1
    weights = tmp_path / "video" / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-100])
    with pytest.raises(DuologueError, match="sha256"):
        open_checkpoint(tmp_path / "video")
    weights.write_bytes(whole)
    torch.save({}, tmp_path / "video" / "model.pt")
    other = VideoModel.untrained(replace(CONFIG, width=32))
    config = {**checkpoint.config, "network": {**checkpoint.config["network"], "width": 32}}
    with pytest.raises(DuologueError) as error:
        VideoModel.load(replace(checkpoint, config=config))
    assert error.value.reason == "checkpoint-foreign"
    assert other.config.width == 32
