# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by test_registration.py: a Blender whose own server makes a take, and which then ends in the way it is told."""

import os
import shutil
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
MODULE = "bl_ext.user_default.duologue"
sys.path[:0] = [str(HERE), str(REPOSITORY), str(REPOSITORY / "backend")]

import bpy  # noqa: E402
from duologue.wire.local import LocalServer  # noqa: E402
from examples import write_voice  # noqa: E402


def main(way: str, folder: Path) -> None:
    shutil.copytree(
        REPOSITORY / "addon",
        Path(os.environ["BLENDER_USER_RESOURCES"], "extensions", "user_default", "duologue"),
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(
        REPOSITORY / "blender_manifest.toml",
        Path(os.environ["BLENDER_USER_RESOURCES"], "extensions", "user_default", "duologue"),
    )
    bpy.ops.preferences.addon_enable(module=MODULE)
    connection = sys.modules[f"{MODULE}.session.session"]
    sys.modules[f"{MODULE}.session.opening"].find_server = lambda: None
    start = LocalServer.start
    path = os.pathsep.join([str(HERE), str(REPOSITORY / "backend")])
    LocalServer.start = lambda python, log: start(
        python=python, log=log, device="cpu", performance="performances:Acting", environment={"PYTHONPATH": path}
    )
    bpy.context.preferences.addons[MODULE].preferences.environment = os.environ["DUOLOGUE_TEST_SERVER_PYTHON"]
    bpy.ops.duologue.add_sample_pair()
    settings = bpy.context.scene.duologue
    for performer, name in ((settings.a, "A"), (settings.b, "B")):
        performer.source = "FILE"
        performer.file = str(write_voice(folder / f"{name}.wav", 4.0))
    settings.steps = 20
    bpy.ops.duologue.perform()
    session = connection.session
    while session.pump() and session.state != "RUNNING":
        time.sleep(0.02)
    print("server", session._opened.server.process.pid, session.state, flush=True)
    if way == "kill":
        threading.Event().wait(60)
    elif way == "quit":
        bpy.ops.wm.quit_blender()
    elif way == "fault":
        raise SystemExit("the script of a user has failed")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
