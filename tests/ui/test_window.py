# SPDX-License-Identifier: GPL-3.0-or-later
"""A real window: the built zip is installed, its panel is used as an animator does, and pictures are taken on the way."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from virtual_screen import VirtualScreen

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
PICTURES = REPOSITORY / "build" / "ui"
KEY = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
"""An example of a CURVE key from ZeroMQ's RFC 32: of the right form, and nobody's."""

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def screen() -> VirtualScreen:
    try:
        return VirtualScreen.find()
    except LookupError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def folder(screen: VirtualScreen, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip, and some seconds and half a minute of the demo's two voices."""
    pytest.importorskip("zmq")
    pytest.importorskip("torch")
    soundfile = pytest.importorskip("soundfile")
    from duologue.files.folders import demo_brief
    from duologue.packaging.extension import build_extension

    folder = tmp_path_factory.mktemp("ui")
    build_extension(folder / "dist", "current").rename(folder / "duologue.zip")
    for name, file in (("A", "ada.flac"), ("B", "ben.flac")):
        samples, rate = soundfile.read(demo_brief().parent / file)
        soundfile.write(folder / f"{name}.wav", samples[: rate * 12], rate)
        soundfile.write(folder / f"{name}-long.wav", samples[: rate * 30], rate)
    return folder


def drive(
    screen: VirtualScreen,
    folder: Path,
    script: str,
    size: tuple[int, int],
    *,
    long: bool = False,
    then: str = "true",
    **told: str,
) -> dict[str, Any]:
    """Run a script in a Blender of this size; return what it found. That and its pictures come to build/ui."""
    out = folder / script
    out.mkdir()
    voices = {name: str(folder / f"{name}{'-long' if long else ''}.wav") for name in "AB"}
    told |= {"zip": str(folder / "duologue.zip"), "out": str(out), "environment": sys.prefix}
    said = screen.run(
        ["--enable-event-simulate", "--factory-startup", "-P", str(HERE / f"{script}.py"), "--",
         json.dumps({**told, "voices": voices})],
        # The environment whose server the preferences start has to be there too.
        size=size, share=[folder, REPOSITORY, Path(sys.prefix), Path(sys.base_prefix)], timeout=900, then=then,
    )  # fmt: skip
    PICTURES.mkdir(parents=True, exist_ok=True)
    for picture in out.glob("*.png"):
        shutil.copy(picture, PICTURES)
    file = out / "report.json"
    assert file.is_file(), said[-4000:]
    shutil.copy(file, PICTURES / f"{script}.json")
    report = json.loads(file.read_text())
    assert not report["error"], report["error"]
    return report


@pytest.fixture(scope="module")
def report(screen: VirtualScreen, folder: Path) -> dict[str, Any]:
    dead = {"endpoint": "tcp://127.0.0.1:9", "server_key": KEY, "client_public": KEY, "client_secret": KEY}
    return drive(screen, folder, "drive", (1200, 2700), dead_connection=json.dumps(dead))


@pytest.fixture(scope="module")
def speed(screen: VirtualScreen, folder: Path) -> Iterator[dict[str, Any]]:
    """With a server that only acts, so that the models don't take the processor from the viewport."""
    from duologue.wire.local import LocalServer

    path = os.pathsep.join([str(REPOSITORY / "tests" / "blender"), str(REPOSITORY / "backend")])
    with LocalServer.start(performance="performances:Acting", device="cpu", environment={"PYTHONPATH": path}) as server:
        server.connection.save(folder / "server.json")
        yield drive(screen, folder, "drive_speed", (960, 640), long=True, connection=str(folder / "server.json"))


def test_an_animator_gets_from_an_empty_file_to_a_kept_take(report):
    assert report["strips"] == 2
    assert report["state"] == "DONE"
    assert report["actions"] == 2
    assert report["takes"] == ["Take 1", "Take 2", "Take 3"]
    assert "re-made" in report["origins"][2]
    assert report["tracks"] >= 1


def test_the_take_streamed_in_while_blender_stayed_usable(report):
    assert report["poses_while_running"] >= 2


def test_undo_takes_keep_back(report):
    assert report["undo"] == ["FINISHED"]
    assert report["tracks_after_undo"] < report["tracks"]


def test_a_server_that_is_gone_is_told_in_the_panel_with_a_way_out(report):
    assert report["failed_state"] == "FAILED"
    assert "server" in report["failed_message"]
    assert report["help_is_there"]


