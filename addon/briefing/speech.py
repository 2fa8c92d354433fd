# SPDX-License-Identifier: GPL-3.0-or-later
"""Both voices, out of strips or files, and the words that go with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from duologue.brief import Transcript
from duologue.errors import DuologueError
from duologue.units import Sound, padded_pair

from ..properties import DUOLOGUE_PG_performer, DUOLOGUE_PG_settings, named_performers
from ..scene import compat, sequencer
from ..scene.timing import frame_rate
from ..takes import follow
from . import transcripts
from .rows import in_the_panel
from .transcripts import Stretch

if TYPE_CHECKING:
    from bpy.types import Context

    from ..properties.script import DUOLOGUE_PG_transcript


def read_speech(context: Context, settings: DUOLOGUE_PG_settings) -> tuple[Sound, Sound]:
    """Return both voices, of one length and beginning at the take's first frame.

    Raises:
        DuologueError: NOT_FOUND ``sound-not-found``; INVALID_ARGUMENT ``sound-unreadable``, ``audio-truncated``,
            ``channel-missing``; FAILED_PRECONDITION ``strip-unusable``, ``strip-length``, ``speech-before-take``.
    """
    return read_voices(context, settings)[0]


def read_voices(context: Context, settings: DUOLOGUE_PG_settings) -> tuple[tuple[Sound, Sound], tuple[str, ...]]:
    """Return both voices as :func:`read_speech` does, and notes on how they differ from what is in their files."""
    end = _last_frame(context, settings)
    voices, notes = list[Sound](), list[str]()
    for name, performer in named_performers(settings):
        read = _voice(context, settings, name, performer, end)
        voices.append(Sound(read.samples, read.rate))
        notes += (f"{name}: {note}" for note in read.notes)
    a, b, _ = padded_pair(voices[0], voices[1])
    follow.remember(context, settings)
    return (a, b), tuple(notes)


def read_transcript(
    context: Context, settings: DUOLOGUE_PG_settings, name: str
) -> tuple[Transcript | None, tuple[str, ...]]:
    """Return what a performer says, its times counted from the take's first frame, and notes on what was left out of it.

    Raises:
        DuologueError: what :mod:`.briefing.transcripts` raises, with ``field`` set.
    """
    performer = dict(named_performers(settings))[name]
    given = performer.transcript
    try:
        if given.source == "RECOGNISE":
            return None, ()  # whoever performs hears them where it can
        if given.source == "NONE":
            return Transcript("", "none"), ()
        read = _read_words(given)
    except DuologueError as error:
        given.problem = error.message
        raise DuologueError(error.code, error.reason, error.message, field=f"performers.{name}.transcript") from error
    given.problem = ""
    if read is None or performer.source != "STRIP":
        return read, ()
    moved, notes = transcripts.on_timeline(read, stretches_of(context, settings, name))
    return moved, tuple(f"performers.{name}.transcript: {note}" for note in notes)


def _read_words(chosen: DUOLOGUE_PG_transcript) -> Transcript | None:
    if chosen.source == "TEXT" and chosen.text is not None:
        return transcripts.read_text_block(chosen.text.as_string(), chosen.tier)
    if chosen.source == "FILE" and chosen.file:
        return transcripts.read_file(Path(bpy.path.abspath(chosen.file)), chosen.tier)
    return None


def check_transcript(transcript: DUOLOGUE_PG_transcript) -> None:
    """Read the words once, when they are chosen, and keep what is wrong with them for the panel."""
    transcript.problem = ""
    try:
        _read_words(transcript)
    except DuologueError as error:
        transcript.problem = error.message


def _voice(
    context: Context, settings: DUOLOGUE_PG_settings, name: str, performer: DUOLOGUE_PG_performer, end: float
) -> sequencer.Read:
    """Return one voice, mono."""
    try:
        if performer.source == "FILE":
            read = sequencer.read_sound(Path(bpy.path.abspath(performer.file)))
            samples, mixed = sequencer.pick_channel(read.samples, performer.channel, performer.file)
            return read._replace(samples=samples, notes=(*read.notes, *mixed))
        scene = compat.sequencer_scene(context)
        problem = sequencer.problem(scene, name, performer.strip)
        if problem:
            raise DuologueError("FAILED_PRECONDITION", "strip-unusable", problem)
        audible_strips = sequencer.audible(scene, sequencer.pieces(scene, name, performer.strip))
        if max(compat.strip_range(strip)[1] for strip in audible_strips) <= settings.begin:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "speech-before-take",
                f"the strip {performer.strip!r} ends before the take's first frame {settings.begin}; move one of them",
            )
        return sequencer.read_pieces(scene, audible_strips, settings.begin, end, performer.channel)
    except DuologueError as error:
        located = DuologueError(error.code, error.reason, error.message, field=f"performers.{name}.speech")
        raise in_the_panel(located) from error


def _last_frame(context: Context, settings: DUOLOGUE_PG_settings) -> float:
    """Return the frame after the last that any chosen strip plays."""
    scene = compat.sequencer_scene(context)
    strips = [
        strip
        for name, performer in named_performers(settings)
        if performer.source == "STRIP"
        for strip in sequencer.audible(scene, sequencer.pieces(scene, name, performer.strip))
    ]
    return max((compat.strip_range(strip)[1] for strip in strips), default=float(settings.begin))


def stretches_of(context: Context, settings: DUOLOGUE_PG_settings, name: str) -> list[Stretch]:
    """Return where each piece of a voice plays, in seconds of the take; none of a file's, which plays from its beginning."""
    performer = dict(named_performers(settings))[name]
    if performer.source != "STRIP":
        return []
    scene = compat.sequencer_scene(context)
    rate, first = frame_rate(scene), settings.begin
    stretches: list[Stretch] = []
    for strip in sequencer.audible(scene, sequencer.pieces(scene, name, performer.strip)):
        begin, end = (max(0.0, (frame - first) / rate) for frame in compat.strip_range(strip))
        shift = (compat.strip_range(strip)[0] - compat.strip_offset(strip) - first) / rate
        stretches.append(Stretch(begin, end, shift))
    return stretches
