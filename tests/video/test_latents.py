"""The linear latent: blocks go round, it is principal components, it streams, and what was carried lies over it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from duologue.video.latents import BlockLatent, blocks, frames_of, latents_of, pictures_of
from duologue.video.tokens import hole_latents, token_masks
from synthetic_clips import drawn


def pictures(frames: int = 9, side: int = 16) -> torch.Tensor:
    return torch.rand(2, frames, side, 2 * side, 3, generator=torch.Generator().manual_seed(0))


def test_blocks_go_round() -> None:
    some = pictures()
    assert blocks(some, begins=True).shape == (2, 3, 2, 4, 768)
    torch.testing.assert_close(pictures_of(blocks(some, begins=True), begins=True), some)
    torch.testing.assert_close(pictures_of(blocks(some[:, 1:], begins=False), begins=False), some[:, 1:])


def test_a_clip_is_cut_anywhere() -> None:
    """Encoding and decoding a clip in pieces is encoding and decoding it whole."""
    some, latent = pictures(13), BlockLatent(20)
    whole = latent.encode(some)
    assert whole.shape[2] == latents_of(13) == 4
    first, rest = frames_of(0, 2), frames_of(2, 4)
    assert (first, rest) == (slice(0, 5), slice(5, 13))
    pieces = [latent.encode(some[:, first]), latent.encode(some[:, rest], begins=False)]
    torch.testing.assert_close(torch.cat(pieces, dim=2), whole)
    decoded = [latent.decode(pieces[0]), latent.decode(pieces[1], begins=False)]
    torch.testing.assert_close(torch.cat(decoded, dim=1), latent.decode(whole))


def test_it_is_principal_components() -> None:
    """The error of n components is the sum of the variances that numpy's singular values leave out."""
    rows = torch.randn(3000, 768, generator=torch.Generator().manual_seed(1)) * torch.linspace(2, 0.1, 768) + 0.3
    fitted = BlockLatent(48).fit([rows[:1000], rows[1000:]])
    values = np.linalg.svd((rows - rows.mean(0)).double().numpy(), compute_uv=False)
    expected = (values[48:] ** 2).sum() / rows.numel()
    back = ((rows - fitted.mean) @ fitted.basis) @ fitted.basis.T + fitted.mean
    torch.testing.assert_close(
        (back - rows).square().mean(), torch.tensor(expected, dtype=torch.float32), rtol=1e-3, atol=0
    )
    # Scaled by the fourth root of the variance, and to a mean square of 1.
    latents = ((rows - fitted.mean) @ fitted.basis) / fitted.scale
    assert abs(float(latents.square().mean()) - 1) < 1e-3
    spread = latents.std(0) / torch.from_numpy(values[:48] ** 0.5).float()
    assert float(spread.max() / spread.min()) < 1.01


@pytest.mark.parametrize("begins", [True, False])
def test_detail_that_latents_cannot_tell_is_the_carried_pictures(begins: bool) -> None:
    some, latent = pictures(5 if begins else 4), BlockLatent(8)
    latents = latent.encode(some, begins=begins)
    decoded = latent.decode(latents, begins=begins)
    assert (decoded - some).abs().mean() > 0.1
    torch.testing.assert_close(latent.detailed(decoded, some, begins=begins), some)
    other = latents + torch.randn(latents.shape)
    changed = latent.detailed(latent.decode(other, begins=begins), some, begins=begins)
    if not begins:  # of a first block the four frames are averaged
        torch.testing.assert_close(
            latent.encode(changed, begins=False), other, msg="the latents' part is what was made"
        )


def test_an_error_of_latents_is_one_of_pixels() -> None:
    """In cells of one frame and 4 x 4 pixels, as holes are told of; over all of them it is the pictures' own."""
    some, latent = pictures(8), BlockLatent(8)
    other = some.flip(1)
    x, y = latent.encode(some, begins=False), latent.encode(other, begins=False)
    error = latent.cell_error(x - y) * latent.variance
    square = (latent.decode(x, begins=False) - latent.decode(y, begins=False)).square()
    torch.testing.assert_close(error.mean(), square.mean())
    whole = hole_latents(torch.ones(some.shape[:4]), begins=False)
    assert whole.shape == error.shape
    one = torch.zeros(some.shape[:4])
    one[0, 2, :4, 4:8] = 1  # frame 2, first row of quarters, second column
    cell = error[hole_latents(one, begins=False) == 1]
    torch.testing.assert_close(cell, square[0, 2, :4, 4:8].mean()[None])


def test_held_is_the_last_frame() -> None:
    latent = BlockLatent(768)  # nothing is lost
    some = pictures(5)
    held = latent.decode(latent.held(latent.encode(some)[:, :, 1:]), begins=False)
    torch.testing.assert_close(held, some[:, -1:].expand(-1, 4, -1, -1, -1), atol=1e-4, rtol=0)


def test_tokens_know_what_they_show() -> None:
    clip = drawn(0)
    part, contact = (torch.from_numpy(clip.arrays[name])[None] for name in ("part", "contact"))
    masks = token_masks(part, contact / 255).unflatten(1, (5, 2, 2))
    assert masks.shape == (1, 5, 2, 2, 5)
    for latent, row, column in ((0, 0, 0), (3, 1, 1), (4, 0, 1)):
        frames = [0] * 4 if latent == 0 else list(range(4 * latent - 3, 4 * latent + 1))
        seen = clip.arrays["part"][frames, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16]
        expected = [(seen == 19).mean(), (seen == 10).mean(), None, (seen == 10).mean(), (seen == 19).mean()]
        near = clip.arrays["contact"][frames, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16].max() / 255
        expected[2] = near
        np.testing.assert_allclose(masks[0, latent, row, column], expected, atol=1e-6)


def test_holes_by_quarter_and_frame() -> None:
    hole = torch.zeros(1, 5, 16, 16)
    hole[0, 2, 4:8, 8:12] = (
        1  # second frame of the second block; its lower left quarter in the right column of the top row
    )
    found = hole_latents(hole)
    assert found.shape == (1, 16, 2, 2, 2)
    assert found.sum() == 1
    assert found[0, 1 * 4 + 1 * 2 + 0, 1, 0, 1] == 1
