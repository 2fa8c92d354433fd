# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``evaluate contact`` asks of Blender: somebody's character as arrays, and our passes of a touch against Cycles'."""

from __future__ import annotations

import bpy
import dressed_rigs
import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.interactions.character_file import load_character
from duologue.interactions.landmarks import find_landmark

from addon.cast.cast import cast
from addon.headless import main
from addon.interactions.surfaces import surface_of
from addon.scene.data import armature_of


def mixamo_alone(scene):
    armature, mesh = dressed_rigs.mixamo(scene)
    for ob in list(bpy.data.objects):
        if ob not in (armature, mesh):
            bpy.data.objects.remove(ob)
    return armature


def test_a_character_of_a_scene_is_the_same_in_the_file(scene, tmp_path):
    armature = mixamo_alone(scene)
    assert armature_of(armature).bones["mixamorig:Hips"]
    bpy.context.view_layer.update()
    there = surface_of(cast("A", armature)).character
    blend, out = tmp_path / "somebody.blend", tmp_path / "somebody.safetensors"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    assert main(["character", str(blend), str(out)]) == 0
    read = load_character(out)
    assert read.match.rig_map.name == "mixamo"
    assert dict(read.match.bones) == dict(there.match.bones)
    np.testing.assert_allclose(read.mesh.vertices, there.mesh.vertices)
    np.testing.assert_array_equal(read.mesh.triangles, there.mesh.triangles)
    np.testing.assert_allclose(read.rest, there.rest)
    assert read.mesh.shapes.keys() == there.mesh.shapes.keys()
    for place, side in (("nose", ""), ("cheek", "Left"), ("ear", "Right")):
        np.testing.assert_allclose(
            find_landmark(read, place, side).centre, find_landmark(there, place, side).centre, atol=1e-9
        )


def test_a_file_without_anybody_is_named(scene, tmp_path, capsys):
    blend = tmp_path / "empty.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    assert main(["character", str(blend), str(tmp_path / "out.safetensors")]) != 0
    assert "armature-not-found" in capsys.readouterr().out
    assert not (tmp_path / "out.safetensors").exists()
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")
    with pytest.raises(DuologueError, match="not a character") as caught:
        load_character(damaged)
    assert caught.value.reason == "character-malformed"
