# SPDX-License-Identifier: GPL-3.0-or-later
"""What still has to be chosen before anything can be performed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpy.app.translations import pgettext_iface as _t

from ..properties import DUOLOGUE_PG_performer, DUOLOGUE_PG_settings, named_performers
from ..scene import compat, sequencer
from .targets import target_problem

if TYPE_CHECKING:
    from bpy.types import Context


def what_is_missing(context: Context, settings: DUOLOGUE_PG_settings) -> str:
    """Return why nothing can be performed yet, in one sentence, or nothing. Cheap enough to be asked at every redraw."""
    for name, performer in named_performers(settings):
        problem = _cast_problem(name, performer) or speech_problem(context, name, performer)
        if problem:
            return problem
    if settings.a.armature == settings.b.armature:
        return _t("A and B are the same armature; choose another for one of them")
    for name, performer in named_performers(settings):
        problem = transcript_problem(performer) or start_problem(performer) or _targets_problem(context, performer)
        if problem:
            return f"{name}: {problem}"
    return ""


def _cast_problem(name: str, performer: DUOLOGUE_PG_performer) -> str:
    if performer.armature is None:
        return _t("Choose an armature for {name}, or add the sample pair").format(name=name)
    return f"{name}: {performer.problem}" if performer.problem else ""


def speech_problem(context: Context, name: str, performer: DUOLOGUE_PG_performer) -> str:
    """Return why a performer has no voice yet, or nothing."""
    if performer.source == "STRIP":
        return sequencer.problem(compat.sequencer_scene(context), name, performer.strip)
    return "" if performer.file else _t("Choose the sound file of {name}").format(name=name)


def transcript_problem(performer: DUOLOGUE_PG_performer) -> str:
    """Return why the words can't be read, or nothing. A text may be edited at any moment and may be long: Perform reads it."""
    transcript = performer.transcript
    if transcript.source == "TEXT" and transcript.text is None:
        return _t("Choose the text with the words, or set Words to None")
    if transcript.source == "FILE":
        return transcript.problem if transcript.file else _t("Choose the file with the words, or set Words to None")
    return ""


def start_problem(performer: DUOLOGUE_PG_performer) -> str:
    """Return why a performer has no start, or nothing."""
    if performer.start.source == "OBJECT" and performer.start.target is None:
        return _t("Choose the object to start at, or draw a start")
    return ""


def _targets_problem(context: Context, performer: DUOLOGUE_PG_performer) -> str:
    for target in performer.targets:
        problem = target_problem(context.scene, target)
        if problem:
            return f"“{target.name}”: {problem}"
    return ""
