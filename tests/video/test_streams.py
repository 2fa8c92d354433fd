"""Who looks at whom: each mode against one dense masked attention, and what dropping or caching structure may not change."""

from __future__ import annotations

import pytest
import torch
from duologue.video.attention import KeysValues, mix
from duologue.video.streams import asymmetric, cached
from examples_video import MOMENTS, SIZE, conditions, drawn, network, noised


def test_asym_is_blind_to_structure() -> None:
    """The target comes out the same with structure, with another one, and without it."""
    net, given, x = network(), conditions(), noised()
    prepared = net.prepare(given, "asym", x.shape)
    outs = [net(x, MOMENTS, prepared, structure).x0 for structure in (None, noised(seed=21), noised(seed=22))]
    base = net(x, MOMENTS, net.prepare(given, "base", x.shape)).x0
    for out in outs:
        torch.testing.assert_close(out, base, atol=1e-5, rtol=0)


def test_full_is_not_blind() -> None:
    net, given, x = network(), conditions(), noised()
    prepared = net.prepare(given, "full", x.shape)
    one, other = (net(x, MOMENTS, prepared, noised(seed=seed)).x0 for seed in (21, 22))
    assert (one - other).abs().max() > 1e-3


def test_structure_sees_the_target_in_asym() -> None:
    """Co-generation: what structure becomes depends on the target, the thing's reference, and on nobody's face or motion."""
    net, x, structure = network(), noised(), noised(seed=21)
    given = conditions()
    assert given.references is not None

    def made(target: torch.Tensor, which: int | None = None) -> torch.Tensor:
        references = given.references.clone()
        if which is not None:
            references[:, which] += 1
        changed = type(given)(**{**vars(given), "references": references})
        out = net(target, MOMENTS, net.prepare(changed, "asym", x.shape), structure).structure
        assert out is not None
        return out

    plain = made(x)
    assert (plain - made(noised(seed=23))).abs().max() > 1e-3
    assert (plain - made(x, which=2)).abs().max() > 1e-5


def test_two_attentions_are_one_masked() -> None:
    """[target 5 | references 2 of a person, 3 of a thing, motion 2 | structure 5]."""
    target, main, count, thing = 5, 12, 17, slice(7, 10)
    queries, keys, values = (drawn(2, count, 3, 8, seed=seed) for seed in range(3))
    mask = torch.zeros(count, count, dtype=torch.bool)
    mask[:main, :main] = True
    mask[main:, main:] = True
    mask[main:, :target] = True
    mask[main:, thing] = True
    own = KeysValues(keys, values)
    torch.testing.assert_close(
        asymmetric(target, main, thing)(queries, own), mix(queries, own, mask), atol=1e-5, rtol=0
    )


def test_cached_is_one_masked() -> None:
    """[target and others 7 | structure 5]: structure sees itself alone, the others see all."""
    main, count = 7, 12
    queries, keys, values = (drawn(2, count, 3, 8, seed=seed) for seed in range(3))
    mask = torch.ones(count, count, dtype=torch.bool)
    mask[main:, :main] = False
    own = KeysValues(keys, values)
    apart = cached(own.among(slice(main, None)))(queries[:, :main], own.among(slice(main)))
    torch.testing.assert_close(apart, mix(queries, own, mask)[:, :main], atol=1e-5, rtol=0)


@pytest.mark.parametrize("mode", ["render", "stream"])
def test_structure_is_computed_once(mode: str) -> None:
    """One cache serves every moment, and it is not a copy of another one's."""
    net, given, x = network(), conditions(), noised()
    kept = net.prepare(given, mode, x.shape)
    for moment in (1.0, 0.6, 0.2):
        t = torch.full((2,), moment)
        torch.testing.assert_close(net(x, t, kept).x0, net(x, t, net.prepare(given, mode, x.shape)).x0, atol=0, rtol=0)
    other = type(given)(**{**vars(given), "structure": drawn(2, 4, *SIZE, seed=30)})
    assert (net(x, MOMENTS, kept).x0 - net(x, MOMENTS, net.prepare(other, mode, x.shape)).x0).abs().max() > 1e-3


def test_sixteen_bits_attend_alike() -> None:
    """On a CPU in 16 bits attention is taken apart for speed; it is the same attention."""
    queries, keys, values = (drawn(2, 40, 3, 8, seed=seed) for seed in range(3))
    own = KeysValues(keys, values)
    with torch.autocast("cpu", torch.bfloat16):
        apart = mix(queries, own)
    torch.testing.assert_close(apart.float(), mix(queries, own), atol=0.03, rtol=0)
