"""Mirrored and recoloured clips: made of latents, they are what encoding mirrored and recoloured pictures gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from duologue.video.augmentation import drawn_colours, mirrored, recoloured
from duologue.video.checkpoint import VideoModel
from duologue.video.config import VideoConfig
from duologue.video.latents import BlockLatent, blocks, mirrored_blocks
from duologue.video.tokens import hole_latents, token_masks
from duologue.video.training_data import Latents, fit_latents
from synthetic_clips import corpus, drawn
from torch import Tensor


def made(folder: Path) -> tuple[VideoModel, dict[str, Tensor]]:
    clips = corpus(folder / "clips", train=4)
    model = VideoModel.untrained(VideoConfig.named("tiny"))
    fit_latents(model, clips, clips.numbers("train"))
    return model, Latents.make(model, clips, "train", folder / "latents").rows(np.arange(3))


def test_a_mirrored_clip_is_what_its_mirrored_pictures_encode_to(tmp_path: Path) -> None:
    model, rows = made(tmp_path)
    turned = mirrored(model_bases(model), rows, torch.tensor([True, False, True]))
    for name in ("picture", "carried", "structure"):
        basis = model.structure if name == "structure" else model.picture
        seen = basis.decode(rows[name][:, :, 1:], begins=False).flip(3)
        torch.testing.assert_close(turned[name][:, :, 1:][0], basis.encode(seen, begins=False)[0], atol=2e-3, rtol=0)
        torch.testing.assert_close(turned[name][1], rows[name][1])
    arrays = drawn(0).arrays
    hole = hole_latents(torch.from_numpy(arrays["hole"][None, :, :, ::-1].copy()))
    torch.testing.assert_close(turned["hole"][0], hole[0], atol=2e-3, rtol=0)
    part, near = (torch.from_numpy(arrays[name][None, :, :, ::-1].copy()) for name in ("part", "contact"))
    torch.testing.assert_close(turned["masks"][0], token_masks(part, near / 255)[0], atol=2e-3, rtol=0)
    torch.testing.assert_close(turned["crops"][0], rows["crops"][0].flip(-2))


def test_twice_mirrored_is_as_it_was(tmp_path: Path) -> None:
    model, rows = made(tmp_path)
    every = torch.ones(3, dtype=torch.bool)
    back = mirrored(model_bases(model), mirrored(model_bases(model), rows, every), every)
    for name in ("hole", "masks", "crops", "pattern", "seen"):
        torch.testing.assert_close(back[name], rows[name])


def test_a_basis_fitted_both_ways_round_loses_nothing_by_the_mirror() -> None:
    """Edges that all lean one way: a basis of them alone would blur them where they lean the other way."""
    ramp = torch.linspace(0, 1, 8)
    pictures = (torch.rand(400, 4, 1, 1, 1) * ramp.reshape(1, 1, 1, 8, 1)).expand(-1, -1, 8, -1, 3)
    cut = blocks(pictures, begins=False).flatten(0, 3)

    def lost(basis: BlockLatent, shown: Tensor) -> float:
        back = ((shown - basis.mean) @ basis.basis) @ basis.basis.T + basis.mean
        return float((back - shown).square().mean())

    both = BlockLatent(8).fit([torch.cat([cut, mirrored_blocks(cut)])])
    assert lost(both, mirrored_blocks(cut)) < 1e-5
    assert lost(BlockLatent(4).fit([cut]), mirrored_blocks(cut)) > 1e-3


def test_a_recoloured_clip_is_what_its_recoloured_pictures_encode_to(tmp_path: Path) -> None:
    model, rows = made(tmp_path)
    matrices, offsets = drawn_colours(3, 1.0, torch.Generator().manual_seed(3))
    changed = recoloured(model.picture, rows, matrices, offsets)
    for name in ("picture", "carried"):
        seen = model.picture.decode(rows[name][:, :, 1:], begins=False)
        wanted = torch.einsum("bij,bthwj->bthwi", matrices, seen) + offsets[:, None, None, None]
        encoded = model.picture.encode(wanted, begins=False)
        torch.testing.assert_close(changed[name][:, :, 1:], encoded, atol=2e-3, rtol=1e-3)
    torch.testing.assert_close(changed["structure"], rows["structure"])
    reference = torch.einsum("bij,bpkhwj->bpkhwi", matrices, rows["crops"]) + offsets[:, None, None, None, None]
    torch.testing.assert_close(changed["crops"], reference.clamp(0, 1))


def test_colours_turn_about_grey() -> None:
    """Middle grey stays, strength 0 changes nothing, and more changes more."""
    generator = torch.Generator().manual_seed(1)
    matrices, offsets = drawn_colours(64, 1.0, generator)
    torch.testing.assert_close(matrices @ torch.full((3,), 0.5) + offsets, torch.full((64, 3), 0.5), atol=1e-6, rtol=0)
    still, none = drawn_colours(4, 0.0, generator)
    torch.testing.assert_close(still, torch.eye(3).expand(4, 3, 3))
    torch.testing.assert_close(none, torch.zeros(4, 3))
    assert (matrices - torch.eye(3)).abs().mean() > 0.05


def model_bases(model: VideoModel) -> dict[str, BlockLatent]:
    return {"picture": model.picture, "structure": model.structure}
