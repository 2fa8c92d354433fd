# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech and the sequencer: lay files as strips, let the take begin with the speech, bring strips to a take that was moved."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from bpy.props import EnumProperty
from duologue.errors import DuologueError

from ..properties import named_performers, settings_of
from ..scene import compat, sequencer
from ..session.session import session
from ..takes import follow
from .base import Operator
from .markers import PERFORMER
from .rules import WAIT_FOR_TAKE

if TYPE_CHECKING:
    from bpy.types import Context, Strip


class DUOLOGUE_OT_lay_strips(Operator, bpy.types.Operator):
    """Lay the sound files into the video sequencer, from the take's first frame on, and speak from there: seen, heard, moved"""

    bl_idname = "duologue.lay_strips"
    bl_label = "Add as Strips"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be a file."""
        if session.busy:
            return WAIT_FOR_TAKE
        chosen = [p for p in settings_of(context.scene).performers() if p.source == "FILE" and p.file]
        return "" if chosen else "Choose a sound file for A or B first"

    def run(self, context: Context) -> str:
        """Lay each file on a channel of its own; one sound for both is laid once."""
        settings, scene = settings_of(context.scene), compat.sequencer_scene(context)
        laid: dict[Path, Strip] = {}
        for name, performer in named_performers(settings):
            if performer.source != "FILE" or not performer.file:
                continue
            path = Path(bpy.path.abspath(performer.file)).resolve()
            if path not in laid:
                channel = sequencer.free_channel(scene)
                laid[path] = sequencer.lay_speech(scene, name, path, settings.begin, channel)
            performer.source, performer.strip = "STRIP", laid[path].name
        return ""


class DUOLOGUE_OT_begin_with_speech(Operator, bpy.types.Operator):
    """Let the take begin where the first of the chosen strips begins"""

    bl_idname = "duologue.begin_with_speech"
    bl_label = "Begin with the Speech"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be a strip."""
        return "" if _strips(context) else "Choose a sound strip for A or B first"

    def run(self, context: Context) -> str:
        """Set the first frame."""
        first = min(compat.strip_range(strip)[0] for strip in _strips(context))
        settings_of(context.scene).begin = math.floor(first)
        return ""


class DUOLOGUE_OT_align_strips(Operator, bpy.types.Operator):
    """Move the sound strips to where the take was moved by hand, in the NLA or the dope sheet"""

    bl_idname = "duologue.align_strips"
    bl_label = "Align Strips to Take"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be a take, and it must have been moved."""
        if session.busy:
            return WAIT_FOR_TAKE
        away = [follow.offset(p) for p in settings_of(context.scene).performers() if p.source == "STRIP"]
        if all(frames is None for frames in away):
            return "There is no take that was made from a strip"
        return "" if any(away) else "The take is where its strips are"

    def run(self, context: Context) -> str:
        """Move them, cuts and all."""
        return _t("Moved {count} strips").format(count=follow.align(context, settings_of(context.scene)))


class DUOLOGUE_OT_correct_words(Operator, bpy.types.Operator):
    """Perform from the recognised words from now on: correct them in the text editor, and perform again"""

    bl_idname = "duologue.correct_words"
    bl_label = "Correct Words"
    bl_options = {"REGISTER", "UNDO"}

    performer: EnumProperty(name="Performer", description="Whose it is", items=PERFORMER)

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """Words must have been heard."""
        heard = [p for p in settings_of(context.scene).performers() if p.transcript.text is not None]
        return "" if heard else "No words have been recognised yet: perform first"

    def run(self, context: Context) -> str:
        """Choose the text, and show it where a text editor is open."""
        performer = dict(named_performers(settings_of(context.scene)))[self.performer]
        if performer.transcript.text is None:
            raise DuologueError(
                "FAILED_PRECONDITION", "words-missing", "no words of this performer have been recognised"
            )
        performer.transcript.source = "TEXT"
        for area in context.screen.areas if context.screen is not None else ():
            if isinstance(space := area.spaces.active, bpy.types.SpaceTextEditor):
                space.text = performer.transcript.text
        return _t("{name} speaks from the text {text}").format(name=self.performer, text=performer.transcript.text.name)


def _strips(context: Context) -> list[Strip]:
    scene = compat.sequencer_scene(context)
    return [
        strip
        for name, performer in named_performers(settings_of(context.scene))
        if performer.source == "STRIP"
        for strip in sequencer.audible(scene, sequencer.pieces(scene, name, performer.strip))
    ]


CLASSES = (
    DUOLOGUE_OT_lay_strips,
    DUOLOGUE_OT_begin_with_speech,
    DUOLOGUE_OT_align_strips,
    DUOLOGUE_OT_correct_words,
)
