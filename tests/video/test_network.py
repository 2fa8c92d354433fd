"""The network's parts: what is nothing at the start, what may not leak, where gradients go, and where tokens stand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from duologue.video.experts import Experts
from duologue.video.latents import BlockLatent
from duologue.video.losses import VideoLoss, route_loss
from duologue.video.network import Output, VideoDenoiser
from duologue.video.regions import RegionAttention
from duologue.video.rope import rotate, rotation
from duologue.video.tokens import Grid, experts_wanted, motion_pieces, patches, positions, unpatch
from examples_video import MOMENTS, TINY, conditions, drawn, network, noised


def test_what_is_added_begins_as_nothing() -> None:
    """Experts, regions, identity, audio and feeds are 0 at the start: the network is the plain one, and says what is known."""
    torch.manual_seed(0)
    net, given, x = VideoDenoiser(TINY), conditions(), noised()
    out = net(x, MOMENTS, net.prepare(given, "add", x.shape)).x0
    assert given.carried is not None
    torch.testing.assert_close(out[:, :, 1:], given.carried[:, :, 1:], atol=0, rtol=0)
    for leave in net.leave:
        torch.nn.init.normal_(leave.weight)
    without = replace(given, carried=None, hole=None, structure=None, masks=None, crops=None, seen=None, audio=None)
    base, bare = (net(x, MOMENTS, net.prepare(c, "base", x.shape)).x0 for c in (given, without))
    torch.testing.assert_close(base, bare, atol=0, rtol=0)


def test_known_latents_stay() -> None:
    net, given, x = network(), conditions(), noised()
    out = net(x, MOMENTS, net.prepare(given, "add", x.shape)).x0
    assert torch.equal(out[:, :, :1], given.known)
    assert not torch.equal(
        net(x, MOMENTS, net.prepare(replace(given, known=None), "add", x.shape)).x0[:, :, :1], given.known
    )


@pytest.mark.parametrize("name", ["known", "held", "motion", "references", "crops", "text", "audio", "pattern"])
def test_every_condition_counts_without_the_scene(name: str) -> None:
    net, given, x = network(), conditions(), noised()
    value = getattr(given, name)
    changed = replace(given, **{name: (value + 1) % 3 if name == "pattern" else value + 1})
    one, other = (net(x, MOMENTS, net.prepare(c, "base", x.shape)).x0[:, :, 1:] for c in (given, changed))
    assert (one - other).abs().max() > 1e-4


@pytest.mark.parametrize("name", ["carried", "hole", "structure", "masks"])
def test_the_scene_counts_where_it_is_given_and_only_there(name: str) -> None:
    net, given, x = network(), conditions(), noised()
    changed = replace(given, **{name: getattr(given, name) + 0.5})
    for mode, counts in (("add", True), ("render", True), ("base", False), ("asym", False)):
        one, other = (net(x, MOMENTS, net.prepare(c, mode, x.shape)).x0[:, :, 1:] for c in (given, changed))
        assert ((one - other).abs().max() > 1e-4) == counts, mode


def test_structure_teaches_the_shared_weights_alone() -> None:
    """In asym the loss of structure reaches queries, keys and values, and is nothing to the target's own table and head; the
    loss of the picture is nothing to structure's."""
    net, given, x = network(), conditions(), noised()
    out = net(x, MOMENTS, net.prepare(given, "asym", x.shape), noised(seed=21))
    assert out.structure is not None
    block = net.blocks[0]
    shared = [block.attention.query.weight, block.attention.key.weight, block.attention.value.weight]
    grads = torch.autograd.grad(
        out.structure.square().sum(), [*shared, net.blocks[-1].table, net.leave_table], retain_graph=True
    )
    assert all(grad.abs().max() > 0 for grad in grads[:3])
    # The last block's target keys and values are looked at, its gates and feed-forward are not.
    assert grads[3][0, 2:].abs().max() == 0
    assert grads[3][1].abs().max() > 0
    assert grads[4][0].abs().max() == 0
    tables = [net.blocks[0].table, net.leave_table, net.enter_structure.weight]
    tables = torch.autograd.grad(out.x0.square().sum(), tables, allow_unused=True)
    assert tables[0][1].abs().max() == 0
    assert tables[1][1].abs().max() == 0
    assert tables[2] is None or tables[2].abs().max() == 0


