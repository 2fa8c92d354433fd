# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech on the timeline: strips laid for a take, and voices read back from strips as they are cut."""

from __future__ import annotations

import numpy as np
import pytest
from duologue.errors import DuologueError
from examples import example_take, write_voice

from addon.rendering import shot
from addon.scene import compat, sequencer


def test_each_performer_gets_a_strip_and_a_second_run_replaces_it(scene, tmp_path):
    voices = [write_voice(tmp_path / f"{name}.wav", 1.0) for name in "AB"]
    for _ in range(2):
        shot.lay_timeline(scene, example_take(30), voices)
    strips = scene.sequence_editor.strips
    assert sorted(strip.name for strip in strips) == ["Duologue A", "Duologue B"]
    assert strips["Duologue A"].channel != strips["Duologue B"].channel
    assert {compat.strip_range(strip)[0] for strip in strips} == {shot.FIRST_FRAME}
    assert (scene.frame_start, scene.frame_end) == (1, 30)


def test_a_strip_is_read_as_it_is_cut_and_placed(scene, tmp_path):
    strip = sequencer.lay_speech(scene, "A", write_voice(tmp_path / "a.wav", 2.0), 1, 1)
    whole, rate, notes, _ = sequencer.read_strip(scene, strip, 1, 61)
    assert not notes
    assert rate == 16000
    assert len(whole) == 2 * rate
    compatible = "left_handle_offset" if compat.VERSION >= (5, 2) else "frame_offset_start"
    setattr(strip, compatible, 15)  # cut off half a second
    cut = sequencer.read_strip(scene, strip, 1, 61).samples
    assert not cut[: rate // 2].any()
    np.testing.assert_array_equal(cut[rate // 2 :], whole[rate // 2 :])


def test_where_no_strip_plays_there_is_silence(scene, tmp_path):
    strip = sequencer.lay_speech(scene, "A", write_voice(tmp_path / "a.wav", 1.0), 31, 1)
    samples, rate, *_ = sequencer.read_strip(scene, strip, 1, 91)
    assert not samples[:rate].any()
    assert samples[rate : 2 * rate].any()
    assert not samples[2 * rate :].any()


def test_a_missing_file_is_named(scene, tmp_path):
    with pytest.raises(DuologueError) as caught:
        sequencer.lay_speech(scene, "A", tmp_path / "gone.wav", 1, 1)
    assert caught.value.reason == "sound-not-found"


def test_a_file_that_is_no_sound_is_named(tmp_path):
    path = tmp_path / "text.wav"
    path.write_text("no sound")
    with pytest.raises(DuologueError) as caught:
        sequencer.read_sound(path)
    assert caught.value.reason == "sound-unreadable"
