"""The retargeter without Blender (what Blender makes of it: tests/blender/test_retarget.py)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.motion.rotations import quat_conjugate, quat_multiply, quat_to_exp
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.rigs.armature import Armature
from duologue.rigs.planting import bend_leg
from duologue.rigs.retarget import Retargeter
from duologue.rigs.rig_map import RigMap, RigMatch, Twist
from scipy.spatial.transform import Rotation

DUOLOGUE = Skeleton.builtin("duologue60")
REST = np.tile(np.eye(4), (60, 1, 1))
REST[:, :3, 3] = DUOLOGUE.rest_positions
RIG = Armature(DUOLOGUE.names, DUOLOGUE.parents, REST)
STILL = np.zeros((1, 60, 3))
STANDING = np.array([[0.0, 0.955, 0.0]])


def match(names: tuple[str, ...] = DUOLOGUE.names) -> RigMatch:
    return RigMap.builtin("duologue").bind(names)


def test_a_twist_bone_takes_its_share_of_the_hands_twist():
    names = (*DUOLOGUE.names, "twist")
    parents = (*DUOLOGUE.parents, DUOLOGUE.index("LeftForeArm"))
    rest = np.concatenate([REST, REST[[DUOLOGUE.index("LeftForeArm")]]])
    rest[-1, 0, 3] += 0.15
    matched = match(names)
    matched = replace(matched, rig_map=replace(matched.rig_map, twists=(Twist("twist", "Left", 0.67),)))
    rotations = STILL.copy()
    # Bent 40 degrees and then rolled 60 about the forearm: only the roll is shared.
    hand = Rotation.from_rotvec([np.radians(60), 0, 0]) * Rotation.from_rotvec([0, 0, np.radians(40)])
    rotations[0, DUOLOGUE.index("LeftHand")] = hand.as_rotvec()
    pose = Retargeter(DUOLOGUE, Armature(names, parents, rest), matched).apply(rotations, STANDING)
    w, *xyz = pose.quaternions[0, pose.bones.index("twist")]
    rolled = Rotation.from_quat([*xyz, w]).as_rotvec(degrees=True)
    np.testing.assert_allclose(rolled, [0.67 * 60, 0, 0], atol=1e-6)


def test_a_forearm_without_a_hand_points_where_the_performances_does():
    """A robot's fingers hang on its forearms, which rest bent: they stayed as bent as they were, on top of what was performed."""
    names = tuple(name.replace("LeftHand", "Stump") if name == "LeftHand" else name for name in DUOLOGUE.names)
    bend = Rotation.from_euler("y", -70, degrees=True).as_matrix()
    elbow, rest = DUOLOGUE.rest_positions[DUOLOGUE.index("LeftForeArm")], REST.copy()
    below = [i for i, name in enumerate(DUOLOGUE.names) if name.startswith("LeftHand")]
    rest[below, :3, 3] = (rest[below, :3, 3] - elbow) @ bend.T + elbow
    pose = Retargeter(DUOLOGUE, Armature(names, DUOLOGUE.parents, rest), match(names)).apply(STILL, STANDING)
    turn = Rotation.from_quat(pose.world_turns[0, pose.bones.index("LeftForeArm")], scalar_first=True)
    wrist = turn.apply(rest[DUOLOGUE.index("LeftHandMiddle1"), :3, 3] - elbow)
    assert np.degrees(np.arccos(wrist[0] / np.linalg.norm(wrist))) < 3  # straight out, as ours rests


def test_a_switched_off_location_stays_off():
    """A bone that is connected to its parent can't be moved: it is left where its parent has it."""
    parents = list(DUOLOGUE.parents)
    parents[DUOLOGUE.index("LeftShoulder")] = DUOLOGUE.index("Neck")
    rig = Armature(DUOLOGUE.names, tuple(parents), REST)
    free = Retargeter(DUOLOGUE, rig, match()).apply(STILL, STANDING)
    fixed = Retargeter(DUOLOGUE, replace(rig, fixed=("LeftShoulder",)), match()).apply(STILL, STANDING)
    assert free.located == ("Hips", "LeftShoulder")
    assert fixed.located == ("Hips",)


