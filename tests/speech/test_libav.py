"""Sounds out of phones and videos: FFmpeg's own encoders write them, libsndfile can't read them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from duologue.brief import Speech
from duologue.errors import DuologueError
from duologue.speech import libav
from duologue.speech.decode import load_speech

av = pytest.importorskip("av", reason="PyAV is not installed (the extra `hear`)")
SECONDS = 3.0


def write(path: Path, codec: str, rate: int, *, channels: int = 1, picture: bool = False, late: float = 0.0) -> Path:
    """Write a tone of 200 Hz, on channel 1 of 400 Hz, with FFmpeg; ``late``: seconds after the picture that it begins."""
    layout = "mono" if channels == 1 else "stereo"
    with av.open(path, "w", options={"movflags": "faststart"} if path.suffix == ".mp4" else {}) as file:
        video = file.add_stream("mpeg4", rate=25) if picture else None
        sound = file.add_stream(codec, rate=rate, layout=layout)
        if codec == "wmav2":
            sound.codec_context.bit_rate = 96_000
        if video is not None:
            video.width = video.height = 64
            video.pix_fmt = "yuv420p"
            for _ in range(int(SECONDS * 25)):
                file.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
            file.mux(video.encode(None))
        t = np.arange(round(SECONDS * rate)) / rate
        waves = np.stack([0.5 * np.sin(2 * np.pi * 200 * (1 + c) * t) for c in range(channels)]).astype(np.float32)
        resampler = av.AudioResampler(sound.codec_context.format, layout, rate)
        whole = av.AudioFrame.from_ndarray(waves, "fltp", layout)
        whole.sample_rate = rate
        fifo = av.AudioFifo()
        for frame in resampler.resample(whole):
            frame.pts = None
            fifo.write(frame)
        step, at = sound.codec_context.frame_size or 1024, round(late * rate)
        while frame := fifo.read(step, partial=True):
            frame.pts, at = at, at + frame.samples
            file.mux(sound.encode(frame))
        file.mux(sound.encode(None))
    return path


def pitch(samples: np.ndarray, rate: int) -> float:
    middle = samples[len(samples) // 2 - rate // 4 : len(samples) // 2 + rate // 4]
    return float(np.argmax(np.abs(np.fft.rfft(middle * np.hanning(len(middle))))) * rate / len(middle))


def refused(path: Path) -> DuologueError:
    with pytest.raises(DuologueError) as caught:
        load_speech(Speech(path), "performers.A.speech")
    assert caught.value.field == "performers.A.speech"
    return caught.value


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("memo.m4a", "aac", 44_100),
        ("lossless.m4a", "alac", 48_000),
        ("raw.aac", "aac", 48_000),
        ("phone.amr", "libopencore_amrnb", 8_000),
        ("phone.3gp", "libopencore_amrnb", 8_000),
        ("old.wma", "wmav2", 44_100),
        ("web.webm", "libopus", 48_000),
        ("note.opus", "libopus", 48_000),
        ("take.mkv", "flac", 48_000),
    ],
)
def test_what_people_have_is_heard(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    heard = load_speech(Speech(write(tmp_path / name, codec, rate)))
    assert heard.rate == rate
    assert heard.seconds == pytest.approx(SECONDS, abs=0.15)
    assert pitch(heard.samples, rate) == pytest.approx(200, abs=4)
    assert np.abs(heard.samples[rate:-rate]).max() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("name", ["shot.mp4", "shot.mov", "shot.avi"])
def test_the_sound_of_a_video_is_heard_and_each_channel_can_be_one_voice(tmp_path: Path, name: str) -> None:
    codec = "pcm_s16le" if name.endswith("avi") else "aac"
    path = write(tmp_path / name, codec, 48_000, channels=2, picture=True)
    for channel, hertz in ((0, 200), (1, 400)):
        assert pitch(load_speech(Speech(path, channel)).samples, 48_000) == pytest.approx(hertz, abs=4)
    with pytest.raises(DuologueError) as caught:
        load_speech(Speech(path, 2))
    assert caught.value.reason == "audio-channel"


def test_sound_that_begins_after_the_picture_keeps_its_place(tmp_path: Path) -> None:
    heard = load_speech(Speech(write(tmp_path / "late.mkv", "flac", 48_000, picture=True, late=0.5)))
    assert heard.seconds == pytest.approx(SECONDS + 0.5, abs=0.05)
    assert np.abs(heard.samples[:23_000]).max() < 1e-3
    assert np.abs(heard.samples[25_000:48_000]).max() > 0.4


def test_a_file_that_is_damaged_or_cut_short_or_has_no_sound_is_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.m4a", "aac", 44_100).read_bytes()
    (tmp_path / "headless.m4a").write_bytes(whole[: len(whole) // 2])
    assert refused(tmp_path / "headless.m4a").reason == "audio-not-audio"
    for cut in (write(tmp_path / "cut.wma", "wmav2", 44_100), write(tmp_path / "cut.mp4", "aac", 44_100)):
        cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
        assert refused(cut).reason == "audio-truncated"
    cut = write(tmp_path / "cut.amr", "libopencore_amrnb", 8_000)
    cut.write_bytes(cut.read_bytes()[:-5] + b"x")
    assert load_speech(Speech(cut)).seconds == pytest.approx(SECONDS, abs=0.15), "AMR doesn't say how long it is"
    with av.open(tmp_path / "mute.mp4", "w") as file:
        video = file.add_stream("mpeg4", rate=25)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        file.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        file.mux(video.encode(None))
    error = refused(tmp_path / "mute.mp4")
    assert (error.reason, "pictures" in error.message) == ("audio-empty", True)


def test_without_the_extra_the_error_says_which_one_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "memo.m4a", "aac", 44_100)
    monkeypatch.setitem(sys.modules, "av", None)
    error = refused(path)
    assert error.reason == "audio-needs-hear"
    assert "duologue[hear]" in error.message
    assert error.exit_code == 3


@pytest.mark.parametrize(
    "content",
    [
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b"<?xml version='1.0'?><MPD></MPD>",
    ],
)
def test_a_playlist_never_reaches_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(libav, "open_track", lambda *_: pytest.fail("it was opened"))
    for suffix in (".m4a", ".m3u8"):
        path = tmp_path / f"list{suffix}"
        path.write_bytes(content)
        assert refused(path).reason == "audio-not-audio"
