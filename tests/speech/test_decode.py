"""Speech from real files of every kind, and every kind of bad input named before work starts."""

from __future__ import annotations

import resource
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from duologue.brief import Brief, PerformerBrief, Speech, Transcript
from duologue.errors import DuologueError
from duologue.sounds.channels import downmix
from duologue.speech.decode import MAX_SECONDS, load_pair, load_speech
from duologue.units import Sound

soundfile = pytest.importorskip("soundfile")


def tone(seconds: float = 1.0, rate: int = 24_000, hertz: float = 200.0, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def wav_header(
    *, frames: int, rate: int = 16_000, channels: int = 1, bits: int = 8, data_bytes: int | None = None
) -> bytes:
    """A canonical 44-byte RIFF header, which may lie."""
    align = channels * bits // 8
    size = frames * align if data_bytes is None else data_bytes
    return (
        b"RIFF" + struct.pack("<I", min(36 + size, 2**32 - 1)) + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * align, align, bits)
        + b"data" + struct.pack("<I", size)
    )  # fmt: skip


def fails(path: Path, channel: int | None = None) -> DuologueError:
    with pytest.raises(DuologueError) as caught:
        load_speech(Speech(path, channel), "performers.A.speech")
    assert caught.value.field == "performers.A.speech"
    return caught.value


