from dataclasses import replace

import numpy as np
import pytest
import torch
from duologue.body.conditions import EncodedConditions
from duologue.body.config import CONDITIONS, BodyConfig
from duologue.body.filters import SmoothingSkip
from duologue.body.network import ConvFeedForward, Denoiser
from duologue.diffusion.schedule import CosineSchedule
from examples_body import keep_all, some_conditions, tiny_model


def conditions(frames=9):
    model = tiny_model()
    encoded = EncodedConditions.encode(some_conditions(frames), model.config, model.mel)
    placement, route, routed = (np.zeros((2, frames, *width), np.float32) for width in ((4,), (3,), ()))
    return encoded.window(0, frames, placement, route, routed, torch.device("cpu"))


@pytest.mark.parametrize("performers", [1, 2])
def test_the_prediction_has_the_shape_of_the_poses_for_a_pair_and_for_one(performers):
    config = BodyConfig.named("tiny")
    network = Denoiser(config, groups=(2, 3))
    x = torch.randn(3, performers, 11, 5)
    held = torch.zeros(3, performers, 11, 2)
    projected = network.project_conditions(torch.randn(3, performers, 11, config.condition_width))
    modes = torch.full((3, performers, 11, 3), 1 / 3)
    predicted = network(x, held, torch.rand(3), projected, modes)
    assert predicted.shape == x.shape
    assert (predicted == 0).all(), "the last layer starts at zero: an untrained network predicts the mean pose"


def test_the_upper_network_hears_the_lower_body():
    model = tiny_model()
    c = conditions()
    lower = torch.randn(1, 2, 9, len(model.statistics.given))
    with torch.no_grad():
        first = model.upper_conditions(c, keep_all(), lower)
        lower[0, 0, 4] += 1
        moved = (model.upper_conditions(c, keep_all(), lower) - first).abs().sum(-1)[0]
    assert moved[0, 4] > 0
    assert moved[1].max() == 0, "the partner's legs come in through attention"
    with pytest.raises(ValueError, match="lower body"):
        model.upper_conditions(c, keep_all())


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_condition_reaches_both_networks_and_can_be_dropped(name):
    model = tiny_model()
    c = conditions()
    c.routed.fill_(1)
    keep, dropped = keep_all(), {**keep_all(), name: torch.zeros(1, 1)}
    with torch.no_grad():
        assert not torch.equal(model.lower_conditions(c, keep), model.lower_conditions(c, dropped))
        lower = torch.zeros(1, 2, 9, len(model.statistics.given))
        assert not torch.equal(model.upper_conditions(c, keep, lower), model.upper_conditions(c, dropped, lower))


def test_no_transcript_is_a_missing_condition_and_not_a_silent_one():
    model = tiny_model()
    c = conditions()
    c.text.zero_()
    dropped = {**keep_all(), "text": torch.zeros(1, 1)}
    with torch.no_grad():
        assert torch.equal(model.lower_conditions(c, keep_all()), model.lower_conditions(c, dropped))


def test_prominence_reaches_the_upper_bodies_with_the_speech_and_is_nothing_where_no_word_is_known():
    model = tiny_model()
    encoder = model.upper_conditions
    torch.nn.init.normal_(encoder.prominence.weight)
    c, lower = conditions(), torch.zeros(1, 2, 9, len(model.statistics.given))
    assert model.lower_conditions.prominence is None

    def told(keep, prominence):
        with torch.no_grad():
            return encoder(replace(c, prominence=prominence), keep, lower)

    nothing, word = torch.zeros(1, 2, 9), torch.zeros(1, 2, 9)
    word[0, 0, 3:6] = 0.6
    deaf = {**keep_all(), "speech": torch.zeros(1, 1)}
    with torch.no_grad():
        torch.nn.init.zeros_(encoder.partner.weight)  # what the partner says reaches one too
    told_nothing, told_word = told(keep_all(), nothing), told(keep_all(), word)
    assert not torch.equal(told_nothing[0, 0], told_word[0, 0])
    assert torch.equal(told_nothing[0, 1], told_word[0, 1])
    assert torch.equal(told(deaf, nothing), told(deaf, word))
    with torch.no_grad():
        torch.nn.init.normal_(encoder.prominence.weight)
    assert torch.equal(told(keep_all(), nothing), told_nothing), (
        "whoever has no words is as if nobody had ever listened for them"
    )


@pytest.mark.parametrize("dilation", [1, 2])
def test_the_feed_forward_is_the_convolution_it_stands_for(dilation):
    layer = ConvFeedForward(4, 6, dilation)
    x = torch.randn(1, 1, 10, 4)
    reference = x[0, 0].T[None]
    for linear in (layer.widen, layer.narrow):
        taps = linear.weight.view(linear.out_features, 3, -1).permute(0, 2, 1)
        reference = torch.nn.functional.conv1d(reference, taps, padding=dilation, dilation=dilation)
        if linear is layer.widen:
            reference = reference.relu()
    with torch.no_grad():
        torch.testing.assert_close(layer(x)[0, 0].T[None], reference)


def test_the_smoothing_skip_filters_in_time_and_leaves_a_constant_alone():
    from scipy.ndimage import gaussian_filter1d

    skip = SmoothingSkip(width=4, channels=2, modes=1)
    x = torch.randn(1, 1, 60, 2)
    filters = skip.filters(60)
    torch.testing.assert_close(filters[0], torch.eye(60))
    torch.testing.assert_close(filters.sum(-1), torch.ones(7, 60))
    smoothed = (filters[3] @ x[0, 0]).numpy()
    np.testing.assert_allclose(
        smoothed[25:35], gaussian_filter1d(x[0, 0].numpy(), 4.0, axis=0, truncate=6)[25:35], atol=1e-5
    )
    torch.testing.assert_close(filters[6], torch.full((60, 60), 1 / 60))
    assert (skip(x, torch.rand(1), torch.randn(1, 8), torch.randn(1, 1, 60, 4), torch.ones(1, 1, 60, 1)) == 0).all(), (
        "it starts closed"
    )


def test_the_skip_knows_the_best_linear_filter_of_the_data():
    """For one channel that is the same in all frames, the best estimate is the mean of them, shrunk as Wiener says; in the other
    mode, where every frame is its own, it is the frame alone."""
    skip = SmoothingSkip(width=4, channels=1, modes=2)
    generator = torch.Generator().manual_seed(0)
    still = torch.randn(4000, 1, 1, 1, generator=generator).expand(-1, 1, 20, 1)
    x0 = torch.cat([still, torch.randn(4000, 1, 20, 1, generator=generator)])
    modes = torch.zeros(8000, 1, 20, 2)
    modes[:4000, ..., 0] = modes[4000:, ..., 1] = 1
    schedule = CosineSchedule()
    skip.solve(x0, schedule, modes)
    t = torch.full((8000,), 0.8)
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        predicted = skip(schedule.add_noise(x0, noise, t), t, torch.zeros(8000, 8), torch.zeros(8000, 1, 20, 4), modes)
    alpha, sigma = (float(v) for v in schedule.alpha_sigma(torch.tensor(0.8)))
    best = sigma**2 / 20 / (alpha**2 + sigma**2 / 20)  # variance of x given the mean of 20 noised copies of it
    error = (predicted - x0).square().mean((1, 2, 3))
    assert float(error[:4000].mean()) == pytest.approx(best, rel=0.1)
    assert float(error[4000:].mean()) == pytest.approx(sigma**2, rel=0.1)  # alpha² + sigma² = 1
