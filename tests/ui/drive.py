# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside a Blender with a window: an animator's way from an empty file to a kept take, by clicks, with pictures.

Started by test_window.py with ``-P drive.py -- JSON``; the models run in a server that the preferences' own button starts.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
from hand import (
    TOLD,
    act,
    click,
    close_preferences,
    empty_file,
    find,
    install,
    open_preferences,
    open_sidebar,
    override,
    picture,
    place,
    preferences,
    report,
    session,
    time_draws,
    wait_while,
)


def settings():
    return bpy.context.scene.duologue


def script():
    yield from empty_file()
    install()
    times = time_draws()
    yield from start_the_server()
    yield from open_sidebar()
    yield from picture("1-empty")
    yield from prepare()
    yield from perform()
    yield from choose_and_remake()
    yield from keep_and_undo()
    yield from go_wrong()
    region = place()[2]
    report["sidebar"] = [region.x, region.y, region.width, region.height]
    yield from in_german()
    report["draw_ms"] = {
        name: {"median": sorted(ms)[len(ms) // 2], "worst": max(ms), "count": len(ms)} for name, ms in times.items()
    }


def start_the_server():
    yield from open_preferences()
    preferences().environment = TOLD["environment"]
    yield from click("start_server", "PREFERENCES", "WINDOW")
    yield from wait_while(lambda: session()._opening is not None, 180)
    assert session().owns_server, session().server_state().text
    yield from picture("0-preferences")
    yield from close_preferences()


def prepare():
    yield from click("duologue.add_sample_pair")
    _, area, _ = place()
    space = area.spaces.active
    space.shading.type, space.overlay.show_bones = "SOLID", False
    space.region_3d.view_perspective = "PERSP"
    space.region_3d.view_rotation = (0.78, 0.62, 0.0, 0.0)
    space.region_3d.view_location, space.region_3d.view_distance = (0.0, 0.0, 0.95), 8.0
    with override():
        bpy.ops.object.select_all(action="DESELECT")
    for performer, name in ((settings().a, "A"), (settings().b, "B")):
        performer.source, performer.file = "FILE", TOLD["voices"][name]
    yield 0.5
    yield from click("duologue.lay_strips")
    assert settings().a.source == "STRIP"
    report["strips"] = len(bpy.context.scene.sequence_editor.strips)
    settings().relationship, settings().a.emotion = "teacher / student", "joy"
    bpy.context.scene.frame_set(60)
    with override():
        bpy.ops.duologue.add_marker("EXEC_DEFAULT", True, performer="A", label="walk")
        bpy.ops.duologue.add_marker("EXEC_DEFAULT", True, performer="B", label="surprise")
    yield from picture("2-ready")


def perform():
    """Press the button, and look at the characters while the take arrives."""
    yield from click("duologue.perform")
    assert session().busy or session().state == "DONE", f"the button was not hit: {session().state}"
    yield from wait_while(lambda: session().busy and session().frames_done < 30, 180)
    poses = set()
    while session().busy and len(poses) < 2:
        poses.add(tuple(settings().a.armature.pose.bones["Head"].rotation_quaternion))
        yield 0.1
    report["poses_while_running"] = len(poses)
    yield from picture("3-running", wait=0.2)
    yield from wait_while(lambda: session().busy, 240)
    report["state"], report["message"] = session().state, session().message
    assert session().state == "DONE", session().message
    report["actions"] = len(bpy.data.actions)
    bpy.context.scene.frame_set(45)
    yield from picture("4-done")


def choose_and_remake():
    """Another take, back to the first, and a part of it again."""
    yield from click("duologue.another_take")
    yield from wait_while(lambda: session().busy, 240)
    assert session().state == "DONE", session().message
    settings().active_take = 0
    yield 0.5
    settings().remake.span, settings().remake.start, settings().remake.stop = "FRAMES", 60, 120
    with override():
        bpy.ops.duologue.remake("EXEC_DEFAULT", True)
    yield from wait_while(lambda: session().busy, 240)
    assert session().state == "DONE", session().message
    report["takes"] = [take.name for take in settings().takes]
    report["origins"] = [take.origin for take in settings().takes]
    yield from picture("5-takes")


def keep_and_undo():
    yield from click("duologue.keep")
    report["tracks"] = len(settings().a.armature.animation_data.nla_tracks)
    yield from picture("6-kept")
    with override():
        report["undo"] = list(bpy.ops.ed.undo())
    yield 0.5
    report["tracks_after_undo"] = len(settings().a.armature.animation_data.nla_tracks)


def go_wrong():
    """What the panel says when a character is missing, and when the server is not there."""
    armature = settings().b.armature.name
    settings().b.armature = None
    yield from picture("7-missing")
    settings().b.armature = bpy.data.objects[armature]
    with override():
        bpy.ops.duologue.paste_connection("EXEC_DEFAULT", text=TOLD["dead_connection"])
    yield from click("duologue.perform")
    yield from wait_while(lambda: session().busy, 60)
    report["failed_state"], report["failed_message"] = session().state, session().message
    window, x, y = yield from find("test_connection")  # the help that the error offers
    report["help_is_there"] = bool(window and x and y)
    yield from picture("8-failed")


def in_german():
    view = bpy.context.preferences.view
    view.language = "de_DE"
    view.use_translate_interface = view.use_translate_tooltips = True
    report["german"] = bpy.app.translations.pgettext_iface("Perform", "Operator")
    yield from picture("9-german", wait=1.5)
    yield from open_preferences()
    yield from picture("10-german-preferences")


act(script)
