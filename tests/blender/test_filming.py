# SPDX-License-Identifier: GPL-3.0-or-later
"""How a take is filmed in a scene: cameras and the cuts between them, faces in them, chairs under who sits."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import bpy
import dressed_rigs
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from duologue import arkit
from duologue.take import Take
from duologue.units import FPS
from examples import box_pair, example_take
from mathutils import Vector
from test_render import headless, here

from addon.cast import characters
from addon.rendering import cameras, chairs, seeing, shot
from addon.scene.data import face_keys, mesh_of
from addon.takes.writer import write_take

FRAMES = 420


def talking_take(frames: int = FRAMES, *, seated: bool = False) -> Take:
    """A speaks, then B, then A again; seated, A sits from the beginning to the end."""
    take = example_take(frames)
    tracks = []
    for who, (track, spans) in enumerate(zip(take.tracks, (((0, 120), (280, frames)), ((130, 270),)), strict=True)):
        weights = np.zeros((frames, 52), np.float32)
        for start, stop in spans:
            wave = 0.5 - 0.5 * np.cos(2 * np.pi * 6 * np.arange(max(0, min(stop, frames) - start)) / FPS)
            for name, size in (("jawOpen", 0.3), ("mouthClose", 0.2), ("mouthFunnel", 0.2)):
                weights[start:stop, arkit.NAMES.index(name)] = size * wave
        rotations = track.rotations.copy()
        rotations[:, 0] = (0.0, np.radians(65.0 if who == 0 else -65.0), 0.0)
        root = np.tile(np.float32([(-0.6, 0.6)[who], 0.955, 0.0]), (frames, 1))
        actions = track.actions
        if seated and who == 0:
            actions = np.full(frames, 2, np.uint8)
            root[:, 1] = 0.52
            for side in ("Left", "Right"):
                rotations[:, take.skeleton.index(f"{side}UpLeg")] = (-1.45, 0.0, 0.0)
                rotations[:, take.skeleton.index(f"{side}Leg")] = (1.45, 0.0, 0.0)
        tracks.append(replace(track, root_translation=root, rotations=rotations, weights=weights, actions=actions))
    return Take(take.skeleton, (tracks[0], tracks[1]), take.provenance)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Render a take without a video once for each set of options; return where its scene is."""
    made: dict[tuple, str] = {}

    def make(capsys, *options: str, seated: bool = False) -> None:
        key = (*options, seated)
        if key not in made:
            bpy.ops.wm.read_homefile(
                use_empty=True, use_factory_startup=True
            )  # a file that is open would be the user's scene
            folder = tmp_path_factory.mktemp("take")
            talking_take(seated=seated).save(folder / "take.safetensors")
            here(capsys, "render", folder / "take.safetensors", "--out", folder, "--no-preview", *options)
            made[key] = str(folder / "scene.blend")
        bpy.ops.wm.open_mainfile(filepath=made[key], load_ui=False)

    return make


def cuts(scene) -> list:
    return sorted((m for m in scene.timeline_markers if m.camera is not None), key=lambda m: m.frame)


def test_a_scene_is_cut_by_markers_to_cameras_that_can_be_moved(scenes, capsys):
    scenes(capsys)
    scene = bpy.context.scene
    marks = cuts(scene)
    assert marks[0].frame == scene.frame_start
    assert all(b.frame - a.frame >= 60 for a, b in pairwise(marks))
    assert {m.camera[cameras.VIEW] for m in marks} >= {"two", "over B"}
    assert scene.camera == marks[0].camera
    assert all(ob.name in bpy.data.collections[cameras.COLLECTION].objects for ob in (m.camera for m in marks))
    scene.frame_set(200)  # B speaks
    assert scene.camera[cameras.VIEW].endswith("B")


