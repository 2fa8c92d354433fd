# SPDX-License-Identifier: GPL-3.0-or-later
"""Make takes: from the panel, once more with another seed, or exactly as one was made."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError
from duologue.labels import PERFORMERS
from duologue.units import Sound

from ..briefing import fingerprint, make_brief, read_speech, read_voices, what_is_missing
from ..briefing.heard import listened_to
from ..cast.casting import cast_both
from ..properties import settings_of
from ..scene import actions
from ..session import servers
from ..session.request import Request
from ..session.session import session
from ..takes import curves, listing, store
from .base import Operator
from .escape import let_escape_cancel
from .rules import BUSY, NO_CAST, NO_TAKE, WAIT

if TYPE_CHECKING:
    from bpy.types import Context

    from ..properties import DUOLOGUE_PG_settings
    from ..properties.takes import DUOLOGUE_PG_take


class DUOLOGUE_OT_perform(Operator, bpy.types.Operator):
    """Make a take of what the panel says: both characters perform the speech, live while it is being made"""

    bl_idname = "duologue.perform"
    bl_label = "Perform"
    bl_options = {"REGISTER"}
    wait: WAIT

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """Say what is still missing."""
        return "A take is being made" if session.busy else what_is_missing(context, settings_of(context.scene))

    def run(self, context: Context) -> str:
        """Check everything here, then ask the server."""
        settings = settings_of(context.scene)
        audio, notes = read_voices(context, settings)
        brief = make_brief(context, settings, audio, notes)
        about = listing.About(fingerprint(context, settings), settings.begin, sources_of(settings))
        request = Request(context.scene.name, brief, audio, about, shown_words=listened_to(context, settings))
        start(context, request, self.wait)
        return ""


class _Again(Operator):
    """What both ways of making a take of a stored brief share."""

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be a take, and two characters to play it."""
        settings = settings_of(context.scene)
        if session.busy:
            return BUSY
        if store.current_entry(settings) is None:
            return NO_TAKE
        return "" if all(p.armature for p in settings.performers()) else NO_CAST


class DUOLOGUE_OT_another_take(_Again, bpy.types.Operator):
    """Make another take of the chosen take's brief: the same speech and script, with a seed that was not used yet"""

    bl_idname = "duologue.another_take"
    bl_label = "Another Take"
    bl_options = {"REGISTER"}
    wait: WAIT

    def run(self, context: Context) -> str:
        """Find the next free seed and ask the server."""
        settings = settings_of(context.scene)
        entry = store.current_entry(settings)
        assert entry is not None
        brief = store.load_brief(entry)
        brief_text = _but_seed(entry)
        seed = 1 + max(store.load_brief(other).seed for other in settings.takes if _but_seed(other) == brief_text)
        audio = speech_of(context, entry)
        origin = _t("Another take of {name}").format(name=entry.name)
        about = listing.About(entry.fingerprint, round(curves.begin_of(entry)), sources_in(entry), origin)
        request = Request(context.scene.name, replace(brief, seed=seed), audio, about)
        start(context, request, self.wait)
        return ""


class DUOLOGUE_OT_run_again(_Again, bpy.types.Operator):
    """Make the chosen take anew from its own brief, speech and seed: on the same machine it comes out the same, bit for bit"""

    bl_idname = "duologue.run_again"
    bl_label = "Run Again"
    bl_options = {"REGISTER"}
    wait: WAIT

    def run(self, context: Context) -> str:
        """Ask the server for the same once more."""
        entry = store.current_entry(settings_of(context.scene))
        assert entry is not None
        audio = speech_of(context, entry)
        origin = _t("{name}, run again").format(name=entry.name)
        about = listing.About(entry.fingerprint, round(curves.begin_of(entry)), sources_in(entry), origin)
        request = Request(context.scene.name, store.load_brief(entry), audio, about)
        start(context, request, self.wait)
        return ""


def start(context: Context, request: Request, wait: float = 0.0) -> None:
    """Ask the server for a performance. Returns at once, or without a window after up to ``wait`` seconds.

    Raises:
        DuologueError: a character can't be animated; what :func:`.servers.target` raises; with ``wait`` why it failed.
    """
    for performer in cast_both(settings_of(context.scene)):
        actions.require_editable([performer.armature])
    session.perform(servers.target(), request)
    if wait:
        session.wait(wait)
    else:
        let_escape_cancel(context)


def _but_seed(entry: DUOLOGUE_PG_take) -> str:
    """Return what an entry was asked for, without the seed, as a text to compare."""
    fields = json.loads(entry.brief or "{}")
    fields.pop("seed", None)
    return json.dumps(fields, sort_keys=True) + entry.speech


def speech_of(context: Context, entry: DUOLOGUE_PG_take) -> tuple[Sound, Sound]:
    """Return the voices that a take was made from: those that were kept with it, else the scene's where they are the same.

    Raises:
        DuologueError: FAILED_PRECONDITION ``speech-changed``; what reading the scene's speech raises.
    """
    stored = store.load_speech(entry)
    if stored is not None:
        return stored
    audio = read_speech(context, settings_of(context.scene))
    if not store.is_speech(entry, audio):
        sources = " and ".join(sources_in(entry))
        raise DuologueError(
            "FAILED_PRECONDITION",
            "speech-changed",
            f"the speech that {entry.name!r} was made from ({sources}) is not kept on this computer, and what the panel names "
            "now is other speech; choose the same strips or files, cut as they were",
        )
    return audio


def sources_of(settings: DUOLOGUE_PG_settings) -> tuple[str, str]:
    """Return where the speech of A and of B comes from, in words."""
    a, b = (p.file if p.source == "FILE" else _t("strip {name}").format(name=p.strip) for p in settings.performers())
    return a, b


def sources_in(entry: DUOLOGUE_PG_take) -> tuple[str, str]:
    """Return where the speech of a take came from, in words."""
    known = [str(about["source"]) for about in json.loads(entry.speech or "[]")]
    a, b = known if len(known) == len(PERFORMERS) else ("", "")
    return a, b


CLASSES = (DUOLOGUE_OT_perform, DUOLOGUE_OT_another_take, DUOLOGUE_OT_run_again)
