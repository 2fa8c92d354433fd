# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters of a scene as arrays: posed by us they are where Blender shows them, on samples, users' rigs and generated ones."""

from __future__ import annotations

import bpy
import dressed_rigs
import kit_characters
import numpy as np
import pytest
from duologue import arkit
from duologue.interactions.actor import hands_of, has_fingers
from examples import example_take

from addon.cast import characters
from addon.cast.cast import Performer, cast
from addon.interactions.actors import Ensemble
from addon.scene.axes import from_blender
from addon.takes import writer

needs_kit = pytest.mark.skipif(not kit_characters.KIT.is_dir(), reason="the kit is not here")
FIRST = 5


def sample(scene, name: str):
    return characters.build(characters.sample_file(name), scene.collection).armature


MAKERS = {
    "ada": lambda scene: sample(scene, "ada"),
    "mixamo": lambda scene: dressed_rigs.mixamo(scene)[0],
    "mpfb": lambda scene: kit_characters.mpfb(scene)[0],
    "Female_Adult_01": lambda scene: kit_characters.rocketbox("Female_Adult_01")[0],
}


def performing(scene, who: str) -> list[Performer]:
    """Somebody and Ben with a take of theirs that begins at frame 5."""
    armatures = [MAKERS[who](scene), sample(scene, "ben")]
    bpy.context.view_layer.update()
    performers = [cast(name, armature) for name, armature in zip("AB", armatures, strict=True)]
    writer.write_take(example_take(40), performers, FIRST, 30.0)
    return performers


def shown(performer: Performer, surface) -> np.ndarray:
    """Where Blender shows the vertices of a surface now, masks left aside, in our world."""
    graph = bpy.context.evaluated_depsgraph_get()
    found = []
    for ob, _ in surface.meshes:
        evaluated = ob.evaluated_get(graph)
        flat = np.empty(3 * len(evaluated.data.vertices), np.float32)
        evaluated.data.vertices.foreach_get("co", flat)
        world = np.array(evaluated.matrix_world)
        found.append(from_blender(flat.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]))
    return np.concatenate(found)


@pytest.mark.parametrize(
    "who", ["ada", "mixamo", pytest.param("mpfb", marks=needs_kit), pytest.param("Female_Adult_01", marks=needs_kit)]
)
def test_skin_posed_by_us_lies_where_blender_shows_it(scene, who):
    performers = performing(scene, who)
    for modifier in (m for p in performers for ob in p.meshes for m in ob.modifiers if m.type == "MASK"):
        modifier.show_viewport = False
    scene.frame_set(9)
    ensemble = Ensemble(scene, performers)
    times = [FIRST, FIRST + 7.5, FIRST + 20]
    actors = ensemble.read(times)
    assert scene.frame_current == 9
    assert all(not ob.hide_viewport for p in performers for ob in p.meshes)
    for performer, actor, surface in zip(performers, actors, ensemble.surfaces, strict=True):
        mesh = surface.character.mesh
        assert hands_of(surface.character) == ("Left", "Right")
        assert all(has_fingers(surface.character, side) for side in ("Left", "Right"))
        carried = mesh.weights.sum(axis=1) > 0.99
        assert carried.sum() > 4000
        posed = mesh.pose(actor.pose.skinning(), actor.weights)
        for i, time in enumerate(times):
            scene.frame_set(int(time), subframe=time % 1)
            away = np.linalg.norm(posed[i] - shown(performer, surface), axis=1)[carried]
            assert np.quantile(away, 0.999) < 5e-4, (who, performer.name, time)


def test_a_face_is_read_back_as_the_take_has_it(scene):
    performers = performing(scene, "ada")
    actors = Ensemble(scene, performers).read(FIRST + np.arange(6))
    for actor, track in zip(actors, example_take(40).tracks, strict=True):
        read = np.stack([actor.weights[name] for name in arkit.NAMES], axis=1)
        np.testing.assert_allclose(read, np.clip(track.weights[:6], 0, 1), atol=1e-4)


def test_bones_that_constraints_hold_hang_on_what_carries_them(scene):
    armature = dressed_rigs.rigify(scene)[0]
    bpy.context.view_layer.update()
    performers = [cast("A", armature), cast("B", sample(scene, "ben"))]
    writer.write_take(example_take(40), performers, FIRST, 30.0)
    ensemble = Ensemble(scene, performers)
    actor = ensemble.read(FIRST + np.arange(0, 20, 4))[0]
    character = ensemble.surfaces[0].character
    assert character.head_weight.max() > 0.99
    for side in ("Left", "Right"):
        hand = character.mesh.weight_of(character.under[character.joint[side + "Hand"]]) > 0.5
        tips = character.mesh.weight_of(character.under[character.joint[side + "HandIndex3"]]) > 0.5
        assert tips.any()
        assert hand[tips].all()
    posed = character.mesh.pose(actor.pose.skinning(), actor.weights)
    for i in range(5):
        scene.frame_set(FIRST + 4 * i)
        away = np.linalg.norm(posed[i] - shown(performers[0], ensemble.surfaces[0]), axis=1)
        assert np.quantile(away, 0.99) < 8e-3  # Rigify's limbs bend like rubber
        assert np.median(away[character.head_weight > 0.99]) < 1e-3
