# SPDX-License-Identifier: GPL-3.0-or-later
"""A real window: the built zip is installed, its panel is used as an animator does, and pictures are taken on the way."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from virtual_screen import VirtualScreen

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent


@pytest.fixture(scope="module")
def screen() -> VirtualScreen:
    try:
        return VirtualScreen.find()
    except LookupError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def report(screen: VirtualScreen) -> Iterator[dict[str, object]]:
    """What drive.py found; its pictures stay in build/ui."""
    pytest.importorskip("zmq")
    pytest.importorskip("torch")
    from duologue.cli.extension import build_extension
    from duologue.paths import demo_brief
    from duologue.wire.local import LocalServer

    with tempfile.TemporaryDirectory(prefix="duologue-ui-") as temporary:
        folder = Path(temporary)
        (folder / "out").mkdir()
        with LocalServer.start(device="cpu") as server:  # the real models on the demo's two voices
            server.connection.save(folder / "server.json")
            dead = json.loads((folder / "server.json").read_text()) | {"endpoint": "tcp://127.0.0.1:9", "pid": 0}
            (folder / "dead.json").write_text(json.dumps(dead))
            (folder / "dead.json").chmod(0o600)
            voices = {"A": "ada.flac", "B": "ben.flac"}
            told = {
                "zip": str(build_extension(folder / "dist", "current")),
                "connection": str(folder / "server.json"),
                "dead_connection": str(folder / "dead.json"),
                "voices": {name: str(shutil.copy(demo_brief().parent / file, folder)) for name, file in voices.items()},
                "out": str(folder / "out"),
            }
            said = screen.run(
                ["--enable-event-simulate", "--factory-startup", "-P", str(HERE / "drive.py"), "--", json.dumps(told)],
                size=(1600, 900), share=[folder, HERE], timeout=420,
            )  # fmt: skip
        file = folder / "out" / "report.json"
        assert file.is_file(), said[-4000:]
        pictures = REPOSITORY / "build" / "ui"
        shutil.rmtree(pictures, ignore_errors=True)
        shutil.copytree(folder / "out", pictures)
        yield json.loads(file.read_text())


@pytest.mark.timeout(500)
def test_an_animator_gets_from_an_empty_file_to_a_kept_take(report):
    assert not report["error"], report["error"]
    assert report["state"] == "DONE"
    assert report["actions"] == 2
    assert report["tracks"] == 1


def test_the_take_streamed_in_while_blender_stayed_usable(report):
    assert report["poses_while_running"] >= 2


def test_undo_takes_keep_back(report):
    assert report["undo"] == ["FINISHED"]
    assert report["tracks_after_undo"] == 0


def test_a_server_that_is_gone_is_told_in_the_panel(report):
    assert report["failed_state"] == "FAILED"
    assert "server" in report["failed_message"]


def test_every_picture_was_taken(report):
    assert len(report["steps"]) == 8
    if sys.platform.startswith("linux"):
        assert all((REPOSITORY / "build" / "ui" / f"{name}.png").stat().st_size > 20_000 for name in report["steps"])
