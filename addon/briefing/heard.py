# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that the server recognised: shown as a text of the file, which can be corrected and performed from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
from duologue.take.heard import HeardWord, subtitles

from ..properties import DUOLOGUE_PG_settings, named_performers
from .speech import stretches_of
from .transcripts import Stretch

if TYPE_CHECKING:
    from bpy.types import Context, Text

_OURS = "duologue_heard"
"""A text's property: the sha256 of what was written into it, so that what an animator has changed since is not overwritten."""


def listened_to(context: Context, settings: DUOLOGUE_PG_settings) -> dict[str, list[Stretch]]:
    """Return, of each performer whose words are to be recognised, where each piece of its sound plays in the take."""
    return {
        name: stretches_of(context, settings, name)
        for name, performer in named_performers(settings)
        if performer.transcript.source == "RECOGNISE"
    }


def show(settings: DUOLOGUE_PG_settings, name: str, words: Sequence[HeardWord], stretches: Sequence[Stretch]) -> None:
    """Write a performer's words into a text, their times counted from the beginning of the sound, as texts have them."""
    performer = dict(named_performers(settings))[name]
    if not words or performer.transcript.source != "RECOGNISE":
        return
    content = subtitles(sorted(_in_the_sound(words, stretches), key=lambda word: word.start))
    text = performer.transcript.text
    if text is None or not is_heard(text):
        text = bpy.data.texts.new(f"{name} heard.srt")
        performer.transcript.text = text
    text.clear()
    text.write(content)
    text[_OURS] = _digest(text)


def is_heard(text: Text) -> bool:
    """Whether a text has recognised words in it, as they were written."""
    return text.get(_OURS) == _digest(text)


def _digest(text: Text) -> str:
    return hashlib.sha256(text.as_string().encode()).hexdigest()


def _in_the_sound(words: Sequence[HeardWord], stretches: Sequence[Stretch]) -> list[HeardWord]:
    moved: list[HeardWord] = []
    for word in words:
        middle = (word.start + word.end) / 2
        shift = next((part.shift for part in stretches if part.begin <= middle < part.end), 0.0)
        moved.append(replace(word, start=max(word.start - shift, 0.0), end=max(word.end - shift, 0.0)))
    return moved


Shown = Mapping[str, Sequence[Stretch]]
"""By performer whose words are shown: where its sound plays."""
