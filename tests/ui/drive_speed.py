# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside a Blender with a window: how often the viewport shows the two sample characters while a take streams in."""

import itertools
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
from hand import (
    TOLD,
    act,
    empty_file,
    install,
    open_sidebar,
    override,
    place,
    point,
    preferences,
    report,
    session,
    wait_while,
)


def script():
    yield from empty_file()
    install()
    preferences().where, preferences().file = "FILE", TOLD["connection"]
    yield from open_sidebar()
    with override():
        bpy.ops.duologue.add_sample_pair("EXEC_DEFAULT")
        bpy.ops.object.select_all(action="DESELECT")
    settings = bpy.context.scene.duologue
    for performer, name in ((settings.a, "A"), (settings.b, "B")):
        performer.source, performer.file = "FILE", TOLD["voices"][name]
    settings.steps = 2
    _, area, _ = place()
    space = area.spaces.active
    space.shading.type, space.overlay.show_bones = "SOLID", False
    space.region_3d.view_location, space.region_3d.view_distance = (0.0, 0.0, 0.95), 4.0
    yield 1.0
    report["timers_while_idle"] = [
        function.__name__
        for name, loaded in list(sys.modules.items())
        if name.startswith("bl_ext.user_default.duologue") and loaded is not None
        for function in vars(loaded).values()
        if callable(function)
        and isinstance(getattr(function, "__name__", None), str)
        and not isinstance(function, type)
        if is_timer(function)
    ]
    drawn, pumped = [], []
    handler = bpy.types.SpaceView3D.draw_handler_add(
        lambda: drawn.append(pose_of(settings)), (), "WINDOW", "POST_PIXEL"
    )
    pump = session().pump

    def measured():
        begun = time.thread_time()  # of this thread: what else the machine does doesn't count
        more = pump()
        pumped.append(time.thread_time() - begun)
        return more

    session().pump = measured
    with override():
        bpy.ops.duologue.perform("EXEC_DEFAULT")
    yield from wait_while(lambda: session().frames_done < 30, 60)
    drawn.clear()
    pumped.clear()
    begun = time.monotonic()
    while session().busy and time.monotonic() - begun < 8:
        yield 0.2
    seconds = time.monotonic() - begun
    bpy.types.SpaceView3D.draw_handler_remove(handler, "WINDOW")
    changes = sum(a != b for a, b in itertools.pairwise(drawn))
    report["seconds"], report["draws_a_second"], report["poses_a_second"] = (
        seconds,
        len(drawn) / seconds,
        changes / seconds,
    )
    report["pump_ms"] = {
        "median": sorted(pumped)[len(pumped) // 2] * 1000,
        "mean": sum(pumped) / len(pumped) * 1000,
        "worst": max(pumped) * 1000,
    }
    smooth = bpy.context.preferences.system.viewport_aa
    report["escape_seconds"] = yield from escape()
    report["picture"] = [tuple(take.picture.size) if take.picture else None for take in settings.takes]
    report["setting_kept"] = bpy.context.preferences.system.viewport_aa == smooth
    report["bare_draw_ms"] = bare_draws()


def escape():
    """How long it takes from pressing Esc until the take is cancelled and in the list."""
    window, _, region = place("VIEW_3D", "WINDOW")
    begun = time.monotonic()
    point(window, region.x + region.width // 2, region.y + region.height // 2)
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type="ESC", value=value)
    yield from wait_while(lambda: session().busy, 30)
    return time.monotonic() - begun


def bare_draws():
    """How long this machine takes to draw this viewport when nothing else is asked of it."""
    begun = time.perf_counter()
    with override():
        bpy.ops.wm.redraw_timer(type="DRAW", iterations=20)
    return (time.perf_counter() - begun) * 1000 / 20


def is_timer(function):
    try:
        return bpy.app.timers.is_registered(function)
    except (TypeError, ValueError):
        return False


def pose_of(settings):
    return tuple(settings.a.armature.pose.bones["Head"].rotation_quaternion)


act(script)
