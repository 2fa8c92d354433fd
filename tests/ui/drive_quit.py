# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside a Blender with a window: its server is started by the button, a take is asked for, and Blender quits."""

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
    install,
    open_preferences,
    open_sidebar,
    picture,
    preferences,
    report,
    session,
    wait_while,
)


def script():
    yield from empty_file()
    install()
    preferences().environment = TOLD["environment"]
    yield from open_preferences()
    yield from picture("preferences")
    yield from click("start_server", "PREFERENCES", "WINDOW")
    yield from wait_while(lambda: session()._opening is not None, 120)
    report["server"] = session().server_state().text
    assert session().owns_server, report["server"]
    yield from picture("preferences-connected")
    yield from close_preferences()
    yield from open_sidebar()
    yield from click("add_sample_pair")
    settings = bpy.context.scene.duologue
    for performer, name in ((settings.a, "A"), (settings.b, "B")):
        performer.source, performer.file = "FILE", TOLD["voices"][name]
    yield from click("duologue.perform")
    yield from wait_while(lambda: session().busy and session().frames_done < 30, 120)
    assert session().busy, session().message
    report["frames_when_left"] = session().frames_done


act(script)
