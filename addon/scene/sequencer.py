# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech in the video sequencer: strips laid for a take, and sound read from strips that the animator chose."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import aud
import bpy
import numpy as np
from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError, invalid
from duologue.sounds.channels import downmix
from duologue.sounds.containers import inspect_file
from duologue.sounds.promise import check_held, differences, write_mended
from numpy.typing import NDArray

from . import compat
from .data import sound_of, sound_strip
from .paths import as_it_is
from .timing import frame_rate

if TYPE_CHECKING:
    from bpy.types import Scene, SequenceEditor, Strip

VOICE = "duologue_performer"
"""Custom property of a strip: whose voice it holds."""

_MOST_BYTES = 4_000_000_000
"""Of a sound: Blender's decoder reads all of it into memory, and ends Blender where that is not enough."""
_UNREADABLE = cast("type[Exception]", aud.error)
"""What reading a sound ends with. Blender's types don't know that it is an exception."""


def strip_name(performer: str) -> str:
    """Return the name of the strip that holds a performer's speech; a second run replaces the strip of that name."""
    return f"Duologue {performer}"


def lay_speech(scene: Scene, performer: str, path: Path, frame: int, channel: int) -> Strip:
    """Put a sound file on the timeline from ``frame`` on, in place of an earlier one for the same performer.

    Raises:
        DuologueError: NOT_FOUND ``sound-not-found``; INVALID_ARGUMENT ``sound-unreadable``; FAILED_PRECONDITION ``strip-length``.
    """
    if not path.is_file():
        raise DuologueError(
            "NOT_FOUND", "sound-not-found", f"{path} does not exist; give the speech file of {performer}"
        )
    editor = compat.editor_of(scene)
    name = strip_name(performer)
    if (old := editor.strips.get(name)) is not None:
        channel = old.channel
        editor.strips.remove(old)
    try:
        strip = editor.strips.new_sound(name, as_it_is(path), channel, frame)
    except RuntimeError as error:
        raise invalid("sound-unreadable", f"Blender can't read {path} ({error}); convert it to WAV") from error
    try:
        _check_length(scene, strip, read_sound(path))
    except DuologueError:
        editor.strips.remove(strip)
        raise
    sound_strip(strip).show_waveform = True
    return strip


def free_channel(scene: Scene) -> int:
    """Return the lowest channel above every strip of the scene."""
    editor = scene.sequence_editor
    return 1 + max((strip.channel for strip in editor.strips), default=0) if editor else 1


class Read(NamedTuple):
    """A sound as it was read."""

    samples: NDArray[np.float32]
    """(n, channels), or (n,)."""
    rate: int
    notes: tuple[str, ...]
    """How what was read differs from what was there."""
    mended: bool = False
    """Whether its header was wrong."""


def read_sound(path: Path | str) -> Read:
    """Read a sound file with Blender's own decoder, which is handed what the server's is: lengths that nobody counted are
    mended, and what is cut off is named.

    Raises:
        DuologueError: NOT_FOUND ``sound-not-found``; INVALID_ARGUMENT ``sound-unreadable``, ``audio-truncated``.
    """
    path = Path(path)
    if not path.is_file():
        raise DuologueError("NOT_FOUND", "sound-not-found", f"{path} does not exist; choose the file again")
    try:
        promise = inspect_file(path)
        if path.stat().st_size > _MOST_BYTES:
            raise invalid(
                "sound-unreadable", f"{path} is larger than {_MOST_BYTES / 1e9:g} GB; cut it, or export it as mono"
            )
        if not promise.is_mended:
            samples, rate = _decoded(path)
        else:
            with tempfile.TemporaryDirectory(prefix="duologue-") as folder:
                mended = Path(folder, f"sound{path.suffix}")
                write_mended(path, promise, mended)
                samples, rate = _decoded(mended)
    except _UNREADABLE as error:
        raise invalid("sound-unreadable", f"Blender can't read {path} ({error}); convert it to WAV") from error
    except OSError as error:
        raise invalid("sound-unreadable", f"can't read {path}: {error.strerror}") from error
    check_held(promise, rate, path.name)
    notes = differences(promise, len(samples), rate, path.name)
    return Read(samples, rate, notes, promise.is_mended)


