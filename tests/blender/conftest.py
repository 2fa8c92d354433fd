# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests that run inside Blender (see tests/conftest.py)."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
MODULE = "bl_ext.user_default.duologue"

# Before bpy is imported for the first time: no test may read or write the preferences of whoever runs it.
if "BLENDER_USER_RESOURCES" not in os.environ:
    os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="duologue-blender-")
sys.path[:0] = [path for path in (str(HERE), str(REPOSITORY), str(REPOSITORY / "backend")) if path not in sys.path]


_status = [0]


def pytest_sessionfinish(exitstatus: int) -> None:
    _status[0] = int(exitstatus)
    folder = os.environ["BLENDER_USER_RESOURCES"]
    if Path(folder).name.startswith("duologue-blender-"):
        shutil.rmtree(folder, ignore_errors=True)


def pytest_unconfigure() -> None:
    """Leave without Blender 4.5's own end, which may hang while it frees its memory (after Rigify, for one)."""
    bpy = sys.modules.get("bpy")
    if bpy is not None and bpy.app.version < (5, 0):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_status[0])


@pytest.fixture
def scene():
    """An empty file at 30 frames a second."""
    import bpy

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.render.fps = 30
    return bpy.context.scene


@pytest.fixture
def asked(extension, scene, tmp_path):
    """What the panel asks of a video of two people of boxes."""
    import videos

    return videos.ask(scene, tmp_path)


@pytest.fixture
def pair(scene, tmp_path):
    """Two people of boxes, cast as A (1.75 m: the skeleton's own height) and B (1.85 m)."""
    import examples

    return examples.box_pair(scene, tmp_path)


@pytest.fixture(scope="session")
def extension():
    """The extension as a user has it: under its installed name, enabled. (Its wheels stay out: duologue is importable here.)"""
    import addon_utils
    import bpy

    folder = Path(os.environ["BLENDER_USER_RESOURCES"], "extensions", "user_default", "duologue")
    shutil.copytree(REPOSITORY / "addon", folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "blender_manifest.toml", folder)
    bpy.ops.preferences.addon_enable(module=MODULE)
    assert addon_utils.check(MODULE)[1]
    yield sys.modules[MODULE]
    bpy.ops.preferences.addon_disable(module=MODULE)


@pytest.fixture(scope="session")
def acting(tmp_path_factory):
    """A real server process that acts out the example take (performances.py), and its connection file."""
    from duologue.wire.local import LocalServer

    python = os.environ.get("DUOLOGUE_TEST_SERVER_PYTHON", sys.executable)
    path = os.pathsep.join([str(HERE), str(REPOSITORY / "backend")])
    with LocalServer.start(
        performance="performances:Acting", device="cpu", python=python, environment={"PYTHONPATH": path}
    ) as running:
        file = tmp_path_factory.mktemp("server") / "server.json"
        running.connection.save(file)
        yield file


@pytest.fixture
def ready_to_perform(extension, scene, acting, tmp_path):
    """A scene's settings with all that a performance of 1.5 s needs; the connection is closed afterwards."""
    import bpy
    import examples

    preferences = bpy.context.preferences.addons[MODULE].preferences
    preferences.where, preferences.file = "FILE", str(acting)
    settings = scene.duologue
    examples.add_box_pair(scene, tmp_path)
    for performer, name in zip(settings.performers(), "AB", strict=True):
        performer.source = "FILE"
        performer.file = str(examples.write_voice(tmp_path / f"{name}.wav", 1.5))
    settings.steps = 1
    yield settings
    sys.modules[f"{MODULE}.session.session"].session.close()


@pytest.fixture
def performed(ready_to_perform):
    """The same with one take, performed and on the characters."""
    import bpy

    assert bpy.ops.duologue.perform("EXEC_DEFAULT", True, wait=60) == {"FINISHED"}
    return ready_to_perform
