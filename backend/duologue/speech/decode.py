"""Speech from sound files (see ``soundfiles``) or from memory, checked before a sample is worked on."""

from __future__ import annotations

from typing import Final

import numpy as np

from duologue.brief import Brief, Speech
from duologue.brief.transcript import parse
from duologue.errors import DuologueError, invalid
from duologue.labels import PERFORMERS
from duologue.sounds.channels import check_channel
from duologue.speech.offset import without_offset
from duologue.speech.soundfiles import MAX_SAMPLES, MAX_SECONDS, check_length, read_file
from duologue.units import Sound, padded_pair

__all__ = ["MAX_SAMPLES", "MAX_SECONDS", "SILENCE", "load_noted", "load_pair", "load_speech"]

SILENCE: Final = 1e-3
"""Peak (-60 dB of full scale) under which there is nothing to perform to."""


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
        samples, rate, notes = read_file(speech.path, speech.channel, field)
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
    """Return a sound if it can be performed to, and what was changed: a DC offset is
    removed, samples beyond full scale are scaled down.

    What is nearly silent becomes silent where it may be.

    Raises:
        DuologueError: INVALID_ARGUMENT, as :func:`load_speech`.
    """
    samples, rate = sound.samples, sound.rate
    check_length(len(samples), rate, field)
    finite = np.isfinite(samples)
    if not finite.all():
        at = int(np.argmin(finite)) / rate
        raise invalid(
            "audio-not-finite",
            f"holds NaN or infinite samples, first at {at:.2f} s; export the sound again",
            field=field,
        )
    notes: list[str] = []
    samples, offset = without_offset(samples, rate)
    if offset:
        notes.append(f"it had a DC offset of {offset:.3g} of full scale, which was removed")
    peak = float(np.abs(samples).max())
    if peak < SILENCE:
        level = f"its peak is {20 * np.log10(peak):.0f} dB" if peak else "every sample is zero"
        if may_be_silent:
            notes.append(f"the track is silent ({level}): this performer only listens")
            return Sound(np.zeros_like(samples), rate), tuple(notes)
        raise invalid(
            "audio-silent", f"is silent ({level}); was the right channel or microphone recorded?", field=field
        )
    if peak > 1:
        notes.append(f"samples went up to {peak:.3g} times full scale; the track was scaled down to fit")
        samples = samples / np.float32(peak)
    return Sound(samples, rate), tuple(notes)
