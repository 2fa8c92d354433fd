"""The oracle is Gaussian data N(m, s²): its ideal denoiser and its probability-flow ODE are known in closed form.

E[x0 | x_t] = m + alpha s² / (alpha² s² + sigma²) (x_t - alpha m), and the ODE keeps (x_t - alpha m) / sqrt(alpha² s² + sigma²)
constant, so from noise n at t = 1 it ends at m + s n (Song et al. 2021, appendix B; Karras et al. 2022, appendix B.6).
"""

import pytest
import torch
from duologue.diffusion.samplers import Ancestral, Ddim, DpmSolver2M
from duologue.diffusion.schedule import CosineSchedule

MEAN, SPREAD = 1.5, 0.4


def ideal_denoiser(x, t):
    alpha, sigma = CosineSchedule().alpha_sigma(t.reshape(-1, 1))
    return MEAN + alpha * SPREAD**2 / (alpha**2 * SPREAD**2 + sigma**2) * (x - alpha * MEAN)


def error(sampler, steps):
    noise = torch.linspace(-2, 2, 9, dtype=torch.float64).reshape(-1, 1)
    sample = sampler.sample(ideal_denoiser, noise, steps)
    return (sample - (MEAN + SPREAD * noise)).abs().max().item()


def test_ddim_converges_to_the_exact_solution_at_first_order():
    assert 1.7 < error(Ddim(), 100) / error(Ddim(), 200) < 2.3


def test_dpm_solver_converges_faster_and_beats_ddim_at_ten_steps():
    assert error(DpmSolver2M(), 10) < 0.5 * error(Ddim(), 10)
    assert error(DpmSolver2M(), 100) / error(DpmSolver2M(), 200) > 1.7
    assert error(DpmSolver2M(), 400) < 1e-3


def test_ancestral_sampling_draws_from_the_data_distribution():
    generator = torch.Generator().manual_seed(3)
    noise = torch.randn(20000, 1, generator=generator, dtype=torch.float64)
    sample = Ancestral().sample(ideal_denoiser, noise, 400, generator)
    assert sample.mean().item() == pytest.approx(MEAN, abs=0.01)
    assert sample.std().item() == pytest.approx(SPREAD, rel=0.03)


@pytest.mark.parametrize("sampler", [Ancestral(), Ddim(), DpmSolver2M()])
def test_same_noise_and_generator_give_the_same_sample_bit_for_bit(sampler):
    def run():
        generator = torch.Generator().manual_seed(5)
        return sampler.sample(ideal_denoiser, torch.randn(4, 1, generator=generator), 7, generator)

    assert torch.equal(run(), run())


def test_iterate_can_be_left_between_steps():
    calls = []

    def counting(x, t):
        calls.append(t[0].item())
        return ideal_denoiser(x, t)

    for _ in Ddim().iterate(counting, torch.zeros(1, 1), 10):
        if len(calls) == 3:
            break
    assert calls == pytest.approx([1.0, 0.9, 0.8])


def test_dpm_solver_agrees_with_diffusers():
    diffusers = pytest.importorskip("diffusers", reason="diffusers is the outside oracle here; pip install diffusers")
    train = 1000
    t = (torch.arange(1, train + 1, dtype=torch.float64) / train).clamp(max=1 - 1e-6)
    alpha_bar = torch.cos(t * torch.pi / 2) ** 2
    betas = 1 - alpha_bar / torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[:-1]])
    theirs = diffusers.DPMSolverMultistepScheduler(
        train, trained_betas=betas.numpy(), prediction_type="sample", algorithm_type="dpmsolver++", solver_order=2,
        solver_type="midpoint", final_sigmas_type="zero", timestep_spacing="linspace",
    )  # fmt: skip
    steps = 10
    theirs.set_timesteps(timesteps=[train - 1 - i * train // steps for i in range(steps)])
    noise = torch.linspace(-2, 2, 9).reshape(-1, 1)
    x = noise
    for step in theirs.timesteps:
        x = theirs.step(ideal_denoiser(x, (step + 1.0) / train), step, x).prev_sample
    torch.testing.assert_close(DpmSolver2M().sample(ideal_denoiser, noise, steps), x, atol=2e-4, rtol=2e-4)
