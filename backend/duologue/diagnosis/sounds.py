"""A sound as it is heard: its container, its length as promised and as read, how loud it is, and how much of it is speech."""

from __future__ import annotations

from typing import Any

import numpy as np

from duologue.brief import Speech
from duologue.diagnosis.examined import Examined
from duologue.errors import DuologueError
from duologue.sounds.containers import inspect_file
from duologue.speech.activity import level, threshold, voice_activity
from duologue.speech.decode import load_noted
from duologue.units import Sound


def examine_sound(examined: Examined) -> None:
    """Read a sound as a performance does, and note what it is like."""
    examined.facts |= _header(examined)
    try:
        sound, notes = load_noted(Speech(examined.path), "")
    except DuologueError as error:
        examined.refuse(error)
        return
    examined.facts |= _heard(sound)
    examined.note(notes)


def _header(examined: Examined) -> dict[str, Any]:
    """Return what the file says of itself, as far as libsndfile knows its kind."""
    import soundfile

    try:
        promised = inspect_file(examined.path)
        about = soundfile.info(str(examined.path))
    except (OSError, RuntimeError):
        return {}
    channels = (
        "its only one"
        if about.channels == 1
        else f"all {about.channels}, averaged, where a brief names none; one, where they cancel or only one has a voice"
    )
    facts: dict[str, Any] = {
        "container": about.format_info,
        "codec": about.subtype_info,
        "rate_hz": about.samplerate,
        "channels": about.channels,
        "channel_used": channels,
    }
    counted = about.frames if about.frames < 2**62 and not (promised.uncounted or promised.is_mended) else 0
    frames = max(promised.frames, counted)
    facts["length_promised_s"] = round(frames / about.samplerate, 3) if frames else None
    return facts


def _heard(sound: Sound) -> dict[str, Any]:
    levels = level(sound.samples, sound.rate, sound.frames)
    peak = float(np.abs(sound.samples).max())
    facts: dict[str, Any] = {"rate_hz": sound.rate, "length_s": round(sound.seconds, 3)}
    if not peak:
        return facts | {"speech_share": 0.0}
    return facts | {
        "peak_db": round(20 * np.log10(peak), 1),
        "speech_level_db": round(threshold(levels)[1], 1),
        "offset": round(float(sound.samples.mean(dtype=np.float64)), 4),
        "speech_share": round(float(voice_activity(levels).mean()), 3),
    }
