"""Steps along a way: soles that stand still, feet that carry, arrival where the way ends."""

import numpy as np
import pytest
from duologue.easing import smoothstep
from duologue.motion.capsules import self_penetration
from duologue.motion.cleanup import Cleaner, CleanupOptions
from duologue.motion.contact import Soles
from duologue.motion.foot_lock import AT_REST
from duologue.motion.footsteps import plan_footsteps, stretches
from duologue.motion.gait import step_along
from duologue.motion.skeleton import Skeleton, forward_kinematics
from hypothesis import given, settings
from hypothesis import strategies as st

SKELETON = Skeleton.builtin("duologue60")
WAYS = {"ahead": (0.0, 3.0, 0.0), "aside": (0.35, 0.0, 0.0), "back": (0.0, -0.4, 0.0), "round": (0.0, 0.0, np.pi / 2)}


def way(x, z, heading, seconds=3.0):
    """A way from the origin that begins and ends at rest."""
    s = smoothstep((np.arange(int(30 * seconds) + 20) - 10) / (30 * seconds))
    return s[:, None] * np.array([x, z, heading])


def soles(root, rotations):
    """Heels and balls (n, 4, 3) in the world."""
    return Soles.of(SKELETON).place(*forward_kinematics(SKELETON, rotations, root)).reshape(len(root), 4, 3)


@pytest.mark.parametrize("name", WAYS)
def test_the_sole_that_stands_does_not_move_and_nothing_is_under_the_floor(name):
    points = soles(*step_along(SKELETON, way(*WAYS[name])))
    speed = 30 * np.linalg.norm(np.diff(points[..., [0, 2]], axis=0), axis=-1)
    lowest = points[1:, :, 1].argmin(-1)
    stance = np.take_along_axis(speed, lowest[:, None], -1)[:, 0]
    assert np.percentile(stance, 95) < 0.01
    assert points[..., 1].min() > -1e-6
    assert points[..., 1].min(-1).max() < 0.005, "somebody always stands on something"


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_a_way_of_a_frame_or_two_is_stood_on(frames):
    root, rotations = step_along(SKELETON, np.tile([0.3, -0.2, 0.4], (frames, 1)))
    assert root.shape == (frames, 3)
    np.testing.assert_allclose(root[:, [0, 2]], np.tile([0.3, -0.2], (frames, 1)), atol=0.01, err_msg="but for a sway")
    assert np.abs(soles(root, rotations)[..., 1].min(-1)).max() < 0.03


@pytest.mark.parametrize("name", WAYS)
def test_they_end_where_the_way_ends_with_feet_nearly_beside_each_other(name):
    x, z, heading = WAYS[name]
    root, rotations = step_along(SKELETON, way(*WAYS[name]))
    np.testing.assert_allclose(root[-1, [0, 2]], [x, z], atol=0.01)
    left, right = (soles(root, rotations)[-1, k : k + 2].mean(0) for k in (0, 2))
    ahead = np.array([np.sin(heading), 0, np.cos(heading)])
    assert abs((left - right) @ ahead) < 0.12
    assert 0.12 < np.linalg.norm(left - right) < 0.24


def test_an_easy_walk_is_as_people_walk():
    """0.63 m and 1.75 steps a second at 1.1 m/s, as adults of 1.75 m choose them; nearly straight knees."""
    path = np.zeros((330, 3))
    path[15:-15, 1] = 1.1 * np.arange(300) / 30
    path[-15:, 1] = path[-16, 1]
    left, right = plan_footsteps(path)
    steps = np.diff(np.sort(np.concatenate([left.lands, right.lands]))[3:-3]) / 30
    assert 1 / steps.mean() == pytest.approx(1.75, abs=0.12)
    assert 1.1 * steps.mean() == pytest.approx(0.63, abs=0.05)
    root, rotations = step_along(SKELETON, path)
    middle = slice(90, 240)
    assert np.ptp(root[middle, 1]) < 0.07
    knees = np.linalg.norm(rotations[middle][:, SKELETON.indices("LeftLeg", "RightLeg")], axis=-1)
    assert np.degrees(np.percentile(knees, 10)) < 22
    accelerations = 900 * np.linalg.norm(np.diff(root[middle], n=2, axis=0), axis=-1)
    assert np.percentile(accelerations, 99) < 14, "the 99th percentile of captured walks"