def test_the_object_may_face_and_stand_anywhere():
    """A character that faces +X two metres away is turned and moved to where the performance is."""
    turned = np.eye(4)
    turned[:3, :3] = Rotation.from_euler("y", 90, degrees=True).as_matrix()
    turned[:3, 3] = (2, 0, 5)
    pose = Retargeter(DUOLOGUE, replace(RIG, world=turned), match()).apply(STILL, STANDING)
    placed = {name: i for i, name in enumerate(pose.bones)}
    heads = np.array([pose.heads[0, placed[name]] for name in DUOLOGUE.names])
    np.testing.assert_allclose(heads, DUOLOGUE.rest_positions, atol=1e-9)


def test_a_standing_height_is_found_without_a_mesh():
    """Rigs whose origin is at the hips (3ds Max) have their soles a little under the lowest joint of the feet."""
    lowered = REST.copy()
    lowered[:, 1, 3] -= 0.955
    machine = Retargeter(DUOLOGUE, replace(RIG, rest=lowered), match())
    assert -0.97 < machine.rig.sole < -0.93
    heads = machine.apply(STILL, STANDING).heads
    assert heads[0, :, 1].min() == pytest.approx(0.0, abs=0.03)


@pytest.mark.parametrize(
    ("change", "reason", "message"),
    [
        ({"rest": REST[:5]}, "rig-rest", "60 bones need as many"),
        ({"rest": REST * np.nan}, "rig-rest", "finite"),
        ({"world": np.diag([-1.0, 1, 1, 1])}, "rig-rest", "mirrored"),
        ({"world": np.zeros((4, 4))}, "rig-rest", "scaled to nothing"),
        ({"parents": (*range(1, 60), 0)}, "rig-rest", "circle"),
    ],
)
def test_rigs_that_cannot_work_are_refused_by_name(change: dict, reason: str, message: str):
    with pytest.raises(DuologueError, match=message) as error:
        Retargeter(DUOLOGUE, replace(RIG, **change), match())
    assert error.value.reason == reason


def test_a_rig_that_lacks_joints_is_refused_by_name():
    with pytest.raises(DuologueError, match="LeftUpLeg") as error:
        Retargeter(DUOLOGUE, RIG, RigMap.builtin("mixamo").bind(["Hips", "Head"]))
    assert error.value.reason == "rig-incomplete"


def test_toes_stay_on_the_floor_while_the_heel_comes_up():
    """A foot that is pitched by 60 degrees over its ball, with toes that stay stiff in the capture."""
    rotations = STILL.copy()
    toe, foot = DUOLOGUE.index("LeftToeBase"), DUOLOGUE.index("LeftFoot")
    rotations[0, foot] = (np.radians(60), 0, 0)
    _, places = forward_kinematics(DUOLOGUE, rotations, STANDING)
    # The ball stays where it was, the ankle goes up over it: the thigh and the knee make room.
    ball = places[0, toe] - places[0, foot]
    ankle = DUOLOGUE.rest_positions[toe] - ball
    hip, knee, rest_ankle = (
        DUOLOGUE.rest_positions[DUOLOGUE.index("Left" + part)] for part in ("UpLeg", "Leg", "Foot")
    )
    thigh, shin = bend_leg(hip[None], knee[None], rest_ankle[None], ankle[None], np.array([[1.0, 0.0, 0.0]]))
    rotations[0, DUOLOGUE.index("LeftUpLeg")] = quat_to_exp(thigh)[0]
    rotations[0, DUOLOGUE.index("LeftLeg")] = quat_to_exp(quat_multiply(quat_conjugate(thigh), shin))[0]
    turned = Rotation.from_rotvec([np.radians(60), 0, 0])
    rotations[0, foot] = (Rotation.from_quat(np.roll(shin[0], -1)).inv() * turned).as_rotvec()
    pose = Retargeter(DUOLOGUE, RIG, match(), sole=0.0).apply(rotations, STANDING)
    i = pose.bones.index("LeftToeBase")
    world = Rotation.from_quat(np.roll(pose.world_turns[0, i], -1))
    ahead = world.apply([0, 0, 1])
    assert ahead[1] > -0.1  # the stiff toes pointed 60 degrees down
    tip = pose.heads[0, i] + world.apply([0, -DUOLOGUE.rest_positions[toe, 1], 0.068])
    assert tip[1] > -0.006
    # And toes in the air are nobody's business.
    lifted = Retargeter(DUOLOGUE, RIG, match(), sole=0.0)
    for_itself = lifted.apply(rotations, STANDING + np.array([0.0, 0.5, 0.0]))
    np.testing.assert_allclose(for_itself.world_turns[0, i], np.roll(turned.as_quat(), 1), atol=1e-6)


