# SPDX-License-Identifier: GPL-3.0-or-later
"""Passes of a scene: against what Cycles itself says of it, as a folder, headless and by the button; and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import bpy
import numpy as np
import pytest
from conftest import MODULE
from duologue.errors import DuologueError
from duologue.passes import Painter, load, png
from duologue.passes.contract import HAND, HEAD, PARTS, SCENE
from duologue.passes.options import Span
from examples import box_pair, example_take
from test_render import here

from addon.rendering import passes, preview
from addon.rendering.oracle import cycles, differences
from addon.scene import passes as scene_passes
from addon.scene.axes import to_blender
from addon.scene.files import outside
from addon.takes.writer import write_take

SIZE = (64, 48)


def add_camera(scene, place=(0.0, -3.2, 1.1), kind: str = "PERSP"):
    data = bpy.data.cameras.new("Camera")
    data.type, data.ortho_scale = kind, 2.4
    camera = bpy.data.objects.new("Camera", data)
    camera.location, camera.rotation_euler = place, (np.pi / 2, 0.0, 0.0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    return camera


@pytest.fixture
def stage(scene, tmp_path):
    """Two people of boxes on whom a take lies, one of them rounded by a modifier, a wall, and a camera."""
    pair = box_pair(scene, tmp_path)
    write_take(example_take(20), pair, 1, 30)
    modifier = pair[0].meshes[0].modifiers.new("Round", "SUBSURF")
    modifier.levels, modifier.render_levels = 0, 1
    everything = pair[1].meshes[0].vertex_groups.new(name="visible")  # as MPFB has one, for its mask
    everything.add(range(len(pair[1].meshes[0].data.vertices)), 1.0, "REPLACE")
    bpy.ops.mesh.primitive_plane_add(size=6, location=(0, 1.5, 1), rotation=(np.pi / 2, 0, 0))
    add_camera(scene)
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    return scene, pair


def request(folder: Path, first: int = 3, last: int = 7, **more) -> passes.Request:
    return passes.Request(folder, Span(first, last), SIZE, **more)


def export(stage, wanted: passes.Request) -> list[str]:
    notes: list[str] = []
    list(passes.export(*stage, wanted, lambda frame: None, notes.append))
    return notes


def moments(stage, frames):
    studio = passes.Studio(*stage, request(Path()))
    with scene_passes.staying(stage[0]), scene_passes.as_rendered(stage[0]):
        return [studio.moment(frame) for frame in frames]


# Against Blender's own renderer -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO", "SHIFTED"])
def test_cycles_sees_the_same_people_parts_depth_and_flow(stage, tmp_path, kind):
    scene, pair = stage
    camera = scene.camera
    camera.data.type = "ORTHO" if kind == "ORTHO" else "PERSP"
    if kind == "SHIFTED":
        camera.data.shift_x, camera.data.shift_y, camera.data.sensor_fit = 0.1, -0.15, "VERTICAL"
        camera.data.sensor_height, camera.data.lens = 20.0, 30.0
    now, after = moments(stage, (5, 6))
    frame = Painter(SIZE, now, None, ("part", "depth", "flow", "visible")).draw(now, after)
    truth = cycles(scene, pair, 5, SIZE, tmp_path / "truth.exr")
    person = frame["part"] // len(PARTS)
    for number in (1, 2):
        mine, theirs = person == number, truth["Object Index"] == number
        assert theirs.sum() > 50
        assert (mine & theirs).sum() / (mine | theirs).sum() > 0.99
    # The box people's heads have the skin's material, all else the clothes'.
    mine, theirs = (frame["part"] % len(PARTS) == HEAD), truth["Material Index"] == 2
    assert (mine & theirs).sum() / (mine | theirs).sum() > 0.99
    both = np.isfinite(frame["depth"]) & (truth["Depth"] < 1e5) & (person == truth["Object Index"])
    assert both.mean() > 0.9
    found = differences(frame, truth)
    assert found["part_iou"] > 0.99
    assert found["depth_mm"] < 1
    assert found["largest_flow_px"] > 0.2
    assert found["flow_error_px"] < 0.01
    aside = {**truth, "Vector.Z": truth["Vector.Z"] + 0.5, "Depth": truth["Depth"] + 0.01}
    assert differences(frame, aside)["flow_error_px"] > 0.4
    assert differences(frame, aside)["depth_mm"] > 9


WORKBENCH = """
import bpy, sys
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
scene = bpy.context.scene
scene.frame_set(5)
render = scene.render
render.engine, scene.display.render_aa, render.film_transparent = "BLENDER_WORKBENCH", "OFF", True
render.resolution_x, render.resolution_y, render.resolution_percentage = 256, 192, 100
render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGBA"
render.use_file_extension, render.filepath = False, sys.argv[2]
bpy.ops.render.render(write_still=True)
"""


def test_workbench_draws_the_same_outlines(stage, tmp_path):
    """In a process of its own, which ends where there is no OpenGL."""
    scene, _ = stage
    bpy.data.objects.remove(scene.objects["Plane"])
    blend, picture = tmp_path / "scene.blend", tmp_path / "workbench.png"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    script = tmp_path / "workbench.py"
    script.write_text(WORKBENCH)
    ended = subprocess.run([sys.executable, script, blend, picture], capture_output=True, timeout=120, check=False)
    if ended.returncode and not picture.exists():
        pytest.skip("this machine has no OpenGL")
    studio = passes.Studio(*stage, passes.Request(Path(), Span(5, 5), (256, 192)))
    with scene_passes.staying(scene), scene_passes.as_rendered(scene):
        now = studio.moment(5)
    ours = Painter((256, 192), now, None, ("part",)).draw(now)["part"] > 0
    image = bpy.data.images.load(str(picture))
    theirs = np.array(image.pixels[:]).reshape(192, 256, 4)[::-1, :, 3] > 0.5
    assert theirs.sum() > 2000
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.99


def test_what_is_read_is_what_is_rendered(stage):
    _, pair = stage
    before = pair[0].meshes[0].modifiers["Round"].levels
    (now,) = moments(stage, (5,))
    name = pair[0].meshes[0].name
    start, stop = now.surface.spans[name]
    assert stop - start > 3 * len(pair[0].meshes[0].data.vertices), "the modifier's render level counts"
    assert pair[0].meshes[0].modifiers["Round"].levels == before
    hands = now.surface.part == HAND
    assert {int(one) for one in np.unique(now.surface.person[hands])} == {1, 2}
    pair[0].meshes[0].hide_render = True
    (now,) = moments(stage, (5,))
    assert name not in now.surface.spans


def test_keypoints_lie_on_the_bones(stage):
    (now,) = moments(stage, (5,))
    scene, pair = stage
    scene.frame_set(5)
    for performer, keypoints in zip(pair, now.pose, strict=True):
        pose = performer.armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
        x, y, z = performer.armature.matrix_world @ pose["RightForeArm"].head
        np.testing.assert_allclose(keypoints.body[3], (x, z, -y), atol=1e-5)
        x, y, z = performer.armature.matrix_world @ pose["LeftHandIndex3"].tail
        np.testing.assert_allclose(keypoints.hands[0, 8], (x, z, -y), atol=1e-5)


def test_the_sample_characters_have_their_noses_in_the_middle_of_their_faces(scene):
    from addon.rendering.shot import add_sample_pair

    pair = add_sample_pair(scene)
    add_camera(scene)
    (now,) = moments((scene, pair), (1,))
    for keypoints in now.pose:
        nose, right_eye, left_eye, right_ear, left_ear = keypoints.body[[0, 14, 15, 16, 17]]
        assert abs(nose[0]) < 0.01
        assert 0.04 < left_eye[0] - right_eye[0] < 0.09
        np.testing.assert_allclose(left_eye * (-1, 1, 1), right_eye, atol=0.005)
        assert 0.01 < left_eye[1] - nose[1] < 0.07
        assert nose[2] > left_eye[2] > left_ear[2]
        assert 0.12 < left_ear[0] - right_ear[0] < 0.25


# The folder -------------------------------------------------------------------------------------------------------------


def test_a_clip_is_written_whole_and_the_scene_stays(stage, tmp_path):
    scene, _ = stage
    scene.frame_set(11)
    render = scene.render
    before = (render.resolution_x, render.filepath, scene.camera, render.image_settings.file_format)
    notes = export(stage, request(tmp_path / "out"))
    assert not notes
    assert scene.frame_current == 11
    assert before == (render.resolution_x, render.filepath, scene.camera, render.image_settings.file_format)
    clip = load(tmp_path / "out")
    assert clip.part.shape == (5, SIZE[1], SIZE[0])
    assert clip.hole.mean() < 0.5
    about = json.loads((tmp_path / "out" / "clip.json").read_text())
    assert about["complete"]
    assert [one["frame"] for one in about["about_frames"]] == [3, 4, 5, 6, 7]
    assert about["fps"] == 30
    names = {path.name for path in (tmp_path / "out" / "comfy").iterdir()}
    assert {"control_depth.mp4", "mask_hand.mp4", "inpaint.mp4", "reference_AB.png", "workflow_control.json"} <= names


def test_blender_s_own_ffmpeg_writes_the_same_video(stage, tmp_path):
    from duologue.passes import video

    from addon.rendering import films

    av = pytest.importorskip("av", reason="PyAV is not installed (the extra `video`)")
    ramp = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 48, 0).repeat(3, 2)
    pictures = [ramp, np.full_like(ramp, 127), ramp[:, ::-1]]
    for name, write in (("ours.mp4", video.write_video), ("blenders.mp4", films.write_video)):
        write(tmp_path / name, pictures, 15.0)
        with av.open(str(tmp_path / name)) as file:
            assert file.streams.video[0].average_rate == 15
            read = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
        assert len(read) == 3
        for picture, wanted in zip(read, pictures, strict=True):
            assert np.abs(picture.astype(int) - wanted).max() <= 6, name
    assert "Duologue Film" not in bpy.data.scenes


def test_an_interrupted_clip_goes_on(stage, tmp_path):
    wanted = request(tmp_path / "out", source="the same scene")
    steps = passes.export(*stage, wanted, lambda frame: None, lambda note: None)
    for _ in range(3):
        next(steps)
    steps.close()
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "structure").iterdir()}
    assert len(written) == 3
    assert not json.loads((tmp_path / "out" / "clip.json").read_text())["complete"]
    export(stage, wanted)
    assert len(list((tmp_path / "out" / "structure").iterdir())) == 5
    assert {path: path.stat().st_mtime_ns for path in written} == written
    whole = export(stage, request(tmp_path / "other"))
    assert not whole
    for name in ("flow", "carried", "structure"):
        for index in (3, 4):
            one, other = (png.read(tmp_path / folder / name / f"{index:04}.png") for folder in ("out", "other"))
            np.testing.assert_array_equal(one, other)
    with pytest.raises(DuologueError, match="another clip"):
        export(stage, request(tmp_path / "out", source="another scene"))
    export(stage, request(tmp_path / "out", first=4, last=4, source="another scene", replace=True))
    assert len(list((tmp_path / "out" / "structure").iterdir())) == 1


def test_two_exports_into_one_folder_are_one_too_many(stage, tmp_path):
    wanted = request(tmp_path / "out", source="the same scene")
    steps = passes.export(*stage, wanted, lambda frame: None, lambda note: None)
    next(steps)
    with pytest.raises(DuologueError) as caught:
        export(stage, wanted)
    assert caught.value.reason == "passes-busy"
    steps.close()
    export(stage, wanted)
    assert json.loads((tmp_path / "out" / "clip.json").read_text())["complete"]


def test_frames_are_shown_one_after_the_other_and_no_oftener_than_they_must(stage, tmp_path):
    """Whoever simulates or streams by a handler sees a clip from its beginning to its end, and then the frame that was there."""
    scene, _ = stage
    scene.frame_set(11)
    seen: list[int] = []
    handler = bpy.app.handlers.frame_change_post
    handler.append(lambda scene, *_: seen.append(scene.frame_current))
    export(stage, request(tmp_path / "out", wanted=("part", "flow")))
    # Where Blender itself writes the films, out of a scene of its own, handlers are told once more of the frame that is there.
    assert [frame for frame, _ in groupby(seen)] == [3, 4, 5, 6, 7, 11]
    assert scene.frame_current == 11


def test_what_a_scene_takes_from_other_files_is_part_of_what_it_is(stage, tmp_path):
    blend, texture = tmp_path / "scene.blend", tmp_path / "wall" / "skin.0001.png"
    texture.parent.mkdir()
    png.write(texture, np.zeros((4, 4), np.uint8))
    image = bpy.data.images.load(str(texture))
    image.use_fake_user = True
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    before = outside(blend)
    assert outside(blend) == before
    png.write(texture, np.zeros((8, 8), np.uint8))
    changed = outside(blend)
    assert changed != before
    png.write(texture.with_name("skin.0002.png"), np.zeros((8, 8), np.uint8))
    assert outside(blend) == changed
    image.source = "SEQUENCE"
    row = outside(blend)
    png.write(texture.with_name("skin.0002.png"), np.zeros((4, 8), np.uint8))
    assert outside(blend) != row


def test_what_is_scaled_to_nothing_costs_no_clip(stage, tmp_path):
    """As people hide things: a plane without a height is there as it is, an empty point is nothing."""
    scene, _ = stage
    scene.objects["Plane"].scale = (1.0, 1.0, 0.0)
    bpy.ops.mesh.primitive_cube_add(location=(0.0, 1.0, 1.0))
    bpy.context.object.scale = (0.0, 0.0, 0.0)
    export(stage, request(tmp_path / "out", first=5, last=5, wanted=("part", "depth", "normal")))
    clip = load(tmp_path / "out")
    wall = (clip.part == SCENE)[0]
    assert wall.mean() > 0.3
    towards = (np.abs(clip.normal[0][wall].astype(int) - (128, 128, 255)) <= 1).all(axis=-1)
    assert towards.mean() > 0.9, "all but its outlines, where samples are of others as well"


def test_what_passes_cannot_see_is_told(stage, tmp_path):
    scene, pair = stage
    curves = bpy.data.objects.new("Fringe", bpy.data.hair_curves.new("Fringe"))
    scene.collection.objects.link(curves)
    volume = bpy.data.objects.new("Smoke", bpy.data.volumes.new("Smoke"))
    scene.collection.objects.link(volume)
    material = pair[1].meshes[0].data.materials[0]
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    next(n for n in material.node_tree.nodes if n.type == "BSDF_PRINCIPLED").inputs["Alpha"].default_value = 0.5
    marker = scene.timeline_markers.new("cut", frame=5)
    marker.camera = scene.camera
    notes = "\n".join(export(stage, request(tmp_path / "out", wanted=("part",))))
    for word in ("'Fringe' is hair curves", "'Smoke' is a volume", "partly clear", "changes at frame 5"):
        assert word in notes


# What is refused --------------------------------------------------------------------------------------------------------


def reason(stage, wanted: passes.Request) -> str:
    with pytest.raises(DuologueError) as caught:
        export(stage, wanted)
    assert not wanted.folder.exists(), "nothing is written"
    return caught.value.reason


def test_what_cannot_work_is_named_before_anything_is_written(stage, tmp_path):
    scene, _ = stage
    out = tmp_path / "out"
    assert reason(stage, request(out, last=6)) == "frames-shape"
    assert reason(stage, request(out, last=2)) == "frames-empty"
    assert reason(stage, passes.Request(out, Span(3, 3), (8, 48))) == "size-unsupported"
    assert reason(stage, request(out, camera="Nobody")) == "camera-not-found"
    scene.camera.rotation_euler = (np.pi / 2, 0, np.pi)
    assert reason(stage, request(out)) == "nothing-in-sight"
    surface = moments(stage, (5,))[0].surface
    head = surface.vertices[np.unique(surface.triangles[(surface.part == HEAD) & (surface.person == 1)])]
    scene.camera.location = to_blender((head.min(axis=0) + head.max(axis=0)) / 2)
    assert reason(stage, request(out, first=5, last=5)) == "camera-inside-head"
    scene.camera.data.type = "PANO"
    assert reason(stage, request(out)) == "camera-unsupported"
    bpy.data.objects.remove(scene.camera)
    assert reason(stage, request(out)) == "camera-missing"


def test_a_mesh_that_is_nowhere_is_named(stage, tmp_path):
    _, pair = stage
    mesh = pair[1].meshes[0]
    mesh.data.shape_keys.key_blocks[0].data[0].co = (float("nan"), 0, 0)
    with pytest.raises(DuologueError, match=mesh.name) as caught:
        export(stage, request(tmp_path / "out"))
    assert caught.value.reason == "surface-not-finite"


def test_headless_draws_a_saved_scene(capsys, stage, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    events = here(capsys, "passes", tmp_path / "scene.blend", "--out", tmp_path / "out", "--frames", "3:3", "--size", "48x32",
                  "--engine", "none", "--pass", "part", "--pass", "depth")  # fmt: skip
    assert events[-1]["duologue"] == "done", events
    assert load(tmp_path / "out").names == ("part", "depth")
    refused = here(capsys, "passes", tmp_path / "scene.blend", "--out", tmp_path / "no", "--frames", "3:4")
    assert refused[-1]["reason"] == "frames-shape"


# The button -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def button(extension, scene, tmp_path):
    pair = box_pair(scene, tmp_path)
    settings = scene.duologue
    settings.a.armature, settings.b.armature = (performer.armature for performer in pair)
    pair[1].armature.location.x = 0.9
    add_camera(scene, (0.45, -3.2, 1.1))
    bpy.ops.object.light_add(type="SUN", rotation=(1.0, 0.2, 0.0))
    scene.render.engine, scene.cycles.samples = "CYCLES", 1
    settings.passes.first, settings.passes.frames = 1, 1
    settings.passes.width, settings.passes.height = 64, 48
    settings.passes.folder = str(tmp_path / "out")
    return settings


def test_the_button_exports_with_blender_s_own_picture(button, tmp_path):
    assert bpy.ops.duologue.export_passes("EXEC_DEFAULT") == {"FINISHED"}
    clip = load(tmp_path / "out")
    assert clip.beauty.std() > 2
    assert set(clip.references) == {"A", "B"}
    with pytest.raises(RuntimeError, match="another clip"):
        bpy.ops.duologue.export_passes("EXEC_DEFAULT")
    button.passes.replace = True
    assert bpy.ops.duologue.export_passes("EXEC_DEFAULT") == {"FINISHED"}


def file_output(scene, folder: Path):
    """A File Output node behind the render, as people have them: it writes whenever the scene is rendered."""
    if bpy.app.version >= (5, 0):
        tree = scene.compositing_node_group = bpy.data.node_groups.new("Comp", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        result = tree.nodes.new("NodeGroupOutput")
    else:
        scene.use_nodes = True
        tree = scene.node_tree
        tree.nodes.clear()
        result = tree.nodes.new("CompositorNodeComposite")
    layers, output = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("CompositorNodeOutputFile")
    if bpy.app.version >= (5, 0):
        output.directory, output.file_name = str(folder), "mine"
        output.file_output_items.new("RGBA", "Image")
    else:
        output.base_path = str(folder)
    tree.links.new(layers.outputs["Image"], output.inputs[0])
    tree.links.new(layers.outputs["Image"], result.inputs[0])
    return output


def test_the_users_own_files_of_a_render_stay(button, scene, tmp_path):
    mine = tmp_path / "mine"
    node, off = file_output(scene, mine), file_output(bpy.data.scenes.new("Other"), mine)
    off.mute = True
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 64, 48, 100
    bpy.ops.render.render(scene=scene.name)
    assert list(mine.iterdir()), "it writes by itself"
    written = {path: path.stat().st_mtime_ns for path in mine.iterdir()}
    assert bpy.ops.duologue.export_passes("EXEC_DEFAULT") == {"FINISHED"}
    assert load(tmp_path / "out").beauty.std() > 2
    preview.render_still(scene, tmp_path / "still.png")
    assert {path: path.stat().st_mtime_ns for path in mine.iterdir()} == written
    assert (node.mute, off.mute) == (False, True)


def test_a_grey_button_says_why(button, scene):
    button.passes.folder = ""
    with pytest.raises(RuntimeError, match="Choose a folder"):
        bpy.ops.duologue.export_passes("EXEC_DEFAULT")
    button.passes.folder = "//passes/"
    with pytest.raises(RuntimeError, match="not been saved"):
        bpy.ops.duologue.export_passes("EXEC_DEFAULT")
    scene.camera = None
    with pytest.raises(RuntimeError, match="has no camera"):
        bpy.ops.duologue.export_passes("EXEC_DEFAULT")
    button.a.armature = None
    with pytest.raises(RuntimeError, match="Choose an armature"):
        bpy.ops.duologue.export_passes("EXEC_DEFAULT")


def test_frames_snap_to_what_models_take_and_sizes_are_any(button):
    button.passes.frames, button.passes.width = 31, 500
    assert (button.passes.frames, button.passes.width) == (29, 500)
    assert sys.modules[f"{MODULE}.rendering.passes"].Request
