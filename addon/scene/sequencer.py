# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech in the video sequencer: strips laid for a take, and sound read from strips that the animator chose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import aud
import bpy
import numpy as np
from duologue.errors import DuologueError, invalid
from numpy.typing import NDArray

from . import compat

if TYPE_CHECKING:
    from bpy.types import Scene, Strip


def strip_name(performer: str) -> str:
    """Return the name of the strip that holds a performer's speech; a second run replaces the strip of that name."""
    return f"Duologue {performer}"


def lay_speech(scene: Scene, performer: str, path: Path, frame: int, channel: int) -> Strip:
    """Put a sound file on the timeline from ``frame`` on, in place of an earlier one for the same performer.

    Raises:
        DuologueError: NOT_FOUND ``sound-not-found``; INVALID_ARGUMENT ``sound-unreadable``.
    """
    if not path.is_file():
        raise DuologueError(
            "NOT_FOUND", "sound-not-found", f"{path} does not exist; give the speech file of {performer}"
        )
    editor = scene.sequence_editor or scene.sequence_editor_create()
    name = strip_name(performer)
    if (old := editor.strips.get(name)) is not None:
        channel = old.channel
        editor.strips.remove(old)
    try:
        strip = editor.strips.new_sound(name, str(path), channel, frame)
    except RuntimeError as error:
        raise invalid("sound-unreadable", f"Blender can't read {path} ({error}); convert it to WAV") from error
    strip.show_waveform = True
    return strip


def free_channel(scene: Scene) -> int:
    """Return the lowest channel above every strip of the scene."""
    editor = scene.sequence_editor
    return 1 + max((strip.channel for strip in editor.strips), default=0) if editor else 1


def read_sound(path: Path | str) -> tuple[NDArray[np.float32], int]:
    """Read a sound file with Blender's own decoder: samples (n, channels) and the rate in Hz.

    Raises:
        DuologueError: NOT_FOUND ``sound-not-found``; INVALID_ARGUMENT ``sound-unreadable``.
    """
    if not Path(path).is_file():
        raise DuologueError("NOT_FOUND", "sound-not-found", f"{path} does not exist; choose the file again")
    try:
        sound = aud.Sound.file(str(path))
        rate = int(sound.specs[0])  # asked first: of a file that is no sound, data() would end Blender 5.0
        return np.asarray(sound.data(), np.float32), rate
    except aud.error as error:
        raise invalid("sound-unreadable", f"Blender can't read {path} ({error}); convert it to WAV") from error


def read_strip(scene: Scene, strip: Strip, start: float, end: float) -> tuple[NDArray[np.float32], int]:
    """Return what a sound strip plays between two frames as mono samples (n,) and their rate; silence where it plays nothing.

    Cuts are respected; a strip's volume, speed and effects are not: speech is analysed as it was recorded.

    Raises:
        DuologueError: what :func:`read_sound` raises.
    """
    samples, rate = read_sound(bpy.path.abspath(strip.sound.filepath))
    mono = samples.mean(axis=1) if samples.ndim == 2 else samples
    fps = scene.render.fps / scene.render.fps_base
    first, last = compat.strip_range(strip)
    left, right = max(first, start), min(last, end)
    out = np.zeros(max(0, round((end - start) / fps * rate)), np.float32)
    if right <= left:
        return out, rate
    source = round((left - first + compat.strip_offset(strip)) / fps * rate)
    target = round((left - start) / fps * rate)
    part = mono[source : source + round((right - left) / fps * rate)][: len(out) - target]
    out[target : target + len(part)] = part
    return out, rate


def sound_strips(scene: Scene) -> list[Strip]:
    """Return the scene's sound strips, the ones inside meta strips left out, in the order they begin."""
    editor = scene.sequence_editor
    strips = [strip for strip in editor.strips if strip.type == "SOUND"] if editor else []
    return sorted(strips, key=lambda strip: compat.strip_range(strip)[0])
