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
