"""The clean-up of a take that is still being made."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.evaluation.body.bodies import Bodies
from duologue.evaluation.body.plausibility import feet
from duologue.motion.capsules import pair_penetration, self_penetration
from duologue.motion.cleanup import Cleaner, CleanupOptions, CleanupReport
from duologue.motion.contact import Soles
from duologue.motion.foot_lock import FootLockOptions
from duologue.motion.skeleton import Skeleton, forward_kinematics
from scipy.spatial.transform import Rotation

DUOLOGUE60 = Skeleton.builtin("duologue60")
OFF = CleanupOptions(
    smooth=False,
    settle=False,
    feet=FootLockOptions(lock=False, floor=False),
    part_bodies=False,
    free_hands=False,
    part_legs=False,
)


def clean(
    root: np.ndarray, rotations: np.ndarray, options: CleanupOptions | None = None, pieces: tuple[int, ...] = ()
) -> tuple[np.ndarray, np.ndarray, CleanupReport]:
    cleaner = Cleaner(DUOLOGUE60, options=options)
    edges = pairwise([0, *pieces, root.shape[1]])
    parts = [cleaner.push(root[:, a:b], rotations[:, a:b]) for a, b in edges]
    parts.append(cleaner.flush())
    return *(np.concatenate([part[k] for part in parts], axis=1) for k in (0, 1)), cleaner.report


def soles(root: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    return Soles.of(DUOLOGUE60).place(*forward_kinematics(DUOLOGUE60, rotations, root))


def joints(root: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    return forward_kinematics(DUOLOGUE60, rotations.astype(np.float64), root.astype(np.float64))[1]


def sliding(root: np.ndarray, rotations: np.ndarray) -> float:
    """Mean speed of one body's standing soles, cm/s."""
    total, count = feet(Bodies(DUOLOGUE60, root[None].repeat(2, 0), rotations[None].repeat(2, 0)))["sliding_cm_s"]
    return total / count


def sway(frames: int, amount: float, seconds: float) -> np.ndarray:
    return amount * np.sin(2 * np.pi * np.arange(frames) / (30 * seconds))


def test_feet_that_slide_with_the_hips_stand_still(standing: Callable[..., Any]) -> None:
    pair = standing(150)
    pair.root[0, :, 0] += sway(150, 0.05, 3)  # whole bodies sway by 5 cm, feet and all
    pair.root[1, :, 2] += sway(150, 0.04, 2)
    assert np.ptp(soles(pair.root, pair.rotations)[..., [0, 2]], axis=1).max() > 0.08
    root, rotations, report = clean(pair.root, pair.rotations)
    points = soles(root, rotations)
    assert np.ptp(points[:, 10:, ..., [0, 2]], axis=1).max() < 0.002
    assert np.abs(points[:, 10:, ..., 1]).max() < 0.002
    np.testing.assert_allclose(root[..., [0, 2]], pair.root[..., [0, 2]], atol=0.005)  # the sway itself is kept
    assert report.feet_held == (150, 150)
    assert report.feet_moved_by[0] > 0.045


def test_knees_bend_forwards_only_and_bones_keep_their_length(standing: Callable[..., Any]) -> None:
    pair = standing(120)
    pair.root[..., 1] += sway(120, 0.06, 2)  # up to 6 cm higher than the legs reach, 6 cm under the floor
    pair.rotations[:, 40:60, DUOLOGUE60.index("LeftLeg"), 0] = -0.3  # a knee bent the wrong way
    root, rotations, _ = clean(pair.root, pair.rotations)
    matrices, positions = forward_kinematics(DUOLOGUE60, rotations.astype(np.float64), root.astype(np.float64))
    for side in ("Left", "Right"):
        hip, knee, foot = DUOLOGUE60.indices(side + "UpLeg", side + "Leg", side + "Foot")
        bend = np.cross(positions[:, :, knee] - positions[:, :, hip], positions[:, :, foot] - positions[:, :, knee])
        assert (np.einsum("pti,pti->pt", bend, matrices[:, :, hip, :, 0]) > 0).all()