def test_faces_fill_a_third_of_close_shots_and_no_head_is_cut_off(scenes, capsys):
    scenes(capsys)
    scene = bpy.context.scene
    seen = 0
    marks = cuts(scene)
    for mark, end in zip(marks, [*[m.frame for m in marks[1:]], scene.frame_end], strict=True):
        kind, _, who = mark.camera[cameras.VIEW].partition(" ")
        for frame in range(mark.frame, end, 20):
            scene.frame_set(frame)
            for name in {"A": ["Ada"], "B": ["Ben"]}.get(who, ["Ada", "Ben"]):
                places = in_picture(scene, name)
                assert places[:, 0].min() > 0.0
                assert places[:, 0].max() < 1.0
                assert places[:, 1].max() < 1.0
                face = np.ptp(places[moved(name), 1])
                assert face > {"close": 1 / 3, "over": 0.2}.get(kind, 0.05)
                seen += kind == "close"
    assert seen


def head_of(name: str) -> np.ndarray:
    """Return which vertices of a sample character are its head, from the chin up."""
    points = np.empty(3 * len(mesh_of(bpy.data.objects[name]).vertices), np.float32)
    mesh_of(bpy.data.objects[name]).vertices.foreach_get("co", points)
    return points.reshape(-1, 3)[:, 2] > (1.335 if name == "Ada" else 1.50)


def in_picture(scene, name: str) -> np.ndarray:
    """Return where a character's head is in the picture, 0 to 1 from the left and from below, and how far away."""
    evaluated = bpy.data.objects[name].evaluated_get(bpy.context.evaluated_depsgraph_get())
    world = evaluated.matrix_world
    chosen = np.flatnonzero(head_of(name))[::7]
    return np.array([
        world_to_camera_view(scene, scene.camera, world @ Vector(evaluated.data.vertices[int(i)].co)) for i in chosen
    ])  # fmt: skip


def moved(name: str) -> np.ndarray:
    """Return which of the head's vertices that :func:`in_picture` looks at the jaw or the brows move: chin to brow."""
    keys = face_keys(bpy.data.objects[name]).key_blocks
    count = len(keys[0].data)
    flat = {key: np.empty(3 * count, np.float32) for key in (keys[0].name, "jawOpen", "browInnerUp")}
    for key, values in flat.items():
        keys[key].points.foreach_get("co", values)
    rest = flat.pop(keys[0].name)
    moves = np.any([np.abs(values - rest).reshape(-1, 3).max(axis=1) > 1e-3 for values in flat.values()], axis=0)
    return moves[np.flatnonzero(head_of(name))[::7]]


def test_cameras_are_removed_with_a_linked_copy_and_the_animators_own_is_the_scenes_again(scenes, capsys):
    scenes(capsys)
    scene = bpy.context.scene
    cameras.remove(scene)
    own = bpy.data.objects.new("Own", bpy.data.cameras.new("Own"))
    scene.collection.objects.link(own)
    scene.camera = own
    take = talking_take()
    performers = [shot.cast(name, bpy.data.objects[f"{who} rig"]) for name, who in (("A", "Ada"), ("B", "Ben"))]
    for _ in range(2):  # the second run must not take the first's for the animator's
        sight = seeing.look(scene, take, performers, scene.frame_start)
        made = shot.film(scene, take, sight, "cut", first_frame=scene.frame_start)
    assert scene.camera in made
    scene.collection.objects.link(made[0].copy())
    assert cameras.remove(scene) == len(made) + 1
    assert scene.camera == own
    assert [ob for ob in scene.objects if ob.type == "CAMERA"] == [own]


def test_one_wide_shot_and_a_split_one_have_no_cuts(scenes, capsys):
    scenes(capsys, "--camera", "wide")
    assert not cuts(bpy.context.scene)
    assert [ob[cameras.VIEW] for ob in bpy.data.collections[cameras.COLLECTION].objects] == ["wide"]
    scenes(capsys, "--camera", "split")
    scene = bpy.context.scene
    assert not cuts(scene)
    assert all(cameras.view_of(scene, view) for view in ("wide", "close A", "close B"))
    assert cameras.view_of(scene, "close A").animation_data.action is not None


