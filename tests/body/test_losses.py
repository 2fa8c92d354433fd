import numpy as np
import pytest
import torch
from duologue.body.losses import BodyLoss, LossWeights, Paces, huber, silence
from duologue.features.pose import channels
from examples_body import SKELETON, tiny_model


def bodies(batch=2, frames=40):
    """A loss, and true features of somebody who stands and sways, standardised, with their modes."""
    statistics = tiny_model().statistics
    paces = Paces(0.1 * statistics.mode_std, np.full((3, 3), 0.01), np.full(statistics.mean.shape, 0.5))
    loss = BodyLoss(statistics, paces, SKELETON, LossWeights(), 2, "cpu")
    names = channels(SKELETON)
    features = np.zeros((batch, 2, frames, len(names)), np.float32)
    features[..., names.index("root.height")] = SKELETON.offsets[0, 1]
    features[..., -4:] = 1
    modes = np.zeros((batch, 2, frames, 3), np.float32)
    modes[..., 0] = 1
    return loss, torch.from_numpy(statistics.standardise(features, modes)), torch.from_numpy(modes)


def test_the_truth_costs_nothing_and_another_body_does():
    loss, truth, modes = bodies()
    lower, upper = truth[..., loss.lower], truth[..., loss.upper]
    full, fresh = loss.features(modes, lower, upper), torch.ones(2, 2, 40, 2)
    right = loss.lower_terms(lower, lower, modes, fresh) | loss.upper_terms(upper, upper, full, modes, fresh[..., 1:])
    assert all(term.item() < 1e-4 for term in right.values()), right
    noise = torch.randn(lower.shape, generator=torch.Generator().manual_seed(0))
    wrong = loss.lower_terms(lower + noise, lower, modes, fresh)
    assert min(term.item() for term in wrong.values()) > 0.05, wrong
    wrong = loss.upper_terms(upper + 1, upper, full, modes, fresh[..., 1:])
    assert wrong["pose"].item() > 0.1
    assert wrong["position"].item() > 0.1


def test_errors_are_squared_until_they_are_rare():
    error = torch.tensor([0.0, 0.5, -2.0, 10.0, -100.0])
    assert huber(error)[:3].tolist() == [0.0, 0.25, 4.0]
    assert huber(error)[3:].tolist() == [64.0, 784.0]  # 4 (2 |e| - 4)


def test_a_root_that_is_wrong_alone_costs_nothing_while_the_soles_carry_it():
    loss, truth, modes = bodies()
    lower, fresh = truth[..., loss.lower], torch.ones(2, 2, 40, 2)
    wrong = lower.clone()
    wrong[..., :3] += 2.0  # the steps come first
    terms = loss.lower_terms(wrong, lower, modes, fresh)
    assert max(terms[name].item() for name in ("standing", "way", "jolt")) < 0.05
    sitting = modes.flip(-1)
    terms = loss.lower_terms(wrong, lower, sitting, fresh)
    assert terms["way"].item() > 0.5


def test_who_is_silent_is_measured_by_a_pace_of_their_own():
    """Listeners move at half of everybody's pace here, so an error in theirs counts four times as much."""
    loss, truth, modes = bodies()
    lower, upper = truth[..., loss.lower], truth[..., loss.upper]
    full, fresh = loss.features(modes, lower, upper), torch.ones(2, 2, 40, 1)
    wrong = upper + 0.01 * torch.randn(upper.shape, generator=torch.Generator().manual_seed(0))

    def speed(silent):
        return loss.upper_terms(wrong, upper, full, modes, fresh, 1.0, silent)["speed"].item()

    assert speed(torch.ones(2, 2, 40)) == pytest.approx(4 * speed(torch.zeros(2, 2, 40)), rel=1e-4)
    assert speed(None) == speed(torch.zeros(2, 2, 40))


def test_a_pace_of_the_silent_is_measured_on_them():
    statistics = tiny_model().statistics
    rng = np.random.default_rng(0)
    features = rng.normal(size=(4000, 2, len(statistics.mean))).astype(np.float32)
    features[:, 1] *= 0.6  # the listener
    silent = np.tile([0.0, 1.0], (4000, 1))
    paces = Paces.measure(statistics, features, np.zeros((4000, 2), int), silent)
    overall = np.sqrt((1 + 0.6**2) / 2)
    np.testing.assert_allclose(paces.silent, 0.6 / overall, rtol=0.1)
    assert np.all(silence(np.zeros((2, 50))) == 1)
    assert silence(np.repeat([[0.0, 1.0]], 60, axis=1))[0, [0, 60, 119]] == pytest.approx([1, 0.5, 0], abs=0.05)
