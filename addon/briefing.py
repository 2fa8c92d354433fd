# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the animator set to a brief: speech read out of strips or files, roles, timelines, and where the two stand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np
from duologue.brief import Brief, PerformerBrief, Speech, Start, Timeline
from duologue.errors import DuologueError
from duologue.labels import PERFORMERS, roles
from duologue.take import FPS
from duologue.wire.client import Pcm

from .properties import DUOLOGUE_PG_performer, DUOLOGUE_PG_settings, named_performers
from .scene import compat, sequencer
from .scene.axes import from_blender
from .scene.cast import Performer, cast

if TYPE_CHECKING:
    from bpy.types import Context, Object


def what_is_missing(context: Context, settings: DUOLOGUE_PG_settings) -> str:
    """Return why nothing can be performed yet, in one sentence, or nothing. Cheap enough to be asked at every redraw."""
    for name, performer in named_performers(settings):
        if performer.armature is None:
            return f"Choose an armature for {name}, or add the sample pair"
        if performer.problem:
            return f"{name}: {performer.problem}"
        if performer.source == "FILE" and not performer.file:
            return f"Choose the sound file of {name}"
        if performer.source == "STRIP":
            editor = compat.sequencer_scene(context).sequence_editor
            if editor is None or performer.strip not in editor.strips:
                return f"Choose the sound strip of {name} (add sound in the video sequencer), or take a file"
    if settings.a.armature == settings.b.armature:
        return "A and B are the same armature; choose another for one of them"
    return ""


def cast_both(settings: DUOLOGUE_PG_settings) -> tuple[Performer, Performer]:
    """Recognise both characters.

    Raises:
        DuologueError: what :func:`duologue.addon.scene.cast.cast` raises; FAILED_PRECONDITION ``cast-missing``.
    """
    made: list[Performer] = []
    for name, performer in named_performers(settings):
        if performer.armature is None:
            raise DuologueError("FAILED_PRECONDITION", "cast-missing", f"no armature is chosen for {name}", field=name)
        made.append(cast(name, performer.armature, [performer.face] if performer.face else None))
    return made[0], made[1]


def read_speech(context: Context, settings: DUOLOGUE_PG_settings) -> tuple[Pcm, Pcm]:
    """Return both voices as (samples, rate), of one length and beginning at the take's first frame.

    Raises:
        DuologueError: NOT_FOUND ``sound-not-found``; INVALID_ARGUMENT ``sound-unreadable``, ``channel-missing``.
    """
    end = _last_frame(context, settings)
    voices = [_voice(context, settings, name, performer, end) for name, performer in named_performers(settings)]
    seconds = max(len(samples) / rate for samples, rate in voices)
    a, b = ((np.pad(samples, (0, max(0, round(seconds * rate) - len(samples)))), rate) for samples, rate in voices)
    return a, b


def _last_frame(context: Context, settings: DUOLOGUE_PG_settings) -> float:
    """Return the frame after the last that any chosen strip plays."""
    editor = compat.sequencer_scene(context).sequence_editor
    strips = [editor.strips.get(p.strip) for p in settings.performers() if p.source == "STRIP"] if editor else []
    return max((compat.strip_range(strip)[1] for strip in strips if strip), default=float(settings.first_frame))


def _voice(
    context: Context, settings: DUOLOGUE_PG_settings, name: str, performer: DUOLOGUE_PG_performer, end: float
) -> Pcm:
    if performer.source == "STRIP":
        scene = compat.sequencer_scene(context)
        strip = scene.sequence_editor.strips[performer.strip]
        return sequencer.read_strip(scene, strip, settings.first_frame, end)
    samples, rate = sequencer.read_sound(Path(bpy.path.abspath(performer.file)))
    if samples.ndim == 1:
        samples = samples[:, None]
    if performer.channel > samples.shape[1]:
        raise DuologueError(
            "INVALID_ARGUMENT",
            "channel-missing",
            f"{performer.file} has {samples.shape[1]} channels; choose one of those, or 0 to mix them",
            field=f"performers.{name}.speech.channel",
        )
    return (samples[:, performer.channel - 1] if performer.channel else samples.mean(axis=1)), rate


def make_brief(settings: DUOLOGUE_PG_settings, audio: tuple[Pcm, Pcm]) -> Brief:
    """Return the brief, fully checked.

    Raises:
        DuologueError: what :class:`duologue.brief.Brief` raises.
    """
    halves = roles(settings.relationship)
    if settings.casting == "SECOND":
        halves = halves[::-1]
    parts = [
        PerformerBrief(
            speech=Speech(samples=samples, rate=rate),
            role=role,
            emotion=((0.0, performer.emotion),),
            actions=_actions(performer),
            start=_start(performer),
        )
        for performer, role, (samples, rate) in zip(settings.performers(), halves, audio, strict=True)
    ]
    return Brief(parts[0], parts[1], relationship=settings.relationship, seed=settings.seed, steps=settings.steps)


def _actions(performer: DUOLOGUE_PG_performer) -> Timeline:
    """Return the timeline; of two entries at one second the later line counts."""
    timeline = {0.0: performer.action}
    timeline.update({round(change.seconds, 3): change.action for change in performer.changes})
    return tuple(sorted(timeline.items()))


def _start(performer: DUOLOGUE_PG_performer) -> Start:
    if performer.use_place and performer.armature is not None:
        return place_of(performer.armature)
    x, _, z = from_blender((performer.x, performer.y, 0.0))
    return Start(float(x), float(z), float(performer.heading))


def place_of(armature: Object) -> Start:
    """Return where an armature's object stands and faces: a character faces -Y of its own, as Blender's front view shows it."""
    world = armature.matrix_world
    x, _, z = from_blender(np.array(world.translation, np.float64))
    forward = from_blender(-np.array(world.to_3x3().col[1], np.float64))
    return Start(float(x), float(z), math.atan2(forward[0], forward[2]))


def frames_of(audio: tuple[Pcm, Pcm]) -> int:
    """Return how many frames the take of these voices has."""
    return max(math.ceil(len(samples) / rate * FPS) for samples, rate in audio)


def place_at_start(armature: Object, start: Start) -> None:
    """Stand an armature's object at a start, facing as it says."""
    armature.location = (start.x, -start.z, 0.0)
    armature.rotation_mode = "XYZ"
    armature.rotation_euler = (0.0, 0.0, start.heading)


def sample_starts() -> dict[str, Start]:
    """Return where the sample pair stands: face to face, both turned a little towards the front."""
    turn = math.radians(60.0)
    return dict(zip(PERFORMERS, (Start(-0.6, 0.0, turn), Start(0.6, 0.0, -turn)), strict=True))
