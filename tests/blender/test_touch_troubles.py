# SPDX-License-Identifier: GPL-3.0-or-later
"""Touches where something is in the way of them: a clear answer each time, and nothing of the user's rig is changed."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
import pytest
from duologue.brief import Interaction
from duologue.errors import DuologueError
from duologue.interactions.landmarks import find_landmark
from duologue.units import FPS
from mathutils import Quaternion
from pressing import press
from scipy.spatial import KDTree
from touching import FIRST, FRAMES, POKE, asked, off, on_stage, points, sample, solved, standing_take, whole_state

from addon.cast.cast import cast
from addon.interactions import keys as touch_keys
from addon.interactions import solving
from addon.interactions.actors import Ensemble
from addon.interactions.surfaces import surface_of
from addon.rendering import exporting
from addon.scene import actions, compat
from addon.scene.axes import to_blender
from addon.takes import tweaks

# -- what lies over the skin ----------------------------------------------------------------------------------------


def helmet(scene, performer):
    """A shell round the crown and the forehead, on the head's bone."""
    character = surface_of(performer).character
    brow = to_blender(find_landmark(character, "forehead").centre)
    head = performer.armature.matrix_world @ performer.armature.data.bones["Head"].head_local
    bpy.ops.mesh.primitive_uv_sphere_add(segments=48, ring_count=32, radius=1.0)
    shell = bpy.context.object
    shell.name = "Helmet"
    middle = np.array([head.x, head.y, brow[2] + 0.03])
    size = abs(brow[1] - head.y) + 0.02
    points = np.array([v.co for v in shell.data.vertices]) * size * (0.85, 1.0, 1.0) + middle
    shell.data.vertices.foreach_set("co", points.astype(np.float32).ravel())
    shell.data.materials.append(bpy.data.materials.new("visor"))
    world = shell.matrix_world.copy()
    shell.parent, shell.parent_type, shell.parent_bone = performer.armature, "BONE", "Head"
    bpy.context.view_layer.update()
    shell.matrix_world = world
    bpy.context.view_layer.update()
    return shell


def test_a_helmet_is_touched_in_place_of_the_forehead_and_said_so(scene):
    armatures = [sample(scene, "ada"), sample(scene, "ben")]
    bpy.context.view_layer.update()
    shell = helmet(scene, cast("B", armatures[1]))
    performers = on_stage(scene, armatures)
    assert shell in performers[1].meshes
    touch = Interaction("poke-forehead", "A", 1.2, 1.7, target="B")
    solution = solved(scene, performers, touch)
    assert solution.track.touches[0].short < 0.005
    assert any("touches what lies over the skin there (visor)" in note for note in solution.track.notes)
    assert not touch_keys.has_touch(shell)
    assert not sum(map(len, solution.dents.values())), "the forehead under it gives way to nobody"


# -- files ----------------------------------------------------------------------------------------------------------


def saved(scene, path, who: str) -> list[str]:
    """Save a sample into a library; return the names of its objects."""
    armature = sample(scene, who)
    mesh = next(ob for ob in armature.children if ob.type == "MESH")
    names = [armature.name, mesh.name]
    bpy.data.libraries.write(str(path), {armature, mesh}, fake_user=True)
    return names


def linked(scene, path, names) -> list:
    """Link objects, and override the armature's: the usual way to animate somebody else's character."""
    with bpy.data.libraries.load(str(path), link=True) as (_, here):
        here.objects = list(names)
    for ob in here.objects:
        scene.collection.objects.link(ob)
    bpy.context.view_layer.update()
    return here.objects


def test_a_linked_mesh_is_refused_and_without_skin_the_rest_goes(scene, tmp_path):
    path = tmp_path / "library.blend"
    names = saved(scene, path, "ben")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.render.fps = 30
    armature, mesh = linked(scene, path, names)
    own, skin = armature.override_create(), mesh.override_create()
    skin.parent, skin.modifiers["Armature"].object = own, own
    for theirs, ours in ((armature, own), (mesh, skin)):
        scene.collection.objects.unlink(theirs)
        if ours not in set(scene.collection.objects):  # by itself: both have one name
            scene.collection.objects.link(ours)
    bpy.context.view_layer.update()
    assert skin.data.library is not None
    performers = on_stage(scene, [sample(scene, "ada"), own])
    before = whole_state()
    with pytest.raises(DuologueError) as caught:
        solving.at_once(scene, performers, asked(POKE))
    assert caught.value.reason == "mesh-linked"
    assert "Ben" in caught.value.message
    assert whole_state() == before
    solution = solved(scene, performers, POKE, skin=False)
    assert solution.track.touches[0].short < 0.005
    assert off(scene, performers, solution) < 5e-4


