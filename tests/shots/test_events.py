"""The lines by which a Blender without a window tells what happens, among all that Blender itself prints."""

from __future__ import annotations

import sys
import time

import pytest
from duologue.shots import events


def test_an_event_is_read_back_from_its_line(capsys):
    events.emit("progress", stage="preview", done=3, total=750)
    (line,) = capsys.readouterr().out.splitlines()
    assert line == '{"duologue": "progress", "stage": "preview", "done": 3, "total": 750}'
    assert events.parse(line) == {events.MARK: "progress", "stage": "preview", "done": 3, "total": 750}


def test_what_blender_prints_is_no_event():
    for line in ("Fra:1 Mem:24.31M", "", '{"other": 1}', "Saved: 'preview.mp4'", '{"duologue": "progress", "sta'):
        assert events.parse(line) is None


def test_a_command_is_followed_to_its_end_and_its_last_words_are_kept():
    script = (
        "from duologue.shots.events import emit\n"
        "print('Blender 5.0.1'); emit('progress', stage='scene', done=1, total=4); print('Fra:1 Mem:24.31M'); print('Segfault')\n"
        "raise SystemExit(3)\n"
    )
    happened: list[dict] = []
    code, last = events.follow([sys.executable, "-u", "-c", script], happened.append)
    assert (code, last) == (3, ["Blender 5.0.1", "Segfault"])
    assert happened == [{"duologue": "progress", "stage": "scene", "done": 1, "total": 4}]


def test_whoever_stops_following_ends_the_command():
    script = "import time\nfrom duologue.shots.events import emit\nemit('note', message='begun')\ntime.sleep(60)\n"

    def stop(event: dict) -> None:
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        events.follow([sys.executable, "-c", script], stop)
    assert time.monotonic() - began < 40
