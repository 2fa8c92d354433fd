"""Speech from sound files (WAV, FLAC, OGG, MP3) or from memory, checked before a single sample is worked on.

The header is read first: a file that is too long, or that lies about its length, is refused before it is decoded, and
decoding goes block by block into one mono track.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.brief import Brief, Speech
from duologue.brief.transcript import parse
from duologue.errors import DuologueError, invalid
from duologue.labels import PERFORMERS
from duologue.speech import container
from duologue.units import FPS, frames_of

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


@dataclass(frozen=True)
class Audio:
    """One performer's speech, mono. ``notes`` says what was changed on the way."""

    samples: Floats
    """(n,), in [-1, 1]."""
    rate: int
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / self.rate


def samples_of(frames: int, rate: int) -> int:
    """Return how many samples fill that many frames: the most that ``frames_of`` counts as no more."""
    return frames * rate // FPS


def load_speech(speech: Speech, field: str = "speech", *, may_be_silent: bool = False) -> Audio:
    """Decode, or take from memory, one performer's speech. ``may_be_silent``: somebody who only listens is no mistake.

    Raises:
        DuologueError: NOT_FOUND ``speech-not-found``; PERMISSION_DENIED ``speech-not-readable``; FAILED_PRECONDITION
            ``speech-not-loaded`` (the brief came without its sound); INVALID_ARGUMENT ``speech-is-folder``, ``audio-not-audio``,
            ``audio-empty``, ``audio-rate``, ``audio-too-short``, ``audio-too-long``, ``audio-truncated``, ``audio-channels``,
            ``audio-channel``, ``audio-not-finite``, ``audio-silent``.
    """
    if speech.path is not None:
        mono, rate = _from_file(speech.path, speech.channel, field)
    elif speech.samples is not None:
        mono, rate = _from_memory(speech, field)
    else:
        raise DuologueError(
            "FAILED_PRECONDITION", "speech-not-loaded", "has neither a file nor samples; give one of them", field=field
        )
    return checked(mono, rate, field, may_be_silent=may_be_silent)


def load_pair(brief: Brief) -> tuple[Audio, Audio, tuple[str, ...]]:
    """Load both performers' speech and pad the shorter with silence, so that both have the same number of frames.

    Returns A's, B's, and notes for the person who asked: what was padded or changed. One of the two may be silent and only
    listen. Transcripts are read as well, so that what is wrong with one is known before any work starts.

    Raises:
        DuologueError: INVALID_ARGUMENT ``audio-silent`` when both are; what :func:`load_speech` and
            :func:`duologue.speech.transcript.parse` raise, with ``field`` naming the performer.
    """
    for name, performer in zip(PERFORMERS, brief.performers, strict=True):
        if performer.transcript is not None:
            parse(performer.transcript, f"performers.{name}.transcript")
    a, b = (
        load_speech(performer.speech, f"performers.{name}.speech", may_be_silent=True)
        for name, performer in zip(PERFORMERS, brief.performers, strict=True)
    )
    if not (a.samples.any() or b.samples.any()):
        raise invalid("audio-silent", "both tracks are silent; one of the two has to speak", field="performers")
    notes = [f"{name}: {note}" for name, audio in zip(PERFORMERS, (a, b), strict=True) for note in audio.notes]
    frames = max(frames_of(len(audio.samples), audio.rate) for audio in (a, b))
    difference = a.seconds - b.seconds
    if abs(difference) > 1 / FPS:
        shorter = "B" if difference > 0 else "A"
        notes.append(f"{shorter}'s track is {abs(difference):.2f} s shorter; silence was added at its end")
    if a.rate == b.rate and np.array_equal(a.samples, b.samples):
        notes.append(
            "both performers have the same sound; for a stereo file give each its channel: {path = …, channel = 0}"
        )
    return _padded(a, frames), _padded(b, frames), tuple(notes)


