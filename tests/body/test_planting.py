"""Soles that carry the root: kinematics in the root's frame, and the steps that follow from what stands."""

import numpy as np
import torch
from duologue.body.losses import HANDS
from duologue.body.planting import (
    Limbs,
    exp_to_matrix,
    hovering,
    planted_steps,
    seatedness,
    sole_contacts,
    world_speed,
)
from duologue.features.pose import from_world
from duologue.features.root import encode_root
from duologue.motion.skeleton import forward_kinematics
from examples_body import SKELETON
from scipy.spatial.transform import Rotation

FEET = ("LeftFoot", "RightFoot", "LeftToeBase", "RightToeBase")


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


def seen_from(path, points):
    """World points (T, W, 3) in the frame of a root that goes along a path (T, 3) x, z, heading."""
    away = points - np.stack([path[:, 0], 0 * path[:, 0], path[:, 1]], axis=-1)[:, None]
    sine, cosine = np.sin(path[:, 2])[:, None], np.cos(path[:, 2])[:, None]
    x, y, z = np.moveaxis(away, -1, 0)
    return torch.from_numpy(np.stack([cosine * x - sine * z, y, sine * x + cosine * z], axis=-1))


def swaying_path(frames=60):
    time = np.linspace(0, 2, frames)
    path = np.stack([0.04 * np.sin(3 * time), 0.03 * np.cos(2 * time), 0.5 + 0.2 * np.sin(time)], axis=-1)
    root = np.stack([path[:, 0], 0.9 + 0 * time, path[:, 1]], axis=-1)
    hips = np.stack([0 * time, path[:, 2], 0 * time], axis=-1)
    return path, torch.from_numpy(encode_root(root, hips)[0][:, :3])


SOLES = np.array([[0.1, 0, -0.05], [0.1, 0, 0.1], [-0.1, 0, -0.02], [-0.12, 0, 0.12]])


def test_two_soles_that_stand_tell_how_the_root_went():
    path, steps = swaying_path()
    points = seen_from(path, np.tile(SOLES, (60, 1, 1)))
    own = torch.zeros(60, 3, dtype=torch.float64)
    planted = planted_steps(points, torch.ones(60, 4), own, torch.zeros(60))
    np.testing.assert_allclose(planted[1:, :2], steps[1:, :2], atol=3e-4)
    np.testing.assert_allclose(
        planted[1:, 2], steps[1:, 2], rtol=0.12, atol=1e-5
    )  # drawn to the given turn, none, a little
    right = planted_steps(points, torch.ones(60, 4), steps, torch.zeros(60))
    np.testing.assert_allclose(right[1:], steps[1:], atol=1e-5)


def test_a_foot_in_the_air_carries_nothing_and_one_that_is_said_to_be_little():
    path, steps = swaying_path()
    swinging = np.tile(SOLES, (60, 1, 1))
    swinging[:, 2:, 2] += np.linspace(0, 1, 60)[:, None]
    said = torch.tensor([1.0, 1.0, 0.1, 0.1]).expand(60, 4)
    dragged = planted_steps(seen_from(path, swinging), said, steps, torch.zeros(60))
    both = planted_steps(seen_from(path, swinging), torch.ones(60, 4), steps, torch.zeros(60))
    away = [np.abs(made[1:, 1] - steps[1:, 1]).mean() for made in (dragged, both)]
    assert away[0] < 0.5 * away[1]
    swinging[:, 2:, 1] = 0.1
    lifted = planted_steps(seen_from(path, swinging), torch.ones(60, 4), steps, torch.zeros(60))
    np.testing.assert_allclose(lifted[1:], steps[1:], atol=1e-4)


def test_who_sits_or_is_held_goes_as_given():
    points = seen_from(swaying_path()[0], np.tile(SOLES, (60, 1, 1)))
    own = torch.full((60, 3), 0.02, dtype=torch.float64)
    assert torch.equal(planted_steps(points, torch.ones(60, 4), own, torch.ones(60)), own)
    assert seatedness(torch.tensor([0.0, 0.5, 0.97, 1.0])).tolist() == [0, 0, 1, 1]


def test_a_body_is_put_down_on_what_bears():
    points = torch.from_numpy(np.tile(SOLES, (3, 1, 1)))
    points[..., 1] = 0.03
    points[2, 2:, 1] = 0.2  # one foot in the air
    high = hovering(points, torch.tensor([0.0, 1.0, 0.0]))
    np.testing.assert_allclose(high, [0.03, 0.0, 0.03], atol=1e-6)


def test_contacts_are_what_stands_low_and_slow():
    root = np.tile(SKELETON.offsets[0], (60, 1))
    rotations = np.zeros((60, len(SKELETON), 3))
    rotations[30:, SKELETON.index("LeftUpLeg"), 0] = -0.9  # from the middle on the left knee is up
    rotations[30:, SKELETON.index("LeftLeg"), 0] = 0.9
    features, _ = from_world(root, rotations)
    contacts = sole_contacts(features, Limbs.soles(SKELETON))
    assert (contacts[5:25] == 1).all()
    assert (contacts[35:, :2] == 0).all()
    assert (contacts[35:, 2:] == 1).all()
    root[:, 2] += 0.05 * np.arange(60)  # gliding at 1.5 m/s: low and not slow
    gliding, _ = from_world(root, rotations)
    assert (sole_contacts(gliding, Limbs.soles(SKELETON)) == 0).all()
