"""The plain network is Wan's transformer, as diffusers has it; ours with random weights on theirs with the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from duologue.video.conditions import Conditions
from duologue.video.keys import from_wan, to_wan
from duologue.video.network import VideoDenoiser
from examples_video import SIZE, TINY, drawn, network
from torch import nn

PLAIN = replace(TINY, skip=False, prediction="v", audio_width=0)


def theirs_of(net: VideoDenoiser) -> nn.Module:
    """diffusers' transformer with our network's weights; it takes our context as it is."""
    wan = pytest.importorskip("diffusers.models.transformers.transformer_wan")
    config = net.config
    made = wan.WanTransformer3DModel(
        num_attention_heads=config.heads,
        attention_head_dim=config.width // config.heads,
        in_channels=config.channels,
        out_channels=config.channels,
        text_dim=config.text_width,
        freq_dim=config.frequencies,
        ffn_dim=config.feedforward,
        num_layers=config.layers,
    )
    missing, unexpected = made.load_state_dict(to_wan(net.state_dict()), strict=False)
    assert not [*missing, *unexpected]
    made.condition_embedder.text_embedder = nn.Identity()
    return made.eval()


def without_extras(net: VideoDenoiser) -> VideoDenoiser:
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if ".experts.experts" in name or ".region.out" in name or ".region.know.out" in name:
                parameter.zero_()
    return net


@pytest.mark.parametrize("moments", [torch.tensor([0.3, 0.8]), torch.tensor([1.0, 0.0])])
def test_the_plain_network_is_wan(moments: torch.Tensor) -> None:
    net = without_extras(network(PLAIN))
    given = Conditions(torch.tensor([1, 2]), text=drawn(2, 3, PLAIN.text_width))
    x = drawn(2, PLAIN.channels, *SIZE, seed=4)
    prepared = net.prepare(given, "base", x.shape)
    x0 = net(x, moments, prepared).x0
    velocity = theirs_of(net)(x, 1000 * moments, net.context(given)).sample
    torch.testing.assert_close(x0, x - moments.reshape(-1, 1, 1, 1, 1) * velocity, atol=1e-4, rtol=0)


def test_a_clean_first_latent_is_wan_with_a_moment_a_token() -> None:
    """Wan 2.2's 5B takes a moment for each token; the first latent's is 0 where it is known."""
    net = without_extras(network(PLAIN))
    x = drawn(2, PLAIN.channels, *SIZE, seed=4)
    given = Conditions(torch.tensor([1, 2]), known=drawn(2, PLAIN.channels, 1, *SIZE[1:], seed=5))
    moments = torch.tensor([0.3, 0.8])
    x0 = net(x, moments, net.prepare(given, "base", x.shape)).x0
    noised = torch.cat([given.known, x[:, :, 1:]], dim=2)
    first = SIZE[1] * SIZE[2] // 4
    each = moments[:, None].repeat(1, SIZE[0] * first)
    each[:, :first] = 0
    velocity = theirs_of(net)(noised, 1000 * each, net.context(given)).sample
    expected = noised - moments.reshape(-1, 1, 1, 1, 1) * velocity
    torch.testing.assert_close(x0[:, :, 1:], expected[:, :, 1:], atol=1e-4, rtol=0)


@pytest.mark.parametrize("layout", ["diffusers", "original"])
def test_names_go_round(layout: str) -> None:
    """Out to Wan's names and in again: the shared part comes back, structure begins as a copy of the target."""
    ours = network(PLAIN).state_dict()
    other = network(PLAIN, seed=1).state_dict()
    wans = to_wan(ours, layout)  # pyright: ignore[reportArgumentType]
    merged = from_wan(wans, other, layout)  # pyright: ignore[reportArgumentType]
    assert merged.keys() == other.keys()
    again = to_wan(merged, layout)  # pyright: ignore[reportArgumentType]
    assert again.keys() == wans.keys()
    assert all(torch.equal(again[name], wans[name]) for name in wans)
    assert torch.equal(merged["blocks.0.table"][1], ours["blocks.0.table"][0])
    assert torch.equal(merged["enter_structure.weight"], ours["enter.weight"])
    assert torch.equal(merged["blocks.0.experts.router.0.weight"], other["blocks.0.experts.router.0.weight"])


def test_original_names() -> None:
    """As video.md (4.2) and Wan's published checkpoints have them."""
    names = to_wan(network(PLAIN).state_dict(), "original")
    for name in ("blocks.0.self_attn.q.weight", "blocks.1.cross_attn.norm_k.weight", "blocks.0.ffn.2.bias",
                 "blocks.0.norm3.weight", "blocks.0.modulation", "patch_embedding.weight", "head.head.weight",
                 "head.modulation", "time_projection.1.weight", "text_embedding.2.bias"):  # fmt: skip
        assert name in names
