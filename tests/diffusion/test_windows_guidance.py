import pytest
import torch
from duologue.diffusion.guidance import combine, variants
from duologue.diffusion.samplers import Ancestral, Ddim, DpmSolver2M
from duologue.diffusion.schedule import CosineSchedule
from duologue.diffusion.windows import Span, hold, spans


def test_spans_cover_every_frame_once_and_overlap_as_asked():
    assert list(spans(390, window=150, overlap=30)) == [Span(0, 150, 0), Span(120, 270, 30), Span(240, 390, 30)]
    assert list(spans(40, window=150, overlap=30)) == [Span(0, 40, 0)]
    assert list(spans(200, window=150, overlap=30, first=60)) == [Span(0, 60, 0), Span(30, 180, 30), Span(150, 200, 30)]
    assert [s.fresh for s in spans(151, window=150, overlap=30)] == [150, 1]
    assert list(spans(0, window=150, overlap=30)) == []


def test_an_overlap_that_leaves_nothing_new_is_refused():
    with pytest.raises(ValueError, match="leaves nothing new"):
        list(spans(10, window=30, overlap=30))


@pytest.mark.parametrize("sampler", [Ancestral(), Ddim(), DpmSolver2M()])
def test_held_frames_come_out_as_they_went_in_and_are_noised_by_the_schedule_on_the_way(sampler):
    generator = torch.Generator().manual_seed(0)
    known, noise = torch.randn(2, 1, 6, 2, generator=generator, dtype=torch.float64)
    mask = (torch.arange(6) < 2).reshape(1, 6, 1)
    seen = {}

    def denoise(x, t):
        seen[round(t[0].item(), 3)] = x
        return torch.zeros_like(x)

    sample = sampler.sample(hold(denoise, known, mask), noise, 8, generator)
    torch.testing.assert_close(sample[:, :2], known[:, :2], rtol=0, atol=0)
    assert (sample[:, 2:] == 0).all()
    if not isinstance(sampler, Ancestral):
        expected = CosineSchedule().add_noise(known, noise, torch.tensor([0.25], dtype=torch.float64))
        torch.testing.assert_close(seen[0.25][:, :2], expected[:, :2])


def test_guidance_weights_by_hand():
    strengths = {"text": 2.0, "emotion": 1.0, "mel": 0.0}
    assert variants(strengths) == (frozenset(), frozenset({"text"}), frozenset({"mel"}))
    full, no_text, no_mel = torch.tensor([3.0]), torch.tensor([1.0]), torch.tensor([7.0])
    # 3 + (2-1)(3-1) + (0-1)(3-7) = 9
    assert combine(torch.stack([full, no_text, no_mel]), strengths).item() == 9.0


def test_strength_one_is_the_plain_model_and_costs_no_second_copy():
    assert variants({"text": 1.0}) == (frozenset(),)
    plain = torch.randn(1, 4)
    assert combine(plain, {"text": 1.0}) is not None
    assert torch.equal(combine(plain, {"text": 1.0}), plain[0])


def test_a_strength_may_differ_from_frame_to_frame():
    strengths = {"text": torch.tensor([[1.0], [0.0], [2.0]]), "emotion": torch.ones(3, 1)}
    assert variants(strengths) == (frozenset(), frozenset({"text"}))
    full, no_text = torch.full((3, 2), 3.0), torch.full((3, 2), 1.0)
    # 1 is the full model, 0 the one without, 2 as far again beyond: 1 + 2 (3 - 1) = 5
    assert combine(torch.stack([full, no_text]), strengths).tolist() == [[3.0, 3.0], [1.0, 1.0], [5.0, 5.0]]
