"""The denoiser against the papers' own formulas and against torch's attention."""

import math

import numpy as np
import pytest
import torch
from duologue.face.conditions import Conditions
from duologue.face.config import FaceConfig
from duologue.face.network import (
    AlignedCrossAttention,
    FaceDenoiser,
    FrameTokens,
    PrefixSelfAttention,
    attention_bias,
    label_mask,
    periodic_positions,
)

TINY = FaceConfig(speech_width=6, latent=16, feedforward=24, heads=4, layers=2, styles=3)


def conditions(frames: int, batch: int = 1, seed: int = 0) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    return {
        "t": torch.full((batch,), 0.4),
        "own_speech": torch.randn(batch, frames, 6, generator=g),
        "partner_speech": torch.randn(batch, frames, 6, generator=g),
        "own_style": torch.ones(batch, dtype=torch.long),
        "partner_style": torch.full((batch,), 2),
        "facing": torch.ones(batch, frames, dtype=torch.long),
        "emotion": torch.full((batch, frames), 5),
    }


def predicted(network: FaceDenoiser, x: torch.Tensor, given: dict[str, torch.Tensor]) -> torch.Tensor:
    others = {name: value for name, value in given.items() if name != "t"}
    return network(x, given["t"], network.prepare(Conditions(**others)))


@pytest.fixture
def network() -> FaceDenoiser:
    torch.manual_seed(1)
    net = FaceDenoiser(TINY).eval()
    torch.nn.init.normal_(net.motion_out.weight, std=0.3)  # zero at birth, as in the paper
    return net


def test_bias_of_six_frames_with_a_period_of_two_is_the_one_worked_out_by_hand() -> None:
    # B(i, j) = -m floor(|i - j| / 2); head 1 of 4 has m = 1/4 (DiffSpeaker, section 3.2).
    by_hand = [
        [0, 0, 1, 1, 2, 2],
        [0, 0, 0, 1, 1, 2],
        [1, 0, 0, 0, 1, 1],
        [1, 1, 0, 0, 0, 1],
        [2, 1, 1, 0, 0, 0],
        [2, 2, 1, 1, 0, 0],
    ]
    bias = attention_bias(6, heads=4, period=2)
    np.testing.assert_allclose(bias[0], -np.array(by_hand) / 4)
    np.testing.assert_allclose(bias[3], -np.array(by_hand) / 256)


def test_positions_repeat_and_follow_faceformers_equation() -> None:
    d, p = 8, 30
    positions = periodic_positions(65, d, p)
    for t, i in [(0, 0), (7, 1), (29, 3), (31, 2), (64, 0)]:
        angle = (t % p) / 10000 ** (2 * i / d)
        assert positions[t, 2 * i] == pytest.approx(math.sin(angle), abs=1e-6)
        assert positions[t, 2 * i + 1] == pytest.approx(math.cos(angle), abs=1e-6)
    assert torch.equal(periodic_positions(10, d, p, start=60), positions[:10])


def test_a_constant_prefix_is_torchs_attention_over_prefix_and_frames() -> None:
    torch.manual_seed(0)
    frames, width, heads = 7, 16, 4
    attention = PrefixSelfAttention(width, heads)
    x, tokens = torch.randn(2, frames, width), torch.randn(2, 3, width)
    facing = FrameTokens(torch.randn(2, width), torch.ones(2, frames, 1, dtype=torch.long))
    bias = attention_bias(frames, heads, 3)
    keys = torch.cat([tokens, facing.labels[1].expand(2, 1, width), x], dim=1)

    def heads_first(y: torch.Tensor) -> torch.Tensor:
        return y.unflatten(-1, (heads, -1)).transpose(1, 2)

    expected = torch.nn.functional.scaled_dot_product_attention(
        heads_first(attention.query(x)),
        heads_first(attention.key(keys)),
        heads_first(attention.value(keys)),
        attn_mask=torch.cat([torch.zeros(heads, frames, 4), bias], dim=-1),
    )
    torch.testing.assert_close(
        attention(x, tokens, attention.context(facing.labels, label_mask(facing, bias, 3))),
        attention.out(expected.transpose(1, 2).flatten(2)),
    )


def test_cross_attention_sees_the_aligned_frame_and_the_prefix_only() -> None:
    torch.manual_seed(0)
    attention = AlignedCrossAttention(16, 4)
    x, memory = torch.randn(1, 5, 16), torch.randn(1, 5, 16, requires_grad=True)
    prefix = torch.randn(1, 2, 16, requires_grad=True)
    per_frame = torch.randn(5, 16, requires_grad=True)  # a label of its own for each frame
    context = attention.context(FrameTokens(per_frame, torch.arange(5).reshape(1, 5, 1)), memory)
    attention(x, prefix, context)[0, 3].square().sum().backward()
    assert memory.grad is not None
    assert per_frame.grad is not None
    assert prefix.grad is not None
    assert [bool(row.any()) for row in memory.grad[0]] == [False, False, False, True, False]
    assert [bool(row.any()) for row in per_frame.grad] == [False, False, False, True, False]
    assert prefix.grad.abs().min(dim=-1).values.gt(0).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("t", torch.tensor([0.9])),
        ("own_style", torch.tensor([3])),
        ("partner_style", torch.tensor([0])),
        ("facing", torch.zeros(1, 40, dtype=torch.long)),
        ("emotion", torch.zeros(1, 40, dtype=torch.long)),
        ("partner_speech", torch.zeros(1, 40, 6)),
    ],
)
def test_every_condition_reaches_the_output(network: FaceDenoiser, name: str, value: torch.Tensor) -> None:
    x, given = torch.randn(1, 40, 52), conditions(40)
    assert not torch.allclose(predicted(network, x, given), predicted(network, x, {**given, name: value}), atol=1e-4)


def test_an_emotion_that_changes_midway_leaves_the_frames_before_it_nearly_alone(network: FaceDenoiser) -> None:
    x, given = torch.randn(1, 40, 52), conditions(40)
    turned = given["emotion"].clone()
    turned[:, 20:] = 9
    change = (predicted(network, x, given) - predicted(network, x, {**given, "emotion": turned})).abs()
    change = change.mean(-1)[0].detach()
    assert change[20:].mean() > 3 * change[:20].mean()


def test_what_attention_may_see_is_laid_out_once_a_window_for_all_layers(network: FaceDenoiser) -> None:
    given = {name: value for name, value in conditions(40).items() if name != "t"}
    masks = [of_self.mask for of_self, _ in network.prepare(Conditions(**given)).layers]
    assert len(masks) == TINY.layers > 1
    assert all(mask is masks[0] for mask in masks)


def test_two_people_in_one_batch_are_two_single_runs(network: FaceDenoiser) -> None:
    x, both = torch.randn(2, 40, 52), conditions(40, batch=2)
    together = predicted(network, x, both)
    for me in range(2):
        alone = predicted(network, x[me : me + 1], {name: value[me : me + 1] for name, value in both.items()})
        torch.testing.assert_close(together[me : me + 1], alone, atol=1e-5, rtol=1e-4)


def test_the_papers_sizes_are_at_hand() -> None:
    paper = FaceDenoiser(FaceConfig.paper())
    assert paper.motion_in.out_features == 512
    assert paper.speech.in_features == 1536
    assert len(paper.layers) == 1
