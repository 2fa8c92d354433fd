"""The straight schedule against diffusers' own, and against closed forms."""

from __future__ import annotations

import pytest
import torch
from duologue.diffusion.flow import FlowSchedule
from duologue.diffusion.samplers import Ancestral, Ddim, DpmSolver2M


def denoise(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Any smooth network."""
    return torch.tanh(x * (1.5 - t[:, None])) * 0.7


@pytest.mark.parametrize("shift", [1.0, 3.0, 5.0])
@pytest.mark.parametrize("steps", [1, 4, 9])
def test_ddim_is_their_euler(shift: float, steps: int) -> None:
    flow = pytest.importorskip("diffusers.schedulers.scheduling_flow_match_euler_discrete")
    theirs = flow.FlowMatchEulerDiscreteScheduler(shift=shift)
    theirs.set_timesteps(sigmas=[1 - k / steps for k in range(steps)])
    noise = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    x = noise
    for k, step in enumerate(theirs.timesteps):
        sigma = theirs.sigmas[k].expand(3)
        velocity = (x - denoise(x, sigma)) / sigma[:, None]
        x = theirs.step(velocity, step, x).prev_sample
    ours = Ddim(FlowSchedule(shift=shift)).sample(denoise, noise, steps)
    torch.testing.assert_close(ours, x, atol=1e-5, rtol=0)


@pytest.mark.parametrize("prediction", ["x0", "v"])
def test_targets_are_read_back(prediction: str) -> None:
    schedule = FlowSchedule(prediction)  # pyright: ignore[reportArgumentType]
    x0, noise = torch.randn(4, 3), torch.randn(4, 3)
    t = torch.tensor([0.0, 0.2, 0.7, 1.0])
    x = schedule.add_noise(x0, noise, t)
    torch.testing.assert_close(x[3], noise[3])
    torch.testing.assert_close(schedule.to_x0(schedule.target(x0, noise, t), x, t), x0)


@pytest.mark.parametrize("sampler", [Ancestral, Ddim, DpmSolver2M])
def test_every_sampler_runs_on_it(sampler: type) -> None:
    """Unit noise that is one point's: whoever knows the point ends there, on the straight way from the noise all along."""
    point = torch.tensor([[0.3, -1.2]])
    noise = torch.randn(1, 2, generator=torch.Generator().manual_seed(1))
    made = sampler(FlowSchedule(shift=3.0))
    xs = list(made.iterate(lambda x, t: point.expand_as(x), noise, 4, torch.Generator().manual_seed(2)))
    torch.testing.assert_close(xs[-1], point)
    if sampler is not Ancestral:
        t = made.schedule.times(4)[1]
        torch.testing.assert_close(xs[0], ((1 - t) * point + t * noise).float())


def test_shift_is_a_factor_of_the_ratio() -> None:
    t = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    shifted = FlowSchedule(shift=3.0).shifted(t)
    torch.testing.assert_close(shifted / (1 - shifted), 3 * t / (1 - t))
    times = FlowSchedule(shift=5.0).times(7)
    assert times[[0, -1]].tolist() == [1, 0]
    assert (times.diff() < 0).all()