def _decoded(path: Path) -> tuple[NDArray[np.float32], int]:
    sound = aud.Sound.file(str(path))
    rate = int(sound.specs[0])  # asked first: of a file that is no sound, data() would end Blender 5.0
    return np.asarray(sound.data(), np.float32), rate


def read_strip(scene: Scene, strip: Strip, start: float, end: float, channel: int = 0) -> Read:
    """Return what a sound strip plays between two frames as mono samples (n,); silence where it plays nothing.

    ``channel``: which of the sound's, counted from 1; 0 mixes all. Cuts are respected; a strip's volume and effects are not:
    speech is analysed as it was recorded.

    Raises:
        DuologueError: what :func:`read_sound` and :func:`pick_channel` raise; FAILED_PRECONDITION ``strip-length``.
    """
    sound = _sound_of(strip)
    _check_length(scene, strip, sound)
    mono, mixed = pick_channel(sound.samples, channel, f"the sound of strip {strip.name!r}")
    rate, fps = sound.rate, frame_rate(scene)
    first, last = compat.strip_range(strip)
    left, right = max(first, start), min(last, end)
    out = np.zeros(max(0, round((end - start) / fps * rate)), np.float32)
    if right > left:
        source = round((left - first + compat.strip_offset(strip)) / fps * rate)
        target = round((left - start) / fps * rate)
        part = mono[source : source + round((right - left) / fps * rate)][: len(out) - target]
        out[target : target + len(part)] = part
    return sound._replace(samples=out, notes=(*sound.notes, *mixed))


def read_pieces(scene: Scene, strips: Sequence[Strip], start: float, end: float, channel: int = 0) -> Read:
    """Return what strips play together, as :func:`read_strip` does for one: a voice that was cut stays one voice.

    Raises:
        DuologueError: what :func:`read_strip` raises; FAILED_PRECONDITION ``strip-rates``.
    """
    voices = [read_strip(scene, strip, start, end, channel) for strip in strips]
    if len({voice.rate for voice in voices}) > 1:
        names = ", ".join(repr(strip.name) for strip in strips)
        raise DuologueError(
            "FAILED_PRECONDITION",
            "strip-rates",
            f"the sounds of the strips {names} have different sample rates; choose strips of one recording",
        )
    notes = dict.fromkeys(note for voice in voices for note in voice.notes)
    samples = np.sum([voice.samples for voice in voices], axis=0, dtype=np.float32)
    return Read(samples, voices[0].rate, tuple(notes))


def pick_channel(samples: NDArray[np.float32], channel: int, what: str) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return one channel (n,) of samples (n,) or (n, channels), counted from 1, and notes on it; 0 mixes all.

    Raises:
        DuologueError: INVALID_ARGUMENT ``channel-missing``.
    """
    count = samples.shape[1] if samples.ndim == 2 else 1
    if channel > count:
        raise invalid("channel-missing", f"{what} has {count} channels; choose one of those, or 0 to mix them")
    return downmix(samples, channel - 1 if channel else None)


def _check_length(scene: Scene, strip: Strip, sound: Read) -> None:
    """Refuse a strip of a sound whose length Blender believes wrongly: the timeline shows too little of it, or far too much.

    Raises:
        DuologueError: FAILED_PRECONDITION ``strip-length``.
    """
    rate = frame_rate(scene)
    shown, held = compat.strip_source_length(strip) / rate, len(sound.samples) / sound.rate
    if sound.mended and not held - 2 / rate <= shown <= held + 1:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "strip-length",
            f"Blender shows {shown:.2f} s of the sound of strip {strip.name!r}, which holds {held:.2f} s: its header is wrong. "
            "Take the file in place of the strip, or export it again as WAV",
        )


def _sound_of(strip: Strip) -> Read:
    """Read a strip's sound: its file, or what is packed into the .blend."""
    sound = sound_of(strip)
    path = Path(bpy.path.abspath(sound.filepath, library=sound.library))
    packed = sound.packed_file
    if packed is None:
        return read_sound(path)
    with tempfile.TemporaryDirectory(prefix="duologue-") as folder:
        unpacked = Path(folder, f"sound{path.suffix}")
        unpacked.write_bytes(packed.data)
        return read_sound(unpacked)


