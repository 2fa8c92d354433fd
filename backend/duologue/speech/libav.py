"""Sound that libsndfile can't decode: M4A, MP4, MOV, 3GP, WMA, AMR and others, through PyAV, which the extra ``hear`` brings.

FFmpeg opens whatever a file says it is, playlists that name other files and addresses too. So the kind is read from the first
bytes here, one that is not in ``KINDS`` never reaches it, and it is given the open file, never a path.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError, invalid

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

Floats = NDArray[np.float32]

KINDS: Final = {
    "mov": "MP4 or MOV (M4A, 3GP)", "asf": "WMA", "amr": "AMR", "matroska": "Matroska or WebM", "avi": "AVI", "aac": "AAC",
}  # fmt: skip
"""FFmpeg's names of the containers that are read, and what people call them."""
_ASF: Final = bytes.fromhex("3026b2758e66cf11")
_BOXES: Final = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}
_SLACK: Final = 0.25
"""Seconds by which a whole file may fall short of what its header says: encoders count their padding or don't."""


@dataclass(frozen=True)
class Track:
    """The sound of a file, as it comes: ``blocks`` of (channels, n) samples."""

    rate: int
    channels: int
    seconds: float
    """How long the header says it is; 0: it doesn't say."""
    codec: str
    """FFmpeg's name of it."""
    blocks: Iterator[Floats]

    def short(self, seconds: float) -> bool:
        """Whether so many seconds are less than the whole."""
        return bool(self.seconds) and seconds < self.seconds - _SLACK - 0.005 * self.seconds


def kind_of(file: BinaryIO) -> str | None:
    """Return which of ``KINDS`` a file is by its first bytes, None for any other; the file is left at its beginning."""
    file.seek(0)
    head = file.read(16)
    file.seek(0)
    if head[4:8] in _BOXES:
        return "mov"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:  # ADTS: layer 0, which no MP3 has
        return "aac"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    starts = {_ASF: "asf", b"#!AMR": "amr", b"\x1a\x45\xdf\xa3": "matroska"}
    return next((kind for start, kind in starts.items() if head.startswith(start)), None)


def open_track(file: BinaryIO, kind: str, path: Path, field: str) -> Track:
    """Return the first sound track of a file of one of ``KINDS``, read as ``blocks`` is gone through.

    A track that begins later than the pictures of its video begins with that much silence.

    Raises:
        DuologueError: FAILED_PRECONDITION ``audio-needs-hear`` where PyAV isn't installed; INVALID_ARGUMENT ``audio-not-audio``,
            ``audio-empty`` for pictures without sound. ``blocks`` raises the first as well.
    """
    try:
        import av
        from av.error import FFmpegError
    except ImportError as error:
        message = (
            f"{path.name} is {KINDS[kind]}, which needs the extra `hear` to be read (pip install 'duologue[hear]'; "
            "`python3 backend install` brings it); or convert it to WAV or FLAC"
        )
        raise DuologueError("FAILED_PRECONDITION", "audio-needs-hear", message, field=field) from error
    try:
        opened = av.open(file, "r", format=kind, metadata_errors="ignore")
    except (FFmpegError, ValueError) as error:
        raise _broken(path, error, field) from error
    if not opened.streams.audio:
        opened.close()
        raise invalid("audio-empty", f"{path.name} holds pictures and no sound", field=field)
    stream = opened.streams.audio[0]
    late = float(stream.start_time * stream.time_base) if stream.start_time and stream.time_base else 0.0
    long = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    begins = round(max(late, 0.0) * stream.rate)
    codec = stream.codec_context.name
    return Track(
        stream.rate, stream.channels, long and late + long, codec, _blocks(opened, stream, begins, path, field)
    )


def _blocks(opened: InputContainer, stream: AudioStream, begins: int, path: Path, field: str) -> Iterator[Floats]:
    """Yield the samples (channels, n) of a stream behind ``begins`` of silence, and close the file."""
    from av import AudioResampler
    from av.error import FFmpegError

    rest = begins
    try:
        with opened:
            resampler = AudioResampler(format="fltp", layout=stream.layout, rate=stream.rate)
            while rest:
                yield np.zeros((stream.channels, min(rest, 1 << 18)), np.float32)
                rest -= min(rest, 1 << 18)
            frames: Any = opened.decode(stream)
            for frame in frames:
                for part in resampler.resample(frame):
                    yield np.asarray(part.to_ndarray(), np.float32)
            for part in resampler.resample(None):
                yield np.asarray(part.to_ndarray(), np.float32)
    except (FFmpegError, ValueError) as error:
        if not stream.duration:  # else what is missing is seen by the length
            raise _broken(path, error, field) from error


def _broken(path: Path, error: Exception, field: str) -> DuologueError:
    said = str(getattr(error, "strerror", None) or error).strip()
    return invalid("audio-not-audio", f"{path.name} can't be decoded ({said}); export it again, or as WAV", field=field)
