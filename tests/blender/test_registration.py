# SPDX-License-Identifier: GPL-3.0-or-later
"""Switched on and off, in a loop and while a take is made: nothing of ours stays behind in Blender or on the computer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import bpy
import pytest
from conftest import HERE, MODULE
from duologue.wire.local import process_exists
from examples import write_voice

PYTHON = os.environ.get("DUOLOGUE_TEST_SERVER_PYTHON", sys.executable)
OWNERS = ("Scene", "WindowManager", "Object", "Armature", "Action", "Collection", "Screen", "PoseBone", "Text", "Key")


def switch(on: bool) -> None:
    (bpy.ops.preferences.addon_enable if on else bpy.ops.preferences.addon_disable)(module=MODULE)


def what_blender_knows() -> dict[str, object]:
    """Everything through which an add-on can stay in Blender's memory."""
    handlers = {
        name: [function.__module__ + function.__name__ for function in getattr(bpy.app.handlers, name)]
        for name in dir(bpy.app.handlers)
        if isinstance(getattr(bpy.app.handlers, name), list)
    }
    return {
        "types": sorted(name for name in dir(bpy.types) if "DUOLOGUE" in name),
        "operators": list(dir(bpy.ops.duologue)),
        "properties": {name: sorted(getattr(bpy.types, name).bl_rna.properties.keys()) for name in OWNERS},
        "handlers": handlers,
        "timers": [f"{function.__module__}.{function.__name__}" for function in functions() if waits(function)],
        "threads": [thread.name for thread in threading.enumerate() if thread.name.startswith("duologue")],
        "menus": [
            f"{menu}.{function.__name__}"
            for menu in dir(bpy.types)
            if "_MT_" in menu or "_HT_" in menu
            for function in getattr(getattr(getattr(bpy.types, menu, None), "draw", None), "_draw_funcs", [])
            if function.__module__.startswith(MODULE)
        ],
    }


def functions() -> list[types.FunctionType]:
    modules = [module for name, module in sys.modules.items() if name.startswith(MODULE) and module is not None]
    return [item for module in modules for item in vars(module).values() if isinstance(item, types.FunctionType)]


def waits(function: types.FunctionType) -> bool:
    return bpy.app.timers.is_registered(function)


@pytest.fixture
def performing(ready_to_perform, tmp_path):
    """A take that is being made, of which some has arrived."""
    for performer in ready_to_perform.performers():
        performer.file = str(write_voice(tmp_path / "long.wav", 4.0))
    ready_to_perform.steps = 4
    bpy.ops.duologue.perform("EXEC_DEFAULT")
    session = sys.modules[f"{MODULE}.session.session"].session
    rig = ready_to_perform.a.armature
    while session.pump() and rig.pose.bones["Head"].rotation_quaternion.angle < 1e-4:
        time.sleep(0.02)
    assert session.busy
    return session


def test_off_and_on_in_a_loop_leaves_what_there_was(extension, scene):
    on = what_blender_knows()
    switch(False)
    off = what_blender_knows()
    assert off["types"] == []
    assert off["operators"] == []
    assert (off["threads"], off["timers"], off["menus"]) == ([], [], [])
    assert not [name for names in off["handlers"].values() for name in names if MODULE in name]
    for _ in range(5):
        switch(True)
        assert what_blender_knows() == on
        switch(False)
        assert what_blender_knows() == off
    switch(True)


def test_nothing_waits_or_listens_while_nothing_is_asked_for(extension, scene):
    idle = what_blender_knows()
    assert (idle["threads"], idle["timers"]) == ([], [])


def test_unregistering_twice_is_quiet(extension, scene, caplog):
    registration = sys.modules[f"{MODULE}.registration"]
    registration.unregister()
    registration.unregister()
    assert not caplog.records
    registration.register()
    assert hasattr(bpy.types.Scene, "duologue")