def test_feet_never_go_under_the_floor(standing: Callable[..., Any]) -> None:
    pair = standing(90)
    pair.root[..., 1] -= 0.04 + sway(90, 0.03, 1.5)
    pair.rotations[:, 30:50, DUOLOGUE60.index("LeftFoot"), 0] += 0.5  # toes dig in
    assert soles(pair.root, pair.rotations)[..., 1].min() < -0.06
    root, rotations, _ = clean(pair.root, pair.rotations)
    assert soles(root, rotations)[..., 1].min() > -0.005
    toes = joints(root, rotations)[:, :, DUOLOGUE60.indices("LeftToeBase", "RightToeBase"), 1]
    assert toes.min() > 0


@pytest.mark.parametrize("height", [0.06, -0.05])
def test_bodies_that_hover_or_sink_are_set_on_their_feet(height: float, standing: Callable[..., Any]) -> None:
    pair = standing(60)
    pair.root[0, :, 1] += height
    root, rotations, report = clean(pair.root, pair.rotations)
    assert np.abs(soles(root, rotations)[..., 1]).max() < 1e-3
    knee = DUOLOGUE60.index("LeftLeg")
    np.testing.assert_allclose(rotations[0, :, knee], pair.rotations[0, :, knee], atol=0.01)  # knees as soft as before
    assert report.settled == (60, 0)
    assert report.settled_by[0] == pytest.approx(abs(height), abs=1e-6)


def test_feet_that_dangle_are_left_dangling(standing: Callable[..., Any]) -> None:
    pair = standing(60)
    pair.root[..., 1] += 0.3
    root, _, report = clean(pair.root, pair.rotations)
    np.testing.assert_allclose(root, pair.root, atol=1e-6)
    assert report.settled == report.feet_held == (0, 0)


def test_windows_pushed_in_pieces_give_the_same_bits(kit_pair: Callable[..., Any]) -> None:
    pair = kit_pair("f_walk_neutral", "m_gestic_laugh_loud", gap=0.5)
    whole = clean(pair.root, pair.rotations)
    frames = pair.root.shape[1]
    for pieces in ((1, 2, 3, 20), (15, 15, frames - 1), tuple(range(1, frames))):
        parts = clean(pair.root, pair.rotations, pieces=pieces)
        np.testing.assert_array_equal(parts[0], whole[0])
        np.testing.assert_array_equal(parts[1], whole[1])
        assert parts[2] == whole[2]
    assert whole[0].shape == pair.root.shape
    assert whole[2].frames == frames


def test_no_more_than_ten_frames_are_held_back(standing: Callable[..., Any]) -> None:
    pair = standing(60)
    cleaner = Cleaner(DUOLOGUE60)
    out = 0
    for start in range(0, 60, 5):
        out += cleaner.push(pair.root[:, start : start + 5], pair.rotations[:, start : start + 5])[0].shape[1]
        assert start + 5 - out <= 10
    assert out + cleaner.flush()[0].shape[1] == 60
    with pytest.raises(DuologueError, match="use a new Cleaner"):
        cleaner.push(pair.root, pair.rotations)


def test_good_motion_is_left_as_it_was(kit_pair: Callable[..., Any]) -> None:
    pair = kit_pair("f_idle_breathe_01", "m_gestic_listen_accept_01")
    root, rotations, report = clean(pair.root, pair.rotations)
    moved = np.linalg.norm(joints(root, rotations) - joints(pair.root, pair.rotations), axis=-1)
    assert moved.max() < 0.025
    assert moved.mean() < 0.002
    assert report.feet_given_up == 0
    assert report.bodies_parted == 0


def test_a_walk_keeps_its_steps_and_loses_its_slide(kit_pair: Callable[..., Any]) -> None:
    pair = kit_pair("m_walk_neutral_01", "f_walk_neutral", gap=4)
    too_fast = pair.root * [1.15, 1, 1.15]  # the hips go 15 % farther than the feet step
    root, rotations, _ = clean(too_fast, pair.rotations)
    for k in range(2):
        before = sliding(too_fast[k], pair.rotations[k])
        assert before > 12
        assert sliding(root[k], rotations[k]) < 0.35 * before
    # No pops: nothing on the feet accelerates more than it does in the recording.
    feet = DUOLOGUE60.indices("LeftFoot", "RightFoot", "LeftToeBase", "RightToeBase")
    pace, recorded = (
        np.linalg.norm(np.diff(joints(*motion)[:, :, feet], 2, axis=1), axis=-1).max()
        for motion in ((root, rotations), (pair.root, pair.rotations))
    )
    assert pace < 1.2 * recorded
    # Feet are still lifted as high.
    lifted, lift = (
        soles(*motion)[..., 1].max(axis=(1, 3)) for motion in ((root, rotations), (pair.root, pair.rotations))
    )
    np.testing.assert_allclose(lifted, lift, atol=0.045)  # of some 30 cm


