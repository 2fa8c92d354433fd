"""A clip keeps its poses on another skeleton: another rest pose, another spine, other legs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.motion.skeleton import Skeleton, end_positions, forward_kinematics
from duologue.rigs.clips import retarget_clip
from scipy.spatial.transform import Rotation

DUOLOGUE = Skeleton.builtin("duologue60")
OWN = {name: name for name in DUOLOGUE.names}
KIT = Path(__file__).parents[3] / "shared" / "kit"


def wave(frames: int = 40, skeleton: Skeleton = DUOLOGUE, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A standing body whose joints all turn about all axes; the legs only bend, so that the feet stay near the floor."""
    random = np.random.default_rng(seed)
    seconds = np.arange(frames)[:, None, None] / 30
    rotations = 0.25 * np.sin(
        seconds * random.uniform(1, 5, (1, len(skeleton), 3)) + random.uniform(0, 6, (1, len(skeleton), 3))
    )
    rotations[:, 0, :] = (0.05, 0.6, -0.04)
    root = np.array([0.3, 0.93, -0.2]) + 0.05 * np.sin(seconds[:, 0] * (1.0, 0.5, 0.8))
    return rotations, root


def reposed(rest: dict[str, Rotation]) -> tuple[Skeleton, np.ndarray]:
    """duologue60 with another rest pose: the same bones, with some joints (and all that hangs there) turned.

    Also returns the world rotation (J, 3, 3) of every joint in that rest pose, as seen from the T-pose.
    """
    turned: list[Rotation] = []
    offsets = []
    for joint, parent in enumerate(DUOLOGUE.parents):
        above = turned[parent] if parent >= 0 else Rotation.identity()
        offsets.append(above.apply(DUOLOGUE.offsets[joint].copy()))
        turned.append(above * rest.get(DUOLOGUE.names[joint], Rotation.identity()))
    ends = tuple((joint, tuple(turned[joint].apply(offset))) for joint, offset in DUOLOGUE.ends)
    skeleton = Skeleton(DUOLOGUE.names, DUOLOGUE.parents, np.array(offsets), ends)
    return skeleton, np.stack([turn.as_matrix() for turn in turned])


