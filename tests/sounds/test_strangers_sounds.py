"""Sound files as strangers have them: all that is in them is read, and what their headers say otherwise is said."""

from __future__ import annotations

import io
import os
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from duologue.brief import Brief, PerformerBrief, Speech
from duologue.errors import DuologueError
from duologue.sounds.channels import downmix
from duologue.sounds.containers import inspect
from duologue.sounds.promise import Mended, Promise
from duologue.speech.decode import load_pair, load_speech
from duologue.units import Sound

pytest.importorskip("soundfile")
from strangers import ALL, LIST, RATE, Stranger, encoded, mp3_that_grows, sent, strangers, wave_of_size

OTHER = PerformerBrief(
    Speech(sound=Sound(np.ones(RATE, np.float32) * np.sin(np.arange(RATE)).astype(np.float32), RATE))
)


def heard(path: Path, channel: int | None = None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return what is heard of a file, and what is said about it."""
    sound, _, notes = load_pair(Brief(PerformerBrief(Speech(path, channel)), OTHER))
    return sound.samples, tuple(note.removeprefix("A: ") for note in notes if note.startswith("A: "))


@pytest.mark.parametrize("stranger", strangers(), ids=lambda stranger: stranger.name)
def test_all_of_a_strangers_file_is_read_and_what_differs_is_said(tmp_path: Path, stranger: Stranger) -> None:
    path = stranger.write(tmp_path)
    if stranger.reason:
        with pytest.raises(DuologueError) as caught:
            load_speech(Speech(path))
        assert caught.value.reason == stranger.reason
        return
    _, notes = heard(path)
    assert len(notes) == bool(stranger.note)
    assert all(stranger.note in note for note in notes)
    read = load_speech(Speech(path)).samples
    assert stranger.frames in {len(read), -1}
    assert len(read) > RATE // 4
    if path.suffix not in {".mp3", ".ogg"}:
        np.testing.assert_allclose(read, sent()[: len(read)], atol=1e-4)
    else:  # lossy, and MP3 may begin a little late
        late = 1500 if path.suffix == ".mp3" else 0
        likeness = max(
            np.corrcoef(read[late + shift : 9000 + shift], sent()[late : 9000])[0, 1] for shift in range(-1, late + 1, 1)
            if shift >= 0
        )  # fmt: skip
        assert likeness > 0.95


def test_an_estimate_that_is_too_short_ends_nothing(tmp_path: Path) -> None:
    """Without a Xing header libsndfile takes the first frames' bit rate for all: here it would hear the half of it."""
    (tmp_path / "a.mp3").write_bytes(mp3_that_grows())
    assert load_speech(Speech(tmp_path / "a.mp3")).seconds == pytest.approx(4.0, abs=0.2)


def test_an_empty_wave_with_chunks_behind_it_is_empty(tmp_path: Path) -> None:
    whole = encoded("WAV", "PCM_16")
    header = whole[: whole.index(b"data") + 4] + struct.pack("<I", 0)
    (tmp_path / "a.wav").write_bytes(header + LIST)
    with pytest.raises(DuologueError) as caught:
        load_speech(Speech(tmp_path / "a.wav"))
    assert caught.value.reason == "audio-empty"


def test_silence_behind_the_sound_is_padding(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(encoded("WAV", "PCM_16") + bytes(100_000))
    samples, notes = heard(tmp_path / "a.wav")
    assert (len(samples), notes) == (ALL, ())


def test_a_mended_file_reads_as_one_whose_bytes_are_right() -> None:
    data = bytes(range(100))
    promise = Promise(patches=((10, b"abcd"), (99, b"z")), prefix=b"before")
    whole = b"before" + data[:10] + b"abcd" + data[14:99] + b"z"
    for size in (1, 3, 7, 1000):
        file, read = Mended(io.BytesIO(data), promise), b""
        while piece := file.read(size):
            read += piece
        assert read == whole
    file = Mended(io.BytesIO(data), promise)
    assert file.seek(0, os.SEEK_END) == len(whole)
    file.seek(-90, os.SEEK_CUR)
    assert file.read(6) == whole[-90:-84]
    assert Mended(io.BytesIO(data), Promise(end=50)).read() == data[:50]


@pytest.mark.parametrize(
    "head", [b"ID3\x04\0\0\x7f\x7f\x7f\x7f", b"\xff\xfb\x90\x44", b"fLaC", b"OggS", b"caff", b".snd", b"FORM"]
)
def test_a_head_alone_promises_nothing_and_breaks_nothing(tmp_path: Path, head: bytes) -> None:
    for size in (0, 10, 3000):
        (tmp_path / "a.bin").write_bytes(head + bytes(size))
        with (tmp_path / "a.bin").open("rb") as file:
            assert inspect(file).frames == 0


def test_a_file_that_is_all_junk_is_let_go_of_soon(tmp_path: Path) -> None:
    """A frame, junk, a frame, junk, …: to look for each next one would take hours."""
    frame = b"\xff\xfb\x90\x44".ljust(417, b"\0")
    (tmp_path / "a.mp3").write_bytes((frame * 2 + b"\xff" * 60_000) * 200)
    with (tmp_path / "a.mp3").open("rb") as file:
        assert inspect(file).frames == 0


# --- channels and offsets ---------------------------------------------------------------------------------------------


def stereo(folder: Path, left: np.ndarray, right: np.ndarray) -> Path:
    import soundfile

    soundfile.write(folder / "both.wav", np.stack([left, right], axis=1), RATE, subtype="FLOAT")
    return folder / "both.wav"


@pytest.mark.parametrize("share", [1.0, 0.9, 0.6])
def test_channels_that_cancel_are_not_mixed(tmp_path: Path, share: float) -> None:
    samples, notes = heard(stereo(tmp_path, sent(), -share * sent()))
    np.testing.assert_array_equal(samples[:ALL], sent())
    assert notes == ("its channels cancel each other when they are mixed: the loudest, the first of 2, was taken",)


def test_channels_that_cancel_in_a_part_are_not_mixed(tmp_path: Path) -> None:
    """A microphone that was plugged in the wrong way round half-way."""
    turned = np.where(np.arange(ALL) < ALL // 2, sent(), -sent())
    samples, notes = heard(stereo(tmp_path, 0.8 * sent(), turned))
    np.testing.assert_allclose(samples[:ALL], turned, atol=1e-6)
    assert "the second of 2, was taken" in notes[0]


@pytest.mark.parametrize("level", [0.0, 1e-4, 2e-3])
def test_of_a_dead_channel_nothing_is_mixed_in(tmp_path: Path, level: float) -> None:
    hum = (level * np.sin(2 * np.pi * 50 * np.arange(ALL) / RATE)).astype(np.float32)
    samples, notes = heard(stereo(tmp_path, hum, sent()))
    np.testing.assert_array_equal(samples[:ALL], sent())
    assert notes == ("only one of its channels has a voice: that one, the second of 2, was taken",)


def test_channels_with_something_of_their_own_are_mixed_and_nothing_is_said(tmp_path: Path) -> None:
    other = np.random.default_rng(9).normal(0, 0.2, ALL).astype(np.float32)
    word = np.where((np.arange(ALL) > 20_000) & (np.arange(ALL) < 28_000), 0.1 * other, 0)
    for right in (sent(), other, 0.05 * sent(), word.astype(np.float32)):
        samples, notes = heard(stereo(tmp_path, sent(), right))
        assert notes == ()
        np.testing.assert_allclose(samples[:ALL], (sent() + right) / 2, atol=1e-6)


def test_of_many_channels_one_is_taken_or_all_are_mixed() -> None:
    both = np.array([[0.2, 0.4], [0.6, 0.0]], np.float32)
    np.testing.assert_array_equal(downmix(both, 1)[0], both[:, 1])
    np.testing.assert_allclose(downmix(both)[0], [0.3, 0.3], rtol=1e-6)
    np.testing.assert_array_equal(downmix(both[:, 0], 0)[0], both[:, 0])
    with pytest.raises(DuologueError, match="channels 0 to 1") as caught:
        downmix(both, 2, "performers.A.speech")
    assert (caught.value.reason, caught.value.field) == ("audio-channel", "performers.A.speech")


def test_a_channel_that_was_asked_for_is_taken_whatever_it_holds(tmp_path: Path) -> None:
    samples, notes = heard(stereo(tmp_path, sent(), -sent()), channel=1)
    np.testing.assert_array_equal(samples[:ALL], -sent())
    assert notes == ()


@pytest.mark.parametrize("offset", [0.005, 0.02, -0.05, 0.2])
def test_an_offset_is_removed_and_said(tmp_path: Path, offset: float) -> None:
    import soundfile

    quiet = np.where(np.arange(ALL) % RATE < RATE // 2, 0.7 * sent(), 0).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", quiet + np.float32(offset), RATE, subtype="FLOAT")
    samples, notes = heard(tmp_path / "a.wav")
    assert notes == (f"it had a DC offset of {offset:.3g} of full scale, which was removed",)
    np.testing.assert_allclose(samples[:ALL], quiet, atol=0.02)
    from duologue.speech.activity import level, voice_activity

    with_it, without = (voice_activity(level(track, RATE, 60)) for track in (samples[:ALL], quiet))
    assert 0.2 < without.mean() < 0.8
    np.testing.assert_array_equal(with_it, without)


def test_an_offset_ends_where_silence_was_put_in(tmp_path: Path) -> None:
    import soundfile

    track = np.where(np.arange(2 * ALL) < ALL, np.tile(0.5 * sent(), 2) + 0.1, 0).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", track, RATE, subtype="FLOAT")
    samples, _ = heard(tmp_path / "a.wav")
    assert np.abs(samples[ALL + RATE // 2 :]).max() == 0
    assert abs(samples[RATE // 2 : ALL - RATE // 2].mean()) < 1e-3


def test_what_has_no_offset_stays_as_it_was_bit_for_bit() -> None:
    clean = Sound(sent(), RATE)
    assert load_speech(Speech(sound=clean)).samples is clean.samples


def test_wave_sizes_are_right_or_the_test_is_wrong() -> None:
    assert wave_of_size(2 * ALL) == encoded("WAV", "PCM_16")


def test_sound_that_looks_like_chunks_is_not_searched_for_minutes() -> None:
    """Each eight bytes of it are the name of a chunk and a length of nothing."""
    head = b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    began = time.process_time()
    promise = inspect(io.BytesIO(head + b"data\xff\xff\xff\xff" + b"AAAA\0\0\0\0" * 20_000))
    assert time.process_time() - began < 1
    assert promise.uncounted


@pytest.mark.parametrize("head", [b"RIFF\0\0\0\0WAVE", b"FORM\0\0\0\0AIFF"])
def test_zeros_are_no_chunks_and_are_not_gone_through(head: bytes) -> None:
    class Counted(io.BytesIO):
        reads = 0

        def read(self, *size: int | None) -> bytes:
            self.reads += 1
            return super().read(*size)

    file = Counted(head + bytes(1_000_000))
    assert inspect(file) == Promise()
    assert file.reads < 50
