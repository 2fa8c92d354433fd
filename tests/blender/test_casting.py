# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters are recognised without hand work, or the error says what is missing."""

from __future__ import annotations

import bpy
import pytest
from duologue import arkit
from duologue.errors import DuologueError

from addon.cast import characters
from addon.cast.cast import cast
from addon.rendering import shot


def test_the_sample_pair_is_whole(scene):
    performers = shot.add_sample_pair(scene)
    heights = []
    for performer in performers:
        face = performer.faces[0]
        assert set(face.match.shapes) == set(arkit.NAMES)
        assert len(performer.match.bones) == 60
        assert len(performer.armature.data.bones) == 60
        heights.append(max((performer.armature.matrix_world @ v.co).z for v in face.mesh.data.vertices))
    assert 1.5 < min(heights) < max(heights) < 1.95


def test_every_shape_of_the_sample_pair_moves_something(scene):
    for name in characters.SAMPLES:
        mesh = characters.build(characters.sample_file(name), scene.collection).mesh
        basis = [point.co.copy() for point in mesh.data.shape_keys.key_blocks["Basis"].data]
        for shape in arkit.NAMES:
            points = mesh.data.shape_keys.key_blocks[shape].data
            assert max((point.co - rest).length for point, rest in zip(points, basis, strict=True)) > 1e-3, shape


def test_the_sample_pair_arrives_with_a_face_at_rest(scene):
    for performer in shot.add_sample_pair(scene):
        mesh = performer.faces[0].mesh
        evaluated = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
        rest = mesh.data.shape_keys.key_blocks["Basis"].data
        for point, vertex in zip(rest, evaluated.data.vertices, strict=True):
            assert (point.co - vertex.co).length < 1e-4


def test_an_armature_that_no_map_fits_says_what_is_missing(scene):
    armature = bpy.data.objects.new("Lamp rig", bpy.data.armatures.new("Lamp rig"))
    scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for i, name in enumerate(("base", "arm", "shade")):
        bone = armature.data.edit_bones.new(name)
        bone.head, bone.tail = (0, 0, i), (0, 0, i + 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(DuologueError) as caught:
        cast("A", armature)
    assert caught.value.reason == "rig-not-recognised"
    assert "Lamp rig" in str(caught.value)


def test_a_mesh_without_shape_keys_is_refused_by_name(pair, scene):
    plain = bpy.data.objects.new("Plain", bpy.data.meshes.new("Plain"))
    scene.collection.objects.link(plain)
    with pytest.raises(DuologueError) as caught:
        cast("A", pair[0].armature, [plain])
    assert caught.value.reason == "no-shape-keys"
    assert "Plain" in str(caught.value)


def test_a_mesh_with_other_shapes_is_refused_by_name(pair):
    mesh = pair[0].faces[0].mesh
    for i, block in enumerate(mesh.data.shape_keys.key_blocks):
        block.name = f"muscle {i}"
    with pytest.raises(DuologueError) as caught:
        cast("A", pair[0].armature, [mesh])
    assert caught.value.reason == "shapes-not-recognised"


@pytest.mark.parametrize("scale", [(1.0, 1.0, 2.0), (-1.0, 1.0, 1.0)])
def test_uneven_or_mirrored_scale_is_refused(pair, scale):
    pair[0].armature.scale = scale
    bpy.context.view_layer.update()
    with pytest.raises(DuologueError) as caught:
        cast("A", pair[0].armature)
    assert caught.value.reason == "rig-scale"


def test_a_damaged_character_file_is_named(scene, tmp_path):
    from duologue.files import safetensors as tensors

    path = tmp_path / "broken.safetensors"
    tensors.save(path, {}, {"character": "{}"})
    with pytest.raises(DuologueError) as caught:
        characters.build(path, scene.collection)
    assert caught.value.reason == "character-malformed"
    assert str(path) in str(caught.value)
