# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside a Blender with a window: a touch as moving pictures, by its buttons, beside sequencer and image editor."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
from hand import (
    TOLD,
    act,
    click,
    empty_file,
    install,
    module,
    open_sidebar,
    override,
    picture,
    place,
    point,
    report,
    wait_while,
)

FOLDER = Path(TOLD["out"]) / "video"


def settings():
    return bpy.context.scene.duologue


def videos():
    return module("footage.videos").videos


def script():
    yield from empty_file()
    install()
    open_panels()
    yield from open_sidebar()
    yield from stage()
    yield from picture("video-1-ready")
    yield from stop_reading()
    yield from make()
    yield from preview()
    yield from parts()
    yield from in_german()


def open_panels():
    """Let our panels be open and those above them closed, as clicks on their headers would."""
    for name, cls, options in (
        ("cast", "cast", {"DEFAULT_CLOSED"}),
        ("speech", "speech", {"DEFAULT_CLOSED"}),
        ("script", "script", {"DEFAULT_CLOSED"}),
        ("take", "take", {"DEFAULT_CLOSED"}),
        ("interaction", "interaction", set()),
        ("video", "video", set()),
    ):
        panel = getattr(module(f"panels.{name}"), f"DUOLOGUE_PT_{cls}")
        bpy.utils.unregister_class(panel)
        panel.bl_options = options
        bpy.utils.register_class(panel)


def stage():
    """Ada rests her chin on her hand, seen by a camera before her; the properties become the sequencer."""
    scene = bpy.context.scene
    with override():
        bpy.ops.duologue.add_sample_pair("EXEC_DEFAULT", True)
        bpy.ops.object.select_all(action="DESELECT")
    scene.render.fps, scene.frame_start, scene.frame_end = 30, 1, 60
    scene.frame_set(24)
    with override():
        bpy.ops.duologue.add_touch("EXEC_DEFAULT", True, pattern="rest-chin")
    touch = settings().interactions[0]
    touch.target, touch.last = "SELF", 48
    with override():
        bpy.ops.duologue.solve_touches("EXEC_DEFAULT", True)
    head = settings().a.armature.matrix_world @ settings().a.armature.pose.bones["Head"].head
    camera = bpy.data.objects.new("Close", bpy.data.cameras.new("Close"))
    scene.collection.objects.link(camera)
    towards = settings().b.armature.location - settings().a.armature.location
    camera.location = head + towards.normalized() * 0.9
    camera.rotation_euler = (head - camera.location).to_track_quat("-Z", "Y").to_euler()
    scene.camera = camera
    video = settings().video
    video.picture, video.step, video.folder = "WORKBENCH", 4, str(FOLDER)
    _, area, _ = place("PROPERTIES", "WINDOW")
    area.type = "SEQUENCE_EDITOR"
    bpy.context.workspace.sequencer_scene = scene
    yield 1.0


def stop_reading():
    """Esc while the scene is read: no picture, and the scene is at its frame."""
    bpy.context.scene.frame_set(30)
    yield from click("duologue.make_video")
    yield from wait_while(lambda: bpy.context.scene.frame_current == 30, 60)
    window, _, region = place("VIEW_3D", "WINDOW")
    point(window, region.x + region.width // 2, region.y + region.height // 2)
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type="ESC", value=value)
    yield 2.0
    report["stopped"] = {
        "frame": bpy.context.scene.frame_current,
        "busy": videos().busy,
        "frames": (FOLDER / "frames").exists(),
    }


def make():
    began = time.monotonic()
    yield from click("duologue.make_video")
    yield 2.0
    yield from picture("video-2-reading", wait=0.2)
    yield from wait_while(lambda: videos().state not in {"DONE", "FAILED"}, 500)
    report["made"] = {"seconds": time.monotonic() - began, "state": videos().state, "message": videos().message}
    strip = strips()[0]
    report["strip"] = [strip.name, strip.channel, len(strip.elements)]
    report["pictures"] = len(list((FOLDER / "frames").glob("*.png")))
    with override("SEQUENCE_EDITOR", "WINDOW"):
        bpy.ops.sequencer.view_all()
    yield 1.0


def strips():
    return [strip for strip in bpy.context.scene.sequence_editor.strips if "duologue_video" in strip]


def preview():
    """The outliner becomes an image editor, and Preview shows the newest picture there."""
    _, area, _ = place("OUTLINER", "WINDOW")
    area.type = "IMAGE_EDITOR"
    yield 0.5
    yield from click("duologue.show_video")
    _, area, _ = place("IMAGE_EDITOR", "WINDOW")
    report["preview"] = area.spaces.active.image.name if area.spaces.active.image else ""
    with override("IMAGE_EDITOR", "WINDOW"):
        bpy.ops.image.view_all(fit_view=True)
    yield from picture("video-3-made")


def parts():
    yield from click("duologue.again_video")
    yield from wait_while(lambda: videos().busy, 60)
    report["again"] = videos().message
    yield from click("duologue.region_again")
    yield from wait_while(lambda: videos().busy, 60)
    report["part"] = videos().message
    with override():
        report["undo"] = list(bpy.ops.ed.undo())
    yield 0.5
    report["strips_after_undo"] = len(strips())
    yield from picture("video-4-again")


def in_german():
    bpy.context.preferences.view.language = "de_DE"
    yield from picture("video-5-german")


act(script)