def test_a_split_picture_is_drawn_of_three(tmp_path):
    talking_take(4).save(tmp_path / "take.safetensors")
    events = headless("render", tmp_path / "take.safetensors", "--out", tmp_path, "--camera", "split")
    assert events[-1]["files"] == ["scene.blend", "preview.mp4"]
    done = [event["done"] for event in events if event.get("stage") == "preview"]
    assert done == sorted(done)
    assert done[-1] == 4
    clip = bpy.data.movieclips.load(str(tmp_path / "preview.mp4"))
    assert tuple(clip.size) == (1280, 720)
    assert clip.frame_duration == 4


def test_a_second_run_leaves_nothing_of_the_first(scenes, capsys):
    scenes(capsys)
    scene = bpy.context.scene
    performers = [shot.cast(name, bpy.data.objects[f"{who} rig"]) for name, who in (("A", "Ada"), ("B", "Ben"))]
    take = talking_take()
    scene.timeline_markers.new("A: joy", frame=10)
    count = len(scene.timeline_markers), len(bpy.data.cameras), len(bpy.data.objects)
    sight = seeing.look(scene, take, performers, 1)
    shot.film(scene, take, sight, "cut", first_frame=1)
    assert (len(scene.timeline_markers), len(bpy.data.cameras), len(bpy.data.objects)) == count
    assert cameras.remove(scene) > 0
    assert [marker.name for marker in scene.timeline_markers] == ["A: joy"]
    assert cameras.COLLECTION not in bpy.data.collections
    assert cameras.remove(scene) == 0


def test_cuts_are_right_at_another_frame_rate(scenes, capsys):
    scenes(capsys)
    scene = bpy.context.scene
    at_thirty = [mark.frame for mark in cuts(scene)]
    take = talking_take()
    performers = [shot.cast(name, bpy.data.objects[f"{who} rig"]) for name, who in (("A", "Ada"), ("B", "Ben"))]
    sight = seeing.look(scene, take, performers, 1)
    scene.render.fps = 24
    shot.film(scene, take, sight, "cut", first_frame=101)
    expected = [101 + int(np.ceil((frame - 1) * 24 / 30)) for frame in at_thirty]
    assert [mark.frame for mark in cuts(scene)] == expected


# Chairs -----------------------------------------------------------------------------------------------------------------


def test_who_sits_has_a_chair_on_the_floor_under_the_hips(scenes, capsys):
    scenes(capsys, seated=True)
    (chair,) = bpy.data.collections[chairs.COLLECTION].objects
    assert chair[chairs.SEAT] == "A"
    corners = np.array([chair.matrix_world @ Vector(corner) for corner in chair.bound_box])
    assert corners[:, 2].min() == pytest.approx(0.0, abs=1e-5)
    hips = bpy.data.objects["Ada rig"].matrix_world @ bpy.data.objects["Ada rig"].pose.bones["Hips"].head
    assert (corners[:, :2].min(axis=0) < hips[:2]).all()
    assert (corners[:, :2].max(axis=0) > hips[:2]).all()
    cushion = max(v.co.z for p in mesh_of(chair).polygons if p.material_index == 1 for v in
                  [mesh_of(chair).vertices[i] for i in p.vertices])  # fmt: skip
    assert 0.25 < cushion < hips[2]
    assert chairs.remove(bpy.context.scene) == 1
    assert chairs.COLLECTION not in bpy.data.collections


def test_no_chair_is_put_where_none_is_wanted_or_nobody_sits(scenes, capsys):
    scenes(capsys, "--no-seats", seated=True)
    assert chairs.COLLECTION not in bpy.data.collections
    scenes(capsys, "--seats")
    assert chairs.COLLECTION not in bpy.data.collections


@pytest.fixture
def user_scene(scene, tmp_path):
    """A scene of the user's with two characters, a camera of its own and a seated take to play."""
    box_pair(scene, tmp_path)
    own = bpy.data.objects.new("My camera", bpy.data.cameras.new("My camera"))
    scene.collection.objects.link(own)
    scene.camera = own
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "user.blend"))
    talking_take(120, seated=True).save(tmp_path / "take.safetensors")
    return tmp_path


