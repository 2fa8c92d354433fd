import numpy as np
import pytest
import torch
from duologue.features.modes import LEAD, SETTLED, mixture, mode_weights, settled

MODES = ("stand", "walk", "sit")


def test_far_from_any_change_a_mode_is_all_there_is_and_sitting_begins_before_its_label():
    actions = np.zeros((2, 400), np.uint8)
    actions[0, 200:] = 1
    actions[1, 200:] = 2
    weights = mode_weights(actions, MODES)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)
    assert weights[0, 100].tolist() == weights[1, 100].tolist() == [1, 0, 0]
    assert weights[0, 199:201, 1].mean() == pytest.approx(0.5, abs=0.01)
    before = 200 - LEAD
    assert weights[1, before - 1 : before + 1, 2].mean() == pytest.approx(0.5, abs=0.01)
    calm = settled(actions)
    assert not calm[:, 200 - SETTLED : 200 + SETTLED].any()
    assert calm[:, : 199 - SETTLED].all()


def test_a_mixture_has_the_moments_of_what_is_mixed():
    rng = np.random.default_rng(0)
    mean, std = np.array([[0.0, 1.0], [3.0, 1.0], [0.0, 0.0]]), np.array([[1.0, 0.1], [0.5, 0.1], [1.0, 1.0]])
    drawn = np.concatenate([rng.normal(mean[0], std[0], (30_000, 2)), rng.normal(mean[1], std[1], (70_000, 2))])
    for kind in (np.asarray, torch.tensor):
        middle, spread = mixture(kind(np.array([[0.3, 0.7, 0.0]])), kind(mean), kind(std))
        np.testing.assert_allclose(middle[0], drawn.mean(0), atol=0.02)
        np.testing.assert_allclose(spread[0], drawn.std(0), atol=0.02)
