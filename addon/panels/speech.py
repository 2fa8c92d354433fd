# SPDX-License-Identifier: GPL-3.0-or-later
"""What they say: the sound, and the words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.labels import PERFORMERS

from ..briefing.missing import speech_problem, transcript_problem
from ..properties import DUOLOGUE_PG_performer, DUOLOGUE_PG_settings, named_performers, settings_of
from ..scene import compat, sequencer
from ..session.speaking import speaking
from .base import Panel, set_options, titled, wrap

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


class DUOLOGUE_PT_speech(Panel, bpy.types.Panel):
    """What they say."""

    bl_label = "Speech"
    bl_parent_id = "DUOLOGUE_PT_main"

    def draw(self, context: Context) -> None:
        """Draw both performers' sound and words, and when the take begins."""
        layout = self.layout
        settings = settings_of(context.scene)
        for name, performer in named_performers(settings):
            column = titled(layout, name)
            _draw_sound(column, context, name, performer)
            _draw_words(column, context, name, performer)
        _draw_dialogue(layout, context, settings)
        layout.use_property_split = True
        layout.use_property_decorate = False
        row = layout.row(align=True)
        row.prop(settings, "begin")
        row.operator("duologue.begin_with_speech", text="", icon="TRACKING_BACKWARDS_SINGLE")
        if any(performer.source == "STRIP" for performer in settings.performers()):
            layout.prop(settings, "follow_strips")
            layout.operator("duologue.align_strips", icon="SNAP_ON")
        if any(performer.source == "FILE" and performer.file for performer in settings.performers()):
            layout.operator("duologue.lay_strips", icon="SEQUENCE")


def _draw_dialogue(layout: UILayout, context: Context, settings: DUOLOGUE_PG_settings) -> None:
    """Draw the script, who speaks it, and how far they have come."""
    column = layout.box().column()
    column.use_property_split = True
    column.use_property_decorate = False
    dialogue = settings.dialogue
    column.prop(dialogue, "text")
    if dialogue.text is None:
        return
    for name, voice in zip(PERFORMERS, (dialogue.a, dialogue.b), strict=True):
        column.prop(voice, "voice", text=_t("Voice of {name}").format(name=name))
        if voice.voice == "FILE":
            column.prop(voice, "file")
    if speaking.busy:
        row = column.row(align=True)
        text = _t("Speaking {share:.0%}").format(share=speaking.fraction)
        row.progress(factor=speaking.fraction, type="BAR", text=text)
        row.operator("duologue.cancel_speaking", text="", icon="X")
    else:
        column.operator("duologue.speak_script", icon="OUTLINER_OB_SPEAKER")
    if speaking.message:
        wrap(column, speaking.message, context, "ERROR", alert=True)


def _draw_sound(column: UILayout, context: Context, name: str, performer: DUOLOGUE_PG_performer) -> None:
    column.row().prop(performer, "source", expand=True)
    scene = compat.sequencer_scene(context)
    if performer.source == "FILE":
        column.prop(performer, "file")
    elif scene.sequence_editor is not None:
        column.prop_search(performer, "strip", scene.sequence_editor, "strips", icon="SOUND")
    else:
        column.label(text="No sound in the sequencer", icon="INFO")
        return
    column.prop(performer, "channel")
    if performer.source != "STRIP" or not performer.strip:
        return
    problem = speech_problem(context, name, performer)
    if problem:
        wrap(column, problem, context, "ERROR", alert=True)
        return
    pieces = sequencer.pieces(scene, name, performer.strip)
    if len(pieces) > 1:
        audible = len(sequencer.audible(scene, pieces))
        wrap(
            column,
            _t("Cut into {count} strips, {heard} are heard").format(count=len(pieces), heard=audible),
            context,
            "INFO",
        )


def _draw_words(column: UILayout, context: Context, name: str, performer: DUOLOGUE_PG_performer) -> None:
    words = performer.transcript
    column.prop(words, "source")
    if words.source == "TEXT":
        column.prop(words, "text")
    elif words.source == "RECOGNISE" and words.text is not None:
        row = column.row(align=True)
        row.prop(words, "text", text="Heard")
        set_options(row.operator("duologue.correct_words", text="", icon="GREASEPENCIL"), performer=name)
    elif words.source == "FILE":
        column.prop(words, "file")
        if words.file.lower().endswith(".textgrid"):
            column.prop(words, "tier")
    problem = transcript_problem(performer) or performer.transcript.problem
    if problem:
        wrap(column, problem, context, "ERROR", alert=True)


CLASSES = (DUOLOGUE_PT_speech,)
