# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside a Blender with a window: touches by mouse and keyboard. Esc stops Solve, strips are dragged, a face is clicked."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
from bpy_extras import view3d_utils
from hand import (
    OUT,
    act,
    click,
    drag,
    empty_file,
    find,
    install,
    module,
    open_sidebar,
    override,
    picture,
    place,
    point,
    press,
    report,
    wait_while,
)
from mathutils import Vector

operators: Any = bpy.ops
"""The stubs know none of ours."""
LEFT = (0.25,)
"""Where Solve is: beside Remove."""


def settings():
    return bpy.context.scene.duologue


def script():
    yield from empty_file()
    install()
    open_panel()
    yield from open_sidebar()
    with override():
        operators.duologue.add_sample_pair("EXEC_DEFAULT", True)
        bpy.ops.object.select_all(action="DESELECT")
    bpy.context.scene.render.fps = 30
    add_touch("stroke-chin", 30, target="SELF")
    yield from stop_solving()
    yield from solve_to_the_end()
    yield from drag_the_strip()
    yield from pick_on_the_face()
    yield from read_the_panel()


def open_panel():
    """Let our panel be open and those above it closed, as clicks on their headers would."""
    for name, options in (
        ("cast", {"DEFAULT_CLOSED"}),
        ("speech", {"DEFAULT_CLOSED"}),
        ("script", {"DEFAULT_CLOSED"}),
        ("interaction", set()),
    ):
        cls = getattr(module(f"panels.{name}"), f"DUOLOGUE_PT_{name}")
        bpy.utils.unregister_class(cls)
        cls.bl_options = options
        bpy.utils.register_class(cls)


def add_touch(pattern, frame, **more):
    bpy.context.scene.frame_set(frame)
    with override():
        operators.duologue.add_touch("EXEC_DEFAULT", True, pattern=pattern)
    touch = settings().interactions[-1]
    for name, value in more.items():
        setattr(touch, name, value)
    return touch


# Esc while Solve works ------------------------------------------------------------------------------------------------


