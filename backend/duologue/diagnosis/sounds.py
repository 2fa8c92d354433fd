"""A sound as it is heard: its container, its length as promised and as read, how loud it is, and how much of it is speech."""

from __future__ import annotations

from typing import Any

import numpy as np

from duologue.brief import Speech
from duologue.diagnosis.examined import Examined
from duologue.errors import DuologueError
from duologue.sounds.containers import inspect_file
from duologue.speech import libav
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
    """Return what the file says of itself, as far as its kind is known."""
    import soundfile

    try:
        with examined.path.open("rb") as file:
            if kind := libav.kind_of(file):
                track = libav.open_track(file, kind, examined.path, "")
                return _facts(libav.KINDS[kind], track.codec, track.rate, track.channels, track.seconds)
        promised = inspect_file(examined.path)
        about = soundfile.info(str(examined.path))
    except (DuologueError, OSError, RuntimeError):  # whoever reads it says so
        return {}
    counted = about.frames if about.frames < 2**62 and not (promised.uncounted or promised.is_mended) else 0
    # Where the header is wrong, what was read is no promise: the note says what stands there.
    seconds = 0.0 if promised.note else max(promised.frames, counted) / about.samplerate
    return _facts(about.format_info, about.subtype_info, about.samplerate, about.channels, seconds)


def _facts(container: str, codec: str, rate: int, channels: int, seconds: float) -> dict[str, Any]:
    used = f"all {channels}, averaged, where a brief names none; one, where they cancel or only one has a voice"
    return {
        "container": container,
        "codec": codec,
        "rate_hz": rate,
        "channels": channels,
        "channel_used": "its only one" if channels == 1 else used,
        "length_promised_s": round(seconds, 3) or None,
    }


def _heard(sound: Sound) -> dict[str, Any]:
    levels = level(sound.samples, sound.rate, sound.frames)
    peak = float(np.abs(sound.samples).max())
    facts: dict[str, Any] = {"rate_hz": sound.rate, "length_s": round(sound.seconds, 3)}
    if not peak:
        return facts | {"speech_share": 0.0}
    return facts | {
        "peak_db": round(20 * np.log10(peak), 1),
        "speech_level_db": round(threshold(levels)[1], 1),
        "speech_share": round(float(voice_activity(levels).mean()), 3),
    }
