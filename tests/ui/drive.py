# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside a Blender with a window: an animator's way from an empty file to a kept take, by clicks, with pictures.

Started by test_window.py with ``-P drive.py -- JSON``; writes ``report.json`` and the pictures into the folder it is told.
"""

import json
import subprocess
import sys
import time
import traceback
from pathlib import Path

import bpy

TOLD = json.loads(sys.argv[sys.argv.index("--") + 1])
OUT = Path(TOLD["out"])
MODULE = "bl_ext.user_default.duologue"
report = {"steps": [], "error": ""}


def view():
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    return window, area, next(region for region in area.regions if region.type == "UI")


def picture(name):
    bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=1)
    subprocess.run(["import", "-window", "root", str(OUT / f"{name}.png")], check=True)
    report["steps"].append(name)


def click(x, y):
    window = view()[0]
    for kind, value in (("MOUSEMOVE", "NOTHING"), ("LEFTMOUSE", "PRESS"), ("LEFTMOUSE", "RELEASE")):
        window.event_simulate(type=kind, value=value, x=int(x), y=int(y))


def session():
    return sys.modules[f"{MODULE}.connection"].session


def wait_while(condition, seconds):
    until = time.monotonic() + seconds
    while condition() and time.monotonic() < until:
        yield 0.1
    assert not condition(), "took too long"


def widen(area):
    """Make the sidebar as wide as an animator would who reads it: drag its edge."""
    region = view()[2]
    window = view()[0]
    x, y = region.x, region.y + region.height // 2
    window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
    window.event_simulate(type="LEFTMOUSE", value="PRESS", x=x, y=y)
    for step in range(1, 9):
        window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x - 15 * step, y=y)
        yield 0.1
    window.event_simulate(type="LEFTMOUSE", value="RELEASE", x=x - 120, y=y)
    yield 0.3


def script():
    yield 1.0
    bpy.ops.extensions.package_install_files(filepath=TOLD["zip"], repo="user_default", enable_on_install=True)
    preferences = bpy.context.preferences.addons[MODULE].preferences
    preferences.where, preferences.file = "FILE", TOLD["connection"]
    window, area, _ = view()
    with bpy.context.temp_override(window=window, area=area):
        for ob in list(bpy.data.objects):
            bpy.data.objects.remove(ob)
    area.spaces.active.show_region_ui = True
    yield 1.0
    view()[2].active_panel_category = "Duologue"
    yield 0.5
    yield from widen(area)
    picture("1-empty")

    window, area, region = view()
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.duologue.add_sample_pair("EXEC_DEFAULT", True)
        area.spaces.active.shading.type = "SOLID"
        area.spaces.active.overlay.show_bones = False
        bpy.ops.object.select_all(action="DESELECT")
    settings = bpy.context.scene.duologue
    for performer, name in ((settings.a, "A"), (settings.b, "B")):
        performer.source, performer.file = "FILE", TOLD["voices"][name]
    settings.relationship, settings.a.emotion = "teacher / student", "joy"
    region_3d = area.spaces.active.region_3d
    region_3d.view_perspective = "PERSP"
    region_3d.view_rotation = (0.78, 0.62, 0.0, 0.0)
    region_3d.view_location, region_3d.view_distance = (0.35, 0.0, 0.95), 4.6
    yield 1.0
    picture("2-ready")

    # The one big button, under the panel's header.
    scale = bpy.context.preferences.system.ui_scale
    region = view()[2]
    for below in (48, 40, 56, 64):
        click(region.x + region.width * 0.4, region.y + region.height - below * scale)
        yield 0.6
        if session().busy:
            break
    assert session().busy or session().state == "DONE", f"the button was not hit: {session().state}"
    report["clicked"] = below
    yield from wait_while(lambda: session().busy and session().frames_done < 30, 120)
    if session().busy:
        heads = set()
        # A window comes about once a second; how soon the next one does is the machine's affair.
        while session().busy and len(heads) < 3:
            heads.add(tuple(settings.a.armature.pose.bones["Head"].rotation_quaternion))
            yield 0.15
        report["poses_while_running"] = len(heads)
        picture("3-running")
    yield from wait_while(lambda: session().busy, 240)
    report["state"], report["message"] = session().state, session().message
    assert session().state == "DONE", session().message
    picture("4-done")
    window, area, _ = view()
    with bpy.context.temp_override(window=window, area=area):
        report["actions"] = len(bpy.data.actions)
        bpy.ops.duologue.keep("EXEC_DEFAULT", True)  # True: with an undo step, as a click does
        report["tracks"] = len(settings.a.armature.animation_data.nla_tracks)
        report["undo"] = list(bpy.ops.ed.undo())
    yield 0.5
    settings = bpy.context.scene.duologue
    report["tracks_after_undo"] = len(settings.a.armature.animation_data.nla_tracks)
    settings.b.armature = None
    yield 0.5
    picture("5-missing")
    # An error as the panel shows it: a server that is not there.
    settings.b.armature = next(ob for ob in bpy.data.objects if ob.type == "ARMATURE" and ob != settings.a.armature)
    preferences.file = TOLD["dead_connection"]
    window, area, _ = view()
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.duologue.perform()
    yield from wait_while(lambda: session().busy, 60)
    report["failed_state"], report["failed_message"] = session().state, session().message
    yield 0.3
    picture("6-failed")
    yield from script_panel()


def script_panel():
    """Fold the upper panels away, so that the lower ones are in the picture too."""
    preferences = bpy.context.preferences
    preferences.view.ui_scale = 0.75
    yield 1.0
    picture("7-all-panels")
    preferences.view.ui_scale = 1.0
    bpy.ops.screen.userpref_show("INVOKE_DEFAULT")
    yield 1.0
    preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "Duologue"
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[-1]):
        bpy.ops.preferences.addon_expand(module=MODULE)
    yield 1.0
    picture("8-preferences")


def main():
    steps = script()

    def advance():
        try:
            return next(steps)
        except StopIteration:
            pass
        except Exception:
            report["error"] = traceback.format_exc()
            subprocess.run(["import", "-window", "root", str(OUT / "error.png")], check=False)
        (OUT / "report.json").write_text(json.dumps(report, indent=1))
        bpy.ops.wm.quit_blender()
        return None

    bpy.app.timers.register(advance, first_interval=2.0)


main()