def standing(apart: float) -> np.ndarray:
    """Both legs turned out at the hips so that the ankles are ``apart`` metres apart."""
    hip, _, ankle = (DUOLOGUE.rest_positions[DUOLOGUE.index("Left" + part)] for part in ("UpLeg", "Leg", "Foot"))
    angle = np.arcsin((apart / 2 - hip[0]) / np.linalg.norm(ankle - hip))
    rotations = STILL.copy()
    for side, sign in (("Left", 1), ("Right", -1)):
        rotations[0, DUOLOGUE.index(side + "UpLeg")] = (0, 0, sign * angle)
        rotations[0, DUOLOGUE.index(side + "Foot")] = (0, 0, -sign * angle)
    return rotations


def sized(scale: float) -> Armature:
    return replace(RIG, world=np.diag([scale, scale, scale, 1.0]))


def thighs(pose) -> np.ndarray:
    """How far each thigh points from straight down, degrees."""
    turns = np.stack([pose.world_turns[0, pose.bones.index(side + "UpLeg")] for side in ("Left", "Right")])
    return np.degrees(np.arccos(Rotation.from_quat(np.roll(turns, -1, axis=1)).as_matrix()[:, 1, 1]))


@pytest.mark.parametrize("scale", [0.3, 0.45, 0.6, 1.7, 3.0])
def test_children_and_giants_stand_with_their_own_legs_apart(scale: float):
    """Feet 0.29 m apart whatever the legs made a toddler do the splits and squat."""
    still, root = np.repeat(standing(0.29), 30, axis=0), np.repeat(STANDING, 30, axis=0)
    asked = Retargeter(DUOLOGUE, RIG, match(), sole=0.0).apply(still, root)
    pose = Retargeter(DUOLOGUE, sized(scale), match(), sole=0.0).apply(still, root)
    assert np.abs(thighs(pose) - thighs(asked)).max() < 3.0
    left, right = (pose.heads[:, pose.bones.index(side + "Foot")] for side in ("Left", "Right"))
    assert np.linalg.norm(left - right, axis=1) == pytest.approx(0.29 * scale, rel=0.1)


@pytest.mark.parametrize("scale", [0.85, 0.95, 1.0, 1.15])
def test_about_as_tall_stands_where_the_performance_stands(scale: float):
    pose = Retargeter(DUOLOGUE, sized(scale), match(), sole=0.0).apply(standing(0.29), STANDING)
    left, right = (pose.heads[0, pose.bones.index(side + "Foot")] for side in ("Left", "Right"))
    assert np.linalg.norm((left - right)[[0, 2]]) == pytest.approx(0.29, abs=1e-3)


