# SPDX-License-Identifier: GPL-3.0-or-later
"""Eyes by bones: a character whose face has no looks turns its eyeballs, on Blender's evaluated pose."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from duologue import arkit
from duologue.rigs.eyes import REACH
from duologue.take import Take
from examples import example_take

from addon.cast.cast import Choices, cast
from addon.cast.eyes import eye_bones
from addon.scene import armatures
from addon.takes.writer import write_take


@pytest.fixture
def eyed(pair):
    """A's character with two eye bones of odd rolls, and no eyeLook shapes."""
    armature = pair[0].armature
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    edit = armature.data.edit_bones
    for side, x in (("Left", 0.03), ("Right", -0.03)):
        bone = edit.new(f"{side}Eye")
        bone.head = edit["Head"].head.lerp(edit["Head"].tail, 0.5)
        bone.head.x = x
        bone.tail = bone.head + type(bone.head)((0.02, -0.05, 0.01))
        bone.roll, bone.parent = 0.8, edit["Head"]
    bpy.ops.object.mode_set(mode="OBJECT")
    mesh = pair[0].faces[0].mesh
    for name in [name for name in arkit.NAMES if name.startswith("eyeLook")]:
        mesh.shape_key_remove(mesh.data.shape_keys.key_blocks[name])
    return pair


def looking(**weights: float) -> Take:
    """The example take, but both look as told."""
    take = example_take(20)
    values = np.zeros((20, 52), np.float32)
    for name, value in weights.items():
        values[:, arkit.INDEX[name]] = value
    tracks = [type(t)(**{**t.arrays(), "weights": values}) for t in take.tracks]
    return Take(take.skeleton, (tracks[0], tracks[1]))


def turn_in_head(scene, performer, bone: str, frame: int) -> np.ndarray:
    """How a bone has turned (3, 3) from its rest pose as seen from the head, in our axes."""
    scene.frame_set(frame)
    rig = performer.rig
    pose = armatures.world_pose(performer.armature, bpy.context.evaluated_depsgraph_get())
    rest = armatures.frames_from_blender(np.array(performer.armature.matrix_world)) @ rig.rest
    turns = []
    for name in (bone, performer.match.bones["Head"]):
        i = rig.names.index(name)
        turns.append(pose[i, :3, :3] @ np.linalg.inv(rest[i, :3, :3]))
    return turns[1].T @ turns[0]


def test_eye_bones_are_recognised_and_do_not_play_in_the_body(eyed):
    performer = cast("A", eyed[0].armature)
    assert performer.match.eyes == {"LeftEye": "LeftEye", "RightEye": "RightEye"}
    assert "LeftEye" not in performer.match.bones
    assert set(eye_bones(performer)) == {"LeftEye", "RightEye"}


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "YXZ", "AXIS_ANGLE"])
def test_eyes_look_aside_and_up_wherever_the_head_is(eyed, scene, mode):
    performer = cast("A", eyed[0].armature)
    for side in ("Left", "Right"):
        performer.armature.pose.bones[f"{side}Eye"].rotation_mode = mode
    weights = {"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5, "eyeLookUpLeft": 0.25, "eyeLookUpRight": 0.25}
    write_take(looking(**weights), (performer, eyed[1]), 1, 30.0)
    for frame in (1, 9, 18):
        for bone in ("LeftEye", "RightEye"):
            ahead = turn_in_head(scene, performer, bone, frame) @ (0.0, 0.0, 1.0)
            # To the performer's left (+X) by half the reach, and up by a quarter.
            angles = np.degrees([np.arctan2(ahead[0], ahead[2]), np.arcsin(ahead[1])])
            np.testing.assert_allclose(angles, (0.5 * REACH["Out"], 0.25 * REACH["Up"]), atol=0.5)


def test_eyes_that_shapes_turn_are_left_alone(pair, eyed):
    other = cast("B", pair[1].armature)
    assert eye_bones(other) == {}
    mesh = eyed[0].faces[0].mesh
    key = mesh.shape_key_add(name="eyeLookInLeft")
    assert set(eye_bones(cast("A", eyed[0].armature))) == {"LeftEye", "RightEye"}  # it moves nothing yet
    key.data[0].co.x += 0.01
    assert set(eye_bones(cast("A", eyed[0].armature))) == {"RightEye"}


def test_eye_bones_can_be_switched_off_and_chosen(eyed):
    armature = eyed[0].armature
    assert eye_bones(cast("A", armature, choices=Choices(bones={"LeftEye": ""}))) == {"RightEye": "RightEye"}
    swapped = cast("A", armature, choices=Choices(bones={"LeftEye": "RightEye", "RightEye": ""}))
    assert swapped.match.eyes == {"LeftEye": "RightEye"}


def test_a_drawn_face_s_iris_stays_between_its_lids(eyed, scene):
    """VRoid's eyes are shields whose joint lies behind the head's middle: a ball's turn carried the iris out of sight."""
    armature = eyed[0].armature
    bone = armature.data.bones["LeftEye"]
    data = bpy.data.meshes.new("Iris")
    around = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    x, y, z = armature.matrix_world @ bone.head_local
    data.from_pydata([(x + 0.015 * np.cos(a), y - 0.06, z + 0.015 * np.sin(a)) for a in around], [], [list(range(12))])
    iris = bpy.data.objects.new("Iris", data)
    scene.collection.objects.link(iris)
    iris.parent = armature
    iris.matrix_parent_inverse = armature.matrix_world.inverted()
    iris.vertex_groups.new(name="LeftEye").add(list(range(12)), 1.0, "REPLACE")
    bpy.context.view_layer.update()
    performer = cast("A", armature)
    write_take(looking(eyeLookOutLeft=1.0, eyeLookInRight=1.0), (performer, eyed[1]), 1, 30.0)
    turned = {
        bone: np.degrees(np.arctan2(*(turn_in_head(scene, performer, bone, 9) @ (0.0, 0.0, 1.0))[[0, 2]]))
        for bone in ("LeftEye", "RightEye")
    }
    assert turned["LeftEye"] == pytest.approx(0.25 * REACH["Out"], abs=0.5)
    assert turned["RightEye"] == pytest.approx(REACH["Out"], abs=0.5)  # nothing hangs on it: as before
