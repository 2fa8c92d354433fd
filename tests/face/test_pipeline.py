"""The pipeline as a performance uses it: windows, seams, determinism, checkpoints that fit and ones that don't."""

from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from duologue.arkit import INDEX, LOWER_FACE
from duologue.checkpoints.store import write_checkpoint
from duologue.diffusion.crossfade import windows
from duologue.errors import DuologueError
from duologue.face.checkpoint import FaceModel
from duologue.face.conditions import FaceConditions
from duologue.face.config import GUIDANCE, FaceConfig
from duologue.face.pipeline import FacePipeline
from duologue.face.sampling import FaceWindow
from duologue.facial.expression import Expression
from duologue.speech.encoder import EncoderConfig

ENCODER = EncoderConfig(16, 1, 2, 16, (8, 8), (40, 20), (20, 16), 8, 2)
TINY = FaceConfig(speech_width=16, latent=16, feedforward=24, layers=2, styles=2)
PLAIN = Expression(blinks_per_minute=0, gaze=0, brows=0, still_listener=False, seal=0, raw=True)
UNGUIDED = {"speech": 1 / GUIDANCE["speech"]}


@pytest.fixture(scope="module")
def pipeline() -> FacePipeline:
    untrained = FacePipeline(FaceModel.untrained(3, TINY, ENCODER))
    torch.manual_seed(0)
    torch.nn.init.normal_(untrained.model.denoiser.motion_out.weight, std=0.3)
    return untrained


