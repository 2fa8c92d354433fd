# SPDX-License-Identifier: GPL-3.0-or-later
"""Skin that gives way, in Blender: what is shown, what is left after it is removed, and what other programs get."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy
import kit_characters
import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.interactions.contact_keys import contact_keys
from duologue.interactions.landmarks import find_landmark
from duologue.interactions.press import Pressed, press
from duologue.interactions.surface import Skin, skin_of
from mathutils import Quaternion
from scipy.spatial import KDTree
from touching import points

from addon.cast import characters
from addon.cast.cast import Performer, cast
from addon.interactions import keys as touch_keys
from addon.interactions.surfaces import Surface, surface_of
from addon.rendering import exporting
from addon.scene.axes import from_blender, to_blender

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interactions"))
from examples_skin import deepest, finger

FRAMES, FIRST = 24, 11
DEPTH = np.interp(np.arange(FRAMES), [0, 6, 10, 14, 18], [-0.03, 0, 0.004, 0.004, -0.03])


def sample(scene, name: str = "ada") -> Performer:
    character = characters.build(characters.sample_file(name), scene.collection)
    bpy.context.view_layer.update()
    return cast("A", character.armature)


def poke(surface: Surface, skin: Skin, place: str = "cheek", side: str = "Left") -> tuple[Pressed, object]:
    """A finger that pokes a resting face."""
    landmark = find_landmark(surface.character, place, side)
    _, up, normal = landmark.frame.T
    capsules = finger(np.tile(landmark.centre, (FRAMES, 1)), normal, up, DEPTH)
    posed = np.repeat(skin.rest[None], FRAMES, 0)
    return press(
        skin, posed, lambda near: np.tile(np.eye(3), (FRAMES, int(near.sum()), 1, 1)), capsules, 30.0
    ), capsules


def state(ob) -> dict:
    """All of a mesh that writing keys could change, to the bit."""
    flat = np.empty(3 * len(ob.data.vertices), np.float32)
    ob.data.vertices.foreach_get("co", flat)
    found = {
        "mesh": flat.tobytes(),
        "active": ob.active_shape_key_index,
        "actions": sorted(a.name for a in bpy.data.actions),
    }
    found["keys"] = None
    if (block := ob.data.shape_keys) is not None:
        found["keys"] = len(bpy.data.shape_keys), sorted(block.keys())
        found["animation"] = block.animation_data is not None and [t.name for t in block.animation_data.nla_tracks]
        for key in block.key_blocks:
            co = np.empty(3 * len(ob.data.vertices), np.float32)
            key.points.foreach_get("co", co)
            found[key.name] = co.tobytes(), key.value, key.slider_min, key.slider_max, key.relative_key.name, key.mute
    return found


def frames() -> np.ndarray:
    return FIRST + np.arange(FRAMES, dtype=np.float32)


def test_blender_shows_the_pressed_skin_also_on_a_turned_head_with_an_open_mouth(scene):
    performer = sample(scene)
    ob = performer.meshes[0]
    surface = surface_of(performer)
    pressed, _ = poke(surface, skin_of(surface.character))
    keys = contact_keys([pressed])
    head = performer.armature.pose.bones["Head"]
    head.rotation_mode = "QUATERNION"
    head.rotation_quaternion = Quaternion((1, 0.3, -0.4), 0.6)
    ob.data.shape_keys.key_blocks["jawOpen"].value = 0.5
    bpy.context.view_layer.update()
    turn = _ours(head)
    scene.frame_set(FIRST)
    before = points(ob)
    touch_keys.write(keys, surface.meshes, frames(), "A")
    for frame in (0, 8, 12, 16):
        scene.frame_set(FIRST + frame)
        moved = points(ob) - before
        expected = np.zeros_like(moved)
        expected[pressed.skin.vertices] = pressed.offsets[frame] @ turn.T
        assert np.linalg.norm(moved - expected, axis=1).max() < keys.error + 2e-6
    assert keys.error < 5e-4
    assert np.linalg.norm(moved, axis=1).max() > 1e-4
    for outside in (FIRST - 30, FIRST + FRAMES + 30):
        scene.frame_set(outside)
        np.testing.assert_array_equal(points(ob), before)


def _ours(bone) -> np.ndarray:
    """How far a bone has turned from its rest, in our axes."""
    turned = np.array((bone.matrix @ bone.bone.matrix_local.inverted()).to_3x3())
    return from_blender(to_blender(np.eye(3)) @ turned.T).T


def test_what_a_bone_carries_belongs_to_the_surface(scene):
    armature = sample(scene).armature
    data = bpy.data.meshes.new("Glasses")
    data.from_pydata([(0, 0, 0), (0.1, 0, 0), (0, 0, 0.1)], [], [(0, 1, 2)])
    glasses = bpy.data.objects.new("Glasses", data)
    scene.collection.objects.link(glasses)
    glasses.parent, glasses.parent_type, glasses.parent_bone = armature, "BONE", "Head"
    bpy.context.view_layer.update()
    surface = surface_of(cast("A", armature))
    first = dict(surface.meshes)[glasses]
    head = np.array([surface.character.armature.names.index("Head")])
    np.testing.assert_array_equal(surface.character.mesh.weight_of(head)[first : first + 3], 1.0)


def test_an_armature_without_a_mesh_is_named(scene):
    performer = sample(scene)
    armature = performer.armature
    for ob in performer.meshes:
        bpy.data.objects.remove(ob)
    with pytest.raises(DuologueError, match=armature.name) as caught:
        surface_of(cast("A", armature))
    assert caught.value.reason == "head-without-skin"


@pytest.mark.parametrize("faceless", [False, True])
def test_removing_leaves_the_mesh_as_it_was(scene, faceless):
    performer = sample(scene, "ben")
    ob = performer.meshes[0]
    surface = surface_of(performer)
    keys = contact_keys([poke(surface, skin_of(surface.character))[0]])
    if faceless:
        ob.shape_key_clear()
    else:
        ob.active_shape_key_index = 7
    before = state(ob)
    for _ in range(2):  # a second solve takes the place of the first
        (action,) = touch_keys.write(keys, surface.meshes, frames(), "A")
        names = [key.name for key in ob.data.shape_keys.key_blocks if key.name.startswith("duologue_touch_")]
        assert tuple(names) == keys.names
    assert touch_keys.has_touch(ob)
    assert action.name in bpy.data.actions
    scene.frame_set(FIRST + 12)
    assert touch_keys.remove(ob)
    assert state(ob) == before
    assert not touch_keys.remove(ob)


def test_a_take_on_the_face_plays_on_beside_it(scene):
    performer = sample(scene)
    ob = performer.meshes[0]
    key = ob.data.shape_keys.key_blocks["jawOpen"]
    key.value = 0.25
    key.keyframe_insert("value", frame=FIRST)
    own = ob.data.shape_keys.animation_data.action
    surface = surface_of(performer)
    touch_keys.write(contact_keys([poke(surface, skin_of(surface.character))[0]]), surface.meshes, frames(), "A")
    assert ob.data.shape_keys.animation_data.action == own
    scene.frame_set(FIRST + 12)
    assert key.value == pytest.approx(0.25)
    assert ob.data.shape_keys.key_blocks["duologue_touch_01"].value > 0.5
    touch_keys.remove(ob)
    assert ob.data.shape_keys.animation_data.action == own


def test_a_linked_mesh_is_refused_and_nothing_changes(scene, tmp_path):
    performer = sample(scene)
    path = tmp_path / "library.blend"
    bpy.data.libraries.write(str(path), {performer.meshes[0], performer.armature}, fake_user=True)
    with bpy.data.libraries.load(str(path), link=True) as (there, here):
        here.objects = [name for name in there.objects if name == performer.meshes[0].name]
    linked = here.objects[0]
    surface = surface_of(performer)
    keys = contact_keys([poke(surface, skin_of(surface.character))[0]])
    before = state(performer.meshes[0])
    with pytest.raises(DuologueError) as caught:
        touch_keys.write(keys, (*surface.meshes, (linked, 0)), frames(), "A")
    assert caught.value.reason == "mesh-linked"
    assert "override" in caught.value.message
    assert state(performer.meshes[0]) == before


@pytest.mark.parametrize("suffix", ["glb", "fbx"])
def test_other_programs_get_the_same_skin(scene, tmp_path, suffix):
    performer = sample(scene)
    ob = performer.meshes[0]
    surface = surface_of(performer)
    touch_keys.write(contact_keys([poke(surface, skin_of(surface.character))[0]]), surface.meshes, frames(), "A")
    truth = {}
    for frame in (0, 10, 12, 16):
        scene.frame_set(FIRST + frame)
        truth[frame] = points(ob)
    path = tmp_path / f"skin.{suffix}"
    exporting.write({"glb": "gltf", "fbx": "fbx"}[suffix], path, scene, [performer], (FIRST, FIRST + FRAMES - 1))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.render.fps = 30
    {"glb": bpy.ops.import_scene.gltf, "fbx": bpy.ops.import_scene.fbx}[suffix](filepath=str(path))
    theirs = next(o for o in bpy.data.objects if o.type == "MESH" and o.data.shape_keys)
    assert len([k for k in theirs.data.shape_keys.key_blocks if k.name.startswith("duologue_touch_")]) >= 1
    (start,) = {round(action.frame_range[0]) for action in bpy.data.actions}
    bpy.context.scene.frame_set(start)
    at_rest = points(theirs)
    # vertices may be split at seams; each of ours lies on one of theirs
    found = KDTree(at_rest).query(truth[0])[1]
    for frame, ours in truth.items():
        bpy.context.scene.frame_set(start + frame)
        np.testing.assert_allclose(points(theirs)[found], ours, atol=5e-5)
    assert np.linalg.norm(truth[12] - truth[0], axis=1).max() > 0.003


@pytest.mark.skipif(not kit_characters.KIT.is_dir(), reason="the kit is not here")
@pytest.mark.parametrize("who", ["mpfb", "Female_Adult_01", "Male_Adult_11"])
@pytest.mark.parametrize(("place", "side"), [("cheek", "Left"), ("nose", ""), ("chin", "")])
def test_users_faces_give_way(scene, who, place, side):
    armature, _ = kit_characters.mpfb(scene) if who == "mpfb" else kit_characters.rocketbox(who)
    bpy.context.view_layer.update()
    surface = surface_of(cast("A", armature))
    skin = skin_of(surface.character)
    pressed, capsules = poke(surface, skin, place, side)
    before, after = (
        deepest(capsules, pressed.skin.at_probes(pressed.skin.rest + moved))
        for moved in (0 * pressed.offsets, pressed.offsets)
    )
    assert before > 0.002
    assert after < 2e-4
    keys = contact_keys([pressed])
    assert keys.error < 5e-4
    touch_keys.write(keys, surface.meshes, frames(), "A")
    meshes = {ob for ob, _ in surface.meshes if touch_keys.has_touch(ob)}
    assert meshes
    scene.frame_set(FIRST + 12)
    shown = np.concatenate([points(ob) for ob, _ in surface.meshes]) if who != "mpfb" else None
    if shown is not None:
        moved = shown[pressed.skin.vertices] - pressed.skin.rest
        np.testing.assert_allclose(moved, pressed.offsets[12], atol=keys.error + 1e-4)
