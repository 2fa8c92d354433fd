# SPDX-License-Identifier: GPL-3.0-or-later
"""Export: what another program gets, judged by Blender's own importers in an empty file, against what the scene showed."""

from __future__ import annotations

import sys

import bpy
import numpy as np
import pytest
from conftest import MODULE
from duologue import arkit
from examples import box_pair, example_take

FRAMES, FIRST = 40, 11
LOOKED_AT = (0, 7, 20, 39)

IMPORTERS = {
    "glb": lambda path: bpy.ops.import_scene.gltf(filepath=path),
    "fbx": lambda path: bpy.ops.import_scene.fbx(filepath=path),
    "usdc": lambda path: bpy.ops.wm.usd_import(filepath=path),
}


@pytest.fixture
def settings(extension, scene, tmp_path):
    """Two people of boxes on whom a take lies, which begins at frame 11."""
    settings = scene.duologue
    pair = box_pair(scene, tmp_path)
    settings.a.armature, settings.b.armature = (performer.armature for performer in pair)
    take = example_take(FRAMES)
    entry = settings.takes.add()
    entry.file, entry.frames = sys.modules[f"{MODULE}.takes.store"].save_take(take), FRAMES
    entry.name, entry.first_frame = "Take 1", FIRST
    settings.active_take = 0
    writer = sys.modules[f"{MODULE}.takes.writer"]
    cast_both = sys.modules[f"{MODULE}.briefing"].cast_both
    writer.write_take(take, cast_both(settings), FIRST, 30)
    pair[0].meshes[0].modifiers.new("Smooth", "SUBSURF")  # which an exporter that applies it pays for with the face
    settings.output.folder = str(tmp_path / "out")
    return settings


def press(settings, *formats: str) -> None:
    settings.output.formats = set(formats)
    assert bpy.ops.duologue.export("EXEC_DEFAULT") == {"FINISHED"}


def plain(name: str) -> str:
    """Return a name without what importers change of it."""
    return name.split(".", maxsplit=1)[0].replace("_", "").replace(" ", "")


def pose() -> tuple[dict, dict]:
    """Return where every joint stands in the world, and what every shape key is."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    joints, shapes = {}, {}
    for ob in bpy.data.objects:
        if ob.type == "ARMATURE":
            evaluated = ob.evaluated_get(depsgraph)
            for bone in evaluated.pose.bones:
                joints[plain(ob.name), plain(bone.name)] = (evaluated.matrix_world @ bone.matrix).translation[:]
        elif ob.type == "MESH" and ob.data.shape_keys:
            for key in ob.data.shape_keys.key_blocks[1:]:
                shapes[plain(ob.name), key.name] = key.value
    return joints, shapes


def shown(first: int) -> list[tuple[dict, dict]]:
    poses = []
    for frame in LOOKED_AT:
        bpy.context.scene.frame_set(first + frame)
        poses.append(pose())
    return poses


@pytest.mark.parametrize(("kind", "suffix"), [("GLTF", "glb"), ("FBX", "fbx"), ("USD", "usdc")])
def test_the_characters_move_in_the_file_as_in_the_scene(settings, tmp_path, kind, suffix):
    exporting = sys.modules[f"{MODULE}.rendering.exporting"]
    if not exporting.FORMATS[kind.lower()].available:
        pytest.skip(f"this Blender was built without {kind}")
    truth = shown(FIRST)
    assert len(truth[0][0]) == 120
    assert len(truth[0][1]) == 104
    press(settings, kind)
    path = tmp_path / "out" / f"scene.{suffix}"
    assert [file.name for file in path.parent.iterdir()] == [path.name]

    modifier = settings.a.armature.children[0].modifiers["Smooth"]
    assert modifier.show_viewport
    assert modifier.show_render

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.render.fps = 30
    IMPORTERS[suffix](str(path))
    ranges = {tuple(action.frame_range) for action in bpy.data.actions}
    (span,) = ranges  # everybody's motion begins and ends together
    assert span[1] - span[0] == FRAMES - 1
    for (joints, shapes), (their_joints, their_shapes) in zip(truth, shown(round(span[0])), strict=True):
        assert set(joints) <= set(their_joints)
        assert set(shapes) <= set(their_shapes)
        for name, place in joints.items():
            np.testing.assert_allclose(their_joints[name], place, atol=1e-5, err_msg=str(name))
        for name, value in shapes.items():
            assert their_shapes[name] == pytest.approx(value, abs=1e-6), name


def test_the_take_s_own_files(settings, tmp_path):
    """By readers of their own: Blender's BVH importer, and plain CSV."""
    press(settings, "BVH", "CSV")
    folder = tmp_path / "out"
    assert sorted(path.name for path in folder.iterdir()) == ["A.bvh", "A.csv", "B.bvh", "B.csv"]
    take = example_take(FRAMES)
    for name, track in zip("AB", take.tracks, strict=True):
        header, *rows = ((folder / f"{name}.csv").read_text()).splitlines()
        column = header.split(",").index("JawOpen")
        opened = [float(row.split(",")[column]) for row in rows]
        np.testing.assert_allclose(opened, track.weights[:, arkit.INDEX["jawOpen"]], atol=1e-6)
        bpy.ops.import_anim.bvh(filepath=str(folder / f"{name}.bvh"), global_scale=0.01, rotate_mode="NATIVE")
        rig = bpy.context.object
        bpy.context.scene.frame_set(1 + 20)
        hips = rig.matrix_world @ rig.pose.bones["Hips"].matrix.translation
        x, y, z = track.root_translation[20]
        np.testing.assert_allclose(hips, (x, -z, y), atol=1e-5)