def seen_from(rest: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """The same world motion told by a skeleton that rests in ``rest`` (J, 3, 3): parent-local exponential maps."""
    world, _ = forward_kinematics(DUOLOGUE, rotations, np.zeros((len(rotations), 3)))
    world = world @ np.swapaxes(rest, -1, -2)
    local = world.copy()
    for joint, parent in enumerate(DUOLOGUE.parents):
        if parent >= 0:
            local[:, joint] = np.swapaxes(world[:, parent], -1, -2) @ world[:, joint]
    return Rotation.from_matrix(local.reshape(-1, 3, 3)).as_rotvec().reshape(rotations.shape)


def angle(first: np.ndarray, second: np.ndarray) -> float:
    """The largest angle in radians between two stacks of world rotations."""
    between = np.swapaxes(first, -1, -2) @ second
    return float(Rotation.from_matrix(between.reshape(-1, 3, 3)).magnitude().max())


def test_the_same_skeleton_gives_the_same_clip():
    rotations, root = wave()
    again, again_root = retarget_clip(DUOLOGUE, rotations, root, OWN, DUOLOGUE, find_floor=False)
    np.testing.assert_allclose(again, rotations, atol=1e-9)
    np.testing.assert_allclose(again_root, root, atol=1e-9)


@pytest.mark.parametrize("degrees", [20, 45, 70])
def test_an_a_pose_clip_says_the_same_as_a_t_pose_clip(degrees: float):
    """Arms lowered about the body's forward axis is how an A-pose differs from a T-pose; the motion in the world is one."""
    lowered = {
        "LeftArm": Rotation.from_rotvec([0, 0, -np.radians(degrees)]),
        "RightArm": Rotation.from_rotvec([0, 0, np.radians(degrees)]),
    }
    source, rest = reposed(lowered)
    rotations, root = wave()
    result, _ = retarget_clip(source, seen_from(rest, rotations), root, OWN, DUOLOGUE, find_floor=False)
    np.testing.assert_allclose(result, rotations, atol=1e-7)


def test_bent_elbows_spread_legs_and_curled_fingers_at_rest():
    rest_pose = {
        "LeftArm": Rotation.from_euler("z", -50, degrees=True),
        "LeftForeArm": Rotation.from_euler("y", -25, degrees=True),
        "LeftHandIndex1": Rotation.from_euler("z", -20, degrees=True),
        "LeftHandIndex2": Rotation.from_euler("z", -35, degrees=True),
        "LeftUpLeg": Rotation.from_euler("z", 8, degrees=True),
        "RightUpLeg": Rotation.from_euler("z", -8, degrees=True),
        "LeftFoot": Rotation.from_euler("z", -8, degrees=True),
        "RightFoot": Rotation.from_euler("z", 8, degrees=True),
    }
    source, rest = reposed(rest_pose)
    rotations, root = wave()
    result, result_root = retarget_clip(source, seen_from(rest, rotations), root, OWN, DUOLOGUE, find_floor=False)
    expected, places = forward_kinematics(DUOLOGUE, rotations, root)
    turned, result_places = forward_kinematics(DUOLOGUE, result, result_root)
    np.testing.assert_allclose(result_places - result_places[:, :1], places - places[:, :1], atol=1e-9)
    # These bones don't lie quite across the axes they were turned about, so turning them back the shortest way leaves some twist.
    assert angle(expected, turned) < 0.05


def test_palms_turned_forward_at_rest_are_shared_by_hand_and_forearm():
    source, rest = reposed({"LeftHand": Rotation.from_euler("x", -90, degrees=True)})
    still = np.zeros((2, len(DUOLOGUE), 3))
    result, _ = retarget_clip(source, seen_from(rest, still), np.tile([0, 0.955, 0], (2, 1)), OWN, DUOLOGUE)
    world, _ = forward_kinematics(DUOLOGUE, result, np.zeros((2, 3)))
    np.testing.assert_allclose(world[:, DUOLOGUE.index("LeftHand")], np.broadcast_to(np.eye(3), (2, 3, 3)), atol=1e-9)
    forearm = Rotation.from_matrix(world[0, DUOLOGUE.index("LeftForeArm")]).as_rotvec(degrees=True)
    np.testing.assert_allclose(np.abs(forearm), [45, 0, 0], atol=1e-6)


def shortened(skeleton: Skeleton, drop: dict[str, str]) -> Skeleton:
    """A skeleton without the joints in ``drop``; their children hang under the joint given."""
    remaining = [i for i, name in enumerate(skeleton.names) if name not in drop]
    names = tuple(skeleton.names[i] for i in remaining)
    parents, offsets = [], []
    for i in remaining:
        parent = skeleton.parents[i]
        while parent >= 0 and skeleton.names[parent] in drop:
            parent = skeleton.parents[parent]
        parents.append(names.index(skeleton.names[parent]) if parent >= 0 else -1)
        offsets.append(skeleton.rest_positions[i] - (skeleton.rest_positions[parent] if parent >= 0 else 0))
    return Skeleton(names, tuple(parents), np.array(offsets))


def test_two_spine_joints_and_one_neck_joint_spread_over_four_and_two():
    source = shortened(DUOLOGUE, {"Spine1": "", "Spine3": "", "Neck1": ""})
    rotations = np.zeros((1, len(source), 3))
    rotations[:, source.index("Spine")] = (0.2, 0.1, 0.0)
    rotations[:, source.index("Spine2")] = (0.3, -0.2, 0.1)
    rotations[:, source.index("Neck")] = (0.4, 0.0, 0.2)
    joints = {name: name for name in source.names} | {"Spine2": "Spine1"}
    result, root = retarget_clip(source, rotations, [[0, 0.955, 0]], joints, DUOLOGUE)
    wanted, _ = forward_kinematics(source, rotations, [[0, 0.955, 0]])
    turned, _ = forward_kinematics(DUOLOGUE, result, root)
    for ours, theirs in (
        ("Spine1", "Spine"),
        ("Spine3", "Spine2"),
        ("Neck1", "Neck"),
        ("Head", "Head"),
        ("LeftHand", "LeftHand"),
    ):
        assert angle(wanted[:, source.index(theirs)], turned[:, DUOLOGUE.index(ours)]) < 1e-9, ours
    # The bend is shared evenly: half of the first joint's turn at the lowest of the four, half of the neck's at the lower neck.
    np.testing.assert_allclose(result[0, DUOLOGUE.index("Spine")], [0.1, 0.05, 0.0], atol=1e-9)
    np.testing.assert_allclose(result[0, DUOLOGUE.index("Neck")], [0.2, 0.0, 0.1], atol=1e-9)


def test_soles_stand_where_they_stood_on_longer_legs():
    factor = 1.3
    source = Skeleton(
        DUOLOGUE.names,
        DUOLOGUE.parents,
        DUOLOGUE.offsets / factor,
        tuple((j, tuple(np.array(o) / factor)) for j, o in DUOLOGUE.ends),
    )
    rotations, root = wave()
    for side in ("Left", "Right"):
        for joint in ("UpLeg", "Leg", "Foot", "ToeBase"):
            rotations[:, DUOLOGUE.index(side + joint), 1:] = 0
    rotations[:, 0] = 0
    result, result_root = retarget_clip(source, rotations, root / factor, OWN, DUOLOGUE, find_floor=False)
    np.testing.assert_allclose(result, rotations, atol=1e-9)
    np.testing.assert_allclose(result_root, root, atol=1e-9)


def test_joints_without_a_match_go_with_their_parents():
    source = shortened(DUOLOGUE, dict.fromkeys([n for n in DUOLOGUE.names if "Hand" in n], ""))
    rotations, root = wave(skeleton=source)
    result, _ = retarget_clip(source, rotations, root, {name: name for name in source.names}, DUOLOGUE)
    hands = [i for i, name in enumerate(DUOLOGUE.names) if "Hand" in name]
    np.testing.assert_allclose(result[:, hands], 0, atol=1e-7)


def test_a_clip_without_legs_is_refused_by_name():
    rotations, root = wave()
    without = {name: joint for name, joint in OWN.items() if "Leg" not in name}
    with pytest.raises(DuologueError, match="LeftUpLeg, LeftLeg, RightUpLeg, RightLeg") as error:
        retarget_clip(DUOLOGUE, rotations, root, without, DUOLOGUE)
    assert error.value.reason == "joints-missing"


@pytest.mark.skipif(not KIT.exists(), reason="the kit is not here")
def test_a_captured_gesture_keeps_its_directions_and_the_floor():
    from duologue.motion.bvh import read_bvh
    from duologue.rigs.recognise import require_rig

    clip = read_bvh(sorted((KIT / "body_gestures_smartbody" / "Gestures").glob("*.bvh"))[0])
    match = require_rig(clip.skeleton.names, clip.skeleton.parents)
    assert match.rig_map.name == "smartbody"
    joints = {bone: joint for joint, bone in match.bones.items()}
    result, root = retarget_clip(
        clip.skeleton, clip.rotations, clip.root_translation, joints, DUOLOGUE, translations=clip.translations
    )
    _, there = forward_kinematics(clip.skeleton, clip.rotations, clip.root_translation, clip.translations)
    matrices, here = forward_kinematics(DUOLOGUE, result, root)
    for bone, end in (
        ("LeftArm", "LeftForeArm"),
        ("RightForeArm", "RightHand"),
        ("LeftLeg", "LeftFoot"),
        ("RightHandIndex1", "RightHandIndex2"),
    ):
        theirs = there[:, clip.skeleton.index(match.bones[end])] - there[:, clip.skeleton.index(match.bones[bone])]
        ours = here[:, DUOLOGUE.index(end)] - here[:, DUOLOGUE.index(bone)]
        cosine = np.sum(theirs * ours, axis=1) / np.linalg.norm(theirs, axis=1) / np.linalg.norm(ours, axis=1)
        assert cosine.min() > np.cos(np.radians(0.1)), bone
    toes = end_positions(DUOLOGUE, matrices, here)[:, -2:, 1]
    assert abs(np.quantile(toes.min(axis=1), 0.1)) < 0.03
    assert np.abs(np.diff(result, axis=0)).max() < 0.6