@pytest.mark.parametrize(
    ("options", "filmed", "seated"),
    [((), False, False), (("--camera", "cut"), True, False), (("--seats",), False, True)],
)
def test_a_user_s_scene_gets_what_is_asked_for(user_scene, capsys, options, filmed, seated):
    folder = user_scene
    arguments = ("--out", folder / "out", "--blend", folder / "user.blend", "--no-preview")
    here(capsys, "render", folder / "take.safetensors", *arguments, *options)
    bpy.ops.wm.open_mainfile(filepath=str(folder / "out" / "scene.blend"), load_ui=False)
    scene = bpy.context.scene
    assert (scene.camera.name == "My camera") != filmed
    assert bool(cuts(scene)) == filmed
    assert (chairs.COLLECTION in bpy.data.collections) == seated
    assert "Duologue Backdrop" not in bpy.data.objects


# By the panel -----------------------------------------------------------------------------------------------------------


def test_the_panel_s_buttons_film_and_seat_and_take_away_again(performed):
    scene = bpy.context.scene
    own = scene.timeline_markers.new("mine", frame=3)
    assert bpy.ops.duologue.film("EXEC_DEFAULT", True, how="CUT") == {"FINISHED"}
    (first, *_) = cuts(scene)
    assert first.frame == performed.first_frame
    assert scene.camera == first.camera
    assert bpy.ops.duologue.film("EXEC_DEFAULT", True, how="WIDE") == {"FINISHED"}
    assert not cuts(scene)
    assert len([ob for ob in scene.objects if ob.get("duologue_view")]) == 1
    assert bpy.ops.duologue.seat("EXEC_DEFAULT", True) == {"FINISHED"}  # nobody sits, which is no error
    assert bpy.ops.duologue.remove_chairs("EXEC_DEFAULT", True) == {"FINISHED"}
    assert bpy.ops.duologue.remove_cameras("EXEC_DEFAULT", True) == {"FINISHED"}
    assert not [ob for ob in scene.objects if ob.type == "CAMERA"]
    assert list(scene.timeline_markers) == [own]


def test_without_a_take_the_buttons_say_why(extension, scene):
    for operator in (bpy.ops.duologue.film, bpy.ops.duologue.seat):
        assert not operator.poll()
    assert bpy.ops.duologue.remove_cameras.poll()


@pytest.mark.parametrize("rig", [dressed_rigs.mixamo, dressed_rigs.rigify])
def test_faces_on_other_rigs_are_found_by_the_map(scene, rig):
    armature, mesh = rig(scene)
    other = characters.build(characters.sample_file("ada"), scene.collection)
    bpy.context.view_layer.update()
    performers = shot.cast("A", other.armature), shot.cast("B", armature)
    take = talking_take(300)
    write_take(take, performers, 1, 30.0)
    sight = seeing.look(scene, take, performers, 1)
    assert 0.25 < sight.sizes[1] < 0.4
    shot.film(scene, take, sight, "cut", first_frame=1)
    marks = [mark for mark in cuts(scene) if mark.camera[cameras.VIEW].endswith("B")]
    assert marks
    points = np.empty(3 * len(mesh_of(mesh).vertices), np.float32)
    mesh_of(mesh).vertices.foreach_get("co", points)
    world = np.array(mesh.matrix_world)
    head = np.flatnonzero((points.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])[:, 2] > 1.5)[::7]
    for mark in marks:
        scene.frame_set(mark.frame + 30)
        evaluated = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
        seen = np.array([
            world_to_camera_view(scene, scene.camera, evaluated.matrix_world @ Vector(evaluated.data.vertices[int(i)].co))
            for i in head
        ])  # fmt: skip
        assert seen[:, :2].min() > 0.0
        assert seen[:, :2].max() < 1.0