@pytest.mark.parametrize(("suffix", "kind"), [("glb", "gltf"), ("fbx", "fbx")])
def test_other_programs_get_hand_and_skin(scene, tmp_path, suffix, kind):
    performers = on_stage(scene, [sample(scene, "ada"), sample(scene, "ben")])
    solving.at_once(scene, performers, asked(replace(POKE, press=1.0)))
    faces = [next(ob for ob in performer.meshes if ob.data.shape_keys) for performer in performers]
    keys = [key.name for key in faces[1].data.shape_keys.key_blocks if key.name.startswith("duologue_touch_")]
    assert keys
    frames = FIRST + np.array([0, 38, 44, 50])
    truth = {}
    for frame in frames:
        scene.frame_set(frame)
        truth[frame] = [points(ob) for ob in faces]
    path = tmp_path / f"touched.{suffix}"
    exporting.write(kind, path, scene, performers, (FIRST, int(frames[-1]) + 1))
    names = [ob.name for ob in faces]
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.render.fps = 30
    {"glb": bpy.ops.import_scene.gltf, "fbx": bpy.ops.import_scene.fbx}[suffix](filepath=str(path))
    theirs = [
        max(
            (ob for ob in bpy.data.objects if ob.name.startswith(name) and ob.type == "MESH"),
            key=lambda ob: len(ob.data.vertices),
        )
        for name in names
    ]
    morphs = {key.name: key for key in theirs[1].data.shape_keys.key_blocks if key.name in keys}
    assert set(morphs) == set(keys)
    first = round(min(action.frame_range[0] for action in bpy.data.actions))
    bpy.context.scene.frame_set(first)
    found = [KDTree(points(ob)).query(rest)[1] for ob, rest in zip(theirs, truth[FIRST], strict=True)]
    pressed = 0.0
    for frame, both in truth.items():
        bpy.context.scene.frame_set(first + int(frame) - FIRST)
        pressed = max(pressed, *(key.value for key in morphs.values()))
        for ob, rows, ours in zip(theirs, found, both, strict=True):
            away = np.linalg.norm(points(ob)[rows] - ours, axis=1)
            assert np.quantile(away, 0.999) < 5e-4, (ob.name, frame)
    assert pressed > 0.5


# -- layers ---------------------------------------------------------------------------------------------------------


def test_solving_again_under_a_tweak_keeps_it(scene):
    performers = on_stage(scene, [sample(scene, "ada"), sample(scene, "ben")])
    armature = performers[0].armature
    untouched = whole_state()
    solving.at_once(scene, performers, asked(POKE))
    tweaks.add([armature], "A", FIRST, FIRST + FRAMES)
    bone = armature.pose.bones["Spine2"]
    assert bone.rotation_mode == "QUATERNION"
    for frame in (FIRST, FIRST + FRAMES):
        scene.frame_set(frame)
        bone.rotation_quaternion = Quaternion((0.0, 0.0, 1.0), 0.15)  # leans aside all the time
        bone.keyframe_insert("rotation_quaternion", frame=frame)
    actions.leave_tweak_mode(armature)
    scene.frame_set(FIRST + 3)
    tweak = tweaks.track_of(armature).strips[0].action
    keyed = curves_of(tweak)
    assert keyed
    carried_off = Ensemble(scene, performers).read([FIRST + 44])[0].pose.joint("RightHandIndex3")[0]
    solution = solving.at_once(scene, performers, asked(POKE))
    assert solution.track.touches[0].short < 0.005
    assert off(scene, performers, solution) < 5e-4
    assert (
        np.linalg.norm(Ensemble(scene, performers).read([FIRST + 44])[0].pose.joint("RightHandIndex3")[0] - carried_off)
        > 0.02
    )
    assert [track.name for track in armature.animation_data.nla_tracks][-2:] == [
        "Duologue Tweaks",
        "Duologue Touch Layer",
    ]
    assert curves_of(tweak) == keyed
    solving.remove(scene, [performer.armature for performer in performers])
    assert tweaks.track_of(armature) is not None
    assert curves_of(tweak) == keyed
    leaning = Ensemble(scene, performers).read([FIRST + 44])[0].pose
    armature.animation_data.nla_tracks.remove(tweaks.track_of(armature))
    upright = Ensemble(scene, performers).read([FIRST + 44])[0].pose
    assert np.linalg.norm(leaning.joint("Head") - upright.joint("Head")) > 0.02
    assert whole_state()["data"].keys() == untouched["data"].keys()


def curves_of(action) -> list:
    slot = action.slots[0]
    return [
        (c.data_path, c.array_index, [tuple(key.co) for key in c.keyframe_points])
        for c in compat.channelbag(action, slot).fcurves
    ]


def test_a_partner_who_walks_away_is_not_reached_and_that_is_said(scene):
    take = standing_take()
    away = take.tracks[1].root_translation.copy()
    away[:, 0] += np.interp(np.arange(FRAMES) / FPS, [1.0, 2.0], [0.0, 1.2]).astype(np.float32)
    take = replace(take, tracks=(take.tracks[0], replace(take.tracks[1], root_translation=away)))
    performers = on_stage(scene, [sample(scene, "ada"), sample(scene, "ben")], take=take)
    solution = solved(scene, performers, POKE)
    assert 0.1 < solution.track.touches[0].short < 1.0
    assert "cm short; let them stand nearer" in solution.track.notes[0]
    assert off(scene, performers, solution) < 5e-4
    # nobody's arm is torn out: it is as long as before
    for before, after in ((solution.before[0], solution.actors[0].pose),):
        for upper, lower in (("Arm", "ForeArm"), ("ForeArm", "Hand")):
            lengths = [
                np.linalg.norm(p.joint("Right" + lower) - p.joint("Right" + upper), axis=-1) for p in (before, after)
            ]
            np.testing.assert_allclose(lengths[1], lengths[0], atol=1e-6)


# -- what the list asks for -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("poke-nose", "right", 40, 70), ("stroke-chin", "right", 60, 90)], "the same hand of A"),
        ([("poke-nose", "right", 40, 500)], "the take ends"),
        ([("poke-nose", "NEARER", 40, 70), ("stroke-chin", "NEARER", 60, 90), ("poke-chin", "NEARER", 50, 80)], "hand"),
    ],
)
def test_what_no_hand_can_do_is_refused_and_nothing_changes(extension, scene, rows, words):
    press("add_sample_pair")
    scene.frame_start, scene.frame_end = 1, 120
    for pattern, hand, first, last in rows:
        press("add_touch", pattern=pattern)
        item = scene.duologue.interactions[-1]
        item.performer, item.target, item.hand, item.last, item.first = "A", "PARTNER", hand, last, first
    before = whole_state()
    with pytest.raises(RuntimeError, match=words):
        press("solve_touches")
    assert whole_state() == before
