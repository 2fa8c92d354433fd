# SPDX-License-Identifier: GPL-3.0-or-later
"""What the retargeter says a pose bone should hold, Blender must agree puts the bone where the performance has it."""

from __future__ import annotations

import math
from pathlib import Path

import bpy
import numpy as np
import pytest
from duologue.motion.rotations import quat_conjugate, quat_multiply, quat_to_exp
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.rigs.armature import Armature
from duologue.rigs.planting import bend_leg
from duologue.rigs.recognise import require_rig, require_shapes
from duologue.rigs.retarget import RetargetedPose, Retargeter
from duologue.rigs.rig_map import RigMap, RigMatch
from mathutils import Euler, Matrix, Quaternion, Vector
from scipy.spatial.transform import Rotation

DUOLOGUE = Skeleton.builtin("duologue60")
KIT = Path(__file__).parents[3] / "shared" / "kit"
OURS = Matrix(((1, 0, 0, 0), (0, 0, 1, 0), (0, -1, 0, 0), (0, 0, 0, 1)))
"""Blender's axes to ours."""


@pytest.fixture(autouse=True)
def empty_scene():
    bpy.ops.wm.read_factory_settings(use_empty=True)


def performance(frames: int = 12, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Every joint turns about all axes, up to some 70 degrees at the arms; the hips walk and turn past the half turn."""
    random = np.random.default_rng(seed)
    seconds = np.arange(frames)[:, None, None] / 6
    shape = (1, len(DUOLOGUE), 3)
    rotations = 0.3 * np.sin(seconds * random.uniform(1, 4, shape) + random.uniform(0, 6, shape))
    rotations[:, DUOLOGUE.index("LeftArm")] *= 4
    rotations[:, DUOLOGUE.index("RightForeArm")] *= 4
    for side in ("Left", "Right"):
        rotations[:, DUOLOGUE.index(f"{side}Leg"), 0] = 0.1 + np.abs(rotations[:, DUOLOGUE.index(f"{side}Leg"), 0])
    rotations[:, 0, 1] += np.linspace(0, 4, frames)
    root = np.stack([np.linspace(-0.4, 0.9, frames), np.full(frames, 0.93), np.linspace(0, -1.2, frames)], axis=-1)
    return rotations, root


def build_armature(
    rest: dict[str, Rotation], *, roll: float, size: float = 1.0, helpers: bool = False
) -> bpy.types.Object:
    """An armature of duologue60's joints in another rest pose, in another size, with rolls all over the place.

    ``helpers`` puts an extra bone, turned by 40 degrees, between each arm or leg bone and its parent.
    """
    turned: list[Rotation] = []
    heads: list[np.ndarray] = []
    for joint, parent in enumerate(DUOLOGUE.parents):
        above = turned[parent] if parent >= 0 else Rotation.identity()
        start = heads[parent] if parent >= 0 else np.zeros(3)
        heads.append(start + above.apply(size * np.array(DUOLOGUE.offsets[joint])))
        turned.append(above * rest.get(DUOLOGUE.names[joint], Rotation.identity()))
    armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    random = np.random.default_rng(0)
    ends = {joint: np.array(offset) for joint, offset in DUOLOGUE.ends}
    for joint, name in enumerate(DUOLOGUE.names):
        bone = armature.data.edit_bones.new(name)
        bone.head = OURS.inverted() @ Vector(heads[joint])
        children = [child for child, parent in enumerate(DUOLOGUE.parents) if parent == joint]
        # Some tails point to a child as an animator would set them, some anywhere, as importers do; tips of fingers are hard to
        # tell from the latter, so those lie along the finger.
        tail = heads[joint] + 0.05 * random.normal(size=3)
        if joint in ends:
            tail = heads[joint] + turned[joint].apply(size * ends[joint])
        elif children and joint % 3:
            tail = heads[children[0]]
        bone.tail = OURS.inverted() @ Vector(tail)
        if bone.length < 0.01:
            bone.tail = bone.head + Vector((0, 0, 0.05))
        bone.roll = roll * (joint % 7 - 3)
    for joint, name in enumerate(DUOLOGUE.names):
        bone, parent = armature.data.edit_bones[name], DUOLOGUE.parents[joint]
        if parent < 0:
            continue
        bone.parent = armature.data.edit_bones[DUOLOGUE.names[parent]]
        if helpers and any(part in name for part in ("Arm", "Leg", "Neck")):
            helper = armature.data.edit_bones.new(f"helper {joint}")
            helper.head = bone.head + Vector((0.02, 0.01, 0.03))
            helper.tail = helper.head + Vector((0.03, 0.04, 0.02))
            helper.roll = math.radians(40)
            helper.parent, bone.parent = bone.parent, helper
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def retargeter(armature: bpy.types.Object, match: RigMatch | None = None, **options: float) -> Retargeter:
    bpy.context.view_layer.update()
    bones = list(armature.data.bones)
    names = [bone.name for bone in bones]
    parents = [names.index(bone.parent.name) if bone.parent else -1 for bone in bones]
    rest = np.array([bone.matrix_local for bone in bones])
    world = np.array(OURS @ armature.matrix_world)
    match = match or require_rig(names, parents, (world @ rest)[:, :3, 3])
    return Retargeter(DUOLOGUE, Armature(tuple(names), tuple(parents), rest, world), match, **options)


def pose(armature: bpy.types.Object, result: RetargetedPose, frame: int) -> None:
    """Write one frame on the pose bones and let Blender evaluate it."""
    for i, name in enumerate(result.bones):
        armature.pose.bones[name].rotation_mode = "QUATERNION"
        armature.pose.bones[name].rotation_quaternion = result.quaternions[frame, i]
    for i, name in enumerate(result.located):
        armature.pose.bones[name].location = result.locations[frame, i]
    armature.update_tag()
    bpy.context.view_layer.update()


def head(armature: bpy.types.Object, bone: str) -> np.ndarray:
    """World head of an evaluated pose bone, in our axes."""
    return np.array((OURS @ armature.matrix_world @ armature.pose.bones[bone].matrix).translation)


def turn(armature: bpy.types.Object, bone: str) -> Quaternion:
    """How far Blender has turned a bone from its rest pose in the world, in our axes."""
    world = OURS @ armature.matrix_world
    posed, rest = world @ armature.pose.bones[bone].matrix, world @ armature.data.bones[bone].matrix_local
    return (posed.to_3x3().normalized() @ rest.to_3x3().normalized().transposed()).to_quaternion()


def apart(first: Quaternion, second: Quaternion) -> float:
    angle = first.rotation_difference(second).angle
    return min(angle, 2 * math.pi - angle)


def direction_error(armature: bpy.types.Object, bones: dict[str, str], places: np.ndarray, frame: int) -> float:
    """The largest angle between where limbs point in Blender and in the performance."""
    worst = 0.0
    pairs = [
        (f"{side}{a}", f"{side}{b}") for side in ("Left", "Right") for a, b in (("Arm", "ForeArm"), ("ForeArm", "Hand"))
    ]
    pairs += [
        (f"{side}{a}", f"{side}{b}") for side in ("Left", "Right") for a, b in (("UpLeg", "Leg"), ("Leg", "Foot"))
    ]
    pairs += [
        (f"{side}Hand{f}{i}", f"{side}Hand{f}{i + 1}")
        for side in ("Left", "Right")
        for f in ("Index", "Pinky", "Thumb")
        for i in (1, 2)
    ]
    for a, b in pairs:
        ours = places[frame, DUOLOGUE.index(b)] - places[frame, DUOLOGUE.index(a)]
        theirs = head(armature, bones[b]) - head(armature, bones[a])
        cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
        worst = max(worst, math.acos(min(1.0, cosine)))
    return worst


@pytest.mark.parametrize("helpers", [False, True])
def test_any_roll_any_object_transform_same_world_pose(helpers: bool):
    armature = build_armature({}, roll=0.9, size=100, helpers=helpers)
    armature.scale = (0.01, 0.01, 0.01)
    armature.rotation_euler = Euler((0.3, -0.2, 1.1))
    armature.location = (3, -2, 0)
    # The rest pose stands on the floor only when the object stands straight; the performance doesn't care.
    rotations, root = performance()
    result = retargeter(armature, sole=0.0, plant_feet=False).apply(rotations, root)
    _, places = forward_kinematics(DUOLOGUE, rotations, root)
    for frame in (0, 5, 11):
        pose(armature, result, frame)
        assert direction_error(armature, {name: name for name in DUOLOGUE.names}, places, frame) < 1e-3
        for i, name in enumerate(result.bones):
            assert apart(turn(armature, name), Quaternion(result.world_turns[frame, i])) < 1e-3, name
            assert np.linalg.norm(head(armature, name) - result.heads[frame, i]) < 1e-4, name


def test_the_same_rest_pose_is_the_performance_itself():
    armature = build_armature({}, roll=-0.7, helpers=True)
    rotations, root = performance()  # whose toes go through the floor at times
    result = retargeter(armature, plant_feet=False).apply(rotations, root)
    matrices, places = forward_kinematics(DUOLOGUE, rotations, root)
    for frame in range(12):
        pose(armature, result, frame)
        for joint, name in enumerate(DUOLOGUE.names):
            assert apart(turn(armature, name), Matrix(matrices[frame, joint].tolist()).to_quaternion()) < 1e-3, name
            assert np.linalg.norm(head(armature, name) - places[frame, joint]) < 1e-4, name


def test_an_a_pose_rig_raises_its_arms_for_a_t_pose():
    rest = {
        "LeftArm": Rotation.from_euler("z", -50, degrees=True),
        "RightArm": Rotation.from_euler("z", 50, degrees=True),
        "LeftForeArm": Rotation.from_euler("y", -20, degrees=True),
    }
    armature = build_armature(rest, roll=0.5)
    still = np.zeros((1, len(DUOLOGUE), 3))
    pose(armature, retargeter(armature).apply(still, [[0, 0.955, 0]]), 0)
    for joint, name in enumerate(DUOLOGUE.names):
        assert np.linalg.norm(head(armature, name) - DUOLOGUE.rest_positions[joint]) < 1e-4, name
    rotations, root = performance()
    result = retargeter(armature, plant_feet=False).apply(rotations, root)
    _, places = forward_kinematics(DUOLOGUE, rotations, root)
    pose(armature, result, 7)
    assert direction_error(armature, {name: name for name in DUOLOGUE.names}, places, 7) < 1e-3


def test_quaternions_take_the_short_way_and_run_on_over_windows():
    armature = build_armature({}, roll=0.9)
    machine = retargeter(armature)
    rotations, root = performance(60)
    whole = machine.apply(rotations, root)
    assert np.einsum("tmi,tmi->tm", whole.quaternions[1:], whole.quaternions[:-1]).min() > 0
    first = machine.apply(rotations[:25], root[:25])
    second = machine.apply(rotations[25:], root[25:], after=first)
    np.testing.assert_allclose(np.concatenate([first.quaternions, second.quaternions]), whole.quaternions, atol=1e-12)


@pytest.mark.parametrize("size", [0.85, 1.2])
def test_other_leg_lengths_stand_on_the_floor_at_the_same_spot(size: float):
    armature = build_armature({}, roll=0.2, size=size)
    rotations = np.zeros((3, len(DUOLOGUE), 3))
    bend = np.array([0.0, 0.5, 0.9])
    for side in ("Left", "Right"):
        rotations[:, DUOLOGUE.index(f"{side}UpLeg"), 0] = -bend
        rotations[:, DUOLOGUE.index(f"{side}Leg"), 0] = 2 * bend
        rotations[:, DUOLOGUE.index(f"{side}Foot"), 0] = -bend
    rotations[:, 0, 1] = 2.0
    _, places = forward_kinematics(DUOLOGUE, rotations, np.zeros((3, 3)))
    ankles = [DUOLOGUE.index("LeftFoot"), DUOLOGUE.index("RightFoot")]
    ankle_height = DUOLOGUE.rest_positions[ankles[0], 1]
    root = np.array([[1.2, 0, -0.4]]) + np.array([0, 1, 0]) * (ankle_height - places[:, ankles, 1].min(axis=1))[:, None]
    result = retargeter(armature).apply(rotations, root)
    _, places = forward_kinematics(DUOLOGUE, rotations, root)
    for frame in range(3):
        pose(armature, result, frame)
        for side in ("Left", "Right"):
            assert head(armature, f"{side}Foot")[1] == pytest.approx(size * ankle_height, abs=5e-4)
        hips = (head(armature, "LeftUpLeg") + head(armature, "RightUpLeg")) / 2
        wanted = places[frame, [DUOLOGUE.index("LeftUpLeg"), DUOLOGUE.index("RightUpLeg")]].mean(axis=0)
        np.testing.assert_allclose(hips[[0, 2]], wanted[[0, 2]], atol=1e-4)


@pytest.mark.parametrize("size", [0.9, 1.15])
def test_planted_feet_do_not_slide_when_the_legs_are_longer_or_shorter(size: float):
    """Weight shifts from foot to foot over feet that stay put: solved by two-bone IK for the performance's own legs first."""
    frames = 30
    sway = np.stack(
        [0.04 * np.sin(np.linspace(0, 6, frames)), np.zeros(frames), 0.03 * np.cos(np.linspace(0, 5, frames))], axis=-1
    )
    rotations = np.zeros((frames, len(DUOLOGUE), 3))
    rest = {name: DUOLOGUE.rest_positions[DUOLOGUE.index(name)] for name in DUOLOGUE.names}
    shift = sway - (0, 0.04, 0)
    for side in ("Left", "Right"):
        hip, knee, ankle = (np.tile(rest[side + part], (frames, 1)) for part in ("UpLeg", "Leg", "Foot"))
        thigh, shin = bend_leg(hip + shift, knee + shift, ankle + shift, ankle, np.tile([1.0, 0, 0], (frames, 1)))
        rotations[:, DUOLOGUE.index(side + "UpLeg")] = quat_to_exp(thigh)
        rotations[:, DUOLOGUE.index(side + "Leg")] = quat_to_exp(quat_multiply(quat_conjugate(thigh), shin))
        rotations[:, DUOLOGUE.index(side + "Foot")] = quat_to_exp(quat_conjugate(shin))
    root = rest["Hips"] + shift
    _, places = forward_kinematics(DUOLOGUE, rotations, root)
    np.testing.assert_allclose(places[:, DUOLOGUE.index("LeftFoot")], np.tile(rest["LeftFoot"], (frames, 1)), atol=1e-9)

    armature = build_armature({"LeftArm": Rotation.from_euler("z", -50, degrees=True)}, roll=0.4, size=size)
    free = retargeter(armature, plant_feet=False).apply(rotations, root)
    planted = retargeter(armature).apply(rotations, root)
    ankle = planted.bones.index("LeftFoot")
    assert np.ptp(free.heads[:, ankle], axis=0).max() > 0.004
    assert np.ptp(planted.heads[:, ankle], axis=0).max() < 0.001
    for frame in (0, 11, 29):
        pose(armature, planted, frame)
        for side in ("Left", "Right"):
            there = rest[f"{side}Foot"] * (1, size, 1)
            np.testing.assert_allclose(head(armature, f"{side}Foot"), there, atol=0.001)
            assert apart(turn(armature, f"{side}Foot"), Quaternion()) < 1e-3
            assert turn(armature, f"{side}Leg").to_exponential_map().x > 0  # knees bend forward


def test_a_pair_of_different_size_keeps_its_distance_and_faces_each_other():
    rotations = np.zeros((1, len(DUOLOGUE), 3))
    spots = []
    for size, side in ((0.85, -1), (1.2, 1)):
        armature = build_armature({}, roll=0.2, size=size)
        rotations[0, 0] = (0, -side * math.pi / 2, 0)
        pose(armature, retargeter(armature).apply(rotations, [[0.6 * side, 0.955, 0]]), 0)
        forward = turn(armature, "Spine3") @ Vector((0, 0, 1))
        assert forward.x == pytest.approx(-side, abs=1e-5)
        spots.append((head(armature, "LeftUpLeg") + head(armature, "RightUpLeg")) / 2)
    assert np.linalg.norm((spots[1] - spots[0])[[0, 2]]) == pytest.approx(1.2, abs=1e-4)


def test_rigify_controls_put_its_deform_bones_where_the_performance_is():
    import addon_utils  # only there once bpy is imported

    addon_utils.enable("rigify", default_set=True)
    if not hasattr(bpy.types, "POSE_OT_rigify_generate"):
        pytest.skip("this Blender has no Rigify")
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object
    # Without the face, which has nothing to do with this, generating takes a third of the time.
    bpy.ops.object.mode_set(mode="EDIT")
    for bone in [*metarig.data.edit_bones["face"].children_recursive, metarig.data.edit_bones["face"]]:
        metarig.data.edit_bones.remove(bone)
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.pose.rigify_generate()
    armature = next(o for o in bpy.data.objects if o.type == "ARMATURE" and o is not metarig)
    names = [bone.name for bone in armature.data.bones]
    match = require_rig(names, [-1] * len(names))
    assert match.rig_map.name == "rigify"
    for item in match.rig_map.properties:
        armature.pose.bones[item.bone][item.name] = item.value
    rotations, root = performance()
    result = retargeter(armature, match, plant_feet=False).apply(rotations, root)
    _, places = forward_kinematics(DUOLOGUE, rotations, root)
    # What deforms the mesh hangs on mechanism and tweak bones, none of which we write.
    deform = {
        "Arm": "DEF-upper_arm",
        "ForeArm": "DEF-forearm",
        "Hand": "DEF-hand",
        "UpLeg": "DEF-thigh",
        "Leg": "DEF-shin",
        "Foot": "DEF-foot",
    }
    deform |= {
        f"Hand{f}{i}": f"DEF-{'' if f == 'Thumb' else 'f_'}{f.lower()}.0{i}"
        for f in ("Thumb", "Index", "Pinky")
        for i in (1, 2, 3)
    }
    bones = {side + joint: f"{bone}.{side[0]}" for side in ("Left", "Right") for joint, bone in deform.items()}
    for frame in (0, 6, 11):
        pose(armature, result, frame)
        for i, name in enumerate(result.bones):
            assert apart(turn(armature, name), Quaternion(result.world_turns[frame, i])) < 2e-3, name
            assert np.linalg.norm(head(armature, name) - result.heads[frame, i]) < 1e-3, name
        assert direction_error(armature, bones, places, frame) < 5e-3


@pytest.mark.skipif(not (KIT / "character_rocketbox").exists(), reason="the kit is not here")
@pytest.mark.parametrize("name", ["Female_Adult_01", "Male_Adult_11"])
def test_a_rocketbox_character_needs_no_hand_work(name: str):
    bpy.ops.import_scene.fbx(filepath=str(KIT / "character_rocketbox" / f"{name}_facial.fbx"))
    armature = next(o for o in bpy.data.objects if o.type == "ARMATURE")
    mesh = next(o for o in bpy.data.objects if o.type == "MESH")
    shapes = require_shapes([key.name for key in mesh.data.shape_keys.key_blocks])
    assert shapes.shape_map.name == "rocketbox"
    assert shapes.missing == ()
    floor = min((mesh.matrix_world @ vertex.co).z for vertex in mesh.data.vertices)

    rotations, root = performance()
    names = [bone.name for bone in armature.data.bones]
    match = require_rig(names, [-1] * len(names))
    assert match.rig_map.name == "biped"
    result = retargeter(armature, match, sole=floor, plant_feet=False).apply(rotations, root)
    _, places = forward_kinematics(DUOLOGUE, rotations, root)
    pose(armature, result, 8)
    assert direction_error(armature, dict(match.bones), places, 8) < 2e-3
    # Its clavicles hang under the neck and its thighs under the spine: neither may follow a nod or a bow.
    for bone, anchor in (("Bip01 L Clavicle", "Bip01 Spine2"), ("Bip01 R Thigh", "Bip01 Pelvis")):
        world = OURS @ armature.matrix_world
        rest = (world @ armature.data.bones[anchor].matrix_local).inverted() @ (
            world @ armature.data.bones[bone].matrix_local
        ).translation
        posed = (world @ armature.pose.bones[anchor].matrix).inverted() @ Vector(head(armature, bone))
        assert (rest - posed).length < 0.05, bone  # in the armature's centimetres
    # Standing in the T-pose, the mesh's own soles are on the floor.
    still = retargeter(armature, match, sole=floor).apply(np.zeros((1, len(DUOLOGUE), 3)), [[0, 0.955, 0]])
    pose(armature, still, 0)
    evaluated = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    assert min((mesh.matrix_world @ vertex.co).z for vertex in evaluated.vertices) == pytest.approx(0, abs=0.004)
    assert head(armature, "Bip01 L Hand")[1] == pytest.approx(head(armature, "Bip01 L UpperArm")[1], abs=0.01)


@pytest.mark.skipif(not (KIT / "character_mpfb").exists(), reason="the kit is not here")
def test_an_mpfb_character_on_a_mixamo_rig_is_recognised():
    import json

    bones = json.loads((KIT / "character_mpfb" / "rig.mixamo.json").read_text())["bones"]
    armature = bpy.data.objects.new("Human", bpy.data.armatures.new("Human"))
    bpy.context.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for name, bone in bones.items():
        made = armature.data.edit_bones.new(name)
        made.head, made.tail, made.roll = (
            bone["head"]["default_position"],
            bone["tail"]["default_position"],
            bone["roll"],
        )
    for name, bone in bones.items():
        if bone["parent"]:
            armature.data.edit_bones[name].parent = armature.data.edit_bones[bone["parent"]]
    bpy.ops.object.mode_set(mode="OBJECT")
    match = RigMap.builtin("mixamo").bind(list(bones))
    assert match.missing == ()
    assert require_rig(list(bones), [-1] * len(bones)).rig_map.name == "mixamo"
    rotations, root = performance()
    result = retargeter(armature, plant_feet=False).apply(rotations, root)
    _, places = forward_kinematics(DUOLOGUE, rotations, root)
    for frame in (0, 9):
        pose(armature, result, frame)
        assert direction_error(armature, dict(match.bones), places, frame) < 1e-3