def checked(samples: Floats, rate: int, field: str, *, may_be_silent: bool = False) -> Audio:
    """Return mono samples as :class:`Audio` if they can be performed to; samples beyond full scale are scaled down.

    What is nearly silent becomes silent where it may be, and a note says so.

    Raises:
        DuologueError: INVALID_ARGUMENT, as :func:`load_speech`.
    """
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
            return Audio(np.zeros_like(samples), rate, (f"the track is silent ({level}): this performer only listens",))
        raise invalid(
            "audio-silent", f"is silent ({level}); was the right channel or microphone recorded?", field=field
        )
    if peak <= 1:
        return Audio(samples, rate)
    note = f"samples went up to {peak:.3g} times full scale; the track was scaled down to fit"
    return Audio(samples / np.float32(peak), rate, (note,))


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


def _from_memory(speech: Speech, field: str) -> tuple[Floats, int]:
    given = np.asarray(speech.samples)
    if given.ndim not in {1, 2} or given.dtype.kind != "f":
        raise invalid(
            "audio-not-audio",
            f"samples must be floats (n,) or (n, channels), not {given.dtype} {given.shape}",
            field=field,
        )
    samples = given.astype(np.float32, copy=False)
    _check_length(len(samples), speech.rate, field)
    if samples.ndim == 1:
        samples = samples[:, None]
    _check_channels(samples.shape[1], speech.channel, field)
    return _mono(samples, speech.channel), speech.rate


def _from_file(path: Path, channel: int | None, field: str) -> tuple[Floats, int]:
    import soundfile

    if path.is_dir():
        raise invalid("speech-is-folder", f"{path} is a folder; name a sound file in it", field=field)
    try:
        with path.open("rb") as file:
            promise = container.inspect(file)
        with soundfile.SoundFile(path) as sound:
            rate = sound.samplerate
            # A stream of unknown length says "as long as can be": then only decoding tells.
            count = sound.frames if sound.frames < 2**62 else 0
            promised = max(count, promise.frames)
            if promise.cut and MIN_RATE <= rate <= MAX_RATE:
                raise _truncated(path, count / rate, promised / rate, field)
            if not promise.streamed:
                _check_length(promised, rate, field)
            _check_channels(sound.channels, channel, field)
            mono = _decoded(sound, channel, field)
    except FileNotFoundError as error:
        raise DuologueError("NOT_FOUND", "speech-not-found", f"there is no file {path}", field=field) from error
    except soundfile.LibsndfileError as error:
        raise invalid(
            "audio-not-audio",
            f"{path.name} can't be decoded ({error.error_string.strip()}); use a whole WAV, FLAC, OGG or MP3 file",
            field=field,
        ) from error
    except OSError as error:
        raise DuologueError(
            "PERMISSION_DENIED", "speech-not-readable", f"can't read {path}: {error.strerror}", field=field
        ) from error
    if len(mono) < promised - promise.slack:
        raise _truncated(path, len(mono) / rate, promised / rate, field)
    return mono, rate


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
        blocks.append(_mono(block, channel))
        count += len(block)
        if count > most:  # longer than its header says
            _check_length(count, sound.samplerate, field)


def _check_channels(channels: int, channel: int | None, field: str) -> None:
    if not 1 <= channels <= MAX_CHANNELS:
        raise invalid("audio-channels", f"has {channels} channels; at most {MAX_CHANNELS} are read", field=field)
    if channel is not None and not 0 <= channel < channels:
        has = f"channels 0 to {channels - 1}" if channels > 1 else "only channel 0"
        raise invalid("audio-channel", f"has no channel {channel}: it has {has}", field=field)


def _mono(samples: Floats, channel: int | None) -> Floats:
    if channel is not None:
        return samples[:, channel].copy()
    return samples[:, 0].copy() if samples.shape[1] == 1 else samples.mean(axis=1, dtype=np.float32)


def _padded(audio: Audio, frames: int) -> Audio:
    count = samples_of(frames, audio.rate)
    return Audio(np.pad(audio.samples, (0, max(0, count - len(audio.samples)))), audio.rate, audio.notes)