def test_a_registration_that_fails_leaves_nothing_half_done(extension, scene, monkeypatch):
    registration = sys.modules[f"{MODULE}.registration"]
    switch(False)
    off = what_blender_knows()

    class DUOLOGUE_OT_broken(bpy.types.Operator):  # noqa: N801
        bl_idname = "no_dot_in_this_name"
        bl_label = "Broken"

    monkeypatch.setattr(registration, "CLASSES", (*registration.CLASSES, DUOLOGUE_OT_broken))
    with pytest.raises((ValueError, RuntimeError)):
        registration.register()
    assert what_blender_knows() == off
    monkeypatch.undo()
    switch(True)


def test_switching_off_while_a_take_is_made_leaves_nothing_behind(performing):
    settings = bpy.context.scene.duologue
    rig = settings.a.armature
    before = rig.pose.bones["Head"].rotation_quaternion.copy()
    for _ in range(2):
        switch(False)
        after = what_blender_knows()
        assert (after["threads"], after["timers"], after["types"]) == ([], [], [])
        switch(True)
    kept = rig.animation_data.action if rig.animation_data else None
    if kept is None:  # the streamed pose is taken back ...
        assert rig.pose.bones["Head"].rotation_quaternion != before
        assert all(bone.rotation_quaternion.angle < 1e-6 for bone in rig.pose.bones)
    else:  # ... or what there was of the take is in the list
        assert len(bpy.context.scene.duologue.takes) == 1
        assert kept.layers
    session = sys.modules[f"{MODULE}.session.session"].session
    assert session.state in {"IDLE", "CANCELLED"}
    assert bpy.ops.duologue.perform.poll()  # and one can go on


def test_a_file_opened_while_a_take_is_made_is_left_alone(performing, tmp_path):
    path = str(tmp_path / "mine.blend")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.save_as_mainfile(filepath=path)
    until = time.monotonic() + 30
    while performing.pump() and time.monotonic() < until:
        time.sleep(0.02)
    assert not performing.busy
    assert not bpy.data.actions
    assert not bpy.data.objects


@pytest.mark.parametrize("way", ["end", "quit", "fault", "kill"])
@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_however_blender_ends_its_server_ends_with_it(tmp_path, way):
    """End of the script, File > Quit, a fault, and a kill that lets no line of ours run."""
    environment = {
        **os.environ,
        "BLENDER_USER_RESOURCES": str(tmp_path / "user"),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "DUOLOGUE_TEST_SERVER_PYTHON": PYTHON,
    }
    with subprocess.Popen(
        [sys.executable, str(HERE / "ending.py"), way, str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
    ) as blender:  # fmt: skip
        assert blender.stdout is not None
        said: list[str] = []
        for line in blender.stdout:
            said.append(line)
            if line.startswith("server "):
                break
        words = said[-1].split()
        assert words[0] == "server", "".join(said)
        assert words[2] == "RUNNING"
        server = int(words[1])
        family = [server, *children(server)]
        assert len(family) >= 2, "the server has no worker"
        if way == "kill":
            blender.send_signal(signal.SIGKILL)
        blender.stdout.read()
        blender.wait(40)
    until = time.monotonic() + 15
    while any(map(process_exists, family)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not [pid for pid in family if process_exists(pid)]


def children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in found.stdout.split()]


def test_an_import_that_fails_names_the_file_that_is_to_blame(extension, scene, tmp_path, monkeypatch, capsys):
    """Extensions share one folder of Python packages: another's broken copy must not look like a fault of ours."""
    switch(False)
    (tmp_path / "zmq").mkdir()
    (tmp_path / "zmq" / "__init__.py").write_text("raise ImportError('DLL load failed')\n")
    ours = [name for name in sys.modules if name.split(".")[0] in {"duologue", "zmq"} or name.startswith(MODULE)]
    kept = {name: sys.modules.pop(name) for name in ours}
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        try:
            switch(True)
            told = ""
        except RuntimeError as error:
            told = str(error)
        told += "".join(capsys.readouterr())
    finally:
        for name in [
            name for name in sys.modules if name.split(".")[0] in {"duologue", "zmq"} or name.startswith(MODULE)
        ]:
            del sys.modules[name]
        sys.modules.update(kept)
        monkeypatch.undo()
    assert "DLL load failed" in told
    assert str(Path("zmq", "__init__.py")) in told
    assert "install Duologue again" in told
    switch(True)
    assert hasattr(bpy.types.Scene, "duologue")
