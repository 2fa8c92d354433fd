import numpy as np
import torch
from duologue.body.losses import FEET, HANDS, BodyLoss, Limbs, LossWeights, exp_to_matrix, world_speed
from duologue.features.pose import from_world
from duologue.motion.skeleton import forward_kinematics
from examples_body import SKELETON, tiny_model
from scipy.spatial.transform import Rotation


def test_rotations_agree_with_scipy_and_have_a_gradient_at_zero():
    vectors = np.random.default_rng(0).normal(size=(50, 3))
    matrices = exp_to_matrix(torch.from_numpy(vectors))
    np.testing.assert_allclose(matrices, Rotation.from_rotvec(vectors).as_matrix(), atol=1e-9)
    zero = torch.zeros(3, requires_grad=True)
    exp_to_matrix(zero)[1, 0].backward()
    torch.testing.assert_close(zero.grad, torch.tensor([0.0, 0.0, 1.0]))


def walker():
    time = np.linspace(0, 2, 40)
    rotations = 0.4 * np.sin(time[:, None, None] + np.arange(180).reshape(60, 3))
    rotations[:, 0] = np.stack([0 * time, 0.5 + time, 0 * time], axis=-1)  # upright hips: the heading is all their turn
    return np.stack([time, 0.9 + 0 * time, np.sin(time)], axis=-1), rotations


def test_limbs_are_where_forward_kinematics_puts_them_seen_from_the_root():
    root, rotations = walker()
    features, path = from_world(root, rotations)
    _, positions = forward_kinematics(SKELETON, rotations, root)
    for wanted in (FEET, HANDS):
        places = Limbs(SKELETON, wanted).positions(torch.from_numpy(features.astype(np.float32))).numpy()
        away = positions[:, SKELETON.indices(*wanted)] - root[:, None] * [1, 0, 1]
        sine, cosine = np.sin(path[:, 2])[:, None], np.cos(path[:, 2])[:, None]
        seen = np.stack(
            [cosine * away[..., 0] - sine * away[..., 2], away[..., 1], sine * away[..., 0] + cosine * away[..., 2]], -1
        )
        np.testing.assert_allclose(places, seen, atol=1e-5)


def test_speed_over_the_floor_is_the_speed_in_the_world():
    root, rotations = walker()
    features = torch.from_numpy(from_world(root, rotations)[0].astype(np.float32))
    _, positions = forward_kinematics(SKELETON, rotations, root)
    moved = world_speed(Limbs(SKELETON, FEET).positions(features), features[..., :3])
    truth = np.diff(positions[:, SKELETON.indices(*FEET)], axis=0)
    np.testing.assert_allclose(moved.norm(dim=-1).numpy(), np.linalg.norm(truth, axis=-1), atol=1e-5)


def test_the_truth_costs_next_to_nothing_and_a_shuffled_body_does_not():
    statistics = tiny_model().statistics
    loss = BodyLoss(statistics, 0.1 * statistics.std, SKELETON, LossWeights(), "cpu")
    truth = torch.randn(2, 2, 12, len(statistics.names))
    lower, upper = truth[..., loss.lower], truth[..., loss.upper]
    fresh = torch.ones(2, 2, 12, 2)
    right = loss.lower_terms(lower, lower, fresh) | loss.upper_terms(upper, upper, lower, fresh[..., 1:])
    assert all(term.item() < 0.01 for term in right.values())
    wrong = loss.upper_terms(upper.flip(2), upper, lower, fresh[..., 1:])
    assert min(term.item() for term in wrong.values()) > 0.1