def test_the_router_is_taught_apart() -> None:
    experts = Experts(8, 4)
    h = drawn(1, 5, 8).requires_grad_()
    _, logits = experts(h, torch.ones(1))
    masks = torch.rand(1, 5, 5)
    loss = route_loss([logits], masks, 10.0, torch.ones(1))
    assert torch.autograd.grad(loss, h, allow_unused=True)[0] is None


def test_experts_are_off_near_noise() -> None:
    net, given, x = network(), conditions(), noised()
    late = torch.tensor([0.9, 0.95])

    def said() -> torch.Tensor:
        return net(x, late, net.prepare(given, "base", x.shape)).x0

    before = said()
    for block in net.blocks:
        for expert in block.experts.experts:
            torch.nn.init.normal_(expert[2].weight)
    torch.testing.assert_close(said(), before, atol=0, rtol=0)
    early = net(x, late - 0.5, net.prepare(given, "base", x.shape)).x0
    assert (early - before).abs().max() > 1e-3


def test_hands_before_heads_before_base() -> None:
    shares = torch.tensor([[0.1, 0.9, 0, 0, 0], [0.09, 0.1, 0, 0, 0], [0.05, 0.05, 1, 0, 0]])
    assert experts_wanted(shares).tolist() == [1, 0, 2]
    sure = torch.eye(3)[[1, 0, 2]][None] * 50
    assert route_loss([sure], shares[None], 10.0, torch.ones(1)) < 1e-6


def test_a_mask_of_zeros_switches_regions_off() -> None:
    region = RegionAttention(12, 2, 3, 2)
    torch.nn.init.normal_(region.out)
    torch.nn.init.normal_(region.know.out.weight)
    x, identity = drawn(2, 6, 12), drawn(2, 2, 4, 12)
    masks = torch.rand(2, 6, 5, generator=torch.Generator().manual_seed(1))
    masks[0, :4] = 0
    added = region(x, masks, None, identity).added
    assert added[0, :4].abs().max() == 0
    assert added[0, 4:].abs().min() > 0
    # One region's mask lets in that region's bank and no other's.
    alone = torch.zeros(2, 6, 5)
    alone[..., 1] = 1
    one = region(x, alone, None, None).added
    with torch.no_grad():
        region.spatial[0] += 1
        region.out[2] += 1
    torch.testing.assert_close(region(x, alone, None, None).added, one)


def test_masks_that_are_not_given_are_guessed() -> None:
    region = RegionAttention(12, 2, 3, 2)
    torch.nn.init.normal_(region.out)
    x, masks = drawn(2, 6, 12), torch.rand(2, 6, 5)
    mixed = region(x, masks, torch.tensor([1.0, 0.0]), None).added
    torch.testing.assert_close(mixed[0], region(x, masks, None, None).added[0])
    torch.testing.assert_close(mixed[1], region(x, None, None, None).added[1])


def test_orthogonal_banks_cost_nothing() -> None:
    region = RegionAttention(12, 2, 3, 2)
    with torch.no_grad():
        region.spatial.copy_(torch.eye(12)[:3] * torch.tensor([1.0, 5.0, 0.2])[:, None, None])
        region.temporal.copy_(torch.eye(12)[:2])
    assert region.orthogonality() < 1e-12
    with torch.no_grad():
        region.temporal[:] = 1.0  # two equal vectors: off the diagonal 2 of 4 are 1
    torch.testing.assert_close(region.orthogonality(), torch.tensor((0 + 0.5) / 2).expand(3).mean())


