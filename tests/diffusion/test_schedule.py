import math

import pytest
import torch
from duologue.diffusion.schedule import CosineSchedule


def test_amplitudes_follow_the_cosine_and_its_ends_are_exact():
    alpha, sigma = CosineSchedule().alpha_sigma(torch.tensor([0.0, 1 / 3, 0.5, 1.0], dtype=torch.float64))
    expected = torch.tensor([1.0, math.sqrt(3) / 2, math.sqrt(0.5), 0.0], dtype=torch.float64)
    torch.testing.assert_close(alpha, expected)
    assert alpha[-1] == 0
    assert sigma[0] == 0
    torch.testing.assert_close(alpha**2 + sigma**2, torch.ones(4, dtype=torch.float64))


@pytest.mark.parametrize("prediction", ["x0", "v"])
def test_a_perfect_prediction_gives_the_clean_sample_back_at_every_moment(prediction):
    schedule = CosineSchedule(prediction)
    generator = torch.Generator().manual_seed(0)
    x0, noise = torch.randn(2, 5, 7, 3, generator=generator, dtype=torch.float64)
    t = torch.tensor([0.0, 0.1, 0.5, 0.9, 1.0], dtype=torch.float64)
    x = schedule.add_noise(x0, noise, t)
    torch.testing.assert_close(schedule.to_x0(schedule.target(x0, noise, t), x, t), x0)


def test_at_the_end_nothing_of_the_signal_is_left():
    x0, noise = torch.full((1, 4), 1e6), torch.ones(1, 4)
    torch.testing.assert_close(CosineSchedule().add_noise(x0, noise, torch.ones(1)), noise)


def test_shifted_moments_are_as_much_noisier_as_asked_and_keep_their_ends():
    plain, shifted = CosineSchedule(), CosineSchedule(shift=3.0)
    times = shifted.times(8)
    assert (times[0], times[-1]) == (1, 0)
    alpha, sigma = plain.alpha_sigma(times[1:-1])
    even_alpha, even_sigma = plain.alpha_sigma(plain.times(8)[1:-1])
    torch.testing.assert_close(sigma / alpha, 3 * even_sigma / even_alpha)
    torch.testing.assert_close(plain.shifted(times), times)
