# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters that users own, a MakeHuman body and a Rocketbox adult, perform without hand work."""

from __future__ import annotations

import bpy
import kit_characters
import numpy as np
import pytest
from duologue import arkit
from duologue.take import Take
from examples import example_take

from addon.cast.cast import cast
from addon.rendering import shot
from addon.scene import armatures
from addon.takes.writer import write_take

pytestmark = pytest.mark.skipif(not kit_characters.KIT.is_dir(), reason="the kit is not here")


@pytest.fixture
def users_pair(scene):
    made = (kit_characters.mpfb(scene), kit_characters.rocketbox())
    bpy.context.view_layer.update()
    return tuple(cast(name, armature) for name, (armature, _) in zip("AB", made, strict=True))


def points(mesh) -> np.ndarray:
    evaluated = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
    flat = np.empty(3 * len(evaluated.data.vertices), np.float32)
    evaluated.data.vertices.foreach_get("co", flat)
    return flat.reshape(-1, 3) @ np.array(mesh.matrix_world)[:3, :3].T


def test_both_are_recognised_and_perform_where_the_take_has_them(users_pair, scene):
    assert [p.match.rig_map.name for p in users_pair] == ["mixamo", "biped"]
    assert [p.faces[0].match.shape_map.name for p in users_pair] == ["arkit", "rocketbox"]
    assert all(p.faces[0].match.missing == () for p in users_pair)
    modes = [[bone.rotation_mode for bone in p.armature.pose.bones] for p in users_pair]
    take = example_take(20)
    assert write_take(take, users_pair, shot.FIRST_FRAME, 30.0) == []
    assert [[bone.rotation_mode for bone in p.armature.pose.bones] for p in users_pair] == modes
    scene.frame_set(shot.FIRST_FRAME + 12)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    for performer, track in zip(users_pair, take.tracks, strict=True):
        hips = armatures.world_pose(performer.armature, depsgraph)[performer.bone_index("Hips"), :3, 3]
        # The hips' joint lies a few centimetres elsewhere in each body.
        np.testing.assert_allclose(hips[[0, 2]], track.root_translation[12, [0, 2]], atol=0.06)


def test_both_mouths_open(users_pair, scene):
    take = example_take(2)
    shut, jaw_open = np.zeros((2, 52), np.float32), np.zeros((2, 52), np.float32)
    jaw_open[:, arkit.INDEX["jawOpen"]] = 1.0
    seen = []
    for weights in (shut, jaw_open):
        tracks = [type(t)(**{**t.arrays(), "weights": weights}) for t in take.tracks]
        write_take(Take(take.skeleton, (tracks[0], tracks[1])), users_pair, shot.FIRST_FRAME, 30.0)
        scene.frame_set(shot.FIRST_FRAME)
        seen.append([points(p.faces[0].mesh) for p in users_pair])
    for before, after in zip(*seen, strict=True):
        assert np.linalg.norm(after - before, axis=1).max() > 0.01
