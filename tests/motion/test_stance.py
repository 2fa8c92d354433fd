"""Feet that stand are held, slips are made up for in the steps between, and whoever is held too far off takes a step."""

import numpy as np
import pytest
from duologue.motion.contact import Soles
from duologue.motion.gait import step_along
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.motion.stance import StanceHold
from duologue.motion.stances import TOLERANCE

SKELETON = Skeleton.builtin("duologue60")


def standing(frames, drift=(0.0, 0.0), turn=0.0):
    """Two who stand and are carried over the floor, feet and all: ``drift`` in m/s, ``turn`` in rad/s."""
    path = np.zeros((frames, 3))
    root, rotations = step_along(SKELETON, path)
    root, rotations = root[-1:].repeat(frames, 0), rotations[-1:].repeat(frames, 0)
    time = np.arange(frames) / 30
    root = root + time[:, None] * [drift[0], 0, drift[1]]
    rotations[:, 0, 1] += turn * time
    return np.stack([root, root + np.array([2.0, 0, 0])]), np.stack([rotations, rotations])


def hold(root, rotations, cuts=()):
    held = StanceHold(SKELETON)
    parts = [
        held.push(a, b, np.ones(a.shape[:2]))
        for a, b in zip(np.split(root, cuts, axis=1), np.split(rotations, cuts, axis=1), strict=True)
    ]
    return tuple(np.concatenate(part, axis=1) for part in zip(*parts, strict=True))


def on_the_floor(held):
    """Which middles of soles (2, n, 2, 3) are on the floor from a frame to the next, (2, n - 1, 2)."""
    low = held[..., 1] < 0.002
    return low[:, 1:] & low[:, :-1]


def soles(root, rotations):
    """(2, n, 2 feet, 3): the middles of the soles."""
    return Soles.of(SKELETON).place(*forward_kinematics(SKELETON, rotations, root)).mean(-2)


def test_who_stands_still_is_left_alone():
    root, rotations = standing(90)
    held = hold(root, rotations)
    np.testing.assert_allclose(soles(*held), soles(root, rotations), atol=1e-6)


@pytest.mark.parametrize("cuts", [(), (80, 150)])
def test_a_body_that_is_slid_over_the_floor_steps_over_it(cuts):
    root, rotations = standing(240, drift=(0.04, 0.06))
    held = soles(*hold(root, rotations, cuts))
    speed = 30 * np.linalg.norm(np.diff(held[..., [0, 2]], axis=1), axis=-1)
    low = on_the_floor(held)
    assert speed[low].max() < 0.02, "a sole on the floor stays where it is"
    assert low.any(-1).all(), "one foot at a time"
    away = np.linalg.norm((held - soles(root, rotations))[..., [0, 2]], axis=-1)
    assert away.max() < 3 * TOLERANCE[0], "and follows the body"
    assert (~low).any(1).all(), "both feet step"


def test_a_body_that_is_turned_on_the_spot_turns_its_feet_by_steps():
    root, rotations = standing(150, turn=0.4)
    held = soles(*hold(root, rotations))
    speed = 30 * np.linalg.norm(np.diff(held[..., [0, 2]], axis=1), axis=-1)
    assert speed[on_the_floor(held)].max() < 0.02


def test_windows_join_without_a_jump():
    root, rotations = standing(160, drift=(0.0, 0.08))
    whole, cut = (soles(*hold(root, rotations, cuts)) for cuts in ((), (75, 110)))
    for feet in (whole, cut):
        assert 30 * np.linalg.norm(np.diff(feet, axis=1), axis=-1).max() < 1.0
        assert 900 * np.linalg.norm(np.diff(feet, n=2, axis=1), axis=-1).max() < 14


def test_what_is_not_free_stays_as_it_is():
    root, rotations = standing(60, drift=(0.05, 0.0))
    held = StanceHold(SKELETON).push(root, rotations, np.zeros((2, 60)))
    np.testing.assert_allclose(held[1], rotations, atol=1e-6)
