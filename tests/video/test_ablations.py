"""The model without each of its parts: what is off is really off, the rest as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from duologue.errors import DuologueError
from duologue.video.ablations import ABLATIONS, WHOLE
from duologue.video.config import VideoConfig
from duologue.video.latents import BlockLatent
from duologue.video.losses import Truth, VideoLoss
from duologue.video.network import VideoDenoiser
from duologue.video.streams import MODES
from examples_video import MOMENTS, TINY, conditions, network, noised

PARTS = {"experts": ".experts.", "region-latents": ".region.spatial", "identity": ".region.know"}


@pytest.mark.parametrize("name", list(PARTS))
def test_a_part_is_off_and_all_else_is_there(name: str) -> None:
    whole = set(VideoDenoiser(TINY).state_dict())
    left = set(VideoDenoiser(ABLATIONS[name].config(TINY)).state_dict())
    assert left < whole
    gone = whole - left
    assert any(PARTS[name] in tensor for tensor in gone)
    parts = {".experts.": "experts", ".look.": "region-latents", ".move.": "region-latents", "identity.": "identity"}
    for tensor in gone:
        owner = next((part for mark, part in parts.items() if mark in tensor), name)
        assert owner == name, tensor


@pytest.mark.parametrize("name", ["experts", "region-latents", "identity"])
def test_what_is_left_learns_in_all_modes(name: str) -> None:
    """No term is left of what is off, and every parameter of the network that is left has a gradient in some mode."""
    config = ABLATIONS[name].config(TINY)
    net, given, x = network(config), conditions(), noised()
    structure = given.structure
    assert structure is not None
    assert given.masks is not None
    assert given.hole is not None
    lacking = {"experts": {"route"}, "region-latents": {"orthogonal"}, "identity": set[str]()}[name]
    for mode in MODES:
        out = net(x, MOMENTS, net.prepare(given, mode, x.shape), structure if MODES[mode].joint else None)
        truth = Truth(x, structure if MODES[mode].joint else None, given.masks, given.hole, 1)
        terms = VideoLoss().terms(net, BlockLatent(net.config.channels), out, truth, MOMENTS)
        assert not lacking & terms.keys()
        torch.stack(list(terms.values())).sum().backward()
    still = [path for path, value in net.named_parameters() if value.grad is None]
    assert not still


def test_without_identity_nobody_is_known_by_their_crops() -> None:
    given, x = conditions(), noised()
    assert given.crops is not None
    other = replace(given, crops=1 - given.crops)
    for name, counts in ((WHOLE, True), ("identity", False)):
        net = network(ABLATIONS[name].config(TINY))
        one, two = (net(x, MOMENTS, net.prepare(c, "base", x.shape)).x0 for c in (given, other))
        assert torch.equal(one, two) != counts


def test_modes_are_trained_in_place_of_others_as_often() -> None:
    stage = (("asym", 0.5), ("add", 0.25), ("render", 0.25))
    assert ABLATIONS["experts"].shares(stage) == stage
    assert dict(ABLATIONS["co-generation"].shares(stage)) == {"base": 0.5, "add": 0.25, "render": 0.25}
    assert dict(ABLATIONS["asymmetric-mask"].shares(stage)) == {"full": 0.5, "add": 0.25, "render": 0.25}
    assert dict(ABLATIONS["added-structure"].shares(stage)) == {"asym": 0.5, "stream": 0.5}
    for ablation in ABLATIONS.values():
        assert all(mode in MODES for pair in ablation.judged for mode in pair)


def test_one_bank_alone_is_none() -> None:
    with pytest.raises(DuologueError, match="neither") as error:
        VideoConfig(spatial=0)
    assert error.value.reason == "video-config"