def test_bodies_that_stand_in_each_other_are_parted(standing: Callable[..., Any]) -> None:
    pair = standing(90, gap=0.3)
    before = pair_penetration(DUOLOGUE60, pair.rotations, pair.root)
    assert before.percent == 100
    root, rotations, report = clean(pair.root, pair.rotations)
    after = pair_penetration(DUOLOGUE60, rotations, root)
    assert after.percent == 0
    assert report.bodies_parted == 90
    shift = root - pair.root
    np.testing.assert_allclose(shift[0, :, 0], -shift[1, :, 0], atol=1e-5)  # half each, along the line between them
    np.testing.assert_allclose(shift[..., 2], 0, atol=1e-5)
    assert report.bodies_parted_by == pytest.approx(2 * np.abs(shift[0, :, 0]).max(), abs=1e-5)


def test_a_hand_is_led_around_the_belly(standing: Callable[..., Any]) -> None:
    pair = standing(90)
    reach = np.exp(-(((np.arange(90) - 45) / 12.0) ** 2))[:, None]
    arm, elbow = DUOLOGUE60.indices("LeftArm", "LeftForeArm")
    hanging = Rotation.from_euler("Z", -1.3)
    inwards = hanging * Rotation.from_rotvec(1.2 * reach * [1, 0, 0])  # the upper arm turns in, the elbow bends
    pair.rotations[0, :, arm] = inwards.as_rotvec()
    pair.rotations[0, :, elbow] = 1.6 * reach * [0, -1, 0]
    before = self_penetration(DUOLOGUE60, pair.rotations[0], pair.root[0])
    assert before.deepest > 0.04
    root, rotations, report = clean(pair.root, pair.rotations)
    after = self_penetration(DUOLOGUE60, rotations[0], root[0])
    assert after.deepest < 0.02
    assert report.hands_freed[0] > 0
    assert report.hands_freed[1] == 0
    hand = DUOLOGUE60.index("LeftHand")
    turned = forward_kinematics(DUOLOGUE60, rotations[0].astype(np.float64), root[0])[0][:, hand]
    was = forward_kinematics(DUOLOGUE60, pair.rotations[0], pair.root[0])[0][:, hand]
    assert np.abs(turned - was).max() < 0.08  # the hand keeps its orientation, but for the smoothing
    pace = np.linalg.norm(np.diff(joints(root, rotations)[0, :, hand], 2, axis=0), axis=-1)
    was_pace = np.linalg.norm(np.diff(joints(pair.root, pair.rotations)[0, :, hand], 2, axis=0), axis=-1)
    assert pace.max() < 1.5 * was_pace.max()


def seated(pair: Any) -> None:
    """Sit A down on 0.45 m, knees at right angles, feet on the floor beside each other."""
    for side in ("Left", "Right"):
        for joint, angle in (("UpLeg", -1.5), ("Leg", 1.5), ("Foot", 0.0)):
            pair.rotations[0, :, DUOLOGUE60.index(side + joint)] = [angle, 0, 0]
    pair.root[0, :, 1] -= soles(pair.root[0], pair.rotations[0])[..., 1].min()


def test_seated_legs_that_go_through_each_other_are_parted(standing: Callable[..., Any]) -> None:
    pair = standing(60)
    seated(pair)
    apart = clean(pair.root, pair.rotations)
    assert apart[2].legs_parted == (0, 0)  # beside each other they are left alone
    for side, turn in (("Left", -0.35), ("Right", 0.3)):  # both knees are bent inwards until the shins cross
        thigh = DUOLOGUE60.index(f"{side}UpLeg")
        inwards = Rotation.from_rotvec([0, 0, turn]) * Rotation.from_rotvec(pair.rotations[0, 0, thigh])
        pair.rotations[0, :, thigh] = inwards.as_rotvec()
    assert self_penetration(DUOLOGUE60, pair.rotations[0], pair.root[0]).deepest > 0.04
    root, rotations, report = clean(pair.root, pair.rotations)
    assert self_penetration(DUOLOGUE60, rotations[0], root[0]).deepest < 0.02
    assert report.legs_parted[0] == 60
    assert report.legs_parted[1] == 0
    assert soles(root[0], rotations[0])[..., 1].min() > -0.005  # and nobody's foot goes under the floor for it


