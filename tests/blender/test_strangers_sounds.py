# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's decoder hears what the server's hears, of every kind of file that strangers have, and says the same of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest
from duologue.brief import Brief, PerformerBrief, Speech
from duologue.errors import DuologueError

pytest.importorskip("soundfile")
sys.path.append(str(Path(__file__).resolve().parent.parent / "sounds"))
import soundfile
from strangers import ALL, RATE, Stranger, encoded, flac_of_length, sent, strangers, wave_of_size

from addon.briefing.transcripts import Stretch, on_timeline, read_text_block
from addon.rendering import batch
from addon.scene import compat, sequencer


def ours(path: Path) -> tuple[np.ndarray, int, tuple[str, ...]]:
    """Return what the server's decoder hears."""
    from duologue.speech.decode import load_pair

    sound, _, notes = load_pair(Brief(PerformerBrief(Speech(path)), PerformerBrief(Speech(path, 0))))
    return sound.samples, sound.rate, tuple(n.removeprefix("A: ") for n in notes if n.startswith("A: "))


@pytest.mark.parametrize("stranger", strangers(), ids=lambda stranger: stranger.name)
def test_both_decoders_hear_the_same(tmp_path: Path, stranger: Stranger) -> None:
    path = stranger.write(tmp_path)
    if stranger.reason:
        with pytest.raises(DuologueError) as caught:
            sequencer.read_sound(path)
        assert caught.value.reason == stranger.reason
        return
    read = sequencer.read_sound(path)
    samples, rate, notes = ours(path)
    assert read.notes == notes
    theirs = read.samples[:, 0][:: read.rate // rate]
    assert 0 <= len(samples) - len(theirs) < rate // 30  # filled up to whole frames
    np.testing.assert_allclose(theirs, samples[: len(theirs)], atol=stranger.tolerance)


def test_a_strip_of_a_sound_whose_length_blender_believes_is_no_voice(scene, tmp_path):
    """Blender shows one frame of a FLAC without a length: a take of one frame would be made of it, and nothing said."""
    path = tmp_path / "a.flac"
    path.write_bytes(flac_of_length(0))
    strip = compat.editor_of(scene).strips.new_sound("mine", str(path), 1, 1)
    for read in (
        lambda: sequencer.read_strip(scene, strip, 1, 61),
        lambda: sequencer.lay_speech(scene, "A", path, 1, 2),
    ):
        with pytest.raises(DuologueError, match=r"shows 0\.03 s of the sound .* which holds 2\.00 s") as caught:
            read()
        assert caught.value.reason == "strip-length"
    assert [strip.name for strip in scene.sequence_editor.strips] == ["mine"]
    (tmp_path / "b.wav").write_bytes(wave_of_size(0xFFFFFFFF))  # believed by nobody
    strip = sequencer.lay_speech(scene, "A", tmp_path / "b.wav", 1, 2)
    read = sequencer.read_strip(scene, strip, 1, 61)
    np.testing.assert_allclose(read.samples, sent(), atol=1e-4)
    assert "was read to its end" in read.notes[0]


def test_channels_that_cancel_are_not_mixed_in_blender_either(scene, tmp_path):
    soundfile.write(tmp_path / "both.wav", np.stack([sent(), -sent()], axis=1), RATE)
    brief = Brief(PerformerBrief(Speech(tmp_path / "both.wav")), PerformerBrief(Speech(tmp_path / "both.wav", 1)))
    (a, b), notes = batch.read_voices(brief)
    np.testing.assert_allclose(a.samples, sent(), atol=1e-4)
    np.testing.assert_allclose(b.samples, -sent(), atol=1e-4)
    assert notes == ("A: its channels cancel each other when they are mixed: the loudest, the first of 2, was taken",)
    strip = sequencer.lay_speech(scene, "A", tmp_path / "both.wav", 1, 1)
    read = sequencer.read_strip(scene, strip, 1, 61)
    np.testing.assert_allclose(read.samples, sent(), atol=1e-4)
    assert read.notes == (notes[0].removeprefix("A: "),)


def test_a_cut_strip_keeps_what_was_noted_of_its_words():
    text = read_text_block(
        "1\n00:00:00,000 --> 00:00:01,000\n[door slams] Come in.\n\n2\n00:00:02,000 --> 00:00:03,000\nSit."
    )
    whole, nothing = on_timeline(text, [Stretch(0.0, 5.0, 0.0)])
    assert (whole, nothing) == (text, ())  # who reads it will note it
    cut, notes = on_timeline(text, [Stretch(0.0, 1.5, 0.0)])
    assert [entry["text"] for entry in json.loads(cut.content)] == ["Come in."]
    assert notes == ("1 sound notes, names and times are not said and were left out: '[door slams]'",)


def test_a_moved_strip_keeps_the_phones_of_its_words():
    """They are the lips': without them a voice whose phones are known would be aligned again, by ear."""
    given = [{"start": 0.5, "end": 1.0, "text": "mama", "phones": [[0.5, 0.7, "M"], [0.7, 1.0, "AA"]]}]
    moved, _ = on_timeline(read_text_block(json.dumps(given)), [Stretch(2.0, 5.0, 2.0)])
    (entry,) = json.loads(moved.content)
    assert entry["phones"] == [[2.5, 2.7, "M"], [2.7, 3.0, "AA"]]


def test_what_was_changed_is_said_under_perform(ready_to_perform, scene, tmp_path):
    """The words' notes of a cut strip, the channels' of Blender's side, the offset's of the server's."""
    settings = ready_to_perform
    soundfile.write(tmp_path / "both.wav", np.stack([sent(), -sent()], axis=1), RATE)
    soundfile.write(tmp_path / "offset.wav", 0.5 * sent() + np.float32(0.1), RATE, subtype="FLOAT")
    settings.a.file, settings.b.file = str(tmp_path / "both.wav"), str(tmp_path / "offset.wav")
    bpy.ops.duologue.lay_strips()
    settings.a.transcript.source, settings.a.transcript.text = "TEXT", bpy.data.texts.new("words")
    settings.a.transcript.text.write("1\n00:00:00,000 --> 00:00:02,000\n[door slams] Come in and sit.\n")
    compat.set_strip_length(scene.sequence_editor.strips[settings.a.strip], 45)
    assert bpy.ops.duologue.perform("EXEC_DEFAULT", wait=60) == {"FINISHED"}
    notes = " / ".join(sys.modules["bl_ext.user_default.duologue.session.session"].session.notes)
    for words in ("A: its channels cancel", "'[door slams]'", "B: it had a DC offset of 0.1"):
        assert words in notes, notes


def test_the_tests_files_are_what_they_say():
    assert flac_of_length(ALL) == encoded("FLAC", "PCM_16")


def test_twelve_gigabytes_of_nothing_are_not_read_into_blenders_memory(tmp_path):
    path = tmp_path / "hole.wav"
    path.write_bytes(wave_of_size(0))
    with path.open("r+b") as file:
        file.truncate(12_000_000_000)
    with pytest.raises(DuologueError) as caught:
        sequencer.read_sound(path)
    assert caught.value.reason == "sound-unreadable"