def test_the_scene_stays_as_it_was(settings, scene):
    hidden = settings.b.armature
    hidden.hide_set(True)
    bpy.context.view_layer.objects.active = settings.a.armature
    settings.a.armature.select_set(True)
    bpy.ops.object.mode_set(mode="POSE")
    scene.frame_start, scene.frame_end = 100, 200
    scene.use_preview_range = True
    scene.frame_set(33)
    press(settings, "GLTF", "FBX")
    assert (scene.frame_start, scene.frame_end, scene.use_preview_range, scene.frame_current) == (100, 200, True, 33)
    assert bpy.context.view_layer.objects.active == settings.a.armature
    assert settings.a.armature.mode == "POSE"
    assert hidden.hide_get()
    assert [ob.name for ob in bpy.context.view_layer.objects if ob.select_get()] == [settings.a.armature.name]


def test_nothing_is_written_over_unless_asked(settings, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "B.csv").write_text("mine")
    with pytest.raises(RuntimeError, match=r"B\.csv .* Replace Files"):
        press(settings, "CSV", "BVH")
    assert [path.name for path in folder.iterdir()] == ["B.csv"], "nothing is half done"
    settings.output.replace = True
    press(settings, "CSV")
    assert "JawOpen" in (folder / "B.csv").read_text()


def test_a_grey_button_says_why(settings):
    settings.output.formats = set()
    with pytest.raises(RuntimeError, match="Choose a format"):
        bpy.ops.duologue.export("EXEC_DEFAULT")
    settings.output.formats = {"CSV"}
    settings.output.folder = "//duologue/"
    with pytest.raises(RuntimeError, match="has not been saved"):
        bpy.ops.duologue.export("EXEC_DEFAULT")
    settings.takes.clear()
    with pytest.raises(RuntimeError, match="no take yet"):
        bpy.ops.duologue.export("EXEC_DEFAULT")


def test_a_folder_that_can_t_be_made_and_an_exporter_that_is_off_are_named(settings, tmp_path):
    (tmp_path / "taken").write_text("a file")
    settings.output.folder = str(tmp_path / "taken")
    with pytest.raises(RuntimeError, match="can't be written"):
        press(settings, "CSV")
    settings.output.folder = str(tmp_path / "out")
    bpy.ops.preferences.addon_disable(module="io_scene_fbx")
    try:
        with pytest.raises(RuntimeError, match="can't write FBX: enable its add-on"):
            press(settings, "CSV", "FBX")
        assert not (tmp_path / "out").exists()
    finally:
        bpy.ops.preferences.addon_enable(module="io_scene_fbx")


def test_a_character_outside_the_view_layer_is_named(settings):
    away = bpy.data.collections.new("Away")
    bpy.context.scene.collection.children.link(away)
    rig = settings.a.armature
    for collection in list(rig.users_collection):
        collection.objects.unlink(rig)
    away.objects.link(rig)
    bpy.context.view_layer.layer_collection.children["Away"].exclude = True
    with pytest.raises(RuntimeError, match="not in the view layer"):
        press(settings, "GLTF")


def test_other_frame_rates_keep_the_time(settings, scene, tmp_path):
    """At 24 frames a second a take of 40 frames at 30 lasts 32 frames; the glTF is as long in seconds."""
    scene.render.fps = 24
    writer = sys.modules[f"{MODULE}.takes.writer"]
    cast_both = sys.modules[f"{MODULE}.briefing"].cast_both
    writer.write_take(example_take(FRAMES), cast_both(settings), FIRST, 24)
    press(settings, "GLTF")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.render.fps = 24
    IMPORTERS["glb"](str(tmp_path / "out" / "scene.glb"))
    (span,) = {tuple(action.frame_range) for action in bpy.data.actions}
    assert span == pytest.approx((0, 31), abs=1e-3)