def brief(frames: int, seed: int = 0) -> FaceConditions:
    rng = np.random.default_rng(seed)
    return FaceConditions(
        (rng.standard_normal((2, frames * 16000 // 30)) * 0.1).astype(np.float32),
        frames,
        np.array([0, 1]),
        np.full((2, frames), 3),
        lambda start, stop: np.ones((2, stop - start), bool),
    )


def joined(sampled: list[FaceWindow]) -> np.ndarray:
    """The weights one after the other; those not cut to [0, 1] where they were asked for."""
    return np.concatenate([window.weights if window.raw is None else window.raw for window in sampled], axis=1)


@pytest.mark.parametrize("frames", [1, 29, 30, 90, 91, 120, 121, 300, 1234])
def test_windows_cover_every_frame_and_start_in_phase_with_the_positions(frames: int) -> None:
    cut = list(windows(frames))
    assert cut[0][0] == 0
    assert cut[-1][1] == frames
    assert all(start % 30 == 0 for start, _ in cut)
    assert all(second[0] == first[1] - 30 for first, second in pairwise(cut))


@pytest.mark.parametrize("frames", [7, 100, 700])
def test_a_stream_is_consecutive_and_as_long_as_asked(pipeline: FacePipeline, frames: int) -> None:
    sampled = list(pipeline.stream(brief(frames), steps=2))
    assert [window.start for window in sampled] == list(np.cumsum([0, *[w.weights.shape[1] for w in sampled]])[:-1])
    weights = joined(sampled)
    assert weights.shape == (2, frames, 52)
    assert weights.dtype == np.float32
    assert weights.min() >= 0
    assert weights.max() <= 1
    assert np.isfinite(weights).all()


def test_no_seam_between_windows(pipeline: FacePipeline) -> None:
    sampled = list(pipeline.stream(brief(900), steps=4, expression=PLAIN))
    weights = joined(sampled)
    speed = np.abs(np.diff(weights, axis=1)).mean(axis=(0, 2))
    seams = [window.start - 1 for window in sampled[1:]]
    # Seams lie where the positions' period begins anew, so that is what they must be compared with.
    others = np.setdiff1d(np.arange(29, len(speed), 30), seams)
    assert len(seams) >= 3
    assert speed[seams].max() <= 1.1 * speed[others].max()


def test_the_same_seed_gives_the_same_faces_bit_for_bit(pipeline: FacePipeline) -> None:
    first, again, other = (joined(list(pipeline.stream(brief(200), seed, steps=3))) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_guidance_of_one_is_no_guidance_and_of_two_is_more(pipeline: FacePipeline) -> None:
    plain, one, two = (
        joined(list(pipeline.stream(brief(60), steps=2, strengths=s, expression=PLAIN)))
        for s in ({}, {"emotion": 1.0}, {"emotion": 2.0})
    )
    np.testing.assert_array_equal(plain, one)
    assert not np.allclose(plain, two, atol=1e-3)


def test_the_strength_of_an_emotion_goes_from_none_over_as_learnt_to_more_frame_by_frame(
    pipeline: FacePipeline,
) -> None:
    """At t = 1, the only step here, the result is linear in the strength: x_without + s (x_with - x_without)."""

    def sampled(strength: np.ndarray | None, label: int = 3) -> np.ndarray:
        conditions = replace(brief(60), emotion=np.full((2, 60), label), emotion_strength=strength)
        return joined(list(pipeline.bare(conditions, steps=1, strengths=UNGUIDED)))

    def constant(strength: float) -> np.ndarray:
        return np.full((2, 60), strength, np.float32)

    as_learnt, none = sampled(None), sampled(None, label=-1)
    assert np.abs(as_learnt - none).max() > 0.01
    np.testing.assert_array_equal(sampled(constant(1.0)), as_learnt)
    np.testing.assert_allclose(sampled(constant(0.0)), none, atol=1e-4)
    np.testing.assert_allclose(sampled(constant(0.5)), (as_learnt + none) / 2, atol=1e-4)
    np.testing.assert_allclose(sampled(constant(2.0)), 2 * as_learnt - none, atol=1e-4)
    mixed = constant(1.0)
    mixed[1, 30:] = 0.0
    np.testing.assert_allclose(sampled(mixed)[0], as_learnt[0], atol=1e-4)
    np.testing.assert_allclose(sampled(mixed)[1, :30], as_learnt[1, :30], atol=1e-4)
    np.testing.assert_allclose(sampled(mixed)[1, 30:], none[1, 30:], atol=1e-4)


def test_strengths_cost_a_second_copy_only_where_they_differ_from_1(
    pipeline: FacePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    forward = pipeline.model.denoiser.forward
    monkeypatch.setattr(pipeline.model.denoiser, "forward", lambda x, *rest: seen.append(len(x)) or forward(x, *rest))
    strength = np.ones((2, 300), np.float32)
    strength[0, 200:] = 0.5
    list(pipeline.stream(replace(brief(300), emotion_strength=strength), steps=1, strengths=UNGUIDED))
    assert seen == [2, 4], "the first window is all 1"


def test_each_performer_has_an_expression_and_raw_weights_only_on_request(pipeline: FacePipeline) -> None:
    expressions = (Expression(part="upper"), Expression(part="mouth"))
    sampled = list(pipeline.stream(brief(60), steps=1, expression=expressions))
    assert all(window.raw is None for window in sampled)
    weights = joined(sampled)
    assert not weights[0, :, INDEX["jawOpen"]].any()
    assert weights[1, :, [INDEX[name] for name in LOWER_FACE]].any()
    assert not weights[1, :, INDEX["browInnerUp"]].any()
    window = next(pipeline.stream(brief(60), steps=1, expression=(Expression(raw=True), Expression())))
    assert window.raw is not None
    np.testing.assert_array_equal(window.raw.clip(0, 1), window.weights)
    assert window.raw.max() > 1


def test_a_stream_ends_when_told_to(pipeline: FacePipeline) -> None:
    polls = []
    sampled = list(pipeline.stream(brief(600), steps=4, should_stop=lambda: polls.append(1) or len(polls) > 5))
    assert len(sampled) == 1, "four steps make the first window; the second is given up"


def test_silence_makes_no_nan_and_no_frozen_face(pipeline: FacePipeline) -> None:
    quiet = brief(300)
    silent = FaceConditions(0 * quiet.samples_16k, 300, quiet.style, quiet.emotion, quiet.facing)
    weights = joined(list(pipeline.stream(silent, steps=2)))
    assert np.isfinite(weights).all()
    assert weights.std(axis=1).max() > 0.01


def test_a_checkpoint_comes_back_as_it_was(pipeline: FacePipeline, tmp_path: Path) -> None:
    config, tensors = pipeline.model.state()
    write_checkpoint(tmp_path / "mine", "mine", config, tensors, half=False)
    read = FacePipeline.load(tmp_path / "mine")
    np.testing.assert_array_equal(
        joined(list(read.stream(brief(60), steps=2))), joined(list(pipeline.stream(brief(60), steps=2)))
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model": "body"}, "checkpoint-foreign"),
        ({"network": {"frames": 3}}, "checkpoint-foreign"),
        ({"network": {**asdict(TINY), "latent": 32}}, "checkpoint-foreign"),
        ({"network": {**asdict(TINY), "shapes": ["jawOpen"]}}, "checkpoint-foreign"),
        ({"encoder": None}, "checkpoint-foreign"),
    ],
)
def test_a_foreign_checkpoint_is_refused_by_name(
    pipeline: FacePipeline, tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    config, tensors = pipeline.model.state()
    write_checkpoint(tmp_path / "odd", "odd", {**config, **change}, tensors)
    with pytest.raises(DuologueError) as error:
        FacePipeline.load(tmp_path / "odd")
    assert (error.value.reason == reason and "odd" in str(error.value)) or reason in str(error.value.reason)


@pytest.mark.parametrize(
    ("name", "tensor", "says"),
    [
        ("mean", torch.zeros(51), "52 values"),
        ("std", torch.ones(52, 1), "52 values"),
        ("denoiser.motion_in.weight", torch.zeros(16, 51), "don't fit its config"),
        ("denoiser.step.mlp.0.bias", None, "don't fit its config"),
        ("std", None, "52 values"),
        ("encoder.unheard_of", torch.zeros(3), "don't fit its config"),
    ],
)
def test_a_checkpoint_with_wrong_tensors_is_refused_by_name(
    pipeline: FacePipeline, tmp_path: Path, name: str, tensor: torch.Tensor | None, says: str
) -> None:
    config, tensors = pipeline.model.state()
    changed = {key: value for key, value in tensors.items() if key != name} | ({} if tensor is None else {name: tensor})
    write_checkpoint(tmp_path / "odd", "odd", config, changed)
    with pytest.raises(DuologueError, match=says) as error:
        FacePipeline.load(tmp_path / "odd")
    assert error.value.reason == "checkpoint-foreign"
    assert str(tmp_path / "odd") in error.value.message


def test_the_shipped_body_is_no_face() -> None:
    with pytest.raises(DuologueError) as error:
        FacePipeline.load("body")
    assert error.value.reason == "checkpoint-foreign"
    assert "body" in error.value.message


@pytest.mark.parametrize(
    ("style", "steps", "reason"),
    [(np.array([0, 2]), 4, "style-unknown"), (np.array([0, 1]), 0, "steps"), (np.array([0, 1]), 99, "steps")],
)
def test_bad_requests_are_named(pipeline: FacePipeline, style: np.ndarray, steps: int, reason: str) -> None:
    good = brief(30)
    conditions = FaceConditions(good.samples_16k, 30, style, good.emotion, good.facing)
    with pytest.raises(DuologueError) as error:
        next(pipeline.stream(conditions, steps=steps))
    assert error.value.reason == reason
