"""Figures of pictures against closed forms and scikit-image's definition, on clips that are drawn."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from duologue.evaluation.video.metrics import (
    Silhouette,
    figures_of,
    flicker,
    hand_boundary_f,
    masks_of,
    psnr,
    ssim,
    warp_error,
)
from duologue.evaluation.video.systems import carried, held_frame, warped
from duologue.evaluation.video.validation import validate
from duologue.video.checkpoint import VideoModel
from duologue.video.config import VideoConfig
from duologue.video.latents import blocks
from duologue.video.scene import colours

sys.path.insert(0, str(Path(__file__).parent.parent / "video"))
from synthetic_clips import drawn


def test_decibels() -> None:
    truth = np.full((3, 16, 16, 3), 100, np.uint8)
    made = truth.copy()
    made[0] = 0  # the first frame counts for nothing
    made[1:, :8] = 110
    assert psnr(made, truth) == pytest.approx(10 * np.log10(255**2 / 50))
    mask = np.zeros((2, 16, 16), bool)
    mask[:, :8] = True
    assert psnr(made, truth, mask) == pytest.approx(10 * np.log10(255**2 / 100))
    assert np.isnan(psnr(made, truth, mask & ~mask))


def test_similarity_is_as_defined() -> None:
    """Constant pictures: only the means are left of the formula. And a picture is like itself."""
    a, b = (np.full((2, 24, 24, 3), value, np.uint8) for value in (100, 140))
    c1 = (0.01 * 255) ** 2
    assert ssim(a, b) == pytest.approx((2 * 100 * 140 + c1) / (100**2 + 140**2 + c1), rel=1e-6)
    noise = np.random.default_rng(0).integers(0, 255, (2, 24, 24, 3)).astype(np.uint8)
    assert ssim(noise, noise) == pytest.approx(1)
    assert ssim(noise, noise[:, ::-1]) < 0.2


def test_what_moves_with_the_flow_has_no_warp_error() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (1, 20, 20, 3)).astype(np.uint8)
    moved = np.concatenate([picture, np.roll(picture, 2, axis=2)])
    flow = np.zeros((2, 20, 20, 2), np.float16)
    flow[0, ..., 0] = 2
    visible = np.ones((2, 20, 20), np.uint8)
    visible[0, :, -2:] = 0
    assert warp_error(moved, flow, visible) < 1e-6
    assert warp_error(moved, flow * 0, visible) > 30
    still = moved[[0, 0]]
    assert flicker(still, flow * 0) == 0
    assert flicker(np.stack([still[0], still[0] // 2 + 64]), flow * 0) > 10


def test_masks_are_of_what_they_say() -> None:
    clip = drawn(2, "validation")
    masks = masks_of(clip)
    part = clip.arrays["part"][1:]
    assert np.array_equal(masks["hand"], part == 19)
    assert np.array_equal(masks["hand_face"], (part == 19) | (part == 10))
    touching = clip.arrays["contact"][1:] > 0
    assert masks["contact"][touching].all()
    assert not masks["contact"][~touching.any((1, 2))].any()
    rows, columns = np.nonzero(masks["contact"][-1])
    near = np.argwhere(touching[-1])
    distance = np.abs(np.stack([rows, columns], 1)[:, None] - near[None]).sum(-1).min(1)
    assert distance.max() == 8


def test_truth_is_the_best() -> None:
    clip = drawn(2, "validation")
    truth = clip.arrays["rgb"]
    best, held = figures_of(clip, truth), figures_of(clip, held_frame(clip))
    assert best["psnr"] > 100
    assert best["ssim"] == pytest.approx(1)
    assert best["silhouette_iou"] > 0.9
    assert best["hand_boundary_f"] == pytest.approx(1)
    for name in ("psnr", "ssim", "silhouette_iou", "hand_boundary_f", "psnr_hand"):
        assert held[name] < best[name], name
    empty = np.broadcast_to(truth[0, -1, 0], truth.shape).copy()
    assert Silhouette.of(clip).iou(empty) == 0
    assert hand_boundary_f(empty, clip) == 0


def test_the_warped_frame_follows() -> None:
    clip = drawn(2, "validation")
    hand = masks_of(clip)["hand"]
    scores = [psnr(system(clip), clip.arrays["rgb"], hand) for system in (held_frame, warped)]
    assert scores[1] > scores[0] + 3


def test_an_untrained_model_is_the_carried_picture() -> None:
    """So it gains nothing where that shows, and what is printed are differences from it."""
    clip = drawn(2, "validation")
    model = VideoModel.untrained(VideoConfig.named("tiny"))
    for basis, name in ((model.picture, "rgb"), (model.structure, "structure")):
        basis.fit(blocks(colours(drawn(k).arrays[name])[None], begins=True).flatten(0, 3) for k in range(3))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    figures = validate(model, [clip], ("add", "render"), steps=2)
    bar = psnr(carried(clip), clip.arrays["rgb"])
    assert figures["carried whole"] == pytest.approx(bar)
    assert abs(figures["add whole"]) < 2
    assert figures["add whole"] == pytest.approx(figures["render whole"], abs=1e-6)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(p.requires_grad for p in model.denoiser.parameters())