# Whose voice a strip holds -----------------------------------------------------------------------------------------------


def choose(scene: Scene, performer: str, name: str) -> None:
    """Make a strip a performer's voice, in place of those that were. It is marked, so that it stays theirs when it is renamed,
    and so do both halves when it is cut."""
    editor = scene.sequence_editor
    strip = editor.strips.get(name) if editor else None
    if editor is None or strip is None or performer in _voices(strip):
        return
    for other in editor.strips:
        if performer in _voices(other):
            other[VOICE] = _voices(other).replace(performer, "")
    strip[VOICE] = _voices(strip) + performer


def pieces(scene: Scene, performer: str, name: str) -> list[Strip]:
    """Return the sound strips with a performer's voice, in the order of time: the one of that name, and what was cut from it."""
    editor = scene.sequence_editor
    if editor is None or not name:
        return []
    strips = [strip for strip in editor.strips if strip.type == "SOUND" and performer in _voices(strip)]
    if not strips and (strip := editor.strips.get(name)) is not None and strip.type == "SOUND":
        strips = [strip]
    return sorted(strips, key=lambda strip: compat.strip_range(strip)[0])


def audible(scene: Scene, strips: Iterable[Strip]) -> list[Strip]:
    """Return those that are not muted, nor their channel."""
    channels = scene.sequence_editor.channels if scene.sequence_editor else ()
    return [strip for strip in strips if not strip.mute and not channels[strip.channel].mute]


def problem(scene: Scene, performer: str, name: str) -> str:
    """Return why a strip can't be a performer's voice and what to do, or nothing. Cheap enough to be asked at every redraw."""
    editor = scene.sequence_editor
    if editor is None or not name:
        return _t("Choose the sound strip of {name} (add sound in the video sequencer), or take a file").format(
            name=performer
        )
    strips = pieces(scene, performer, name)
    if not strips:
        return _not_a_voice(editor, performer, name)
    audible_strips = audible(scene, strips)
    if not audible_strips:
        return _t("The strip “{strip}” of {name} is muted; unmute it or its channel, or take a file").format(
            strip=name, name=performer
        )
    if any(len(sound_strip(strip).retiming_keys) for strip in audible_strips):
        return _t("The strip “{strip}” of {name} is retimed; reset its retiming, or bake it to a sound file").format(
            strip=name, name=performer
        )
    return ""


def _not_a_voice(editor: SequenceEditor, performer: str, name: str) -> str:
    strip = editor.strips.get(name)
    if strip is not None and strip.type == "META":
        return _t("“{strip}” is a meta strip; separate it and choose a sound strip of it for {name}").format(
            strip=name, name=performer
        )
    if strip is not None:
        return _t("“{strip}” is not a sound strip; choose another for {name}").format(strip=name, name=performer)
    inner = editor.strips_all.get(name)
    if inner is not None and (meta := inner.parent_meta()) is not None:
        return _t(
            "The strip “{strip}” of {name} lies in the meta strip “{meta}”; separate that, or take a file"
        ).format(strip=name, name=performer, meta=meta.name)
    return _t("There is no strip “{strip}”; choose the sound strip of {name}, or take a file").format(
        strip=name, name=performer
    )


def _voices(strip: Strip) -> str:
    """Return the performers whose voice a strip holds: "A", "B", or both where each has a channel of it."""
    return strip.get(VOICE, "")