def test_scores_depend_on_distances_alone() -> None:
    """Also across 0 in width, and whatever the resolution."""
    head = 32
    q, k = drawn(1, 1, 1, head, seed=1), drawn(1, 1, 1, head, seed=2)

    def score(at: tuple[float, ...], there: tuple[float, ...]) -> float:
        return float(
            (rotate(q, rotation(torch.tensor([at]), head)) * rotate(k, rotation(torch.tensor([there]), head))).sum()
        )

    assert score((0, 0, -3), (2, 1, 2)) == pytest.approx(score((5, 9, 20), (7, 10, 25)), abs=1e-4)
    assert score((0, 0, -1), (0, 0, 0)) == pytest.approx(score((0, 0, 100), (0, 0, 101)), abs=1e-4)
    assert score((0, 0, -3), (0, 0, 2)) != pytest.approx(score((0, 0, 3), (0, 0, 2)), abs=1e-4)
    grid = Grid(2, 3, 4)
    beside = positions(grid, column=-grid.columns)
    assert beside[:, 2].aminmax() == (-4, -1)
    assert torch.equal(beside[:, :2], positions(grid)[:, :2])


def test_motion_is_packed_newest_finest() -> None:
    assert [(s.start, s.stop, side) for s, side in motion_pieces(5)] == [(0, 2, 8), (2, 4, 4), (4, 5, 2)]
    assert [(s.start, s.stop, side) for s, side in motion_pieces(1)] == [(0, 1, 2)]


def test_patches_go_round() -> None:
    x = drawn(2, 3, 2, 4, 6)
    grid = Grid(2, 2, 3)
    back = unpatch(patches(x).unflatten(-1, (3, 4)).transpose(-1, -2).flatten(-2), grid)
    assert torch.equal(back, x)


def test_only_what_was_not_carried_is_learned() -> None:
    """An error in a hole costs more than one beside it; where nothing is carried, all of it counts."""
    from duologue.video.losses import Truth

    net, given, truth = network(), conditions(), noised(seed=40)
    assert given.masks is not None
    hole = torch.zeros(len(truth), 16, *truth.shape[2:])
    hole[:, :, :, 0] = 1  # the first row of latents
    loss, basis, t = (
        VideoLoss(hand=0, face=0, contact=0),
        BlockLatent(net.config.channels),
        torch.full((len(truth),), 0.9),
    )

    def picture(row: int, hole: torch.Tensor) -> float:
        made = truth.clone()
        made[:, :, :, row] += 1
        said = Output(made, None, [], [])
        return float(loss.terms(net, basis, said, Truth(truth, None, given.masks, hole, 0), t)["picture"])  # pyright: ignore

    assert picture(0, hole) == pytest.approx(picture(1, hole) / VideoLoss.seen)
    assert picture(0, torch.ones_like(hole)) == pytest.approx(picture(1, torch.ones_like(hole)))


@pytest.mark.parametrize("size", [0.1, 10.0])
def test_errors_count_as_shares_of_those_of_what_is_known(size: float) -> None:
    """A clip of which much is unknown teaches no more than another; half of an error is a quarter of its square."""
    from duologue.video.losses import Truth

    net, given, truth = network(), conditions(), noised(seed=40)
    assert given.masks is not None
    wrong = size * noised(seed=42)
    hole = torch.ones(len(truth), 16, *truth.shape[2:])
    said = Output(truth + wrong / 2, None, [], [])
    told = Truth(truth, None, given.masks, hole, 0, truth + wrong)
    loss, basis, t = VideoLoss(least=0), BlockLatent(net.config.channels), torch.full((len(truth),), 0.8)
    picture = loss.terms(net, basis, said, told, t)["picture"]
    assert float(picture) == pytest.approx(0.25 / 0.8**2, rel=1e-4)


def test_losses_are_learned_from() -> None:
    """All terms are finite, and every parameter that a mode uses gets a gradient."""
    from duologue.video.losses import Truth

    net, given, x = network(), conditions(), noised()
    out = net(x, torch.tensor([0.4, 0.5]), net.prepare(given, "full", x.shape), noised(seed=21))
    assert given.masks is not None
    assert given.hole is not None
    truth = Truth(noised(seed=40), noised(seed=41), given.masks, given.hole, 1)
    terms = VideoLoss().terms(net, BlockLatent(net.config.channels), out, truth, MOMENTS)
    assert set(terms) == {"picture", "structure", "route", "mask", "orthogonal"}
    sum(terms.values()).backward()  # pyright: ignore
    unused = {name for name, p in net.named_parameters() if p.grad is None}
    assert unused == {"feed_structure.weight", "feed_structure.bias"}