@pytest.mark.parametrize(
    ("suffix", "subtype", "rate", "tolerance"),
    [
        (".wav", "PCM_U8", 8_000, 1e-2),
        (".wav", "PCM_16", 16_000, 1e-4),
        (".wav", "PCM_24", 44_100, 1e-6),
        (".wav", "FLOAT", 48_000, 1e-7),
        (".wav", "DOUBLE", 96_000, 1e-7),
        (".wav", "ULAW", 8_000, 3e-2),
        (".flac", "PCM_16", 22_050, 1e-4),
        (".flac", "PCM_24", 192_000, 1e-6),
        (".ogg", "VORBIS", 44_100, 5e-2),
        (".ogg", "OPUS", 48_000, 5e-2),
        (".mp3", "MPEG_LAYER_III", 44_100, 5e-2),
        (".mp3", "MPEG_LAYER_III", 16_000, 5e-2),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_format_and_rate_is_heard(
    tmp_path: Path, suffix: str, subtype: str, rate: int, tolerance: float, channels: int
) -> None:
    path = tmp_path / f"speech{suffix}"
    sent = tone(1.5, rate)
    soundfile.write(path, np.stack([sent] * channels, axis=1), rate, subtype=subtype)
    loaded = load_speech(Speech(path))
    assert loaded.rate == rate
    assert abs(loaded.seconds - 1.5) < 0.06  # MP3 pads to whole frames
    # In the middle, away from a codec's edges, it is the tone that was sent (MP3 may shift it: compare its power and pitch).
    middle = loaded.samples[rate // 2 : rate]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), abs=max(tolerance, 1e-3))
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * rate / len(middle) == pytest.approx(200, abs=2)
    if suffix in {".wav", ".flac"}:
        np.testing.assert_allclose(loaded.samples, sent, atol=tolerance)


def test_one_speaker_a_channel_of_one_stereo_file(tmp_path: Path) -> None:
    low, high = tone(hertz=150), tone(hertz=900, level=0.25)
    soundfile.write(tmp_path / "both.wav", np.stack([low, high], axis=1), 24_000, subtype="FLOAT")
    a, b = (PerformerBrief(Speech(tmp_path / "both.wav", channel=channel)) for channel in (0, 1))
    heard_a, heard_b, notes = load_pair(Brief(a, b))
    np.testing.assert_array_equal(heard_a.samples, low)
    np.testing.assert_array_equal(heard_b.samples, high)
    assert notes == ()
    # Without a channel all are mixed.
    np.testing.assert_allclose(load_speech(Speech(tmp_path / "both.wav")).samples, (low + high) / 2, atol=1e-7)


def test_forgetting_the_channels_is_noticed(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "both.wav", np.stack([tone(), tone(hertz=900)], axis=1), 24_000)
    both = PerformerBrief(Speech(tmp_path / "both.wav"))
    assert "both performers have the same sound" in load_pair(Brief(both, both))[2][0]


def test_samples_in_memory_are_speech_too() -> None:
    stereo = np.stack([tone(), tone(hertz=900)], axis=1)
    right = load_speech(Speech(sound=Sound(downmix(stereo, 1)[0], 24_000)))
    np.testing.assert_array_equal(right.samples, stereo[:, 1])
    with pytest.raises(DuologueError) as caught:
        load_speech(Speech())
    assert caught.value.reason == "speech-not-loaded"


def test_the_shorter_track_is_padded_and_said_so(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1.0, 16_000), 16_000)
    soundfile.write(tmp_path / "b.flac", tone(2.5, 44_100), 44_100)
    a, b, notes = load_pair(
        Brief(PerformerBrief(Speech(tmp_path / "a.wav")), PerformerBrief(Speech(tmp_path / "b.flac")))
    )
    assert (len(a.samples), len(b.samples)) == (40_000, 110_250)
    assert a.frames == b.frames == 75
    assert not a.samples[16_000:].any()
    assert notes == ("A's track is 1.50 s shorter; silence was added at its end",)


def test_silence_is_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(24_000), 24_000)
    assert fails(tmp_path / "a.wav").reason == "audio-silent"
    soundfile.write(tmp_path / "b.wav", tone(level=0.0005), 24_000, subtype="FLOAT")
    error = fails(tmp_path / "b.wav")
    assert error.reason == "audio-silent"
    assert "-66 dB" in str(error)


def test_one_of_two_may_be_silent_and_only_listens(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "hum.wav", tone(level=0.0005), 24_000, subtype="FLOAT")
    speaks = PerformerBrief(speech=Speech(sound=Sound(tone(), 24_000)))
    listens = PerformerBrief(speech=Speech(tmp_path / "hum.wav"))
    _, silent, notes = load_pair(Brief(speaks, listens))
    assert not silent.samples.any()
    assert notes == ("B: the track is silent (its peak is -66 dB): this performer only listens",)
    with pytest.raises(DuologueError) as caught:
        load_pair(Brief(listens, listens))
    assert (caught.value.reason, caught.value.field) == ("audio-silent", "performers")


def test_emptiness_is_named(tmp_path: Path) -> None:
    (tmp_path / "none.wav").write_bytes(b"")
    assert fails(tmp_path / "none.wav").reason == "audio-not-audio"
    soundfile.write(tmp_path / "header.wav", np.zeros(0), 24_000)
    assert fails(tmp_path / "header.wav").reason == "audio-empty"
    soundfile.write(tmp_path / "click.wav", tone(0.05), 24_000)
    assert fails(tmp_path / "click.wav").reason == "audio-too-short"


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.98])
def test_truncation_is_named(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"whole{suffix}"
    noise = np.random.default_rng(0).normal(0, 0.2, 72_000).astype(np.float32)
    soundfile.write(path, noise, 24_000)
    assert load_speech(Speech(path)).seconds == pytest.approx(3)
    data = path.read_bytes()
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(data[: round(len(data) * share)])
    assert fails(cut).reason == "audio-truncated"


def test_of_an_ogg_that_was_cut_all_is_read_that_is_there(tmp_path: Path) -> None:
    """It promises no length: a recorder that crashed leaves one, and so does a stream that is still being written."""
    soundfile.write(tmp_path / "whole.ogg", np.random.default_rng(0).normal(0, 0.1, 72_000).astype(np.float32), 24_000)
    whole, data = load_speech(Speech(tmp_path / "whole.ogg")).samples, (tmp_path / "whole.ogg").read_bytes()
    cut = tmp_path / "cut.ogg"
    for share in (0.7, 0.98):
        cut.write_bytes(data[: round(len(data) * share)])
        samples = load_speech(Speech(cut)).samples
        assert 24_000 < len(samples) < 72_000
        np.testing.assert_allclose(samples[:20_000], whole[:20_000], atol=1e-3)
    cut.write_bytes(data[: round(len(data) * 0.2)])
    assert fails(cut).reason == "audio-truncated"


def test_a_wav_from_a_pipe_has_no_length_and_is_read(tmp_path: Path) -> None:
    """ffmpeg and sox leave 0xFFFFFFFF in the header when they write to a pipe."""
    samples = (tone(1.0, 16_000) * 32767).astype("<i2").tobytes()
    (tmp_path / "pipe.wav").write_bytes(wav_header(frames=0, bits=16, data_bytes=0xFFFFFFFF) + samples)
    assert load_speech(Speech(tmp_path / "pipe.wav")).seconds == pytest.approx(1.0)


@pytest.mark.parametrize("size", [0x7FFFF000, 0x7FFFFF00, 0x80000000, 0xFFFFFFDB, 0xFFFFFFFF, 0x7FFFFFFF, 0, 8000])
def test_lengths_that_nobody_counted_are_not_believed(tmp_path: Path, size: int) -> None:
    """sox, arecord, espeak-ng and ffmpeg to a pipe; a recorder that crashed; a header that was written too early."""
    sent = tone(1.0, 16_000, level=0.9)
    (tmp_path / "a.wav").write_bytes(
        wav_header(frames=0, bits=16, data_bytes=size) + (sent * 32767).astype("<i2").tobytes()
    )
    speaks = PerformerBrief(Speech(tmp_path / "a.wav"))
    heard, _, notes = load_pair(Brief(speaks, PerformerBrief(Speech(sound=Sound(tone(1.0, 16_000), 16_000)))))
    np.testing.assert_allclose(heard.samples, sent, atol=1e-4)
    assert notes == (f"A: its header says {size} bytes of sound, the file holds 32000: it was read to its end",)


def test_chunks_behind_the_data_are_no_sound(tmp_path: Path) -> None:
    body = (tone(1.0, 16_000) * 32767).astype("<i2").tobytes()
    chunk = b"LIST" + struct.pack("<I", 8000) + bytes(range(250)) * 32
    (tmp_path / "a.wav").write_bytes(wav_header(frames=16_000, bits=16) + body + chunk)
    assert load_speech(Speech(tmp_path / "a.wav")).seconds == 1.0


def test_one_hertz_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav_header(frames=100, rate=1) + bytes(range(100)))
    error = fails(tmp_path / "a.wav")
    assert error.reason == "audio-rate"
    assert "1 samples a second" in str(error)