@pytest.mark.parametrize("windows", [1, 4])
def test_a_stance_of_its_own_does_not_slide(windows: int):
    """A foot that stays where it is in the performance stays where it is, also where windows meet."""
    frames = 60
    rotations = np.repeat(standing(0.29), frames, axis=0)
    sway = np.stack([0.03 * np.sin(np.arange(frames) / 9), np.zeros(frames), np.zeros(frames)], axis=1)
    root = STANDING + sway
    for side in ("Left", "Right"):  # the feet stay on the floor's spots while the hips sway
        spot = forward_kinematics(DUOLOGUE, rotations[:1], root[:1])[1][0, DUOLOGUE.index(side + "Foot")]
        heads = forward_kinematics(DUOLOGUE, rotations, root)[1]
        hip, knee, ankle = (heads[:, DUOLOGUE.index(side + part)] for part in ("UpLeg", "Leg", "Foot"))
        hinge = np.tile([1.0, 0.0, 0.0], (frames, 1))
        thigh, shin = bend_leg(hip, knee, ankle, np.tile(spot, (frames, 1)), hinge)
        before = Rotation.from_rotvec(rotations[:, DUOLOGUE.index(side + "UpLeg")])
        turned, shinned = (Rotation.from_quat(np.roll(q, -1, axis=1)) * before for q in (thigh, shin))
        rotations[:, DUOLOGUE.index(side + "UpLeg")] = turned.as_rotvec()
        rotations[:, DUOLOGUE.index(side + "Leg")] = (turned.inv() * shinned).as_rotvec()
        rotations[:, DUOLOGUE.index(side + "Foot")] = shinned.inv().as_rotvec()
    child = Retargeter(DUOLOGUE, sized(0.5), match(), sole=0.0)
    pose, places = None, []
    for part in np.array_split(np.arange(frames), windows):
        pose = child.apply(rotations[part], root[part], after=pose)
        places.append(pose.heads[:, [pose.bones.index(side + "Foot") for side in ("Left", "Right")]])
    feet = np.concatenate(places)
    assert np.ptp(feet, axis=0)[:, [0, 2]].max() < 1e-3
    assert np.linalg.norm(feet[:, 0] - feet[:, 1], axis=1).max() < 0.18


# A pose left behind ---------------------------------------------------------------------------------------------------

UNDER_ROOT = ("root", *DUOLOGUE.names, "helper")
"""A root control under everything, and a helper between the left upper arm and the forearm."""


def under_root() -> Armature:
    parents = [-1, *(parent + 1 for parent in DUOLOGUE.parents), UNDER_ROOT.index("LeftArm")]
    parents[UNDER_ROOT.index("LeftForeArm")] = len(UNDER_ROOT) - 1
    rest = np.concatenate([np.eye(4)[None], REST, REST[[DUOLOGUE.index("LeftForeArm")]]])
    return Armature(UNDER_ROOT, tuple(parents), rest)


def evaluated(armature: Armature, left: np.ndarray, result, frame: int) -> dict[str, np.ndarray]:
    """What Blender makes of it (4, 4), by bone: each frame is its parent's, its own rest in that, and what it is posed by."""
    basis = left.copy()
    for i, name in enumerate(result.bones):
        bone = armature.names.index(name)
        size = np.linalg.norm(left[bone, :3, :3], axis=0)
        basis[bone, :3, :3] = Rotation.from_quat(np.roll(result.quaternions[frame, i], -1)).as_matrix() * size
    for i, name in enumerate(result.located):
        basis[armature.names.index(name), :3, 3] = result.locations[frame, i]
    frames: dict[int, np.ndarray] = {}

    def frame_of(bone: int) -> np.ndarray:
        if bone not in frames:
            parent = armature.parents[bone]
            lay = armature.rest[bone]
            if parent >= 0:
                lay = frame_of(parent) @ np.linalg.inv(armature.rest[parent]) @ lay
            frames[bone] = lay @ basis[bone]
        return frames[bone]

    return {name: frame_of(bone) for bone, name in enumerate(armature.names)}


LEFT = {
    "root moved and turned": ("root", (0.8, 0.32, 0.5), (17, 60, 5), 1.0),
    "root scaled": ("root", (0.0, 0.0, 0.0), (0, 0, 0), 1.3),
    "helper turned": ("helper", (0.0, 0.0, 0.0), (5, 15, -20), 1.0),
    "helper moved": ("helper", (0.01, 0.02, 0.0), (0, 0, 0), 1.0),
    "location left on a played bone": ("LeftArm", (0.03, 0.05, -0.02), (0, 0, 0), 1.0),
    "scale left on a played bone": ("LeftUpLeg", (0.0, 0.0, 0.0), (0, 0, 0), 0.9),
    "rotation left on a played bone": ("Spine1", (0.0, 0.0, 0.0), (40, 10, 0), 1.0),
}


