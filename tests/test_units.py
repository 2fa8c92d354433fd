"""Frames and samples, and a sound that both clocks count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.units import Sound, frames_of, padded_pair, samples_of


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000])
def test_frames_and_samples_agree_at_every_rate(rate: int) -> None:
    """T frames fill no more than T / 30 s, and every sample is in some frame."""
    counts = np.arange(1, 3 * rate, 7)
    for count in counts[::97].tolist():
        frames = frames_of(count, rate)
        assert (frames - 1) * rate < count * 30 <= frames * rate
        assert count <= samples_of(frames, rate)
        assert frames_of(samples_of(frames, rate), rate) == frames


def test_a_time_that_floats_round_up_is_not_a_frame_more() -> None:
    assert frames_of(49_600, 48_000) == 31  # 1.0333… s; a float makes 31.000000000000004 of it


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.ones(9000, np.int16), "audio-not-audio"),
        (np.zeros((100, 2), np.float32), "audio-not-mono"),
        (np.zeros((2, 2, 2), np.float32), "audio-not-mono"),
    ],
)
def test_what_is_no_one_track_of_sound_is_named(samples: Any, reason: str) -> None:
    with pytest.raises(DuologueError) as caught:
        Sound(samples, 24_000)
    assert (caught.value.code, caught.value.reason) == ("INVALID_ARGUMENT", reason)
    with pytest.raises(DuologueError) as caught:
        Sound(np.zeros(9, np.float32), 0)
    assert caught.value.reason == "audio-rate"


def test_a_pair_gets_as_many_whole_frames_as_the_longer_has() -> None:
    second, longer = Sound(np.ones(16_000, np.float32), 16_000), Sound(np.ones(49_000, np.float32), 48_000)
    a, b, notes = padded_pair(second, longer)
    assert a.frames == b.frames == 31
    assert (len(a.samples), len(b.samples)) == (samples_of(31, 16_000), samples_of(31, 48_000))
    np.testing.assert_array_equal(a.samples[:16_000], 1)
    assert not a.samples[16_000:].any()
    assert notes == ()  # less than a frame is not worth a word
    assert padded_pair(longer, Sound(np.ones(8_000, np.float32), 16_000))[2] == (
        "B's track is 0.52 s shorter; silence was added at its end",
    )