def test_panels_are_drawn_within_a_millisecond(report):
    """Of the main thread's own time, in a scene with three takes, while and after they are made."""
    open_ones = {f"DUOLOGUE_PT_{name}" for name in ("main", "cast", "speech", "script", "take", "keep")}
    assert open_ones | {"DUOLOGUE_AP_preferences"} <= report["draw_ms"].keys()
    assert {name: ms for name, ms in report["draw_ms"].items() if ms["median"] >= 1.0} == {}


def test_the_panel_speaks_german(report):
    assert report["german"] == "Aufführen"


def test_every_picture_was_taken(report):
    assert len(report["steps"]) >= 10
    assert all((PICTURES / f"{name}.png").stat().st_size > 20_000 for name in report["steps"])


def test_nothing_of_ours_ticks_while_idle(speed):
    assert speed["timers_while_idle"] == []


def test_showing_a_frame_takes_less_than_a_24th_of_a_second(speed):
    """What we do for a frame; how fast the viewport then is drawn is the graphics card's affair, and here is none."""
    assert speed["pump_ms"]["median"] < 1000 / 24
    assert speed["pump_ms"]["worst"] < 100  # nothing long, such as a picture for the list, while a take streams in
    assert speed["poses_a_second"] >= 2 or speed["bare_draw_ms"] > 200


def test_esc_ends_it_and_what_there_is_has_its_picture(speed):
    """The bound is loose: the machine may be busy, and Blender draws the viewport before it hears a key."""
    assert speed["escape_seconds"] < 5
    assert speed["picture"] == [[96, 96]]
    assert speed["setting_kept"]


def test_quitting_while_a_take_is_made_leaves_no_process(screen, folder):
    list_all = f"sleep 3; for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done > {folder}/left.txt"
    report = drive(screen, folder, "drive_quit", (1280, 800), long=True, then=list_all)
    assert "started by Blender" in report["server"]
    assert report["frames_when_left"] > 0
    left = (folder / "left.txt").read_text()
    assert "Xvfb" in left  # the list is of the right place
    assert "duologue.service" not in left


@pytest.fixture(scope="module")
def touched(screen: VirtualScreen, folder: Path) -> dict[str, Any]:
    return drive(screen, folder, "drive_touch", (900, 1240))


def test_esc_stops_solving_and_leaves_what_was(touched):
    for stage, stopped in touched["stopped"].items():
        assert stopped["stages"][-2:] == [stage, "closed"]
        assert stopped["as_before"], stage
    assert touched["solved"]["stages"] == ["Reading", "Solving", "Writing", "done", "closed"]
    assert touched["solved"]["tracks"]
    assert touched["solved"]["keys"]


def test_a_strip_that_is_dragged_and_stretched_takes_its_touch_along(touched):
    before, moved, stretched = touched["dragged"]
    assert moved[0] - before[0] == pytest.approx(30, abs=6)  # a drag begins after some pixels
    assert moved[1] - moved[0] == before[1] - before[0]
    assert stretched[0] == moved[0]
    assert stretched[1] - moved[1] == pytest.approx(20, abs=6)


def test_a_click_on_a_face_says_where_the_hand_goes(touched):
    nose, cheek, after_esc = touched["picked"]
    assert nose[:2] == ["poke-nose", "PARTNER"]
    assert max(map(abs, nose[3])) < 2
    assert cheek[:3] == ["poke-cheek", "PARTNER", "left"]
    assert cheek[3] == pytest.approx([0, 8], abs=2)
    assert after_esc == cheek


def test_the_panel_says_who_falls_short(touched):
    assert touched["short"][0] == 0
    assert touched["short"][1] > 0.1


@pytest.fixture(scope="module")
def filmed(screen: VirtualScreen, folder: Path) -> dict[str, Any]:
    return drive(screen, folder, "drive_video", (1600, 1900))


def test_esc_ends_the_reading_of_the_scene_before_any_picture(filmed):
    assert filmed["stopped"] == {"frame": 30, "busy": False, "frames": False}


def test_a_touch_is_made_into_pictures_a_strip_and_a_preview(filmed):
    assert filmed["made"]["state"] == "DONE", filmed["made"]["message"]
    name, channel, elements = filmed["strip"]
    assert name == "Video video"
    assert channel > 1
    assert elements == 4 * filmed["pictures"] == 52
    assert filmed["preview"] == "Duologue Video"


def test_pictures_made_again_are_the_same_and_the_strip_outlives_an_undo(filmed):
    assert filmed["again"] == "Made again: the same, bit for bit"
    assert "all else is as it was" in filmed["part"]
    assert filmed["strips_after_undo"] == 1