@pytest.mark.skipif(sys.platform == "win32", reason="reads peak memory by resource")
def test_ten_hours_are_named_by_the_header_alone(tmp_path: Path) -> None:
    """The file is a hole on the disk: decoding it would take 2.3 GB."""
    frames = 10 * 3600 * 16_000
    path = tmp_path / "day.wav"
    with path.open("wb") as file:
        file.write(wav_header(frames=frames))
        file.truncate(44 + frames)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    error = fails(path)
    assert error.reason == "audio-too-long"
    assert "600 minutes" in str(error)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB


def test_a_header_that_promises_ten_hours_is_not_believed(tmp_path: Path) -> None:
    frames = 10 * 3600 * 16_000
    (tmp_path / "lie.wav").write_bytes(wav_header(frames=frames) + bytes(range(256)) * 100)
    assert fails(tmp_path / "lie.wav").reason in {"audio-too-long", "audio-truncated"}


def test_half_an_hour_is_the_limit_in_memory_too() -> None:
    long = np.broadcast_to(np.float32(0.1), (MAX_SECONDS * 16_000 + 16_000,))
    with pytest.raises(DuologueError, match="lasts 30 minutes; at most 30") as caught:
        load_speech(Speech(sound=Sound(long, 16_000)))
    assert caught.value.reason == "audio-too-long"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_named_with_their_time(tmp_path: Path, bad: float) -> None:
    samples = tone(2.0)
    samples[30_000] = bad
    soundfile.write(tmp_path / "a.wav", samples, 24_000, subtype="FLOAT")
    error = fails(tmp_path / "a.wav")
    assert error.reason == "audio-not-finite"
    assert "1.25 s" in str(error)


def test_samples_beyond_full_scale_are_scaled_and_said_so(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(level=4.0), 24_000, subtype="FLOAT")
    loud, low = (PerformerBrief(speech) for speech in (Speech(tmp_path / "a.wav"), Speech(sound=Sound(tone(), 24_000))))
    loaded, _, notes = load_pair(Brief(loud, low))
    assert np.abs(loaded.samples).max() == pytest.approx(1)
    assert "4 times full scale" in notes[0]


def test_what_is_not_sound_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("Dear Ben, this is a letter.")
    assert fails(tmp_path / "a.wav").reason == "audio-not-audio"
    (tmp_path / "b.mp3").write_bytes(np.random.default_rng(0).bytes(5000))
    assert fails(tmp_path / "b.mp3").reason in {"audio-not-audio", "audio-too-short", "audio-rate", "audio-truncated"}
    assert fails(tmp_path).reason == "speech-is-folder"
    missing = fails(tmp_path / "none.wav")
    assert (missing.code, missing.reason) == ("NOT_FOUND", "speech-not-found")


def test_a_channel_that_is_not_there_is_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(), 24_000)
    error = fails(tmp_path / "a.wav", channel=1)
    assert error.reason == "audio-channel"
    assert "only channel 0" in str(error)
    with pytest.raises(DuologueError) as caught:
        load_speech(Speech(sound=Sound(tone(), 24_000), channel=2))
    assert caught.value.reason == "audio-channel"


def test_errors_name_the_performer(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(), 24_000)
    brief = Brief(PerformerBrief(Speech(tmp_path / "a.wav")), PerformerBrief(Speech(tmp_path / "none.wav")))
    with pytest.raises(DuologueError) as caught:
        load_pair(brief)
    assert caught.value.field == "performers.B.speech"


def test_a_bad_transcript_is_named_before_any_sound_is_read(tmp_path: Path) -> None:
    missing = Speech(tmp_path / "none.wav")
    brief = Brief(PerformerBrief(missing), PerformerBrief(missing, Transcript("{", "json")))
    with pytest.raises(DuologueError) as caught:
        load_pair(brief)
    assert (caught.value.reason, caught.value.field) == ("transcript-malformed", "performers.B.transcript")