@settings(max_examples=25, deadline=None)
@given(st.floats(-1.5, 1.5), st.floats(-1.5, 3.5), st.floats(-3.0, 3.0))
def test_feet_take_turns_wherever_it_goes(x, z, heading):
    left, right = plan_footsteps(way(x, z, heading))
    begins = np.concatenate([left.lifts, right.lifts])
    ends = np.concatenate([left.lands, right.lands])
    order = np.argsort(begins)
    assert (begins[order][1:] >= ends[order][:-1] - 1e-9).all(), "one foot stands while the other steps"
    for foot in (left, right):
        turned = np.diff(np.unwrap(foot.places[:, 2]))
        assert np.abs(turned).max() < np.radians(120)


def test_a_short_pause_is_stepped_through_and_a_long_one_is_not():
    afoot = np.zeros(200, bool)
    afoot[20:50] = afoot[56:80] = afoot[150:180] = True
    assert stretches(afoot) == [(16, 84), (146, 184)]


@pytest.mark.parametrize("heading", [2.4, -2.4, np.pi])
def test_legs_do_not_cross_where_somebody_turns_round_while_they_come_to_a_halt(heading):
    path = way(0.0, 3.0, 0.0)
    turning = smoothstep((np.arange(len(path)) - 65) / 30)
    path[:, 2] = heading * turning
    root, rotations = step_along(SKELETON, path)
    depth = self_penetration(SKELETON, rotations, root)
    assert depth.deepest < 0.03, "a centimetre or two is flesh"
    _, positions = forward_kinematics(SKELETON, rotations, root)
    assert positions[:, 0, 1].min() > 0.8, "nor is a leg set so far aside that the hips come down"


@pytest.mark.parametrize("name", ["aside", "back"])
def test_who_steps_slowly_is_over_the_foot_that_carries(name):
    root, rotations = step_along(SKELETON, way(*WAYS[name], seconds=1.2))
    points = soles(root, rotations).reshape(len(root), 2, 2, 3)
    lifted = points[..., 1].min(-1) > 0.01
    alone = lifted.any(-1)
    carrying = points.mean(2)[np.arange(len(root)), lifted.argmin(-1)]
    speed = np.hypot(*np.gradient(root[:, [0, 2]], axis=0).T) * 30
    away = np.hypot(*(root - carrying)[:, [0, 2]].T)
    slow = alone & (speed < 0.25)
    assert slow.sum() > 5
    assert away[slow].max() < 0.16, "half a sole and what falling from there takes"


def test_a_walk_that_is_clean_stays_so_in_the_clean_up():
    root, rotations = step_along(SKELETON, way(0.0, 3.0, 0.0))
    beside = root + np.array([1.5, 0, 0])
    cleaner = Cleaner(SKELETON, options=CleanupOptions(feet=AT_REST))
    parts = [cleaner.push(np.stack([root, beside]), np.stack([rotations, rotations])), cleaner.flush()]
    cleaned, turned = (np.concatenate([part[k][0] for part in parts]).astype(float) for k in (0, 1))
    before, after = soles(root, rotations), soles(cleaned, turned)
    speed = 30 * np.linalg.norm(np.diff(after[..., [0, 2]], axis=0), axis=-1)
    stance = np.take_along_axis(speed, after[1:, :, 1].argmin(-1)[:, None], -1)[:, 0]
    assert stance.mean() < 0.01
    heels = before[:, [0, 2], 1], after[:, [0, 2], 1]
    assert np.abs(heels[0] - heels[1]).max() < 0.02, "heels come up as they did, to push off"