@pytest.mark.parametrize("case", LEFT)
def test_a_pose_left_behind_is_counted_in(case: str):
    """The character stands, faces and points its limbs as the performance has it, whatever else is posed."""
    bone, location, turned, scale = LEFT[case]
    rig = under_root()
    left = np.tile(np.eye(4), (len(UNDER_ROOT), 1, 1))
    left[UNDER_ROOT.index(bone), :3, :3] = scale * Rotation.from_euler("xyz", turned, degrees=True).as_matrix()
    left[UNDER_ROOT.index(bone), :3, 3] = location
    random = np.random.default_rng(1)
    rotations = random.uniform(-0.2, 0.2, (3, 60, 3))
    for side in ("Left", "Right"):
        rotations[:, DUOLOGUE.index(side + "Leg"), 0] = 0.3
    root = np.repeat(STANDING, 3, axis=0) + random.uniform(-0.1, 0.1, (3, 3))
    result = Retargeter(DUOLOGUE, replace(rig, pose=left), match(UNDER_ROOT), sole=0.0).apply(rotations, root)
    matrices, wanted = forward_kinematics(DUOLOGUE, rotations, root)
    for frame in range(3):
        shown = evaluated(rig, left, result, frame)
        for joint in ("Hips", "Spine3", "Head", "LeftArm", "LeftHand", "RightForeArm"):
            if case == "helper moved" and joint == "LeftArm":
                continue  # its elbow is elsewhere now: it has to turn otherwise to point there
            own = shown[joint][:3, :3] / np.linalg.norm(shown[joint][:3, :3], axis=0)
            np.testing.assert_allclose(own, matrices[frame, DUOLOGUE.index(joint)], atol=2e-6, err_msg=joint)
        for i, name in enumerate(result.bones):  # and what the retargeter says of places is what comes of it
            np.testing.assert_allclose(shown[name][:3, 3], result.heads[frame, i], atol=1e-9, err_msg=name)
        middle = (shown["LeftUpLeg"] + shown["RightUpLeg"])[[0, 2], 3] / 2
        legs = DUOLOGUE.indices("LeftUpLeg", "RightUpLeg")
        np.testing.assert_allclose(middle, wanted[frame, legs].mean(axis=0)[[0, 2]], atol=1e-6)
        for side in ("Left", "Right"):
            ours = shown[side + "Hand"][:3, 3] - shown[side + "ForeArm"][:3, 3]
            theirs = np.subtract(*(wanted[frame, DUOLOGUE.index(side + part)] for part in ("Hand", "ForeArm")))
            if bone != "helper":
                np.testing.assert_allclose(ours / np.linalg.norm(ours), theirs / np.linalg.norm(theirs), atol=2e-6)


def test_what_a_pose_left_behind_does_to_the_soles_is_counted_in():
    left = np.tile(np.eye(4), (len(UNDER_ROOT), 1, 1))
    left[0, :3, :3] *= 1.3
    result = Retargeter(DUOLOGUE, replace(under_root(), pose=left), match(UNDER_ROOT), sole=0.0).apply(STILL, STANDING)
    foot = evaluated(under_root(), left, result, 0)["LeftFoot"]
    assert foot[1, 3] == pytest.approx(1.3 * DUOLOGUE.rest_positions[DUOLOGUE.index("LeftFoot"), 1], abs=1e-3)


def test_poses_that_fit_no_bones_are_refused_by_name():
    with pytest.raises(DuologueError, match="finite pose matrices") as error:
        Retargeter(DUOLOGUE, replace(RIG, pose=np.zeros((3, 4, 4))), match())
    assert error.value.reason == "rig-rest"
