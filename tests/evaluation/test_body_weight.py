"""Balance, sway, steps and transitions of bodies that do a known thing."""

import numpy as np
import pytest
from duologue.evaluation.body.bodies import Bodies
from duologue.evaluation.body.weight import weight
from duologue.evaluation.intervals import quotient
from duologue.labels import ACTION_MODES
from duologue.motion.balance import outside, support
from duologue.motion.mass import FOOT, HAND, HEAD, SEGMENTS, centre_of_mass
from duologue.motion.skeleton import Skeleton

SKELETON = Skeleton.builtin("duologue60")
STAND, WALK, SIT = (ACTION_MODES.index(mode) for mode in ("stand", "walk", "sit"))
FRAMES = 360


def standing(frames=FRAMES):
    """Two in the rest pose, two metres apart: roots (2, T, 3) and rotations (2, T, J, 3)."""
    root = np.tile(SKELETON.offsets[0], (2, frames, 1))
    root[1, :, 0] += 2.0
    return root, np.zeros((2, frames, len(SKELETON), 3))


def measured(root, rotations, actions=None):
    actions = np.full(root.shape[:2], STAND) if actions is None else actions
    return {k: float(quotient(*sums)) for k, sums in weight(Bodies(SKELETON, root, rotations), actions).items()}


def test_segments_are_a_whole_body_whose_centre_is_where_it_is_known_to_be() -> None:
    whole = sum(mass for _, _, mass, _ in SEGMENTS) + HEAD + 2 * (HAND + FOOT)
    assert whole == pytest.approx(100, abs=0.1)
    root, rotations = standing(1)
    rotations[:, :, SKELETON.index("LeftArm"), 2], rotations[:, :, SKELETON.index("RightArm"), 2] = -1.4, 1.4
    bodies = Bodies(SKELETON, root, rotations)
    centre = centre_of_mass(SKELETON, bodies.matrices, bodies.positions)[0, 0]
    assert centre[0] == pytest.approx(0, abs=0.005)  # in the plane of symmetry
    # 53 to 58 % of the stature of somebody who stands (Winter, Biomechanics and Motor Control, 4.1.3).
    assert 0.53 < centre[1] / 1.75 < 0.585


def test_a_raised_arm_moves_the_centre_by_its_share_of_the_mass() -> None:
    root, rotations = standing(2)
    rotations[:, 1, SKELETON.index("LeftArm"), 2] = np.pi / 2  # from a T straight up
    bodies = Bodies(SKELETON, root, rotations)
    before, after = centre_of_mass(SKELETON, bodies.matrices, bodies.positions)[0]
    arm, forearm, hand = (SKELETON.index(f"Left{part}") for part in ("Arm", "ForeArm", "Hand"))
    knuckle = SKELETON.index("LeftHandMiddle1")
    at = bodies.positions[0, 0] - bodies.positions[0, 0, arm]
    reach = 2.63 * 0.5763 * at[forearm] + 1.5 * (at[forearm] + 0.4567 * (at[hand] - at[forearm])) + HAND * at[knuckle]
    assert after[1] - before[1] == pytest.approx((reach[0] - reach[1]) / 100, rel=1e-2)  # x becomes y, y becomes -x
    assert after[0] - before[0] == pytest.approx((-reach[1] - reach[0]) / 100, rel=1e-2)


def test_how_far_outside_a_square() -> None:
    square = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    all_there = np.ones(4, bool)
    for place, away in (((0, 0), 0), ((0.99, -0.99), 0), ((1.5, 0.2), 0.5), ((4, 5), 5), ((-1, -3), 2)):
        assert outside(square, all_there, np.array(place, float)) == pytest.approx(away, abs=5e-3)
    only_left = np.array([True, False, False, True])
    assert outside(square, only_left, np.array([1.0, 0.0])) == pytest.approx(2)
    assert np.isinf(outside(square, ~all_there, np.zeros(2)))


def test_a_sole_has_the_width_of_a_foot() -> None:
    root, rotations = standing(1)
    bodies = Bodies(SKELETON, root, rotations)
    left = support(SKELETON, bodies.matrices, bodies.positions)[0, 0, 0]
    assert np.ptp(left[:, 0]) == pytest.approx(0.09)
    assert 0.2 < np.ptp(left[:, 1]) < 0.32


def test_who_stands_upright_is_balanced_and_who_leans_like_a_falling_tree_is_not() -> None:
    root, rotations = standing()
    assert measured(root, rotations)["unbalanced_percent"] == 0
    soles = np.array([0.0, 0.0, 0.0])
    lean = np.radians(-20.0)  # A goes over backwards, turned about the feet, which are bent to stay flat
    rotations[0, :, 0, 0] = lean
    for side in ("Left", "Right"):
        rotations[0, :, SKELETON.index(f"{side}Foot"), 0] = -lean
    root[0, :, 1], root[0, :, 2] = root[0, 0, 1] * np.cos(lean), soles[2] + root[0, 0, 1] * np.sin(lean)
    figures = measured(root, rotations)
    assert figures["unbalanced_percent"] == pytest.approx(50, abs=1)  # one of two
    assert figures["outside_support_cm"] > 3


def test_hips_that_sway_range_as_far_as_they_sway() -> None:
    root, rotations = standing()
    time = np.arange(FRAMES) / 30
    still = measured(root, rotations)
    assert still["motionless_percent"] == 100
    assert still["hips_range_cm"] == still["sway_cm_s"] == still["hips_jerk_standing"] == pytest.approx(0, abs=1e-9)
    pace, reach = 2 * np.pi * 0.4, 0.015
    root[:, :, 0] += reach * np.sin(pace * time)
    figures = measured(root, rotations)
    assert figures["hips_range_cm"] == pytest.approx(100 * 2 * reach, rel=0.01)
    assert figures["sway_cm_s"] == pytest.approx(100 * reach * pace * 2 / np.pi, rel=0.01)
    assert figures["hips_jerk_standing"] == pytest.approx(reach * pace**3 * 2 / np.pi, rel=0.02)
    # |cos| < 0.003 / (reach pace) for so long a part of a period:
    assert figures["motionless_percent"] == pytest.approx(100 * 2 / np.pi * np.arcsin(0.003 / (reach * pace)), abs=2)


def test_who_glides_walks_on_soles_that_do_not_stand() -> None:
    root, rotations = standing()
    root[0, :, 2] += 1.2 * np.arange(FRAMES) / 30
    actions = np.full((2, FRAMES), STAND)
    actions[0] = WALK
    figures = measured(root, rotations, actions)
    assert figures["walking_m_s"] == pytest.approx(1.2)
    assert figures["stance_cm_s"] == pytest.approx(120)


def test_when_a_walk_follows_its_label() -> None:
    root, rotations = standing()
    pace = np.where(np.arange(FRAMES) >= 120, 1.0 / 30, 0.0)
    root[:, :, 2] += np.cumsum(pace)
    on_time, late, never = (np.full((2, FRAMES), STAND) for _ in range(3))
    on_time[:, 120:] = late[:, 93:] = WALK
    assert measured(root, rotations, on_time)["transition_prompt_percent"] == 100
    figures = measured(root, rotations, late)
    assert figures["transition_prompt_percent"] == 0
    assert figures["transition_late_s"] == pytest.approx(0.9, abs=0.2)  # the rule itself looks at half a second
    never[:, 93:] = SIT
    assert measured(root, rotations, never)["transition_prompt_percent"] == 0
    assert np.isnan(measured(root, rotations, never)["transition_late_s"])
