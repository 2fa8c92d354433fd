"""The lines by which a Blender without a window tells what happens, among all that Blender itself prints."""

from __future__ import annotations

from duologue.shots import events


def test_an_event_is_read_back_from_its_line(capsys):
    events.emit("progress", stage="preview", done=3, total=750)
    (line,) = capsys.readouterr().out.splitlines()
    assert line == '{"duologue": "progress", "stage": "preview", "done": 3, "total": 750}'
    assert events.parse(line) == {events.MARK: "progress", "stage": "preview", "done": 3, "total": 750}


def test_what_blender_prints_is_no_event():
    for line in ("Fra:1 Mem:24.31M", "", '{"other": 1}', "Saved: 'preview.mp4'", '{"duologue": "progress", "sta'):
        assert events.parse(line) is None