def test_a_sole_that_carries_is_not_pushed_aside_by_the_other_leg(standing: Callable[..., Any]) -> None:
    pair = standing(60)
    thigh = DUOLOGUE60.index("RightUpLeg")
    swing = np.concatenate([np.zeros(15), 0.22 * np.sin(np.linspace(0, np.pi, 30)) ** 2, np.zeros(15)])
    knee = DUOLOGUE60.index("RightLeg")
    for frame, angle in enumerate(swing):  # the right foot is lifted and brought in front of the left one, into it
        inwards = Rotation.from_rotvec([0, 0, -angle]) * Rotation.from_rotvec(pair.rotations[0, frame, thigh])
        pair.rotations[0, frame, thigh] = inwards.as_rotvec()
        pair.rotations[0, frame, knee, 0] += 2 * angle
    before = soles(pair.root[0], pair.rotations[0])
    root, rotations, _ = clean(pair.root, pair.rotations)
    after = soles(root[0], rotations[0])
    assert np.abs(after[:, 0] - before[:, 0]).max() < 0.004


def test_steps_can_be_switched_off(kit_pair: Callable[..., Any]) -> None:
    pair = kit_pair("f_walk_neutral", "m_gestic_laugh_loud")
    root, rotations, report = clean(pair.root, pair.rotations, OFF)
    np.testing.assert_allclose(root, pair.root, atol=1e-6)
    after, before = (Rotation.from_rotvec(turns.reshape(-1, 3)) for turns in (rotations, pair.rotations))
    same = (before.inv() * after).magnitude().reshape(rotations.shape[:-1])
    # A knee within 6 degrees of straight is swung into its hinge's plane; everything else passes.
    knees = [j for j, name in enumerate(DUOLOGUE60.names) if name.endswith(("UpLeg", "Leg"))]
    assert np.delete(same, knees, axis=2).max() < 2e-3
    assert report == CleanupReport(frames=pair.root.shape[1])
    only_smooth = clean(pair.root, pair.rotations, replace(OFF, smooth=True))
    assert only_smooth[2] == CleanupReport(frames=pair.root.shape[1])
    assert np.abs(only_smooth[1] - rotations).max() > 1e-4


def test_an_empty_take_and_a_single_frame(standing: Callable[..., Any]) -> None:
    pair = standing(1)
    assert clean(pair.root[:, :0], pair.rotations[:, :0])[0].shape == (2, 0, 3)
    root, rotations, _ = clean(pair.root, pair.rotations)
    np.testing.assert_allclose(root, pair.root, atol=1e-6)
    assert rotations.shape == (2, 1, 60, 3)


def test_motion_that_is_none_is_refused(standing: Callable[..., Any]) -> None:
    pair = standing(4)
    with pytest.raises(DuologueError) as caught:
        Cleaner(DUOLOGUE60).push(pair.root, pair.rotations[:, :, :59])
    assert caught.value.reason == "motion-shape"
    pair.rotations[1, 2, 3] = np.nan
    with pytest.raises(DuologueError) as caught:
        Cleaner(DUOLOGUE60).push(pair.root, pair.rotations)
    assert caught.value.reason == "motion-not-finite"
    with pytest.raises(DuologueError, match="has no joint 'LeftFoot'"):
        Cleaner(Skeleton.builtin("smplx55"))


def test_a_minute_of_the_pair_takes_less_than_a_twentieth_of_it(standing: Callable[..., Any]) -> None:
    pair = standing(1800)
    pair.root[0, :, 0] += sway(1800, 0.05, 3)
    rotations = pair.rotations + np.random.default_rng(0).normal(scale=0.01, size=pair.rotations.shape)
    began = time.process_time()
    clean(pair.root, rotations, pieces=tuple(range(30, 1800, 30)))
    assert time.process_time() - began < 0.05 * 60