def stop_solving():
    """Press Solve, and Esc as soon as it reads the characters; then again as soon as it solves."""
    stages = watch_the_stages()
    before = state()
    report["stopped"] = {}
    for stage in ("Reading", "Solving"):
        stages.clear()
        yield from click("duologue.solve_touches", columns=LEFT)
        yield from wait_while(lambda wanted=stage: wanted not in stages, 300)
        window, _, region = place("VIEW_3D", "WINDOW")
        point(window, region.x + region.width // 2, region.y + region.height // 2)
        for value in ("PRESS", "RELEASE"):
            window.event_simulate(type="ESC", value=value)
        yield from wait_while(lambda: "closed" not in stages, 30)
        yield 0.5
        report["stopped"][stage] = {"stages": list(dict.fromkeys(stages)), "as_before": state() == before}


def watch_the_stages():
    """Return a list that is told what solving does from now on, and how it ends."""
    solving: Any = module("interactions.solving")
    seen: list[str] = []
    steps = solving.steps

    def watched(*arguments):
        going = steps(*arguments)
        try:
            while True:
                try:
                    said = next(going)
                except StopIteration as end:
                    seen.append("done")
                    return end.value
                seen.append(said[0])
                yield said
        finally:
            going.close()
            seen.append("closed")

    solving.steps = watched
    return seen


def state():
    """Everything that a touch changes."""
    found: dict[str, Any] = {
        "frame": bpy.context.scene.frame_current,
        "actions": sorted(action.name for action in bpy.data.actions),
    }
    for ob in bpy.data.objects:
        keys = getattr(ob.data, "shape_keys", None)
        shown = [modifier.show_viewport for modifier in ob.modifiers]
        posed = [(*b.location, *b.rotation_quaternion, *b.rotation_euler) for b in ob.pose.bones] if ob.pose else []
        shaped = [(key.name, key.value) for key in keys.key_blocks] if keys else []
        found[ob.name] = ob.hide_viewport, shown, posed, shaped, tracks(ob), tracks(keys)
    return found


def tracks(datablock):
    data = datablock.animation_data if datablock else None
    return None if data is None else (data.action, [(track.name, track.mute) for track in data.nla_tracks])


def solve_to_the_end():
    """What was stopped twice can be solved; by the button, with the window drawn meanwhile."""
    stages = watch_the_stages()
    begun, processor = time.monotonic(), time.process_time()
    yield from click("duologue.solve_touches", columns=LEFT)
    yield from wait_while(lambda: "closed" not in stages, 300)
    report["solved"] = {
        "stages": list(dict.fromkeys(stages)),
        "seconds": time.monotonic() - begun,
        "processor_seconds": time.process_time() - processor,
        "tracks": [track for ob in bpy.data.objects for track in (tracks(ob) or (None, []))[1]],
        "keys": [key.name for block in bpy.data.shape_keys for key in block.key_blocks if "touch" in key.name],
    }


# The strip ------------------------------------------------------------------------------------------------------------


def drag_the_strip():
    """Turn the viewport into the sequencer; drag a touch's strip by 30 frames, then its right end by 20."""
    touch = settings().interactions[0]
    bpy.context.workspace.sequencer_scene = bpy.context.scene
    _, area, _ = place()
    area.type = "SEQUENCE_EDITOR"
    yield 0.5
    window, area, region = place("SEQUENCE_EDITOR", "WINDOW")
    with override("SEQUENCE_EDITOR", "WINDOW"):
        bpy.ops.sequencer.view_all()
    yield 1.0
    yield from picture("touch-1-strip")

    def spot(frame):
        (strip,) = bpy.context.scene.sequence_editor.strips
        x, y = region.view2d.view_to_region(frame, strip.channel + 0.5, clip=False)
        return region.x + x, region.y + y

    report["dragged"] = [[touch.first, touch.last]]
    middle = (touch.first + touch.last) // 2
    yield from drag(window, spot(middle), spot(middle + 30))
    report["dragged"].append([touch.first, touch.last])
    (x, y), (to, _) = spot(touch.last), spot(touch.last + 20)
    yield from drag(window, (x - 4, y), (to - 4, y))
    report["dragged"].append([touch.first, touch.last])
    yield from picture("touch-2-dragged")
    area.type = "VIEW_3D"
    yield 0.5


# Pick on Face ---------------------------------------------------------------------------------------------------------


def pick_on_the_face():
    """Click B's nose, then their left cheek 8 mm above its middle; then let Esc end it."""
    from duologue.interactions.landmarks import find_landmark

    performers = module("cast.casting").cast_both(settings())
    character = module("interactions.surfaces").surface_of(performers[1]).character
    to_blender = module("scene.axes").to_blender
    touch = add_touch("poke-chin", 100)
    report["picked"] = []
    nose, cheek = find_landmark(character, "nose"), find_landmark(character, "cheek", "Left")
    for landmark, up in ((nose, 0.0), (cheek, 0.008)):
        normal = Vector(to_blender(landmark.frame[:, 2]).tolist())
        spot = Vector(to_blender(landmark.centre + up * landmark.frame[:, 1]).tolist())
        yield from look_at(spot, normal)
        yield from click("duologue.pick_touch")
        press(*on_screen(spot))
        yield 2.0
        report["picked"].append([touch.pattern, touch.target, touch.side, list(touch.offset)])
        yield from picture(f"touch-3-{landmark.name}", wait=0.3)
    yield from click("duologue.pick_touch")
    window, x, y = on_screen(spot)
    point(window, x, y)
    window.event_simulate(type="ESC", value="PRESS")
    yield 0.5
    press(window, x, y)
    yield 1.0
    report["picked"].append([touch.pattern, touch.target, touch.side, list(touch.offset)])


def look_at(spot, normal):
    _, area, _ = place()
    view = area.spaces.active.region_3d
    area.spaces.active.overlay.show_bones = False
    view.view_perspective = "PERSP"
    view.view_rotation = normal.to_track_quat("Z", "Y")
    view.view_location, view.view_distance = spot, 0.6
    yield 1.0


def on_screen(spot):
    window, area, region = place("VIEW_3D", "WINDOW")
    x, y = view3d_utils.location_3d_to_region_2d(region, area.spaces.active.region_3d, spot)
    return window, region.x + x, region.y + y


# The panel ------------------------------------------------------------------------------------------------------------


def read_the_panel():
    """A touch that falls short, in English and German: the pictures of the guide."""
    settings().interactions[0].first, settings().interactions[0].last = 30, 75
    touch = settings().interactions[1]
    touch.performer, touch.target, touch.pattern, touch.side, touch.offset = (
        "B",
        "PARTNER",
        "poke-cheek",
        "NEARER",
        (0, 0),
    )
    with override():
        operators.duologue.solve_touches("EXEC_DEFAULT", True)
    report["short"] = [one.short for one in settings().interactions]
    yield from panel_picture("interaction")
    view = bpy.context.preferences.view
    view.language = "de_DE"
    view.use_translate_interface = view.use_translate_tooltips = True
    yield from panel_picture("interaction_german")


def panel_picture(name):
    """Take a picture of our panel alone."""
    yield from picture(f"touch-{name}")
    _, _, top = yield from find("duologue.remove_touch", columns=(0.85,))
    window, _, bottom = yield from find("duologue.solve_touches", columns=LEFT)
    region = place()[2]
    point(window, region.x - 200, region.y + 200)
    yield 0.5
    crop = f"{region.width - 20}x{int(top - bottom + 115)}+{region.x}+{int(window.height - top - 60)}"
    subprocess.run(["import", "-window", "root", "-crop", crop, "+repage", str(OUT / f"{name}.png")], check=True)
    report["steps"].append(name)


act(script)
