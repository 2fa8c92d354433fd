"""Speech from sound files (WAV, FLAC, OGG, MP3; what else ``libav`` reads) or from memory, checked before a sample is worked on.

The header is read first: a file that is too long, or that lies about its length, is refused before it is decoded, and
decoding goes block by block into one mono track.
"""

from __future__ import annotations

import stat
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.brief import Brief, Speech
from duologue.brief.transcript import parse
from duologue.errors import DuologueError, invalid
from duologue.files.reading import read_error
from duologue.labels import PERFORMERS
from duologue.speech import container, libav
from duologue.units import Sound, check_channel, mono, padded_pair

if TYPE_CHECKING:
    import soundfile

Floats = NDArray[np.float32]

MIN_RATE, MAX_RATE = 8_000, 192_000
MIN_SECONDS: Final = 0.2
MAX_SECONDS: Final = 30 * 60
MAX_SAMPLES: Final = MAX_SECONDS * 48_000
"""A second bound for tracks at high rates: 345 MB of memory a performer."""
MAX_CHANNELS: Final = 32
SILENCE: Final = 1e-3
"""Peak (-60 dB of full scale) under which there is nothing to perform to."""

_BLOCK: Final = 1 << 18


def load_speech(speech: Speech, field: str = "speech") -> Sound:
    """Decode, or take from memory, one performer's speech.

    Raises:
        DuologueError: NOT_FOUND ``speech-not-found``; PERMISSION_DENIED ``speech-not-readable``; FAILED_PRECONDITION
            ``speech-not-loaded`` (the brief came without its sound); INVALID_ARGUMENT ``speech-is-folder``, ``audio-not-audio``,
            ``audio-empty``, ``audio-rate``, ``audio-too-short``, ``audio-too-long``, ``audio-truncated``, ``audio-channels``,
            ``audio-channel``, ``audio-not-finite``, ``audio-silent``, ``not-a-file``, ``path-malformed``; FAILED_PRECONDITION
            ``audio-needs-hear`` for a kind that only PyAV reads, where it isn't installed.
    """
    return _loaded(speech, field)[0]


def load_noted(speech: Speech, field: str = "speech") -> tuple[Sound, tuple[str, ...]]:
    """Return one performer's speech as :func:`load_pair` would, who may be silent, and notes of what was changed.

    Raises:
        DuologueError: what :func:`load_speech` raises.
    """
    return _loaded(speech, field, may_be_silent=True)


def load_pair(brief: Brief) -> tuple[Sound, Sound, tuple[str, ...]]:
    """Load both performers' speech and pad the shorter with silence, so that both have the same number of frames.

    Returns A's, B's, and notes for the person who asked: what was padded or changed. One of the two may be silent and only
    listen. Transcripts are read as well, so that what is wrong with one is known before any work starts.

    Raises:
        DuologueError: INVALID_ARGUMENT ``audio-silent`` when both are; what :func:`load_speech` and
            :func:`duologue.brief.transcript.parse` raise, with ``field`` naming the performer.
    """
    for name, performer in zip(PERFORMERS, brief.performers, strict=True):
        if performer.transcript is not None:
            parse(performer.transcript, f"performers.{name}.transcript")
    (a, changed_a), (b, changed_b) = (
        _loaded(performer.speech, f"performers.{name}.speech", may_be_silent=True)
        for name, performer in zip(PERFORMERS, brief.performers, strict=True)
    )
    if not (a.samples.any() or b.samples.any()):
        raise invalid("audio-silent", "both tracks are silent; one of the two has to speak", field="performers")
    notes = [
        f"{name}: {note}" for name, changed in zip(PERFORMERS, (changed_a, changed_b), strict=True) for note in changed
    ]
    same = a.rate == b.rate and np.array_equal(a.samples, b.samples)
    a, b, added = padded_pair(a, b)
    notes += added
    if same:
        notes.append(
            "both performers have the same sound; for a stereo file give each its channel: {path = …, channel = 0}"
        )
    return a, b, tuple(notes)


def _loaded(speech: Speech, field: str, *, may_be_silent: bool = False) -> tuple[Sound, tuple[str, ...]]:
    """Return the speech, and what was changed on the way. ``may_be_silent``: somebody who only listens is no mistake."""
    notes: tuple[str, ...] = ()
    if speech.path is not None:
        samples, rate, notes = _from_file(speech.path, speech.channel, field)
        sound = Sound(samples, rate)
    elif speech.sound is not None:
        check_channel(1, speech.channel, field)
        sound = speech.sound
    else:
        raise DuologueError(
            "FAILED_PRECONDITION", "speech-not-loaded", "has neither a file nor samples; give one of them", field=field
        )
    sound, changes = _checked(sound, field, may_be_silent=may_be_silent)
    return sound, (*notes, *changes)


