# SPDX-License-Identifier: GPL-3.0-or-later
"""A hand and an eye in a Blender with a window: find a button by what it does, press it, take a picture.

A script is a generator that yields the seconds it wants to wait, so that Blender's own events are handled in between. Buttons are
found as a person does, by pointing: whatever is under the pointer tells Blender's "Copy Python Command" or "Copy Data Path" what
it is. So a script can't press what an animator could not.
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


def module(name):
    return sys.modules[f"{MODULE}.{name}"]


def session():
    return module("session.session").session


def preferences():
    return bpy.context.preferences.addons[MODULE].preferences


def install():
    """Install the zip as a user does."""
    bpy.ops.extensions.package_install_files(filepath=TOLD["zip"], repo="user_default", enable_on_install=True)


def place(area_type="VIEW_3D", region_type="UI"):
    """Return the newest window, area and region of these types."""
    for window in reversed(bpy.context.window_manager.windows):
        for area in window.screen.areas:
            if area.type == area_type:
                return window, area, next(region for region in area.regions if region.type == region_type)
    raise LookupError(f"no {area_type} is open")


def override(area_type="VIEW_3D", region_type="WINDOW"):
    window, area, region = place(area_type, region_type)
    return bpy.context.temp_override(window=window, area=area, region=region)


def picture(name, wait=0.8):
    """Take a picture of the screen once everything is drawn; twice, because panels that come or go slide to their places."""
    for _ in range(2):
        for window in bpy.context.window_manager.windows:
            for area in window.screen.areas:
                area.tag_redraw()
        yield wait
    subprocess.run(["import", "-window", "root", str(OUT / f"{name}.png")], check=True)
    report["steps"].append(name)
    write_report()


def write_report():
    (OUT / "report.json").write_text(json.dumps(report, indent=1))


def point(window, x, y):
    window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=int(x), y=int(y))


def press(window, x, y, kind="LEFTMOUSE"):
    point(window, x, y)
    window.event_simulate(type=kind, value="PRESS", x=int(x), y=int(y))
    window.event_simulate(type=kind, value="RELEASE", x=int(x), y=int(y))


def drag(window, start, end):
    point(window, *start)
    window.event_simulate(type="LEFTMOUSE", value="PRESS", x=int(start[0]), y=int(start[1]))
    for part in range(1, 9):
        x, y = (int(a + (b - a) * part / 8) for a, b in zip(start, end, strict=True))
        point(window, x, y)
        yield 0.05
    window.event_simulate(type="LEFTMOUSE", value="RELEASE", x=int(end[0]), y=int(end[1]))
    yield 0.3


def under_the_pointer(where):
    """Return what the button under the pointer does: a Python command or a data path, or nothing."""
    window, area, region = where
    manager = bpy.context.window_manager
    with bpy.context.temp_override(window=window, area=area, region=region):
        for operator, arguments in (
            (bpy.ops.ui.copy_python_command_button, {}),
            (bpy.ops.ui.copy_data_path_button, {"full_path": True}),
        ):
            manager.clipboard = ""
            if operator.poll():
                operator(**arguments)
                if manager.clipboard:
                    return manager.clipboard
    return ""


def find(wanted, area_type="VIEW_3D", region_type="UI", columns=(0.5, 0.85, 0.25, 0.95)):
    """Look for a button from top to bottom; the generator's value is (window, x, y). Scroll is left as it is.

    Raises:
        LookupError: with all that was seen instead.
    """
    where = place(area_type, region_type)
    window, _, region = where
    step = int(13 * bpy.context.preferences.system.ui_scale)  # buttons are 20 high
    seen = []
    for column in columns:
        for below in range(step // 2, region.height, step):
            x, y = region.x + region.width * column, region.y + region.height - below
            point(window, x, y)
            yield 0.01
            what = under_the_pointer(where)
            if wanted in what:
                return window, x, y
            if what and what not in seen:
                seen.append(what)
    raise LookupError(f"no button does {wanted!r}; there are {seen}")


def click(wanted, *place_of, **options):
    """Find a button and press it."""
    window, x, y = yield from find(wanted, *place_of, **options)
    press(window, x, y)
    yield 0.4


def wait_while(condition, seconds):
    until = time.monotonic() + seconds
    while condition() and time.monotonic() < until:
        yield 0.1
    assert not condition(), "took too long"


def open_sidebar():
    """Show Duologue's tab, as wide as an animator would who reads it."""
    window, area, _ = place()
    area.spaces.active.show_region_ui = True
    yield 0.5
    place()[2].active_panel_category = "Duologue"
    yield 0.5
    region = place()[2]
    y = region.y + region.height // 2
    yield from drag(window, (region.x, y), (region.x - 130, y))


def open_preferences():
    """Open the add-on's preferences in a window of their own."""
    bpy.ops.screen.userpref_show("INVOKE_DEFAULT")
    yield 1.0
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "Duologue"
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[-1]):
        bpy.ops.preferences.addon_expand(module=MODULE)
    yield 1.0


def time_draws():
    """Measure from now on how long each panel of ours takes to say what it shows: {panel: [milliseconds, ...]}."""
    times = {}

    def timed(cls, draw):
        def measured(self, context):
            begun = time.thread_time()  # of this thread: what else the machine does is not the panel's fault
            draw(self, context)
            times.setdefault(cls.__name__, []).append((time.thread_time() - begun) * 1000)

        return measured

    for cls in module("registration").CLASSES:
        if issubclass(cls, bpy.types.Panel | bpy.types.AddonPreferences):
            cls.draw = timed(cls, cls.draw)
    return times


def close_preferences():
    with bpy.context.temp_override(window=place("PREFERENCES", "WINDOW")[0]):
        bpy.ops.wm.window_close()
    yield 0.5


def empty_file():
    """As Blender starts, without the splash and the cube; and with a sidebar that can be drawn without the viewport below it,
    which takes a second where there is no graphics card.
    """
    bpy.context.preferences.view.show_splash = False
    bpy.context.preferences.system.use_region_overlap = False
    yield 0.5
    with override():
        for ob in list(bpy.data.objects):
            bpy.data.objects.remove(ob)
    yield 0.3


def act(script):
    """Run a script, write the report, and leave Blender."""
    steps = script()
    write_report()

    def advance():
        try:
            return next(steps)
        except StopIteration:
            pass
        except Exception:
            report["error"] = traceback.format_exc()
            subprocess.run(["import", "-window", "root", str(OUT / "error.png")], check=False)
        write_report()
        bpy.ops.wm.quit_blender()
        return None

    bpy.app.timers.register(advance, first_interval=2.0)
