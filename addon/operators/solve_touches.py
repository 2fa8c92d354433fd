# SPDX-License-Identifier: GPL-3.0-or-later
"""Solve: the touches of the list, on the characters, above the take; and Remove: without a trace. Esc ends the solving."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.brief import HandTarget
from duologue.brief.interactions import Interaction, check_interactions
from duologue.errors import DuologueError
from duologue.interactions.response import temper
from duologue.interactions.settling import TOLERATED
from duologue.units import FPS

from ..briefing.rows import Rows, translated
from ..briefing.touches import touch_of, touch_problem
from ..cast.casting import cast_both
from ..interactions import solving
from ..properties import scene_of, settings_of
from ..rendering.touches import looks_of
from ..session.session import session
from ..takes import listing, store
from ..takes.curves import clock_of
from .base import Operator, folded
from .rules import BUSY, NO_CAST
from .stepping import SteppingOperator, Steps

if TYPE_CHECKING:
    from bpy.types import Context, Scene

    from ..properties import DUOLOGUE_PG_settings
    from ..properties.interaction import DUOLOGUE_PG_interaction
    from ..properties.takes import DUOLOGUE_PG_take


class DUOLOGUE_OT_solve_touches(SteppingOperator, bpy.types.Operator):
    """Let the hands touch as the list says: a layer above the take, with the gaze that goes there first, and skin that gives way.
    Press again after a change; Esc stops it"""

    bl_idname = "duologue.solve_touches"
    bl_label = "Solve"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be two characters, and touches that can be."""
        settings = settings_of(context.scene)
        if session.busy:
            return BUSY
        if any(performer.armature is None for performer in settings.performers()):
            return NO_CAST
        if any(p.armature.animation_data and p.armature.animation_data.use_tweak_mode for p in settings.performers()):
            return "A strip is being tweaked; press Stop Tweaking first"
        if not any(item.enabled for item in settings.interactions):
            return "No touch is asked for; add one to the list"
        clock = clock_of(context.scene)
        for item in settings.interactions:
            if problem := touch_problem(item, clock):
                return f"“{item.name}”: {problem}"
        return ""

    def begin(self, context: Context) -> Steps[solving.Solution]:
        """Check everything, and begin."""
        scene = context.scene
        settings, asked = settings_of(scene), asked_of(scene)
        entry = store.current_entry(settings)
        if entry is not None and entry.key != settings.shown_take:
            listing.play(scene, entry)
        return _told(solving.steps(scene, cast_both(settings), asked))

    def finish(self, context: Context, made: solving.Solution) -> str:
        """Write into the list what was missing where."""
        settings = settings_of(context.scene)
        _tell(settings, made)
        for note in solving.notes_of(made):
            self.report({"WARNING"}, folded(note))
        return _t("Solved {count} touches").format(count=len(made.track.touches))

    def stopped(self) -> str:
        """The scene is as before."""
        return _t("Stopped; nothing was changed")


class DUOLOGUE_OT_remove_touches(Operator, bpy.types.Operator):
    """Take everything that Solve made off both characters: they are as they were before, and the list stays"""

    bl_idname = "duologue.remove_touches"
    bl_label = "Remove"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be something solved."""
        if session.busy:
            return BUSY
        settings = settings_of(context.scene)
        return "" if solving.any_touch(armatures_of(settings)) else "No touch is solved"

    def run(self, context: Context) -> str:
        """Take layers and keys away."""
        settings = settings_of(context.scene)
        solving.remove(context.scene, armatures_of(settings))
        for item in settings.interactions:
            item.short, item.told = 0.0, ""
        return _t("The touches are taken away; the list stays")


def _told(steps: solving.Steps) -> Steps[solving.Solution]:
    """Say in the status bar what is being done."""
    try:
        while True:
            try:
                stage, share = next(steps)
            except StopIteration as end:
                return end.value
            yield _said(stage, share), share
    finally:
        steps.close()


def _said(stage: str, share: float) -> str:
    texts = {
        "Reading": _t("Reading the characters, {share:.0%}; Esc stops"),
        "Solving": _t("Solving the touches, {share:.0%}; Esc stops"),
        "Writing": _t("Writing, {share:.0%}; Esc stops"),
    }
    return texts[stage].format(share=share)


def armatures_of(settings: DUOLOGUE_PG_settings) -> list[bpy.types.Object]:
    """Return who plays now, and who played takes."""
    now = [performer.armature for performer in settings.performers()]
    then = [armature for entry in settings.takes for armature in entry.armatures()]
    return list(dict.fromkeys(armature for armature in (*now, *then) if armature is not None))


def _enabled(settings: DUOLOGUE_PG_settings) -> list[DUOLOGUE_PG_interaction]:
    return [item for item in settings.interactions if item.enabled]


def asked_of(scene: Scene) -> solving.Asked:
    """Return what the panel asks for, on the chosen take; without one, on whatever plays in the scene's range.

    Raises:
        DuologueError: what :func:`duologue.brief.interactions.check_interactions` raises, with ``field`` naming the row.
    """
    settings, clock = settings_of(scene), clock_of(scene)
    entry = store.current_entry(settings)
    total = entry.frames if entry is not None else int(clock.seconds(scene.frame_end + 1) * FPS)
    brief = store.load_brief(entry) if entry is not None and entry.brief else None
    held = [c for c in brief.constraints if isinstance(c, HandTarget)] if brief is not None else []
    items = _enabled(settings)
    touches = tuple(touch_of(item, clock) for item in items)
    with translated(Rows(touches=[item.name for item in items])):
        check_interactions(touches, held, total / FPS)
    yields = tuple(temper(brief, one) if brief is not None else _plain(one) for one in touches)
    key = entry.key if entry is not None else ""
    looks = _looks(entry) if entry is not None else ({}, {})
    return solving.Asked(touches, clock.first_frame, total, key, yields, tuple(held), looks, settings.skin)


def _plain(touch: Interaction) -> float:
    """Nobody gives way to their own hand."""
    return 0.0 if touch.touched == touch.performer else 1.0


def _looks(entry: DUOLOGUE_PG_take) -> tuple[solving.Weights, ...]:
    """Return where both look in a take; nothing where its file is not here."""
    try:
        return looks_of(store.load_take(entry))
    except DuologueError:
        return ({}, {})


def _tell(settings: DUOLOGUE_PG_settings, solution: solving.Solution) -> None:
    """Write into the list what was missing where."""
    for item in settings.interactions:
        item.short, item.told = 0.0, ""
    clock = clock_of(scene_of(settings))
    for item in _enabled(settings):
        asked = touch_of(item, clock)
        for touch in solution.track.touches:
            if (touch.pattern, touch.performer, touch.touches) == (asked.pattern, asked.performer, asked.seconds):
                item.short = touch.short if touch.short > TOLERATED else 0.0
                item.told = "; ".join(touch.notes[bool(item.short) :])  # the first says how short; the panel does, too
        for one in solution.track.unsolved:
            known = one.asked["pattern"], one.asked["performer"], one.asked["seconds"]
            if known == (asked.pattern, asked.performer, asked.seconds):
                item.told = one.note


CLASSES = (DUOLOGUE_OT_solve_touches, DUOLOGUE_OT_remove_touches)