def _checked(sound: Sound, field: str, *, may_be_silent: bool) -> tuple[Sound, tuple[str, ...]]:
    """Return a sound if it can be performed to, and what was changed: samples beyond full scale are scaled down.

    What is nearly silent becomes silent where it may be.

    Raises:
        DuologueError: INVALID_ARGUMENT, as :func:`load_speech`.
    """
    samples, rate = sound.samples, sound.rate
    _check_length(len(samples), rate, field)
    finite = np.isfinite(samples)
    if not finite.all():
        at = int(np.argmin(finite)) / rate
        raise invalid(
            "audio-not-finite",
            f"holds NaN or infinite samples, first at {at:.2f} s; export the sound again",
            field=field,
        )
    peak = float(np.abs(samples).max())
    if peak < SILENCE:
        level = f"its peak is {20 * np.log10(peak):.0f} dB" if peak else "every sample is zero"
        if may_be_silent:
            return Sound(np.zeros_like(samples), rate), (f"the track is silent ({level}): this performer only listens",)
        raise invalid(
            "audio-silent", f"is silent ({level}); was the right channel or microphone recorded?", field=field
        )
    if peak <= 1:
        return sound, ()
    note = f"samples went up to {peak:.3g} times full scale; the track was scaled down to fit"
    return Sound(samples / np.float32(peak), rate), (note,)


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


def _check_length(count: int, rate: int, field: str) -> None:
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


def _from_file(path: Path, channel: int | None, field: str) -> tuple[Floats, int, tuple[str, ...]]:
    import soundfile

    _check_kind(path, field)
    try:
        with ExitStack() as stack:
            file = stack.enter_context(path.open("rb"))
            promise = container.inspect(file)
            if kind := libav.kind_of(file):
                return _from_track(libav.open_track(file, kind, path, field), path, channel, field)
            source: Any = container.Mended(file, promise.sizes) if promise.sizes else path
            sound = stack.enter_context(soundfile.SoundFile(source))
            rate = sound.samplerate
            # A stream of unknown length says "as long as can be": then only decoding tells.
            count = sound.frames if sound.frames < 2**62 and not promise.streamed else 0
            promised = max(count, promise.frames)
            if promise.cut and MIN_RATE <= rate <= MAX_RATE:
                raise _truncated(path, count / rate, promised / rate, field)
            if not promise.streamed:
                _check_length(promised, rate, field)
            _check_channels(sound.channels, channel, field)
            samples = _decoded(sound, channel, field)
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
    if len(samples) < promised - promise.slack:
        raise _truncated(path, len(samples) / rate, promised / rate, field)
    return samples, rate, (promise.note,) if promise.note else ()


def _from_track(track: libav.Track, path: Path, channel: int | None, field: str) -> tuple[Floats, int, tuple[str, ...]]:
    """Read a track of PyAV's to its end, mixing each block down as it comes."""
    rate = track.rate
    if track.seconds:
        _check_length(round(track.seconds * rate), rate, field)
    _check_channels(track.channels, channel, field)
    blocks: list[Floats] = []
    count = 0
    for block in track.blocks:
        blocks.append(mono(block.T, channel))
        count += len(blocks[-1])
        if count > min(MAX_SAMPLES, MAX_SECONDS * rate):  # longer than its header says
            _check_length(count, rate, field)
    if track.short(count / rate):
        raise _truncated(path, count / rate, track.seconds, field)
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32), rate, ()


def _truncated(path: Path, seconds: float, promised: float, field: str) -> DuologueError:
    whole = f" of {promised:.2f} s" if promised > seconds else ""
    message = f"{path.name} ends after {seconds:.2f} s{whole}: it is cut short; copy or export it again"
    return invalid("audio-truncated", message, field=field)


def _decoded(sound: soundfile.SoundFile, channel: int | None, field: str) -> Floats:
    """Read to the end in blocks, mixing each down as it comes."""
    most = min(MAX_SAMPLES, MAX_SECONDS * sound.samplerate)
    blocks: list[Floats] = []
    count = 0
    while True:
        block: Any = sound.read(_BLOCK, dtype="float32", always_2d=True)
        if not len(block):
            return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
        blocks.append(mono(block, channel))
        count += len(block)
        if count > most:  # longer than its header says
            _check_length(count, sound.samplerate, field)


def _check_channels(channels: int, channel: int | None, field: str) -> None:
    if not 1 <= channels <= MAX_CHANNELS:
        raise invalid("audio-channels", f"has {channels} channels; at most {MAX_CHANNELS} are read", field=field)
    check_channel(channels, channel, field)
