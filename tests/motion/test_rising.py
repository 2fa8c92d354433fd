"""Trunks that lean over the feet as hips leave a seat."""

import numpy as np
from duologue.easing import smoothstep
from duologue.motion.contact import Soles
from duologue.motion.ik import two_bone
from duologue.motion.mass import centre_of_mass
from duologue.motion.rising import SeatLean
from duologue.motion.rotations import matrix_to_exp
from duologue.motion.skeleton import Skeleton, forward_kinematics

SKELETON = Skeleton.builtin("duologue60")
FRAMES = 90


def rising(back=0.35):
    """Two who rise bolt upright from a seat, hips ``back`` metres behind feet that stand: roots and rotations."""
    up = smoothstep((np.arange(FRAMES) - 30) / 30)
    root = np.tile(SKELETON.offsets[0], (2, FRAMES, 1)).astype(float)
    root[..., 1] = 0.62 + 0.32 * up
    root[..., 2] -= back * (1 - up)
    rotations = np.zeros((2, FRAMES, len(SKELETON), 3))
    matrices, positions = forward_kinematics(SKELETON, rotations, root)
    for side in ("Left", "Right"):
        thigh, shin, foot = SKELETON.indices(side + "UpLeg", side + "Leg", side + "Foot")
        stands = np.broadcast_to(SKELETON.rest_positions[foot], positions[:, :, foot].shape)
        upper, lower, _ = two_bone(
            positions[:, :, thigh], positions[:, :, shin], positions[:, :, foot], stands, matrices[:, :, thigh, :, 0]
        )
        rotations[:, :, thigh] = matrix_to_exp(upper)
        rotations[:, :, shin] = matrix_to_exp(np.swapaxes(upper, -1, -2) @ lower)
        rotations[:, :, foot] = matrix_to_exp(np.swapaxes(lower, -1, -2))
    return root, rotations


def behind(root, rotations):
    """How far the centre of mass is behind the heels, (2, T), facing +Z."""
    placed = forward_kinematics(SKELETON, rotations, root)
    heels = Soles.of(SKELETON).place(*placed)[..., 0, 2].min(-1)
    return heels - centre_of_mass(SKELETON, *placed)[..., 2]


def test_who_rises_upright_is_leant_over_the_feet_and_straight_again_when_up():
    root, rotations = rising()
    hips, leant = SeatLean(SKELETON).push(root, rotations, np.ones((2, FRAMES)))
    off = (root[0, :, 1] > 0.71 * 0.955) & (root[0, :, 1] < 0.9)
    before, after = behind(root, rotations)[0, off], behind(hips, leant)[0, off]
    assert before.max() > 0.14
    assert after.max() < 0.06
    np.testing.assert_array_equal(leant[:, -5:], rotations[:, -5:])
    np.testing.assert_array_equal(hips[:, -5:], root[:, -5:])
    legs = SKELETON.indices("LeftUpLeg", "LeftLeg", "LeftFoot", "RightUpLeg", "RightLeg", "RightFoot")
    stood, stands = (
        forward_kinematics(SKELETON, *motion)[1][:, :, legs] for motion in ((rotations, root), (leant, hips))
    )
    np.testing.assert_allclose(stands, stood, atol=1e-4, err_msg="legs stay")


def test_the_head_keeps_most_of_where_it_looked():
    root, rotations = rising()
    hips, leant = SeatLean(SKELETON).push(root, rotations, np.ones((2, FRAMES)))
    matrices = forward_kinematics(SKELETON, leant, hips)[0]
    pitch = {
        name: np.degrees(np.arctan2(m[..., 2, 1], m[..., 1, 1])).max()
        for name in ("Spine3", "Head")
        for m in [matrices[:, :, SKELETON.index(name)]]
    }
    assert 30 < pitch["Spine3"] < 58
    assert pitch["Head"] < 0.4 * pitch["Spine3"]


def test_windows_join_without_a_jump():
    root, rotations = rising()
    cut = 48  # while they rise
    lean = SeatLean(SKELETON)
    parts = [
        lean.push(root[:, s], rotations[:, s], np.ones((2, FRAMES))[:, s]) for s in (slice(0, cut), slice(cut, None))
    ]
    spine = np.concatenate([part[1] for part in parts], axis=1)[0, :, SKELETON.index("Hips"), 0]
    assert np.abs(np.diff(spine)).max() < np.radians(6)
    assert np.abs(np.diff(spine, 2)).max() < np.radians(2)


def test_where_nothing_may_be_changed_nothing_is():
    root, rotations = rising()
    np.testing.assert_array_equal(SeatLean(SKELETON).push(root, rotations, np.zeros((2, FRAMES)))[1], rotations)
