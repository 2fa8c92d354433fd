"""Sound files, decoded: WAV, FLAC, OGG, MP3 and others by libsndfile, what else ``libav`` reads by PyAV.

The header is read first: a file that is too long, or that lies about its length, is refused before it is decoded, and
decoding goes block by block into one mono track.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError, invalid
from duologue.files.reading import read_error
from duologue.sounds.channels import Balance, check_channel, mono
from duologue.sounds.containers import inspect
from duologue.sounds.promise import Mended, Promise, check_held, differences, truncated
from duologue.speech import libav

if TYPE_CHECKING:
    import soundfile

Floats = NDArray[np.float32]

MIN_RATE, MAX_RATE = 8_000, 192_000
MIN_SECONDS: Final = 0.2
MAX_SECONDS: Final = 30 * 60
MAX_SAMPLES: Final = MAX_SECONDS * 48_000
"""A second bound for tracks at high rates: 345 MB of memory a performer."""
MAX_CHANNELS: Final = 32

_BLOCK: Final = 1 << 18
_STREAM_BLOCK: Final = 1 << 12
"""Frames that are read at once of what may end in the middle of them: FLAC's own blocks are as long."""


class _Decoded(NamedTuple):
    samples: Floats
    """(n,), mono."""
    rate: int
    balance: Balance
    """How its channels stand to each other."""


def read_file(path: Path, channel: int | None, field: str) -> tuple[Floats, int, tuple[str, ...]]:
    """Return mono samples (n,) of a sound file, their rate, and notes: what its header said otherwise, which channel was taken.

    Raises:
        DuologueError: what :func:`duologue.speech.decode.load_speech` raises about files.
    """
    import soundfile

    _check_kind(path, field)
    try:
        with path.open("rb") as file:
            promise = inspect(file)
            samples, rate, balance = _read(path, file, promise, channel, field)
            taken, notes = balance.choice() if channel is None else (None, ())
            if taken is not None:  # once more: to keep every channel would take many times the memory
                samples, rate, _ = _read(path, file, promise, taken, field)
    except FileNotFoundError as error:
        raise DuologueError("NOT_FOUND", "speech-not-found", f"there is no file {path}", field=field) from error
    except soundfile.LibsndfileError as error:
        raise invalid(
            "audio-not-audio",
            f"{path.name} can't be decoded ({error.error_string.strip()}); use a whole WAV, FLAC, OGG, MP3, M4A or WMA file",
            field=field,
        ) from error
    except OSError as error:
        raise DuologueError(
            "PERMISSION_DENIED", "speech-not-readable", f"can't read {path}: {error.strerror}", field=field
        ) from error
    return samples, rate, (*differences(promise, len(samples), rate, path.name, field), *notes)


def _check_kind(path: Path, field: str) -> None:
    """Refuse what is no ordinary file before it is opened: a pipe would be waited for, a device never ends."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise DuologueError("NOT_FOUND", "speech-not-found", f"there is no file {path}", field=field) from error
    except (OSError, ValueError) as error:
        named = read_error(path, error)
        raise DuologueError(named.code, named.reason, named.message, field=field) from error
    if stat.S_ISDIR(mode):
        raise invalid("speech-is-folder", f"{path} is a folder; name a sound file in it", field=field)
    if not stat.S_ISREG(mode):
        raise invalid("not-a-file", f"{path} is a pipe or a device; name a sound file", field=field)


def check_length(count: int, rate: int, field: str) -> None:
    """Refuse a rate, or so many frames at it, that can't be performed to.

    Raises:
        DuologueError: INVALID_ARGUMENT ``audio-rate``, ``audio-empty``, ``audio-too-short``, ``audio-too-long``.
    """
    if not MIN_RATE <= rate <= MAX_RATE:
        raise invalid(
            "audio-rate",
            f"has {rate} samples a second; speech needs {MIN_RATE} to {MAX_RATE}. Is the header damaged?",
            field=field,
        )
    seconds = count / rate
    if count == 0:
        raise invalid("audio-empty", "holds no samples at all", field=field)
    if seconds < MIN_SECONDS:
        raise invalid("audio-too-short", f"lasts {seconds:.3f} s; at least {MIN_SECONDS} s are needed", field=field)
    longest = min(MAX_SECONDS, MAX_SAMPLES / rate)
    if seconds > longest:
        raise invalid(
            "audio-too-long",
            f"lasts {seconds / 60:.0f} minutes; at most {longest / 60:.0f} at {rate} Hz can be performed in one take: cut it",
            field=field,
        )


def _read(path: Path, file: BinaryIO, promise: Promise, channel: int | None, field: str) -> _Decoded:
    """Decode a file whose container was looked into."""
    if kind := libav.kind_of(file):
        return _read_track(libav.open_track(file, kind, path, field), path, channel, field)
    import soundfile

    source: Any = Mended(file, promise) if promise.is_mended else path
    with soundfile.SoundFile(source) as sound:
        rate = sound.samplerate
        # A stream of unknown length says "as long as can be": then only decoding tells.
        counted = 0 if promise.endless or promise.uncounted or sound.frames >= 2**62 else sound.frames
        if MIN_RATE <= rate <= MAX_RATE:
            check_held(promise, rate, path.name, field)
        if not promise.uncounted:
            check_length(max(counted, promise.frames), rate, field)
        _check_channels(sound.channels, channel, field)
        if promise.endless:
            # soundfile asks what is left, and would go back there after every block.
            sound.seekable = lambda: False
        decoded = _mixed(_blocks(sound, endless=promise.endless), rate, channel, field)
    # What libsndfile counted it must have decoded as well.
    differences(Promise(frames=counted, slack=promise.slack), len(decoded.samples), rate, path.name, field)
    return decoded


def _read_track(track: libav.Track, path: Path, channel: int | None, field: str) -> _Decoded:
    """Decode a track of PyAV's."""
    if track.seconds:
        check_length(round(track.seconds * track.rate), track.rate, field)
    _check_channels(track.channels, channel, field)
    decoded = _mixed((block.T for block in track.blocks), track.rate, channel, field)
    seconds = len(decoded.samples) / track.rate
    if track.short(seconds):
        raise truncated(path.name, seconds, track.seconds, field)
    return decoded


def _blocks(sound: soundfile.SoundFile, *, endless: bool) -> Iterator[Floats]:
    """Yield samples (n, channels) to the end; of a stream that is cut off all that comes before."""
    from soundfile import LibsndfileError

    begun = False
    while True:
        try:
            block: Any = sound.read(_STREAM_BLOCK if endless else _BLOCK, dtype="float32", always_2d=True)
        except LibsndfileError:
            if endless and begun:
                return
            raise
        if not len(block):
            return
        begun = True
        yield block


def _mixed(blocks: Iterator[Floats], rate: int, channel: int | None, field: str) -> _Decoded:
    """Read to the end, mixing each block down as it comes."""
    most = min(MAX_SAMPLES, MAX_SECONDS * rate)
    parts: list[Floats] = []
    balance = Balance()
    count = 0
    for block in blocks:
        if channel is None:
            balance.add(block)
        parts.append(mono(block, channel))
        count += len(block)
        if count > most:  # longer than its header says
            check_length(count, rate, field)
    return _Decoded(np.concatenate(parts) if parts else np.zeros(0, np.float32), rate, balance)


def _check_channels(channels: int, channel: int | None, field: str) -> None:
    if not 1 <= channels <= MAX_CHANNELS:
        raise invalid("audio-channels", f"has {channels} channels; at most {MAX_CHANNELS} are read", field=field)
    check_channel(channels, channel, field)
