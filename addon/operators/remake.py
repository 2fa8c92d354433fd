# SPDX-License-Identifier: GPL-3.0-or-later
"""Re-make: a stretch of the chosen take, one performer, or only the faces, made again; the rest stays bit for bit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError
from duologue.labels import PERFORMERS
from duologue.take.edit import Edit

from ..briefing import fingerprint, make_brief, what_is_missing
from ..properties import settings_of
from ..scene.timing import frame_rate
from ..session.request import Request
from ..session.session import session
from ..takes import curves, store
from ..takes.listing import About
from .base import Operator
from .perform import sources_in, speech_of, start
from .rules import BUSY, NO_CAST, NO_TAKE, WAIT

if TYPE_CHECKING:
    from bpy.types import Context, Scene

    from ..properties.takes import DUOLOGUE_PG_take


class DUOLOGUE_OT_remake(Operator, bpy.types.Operator):
    """Make a part of the chosen take again, as a new take: a stretch, one performer, or only bodies or faces. The rest stays
    exactly as it is"""

    bl_idname = "duologue.remake"
    bl_label = "Re-make"
    bl_options = {"REGISTER"}
    wait: WAIT

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be a whole take, and a stretch of it."""
        settings = settings_of(context.scene)
        entry = store.current_entry(settings)
        if session.busy:
            return BUSY
        if entry is None:
            return NO_TAKE
        if not entry.complete:
            return "This take was cut off before its end; make it whole with Run Again first"
        if settings.remake.span == "PREVIEW" and not context.scene.use_preview_range:
            return "The timeline has no preview range; set one (P in the timeline), or choose frames"
        if settings.remake.asked == "PANEL":
            return what_is_missing(context, settings)
        return "" if all(p.armature for p in settings.performers()) else NO_CAST

    def run(self, context: Context) -> str:
        """Check everything here, then ask the server."""
        settings = settings_of(context.scene)
        entry = store.current_entry(settings)
        assert entry is not None
        chosen = settings.remake
        part = part_of(context.scene, entry)
        take = store.load_take(entry)
        audio = speech_of(context, entry)
        stored = store.load_brief(entry)
        from_panel = chosen.asked == "PANEL"
        brief = make_brief(context, settings, audio) if from_panel else stored
        if brief.seed == stored.seed:
            brief = replace(brief, seed=_next_seed(context, stored.seed))
        about = About(
            fingerprint(context, settings) if from_panel else entry.fingerprint,
            round(curves.begin_of(entry)),
            sources_in(entry),
            origin_of(part, entry.name, take.seconds),
        )
        request = Request(context.scene.name, brief, audio, about, (take, part))
        start(context, request, self.wait)
        return ""


def part_of(scene: Scene, entry: DUOLOGUE_PG_take) -> Edit:
    """Return the part that the panel asks for; frames of the scene become seconds of the take.

    Raises:
        DuologueError: INVALID_ARGUMENT ``span-empty`` when nothing of the take lies in it; what ``Edit`` raises.
    """
    chosen = settings_of(scene).remake
    start, stop = 0.0, None
    if chosen.span != "WHOLE":
        preview = chosen.span == "PREVIEW"
        first, last = (scene.frame_preview_start, scene.frame_preview_end) if preview else (chosen.start, chosen.stop)
        rate = frame_rate(scene)
        begin = curves.begin_of(entry)
        start, stop = (first - begin) / rate, (last + 1 - begin) / rate
        if last < first or stop <= 0 or start >= entry.seconds:
            end = begin + round(entry.seconds * rate) - 1
            raise DuologueError(
                "INVALID_ARGUMENT",
                "span-empty",
                f"frames {first} to {last} have nothing of {entry.name!r}, which lies at {begin:.0f} to {end:.0f}; choose a "
                "stretch of it",
            )
        start, stop = max(0.0, start), min(stop, entry.seconds)
    return Edit(
        start,
        stop,
        PERFORMERS if chosen.performers == "BOTH" else (chosen.performers,),
        bodies=chosen.part != "FACES",
        faces=chosen.part != "BODIES",
    )


def _next_seed(context: Context, seed: int) -> int:
    """Return a seed that no take has yet, so that the same part made again is another."""
    settings = settings_of(context.scene)
    return 1 + max([seed, *(store.load_brief(entry).seed for entry in settings.takes if entry.brief)])


def origin_of(part: Edit, name: str, seconds: float) -> str:
    """Return in words what of which take was made again."""
    what = [] if part.bodies and part.faces else [_t("Bodies Only") if part.bodies else _t("Faces Only")]
    if len(part.performers) == 1:
        what.append(part.performers[0])
    if part.start > 0 or (part.stop is not None and part.stop < seconds):
        what.append(_t("{start:.1f} to {stop:.1f} s").format(start=part.start, stop=part.stop or seconds))
    return _t("{name}, re-made: {what}").format(name=name, what=", ".join(what) or _t("all"))


CLASSES = (DUOLOGUE_OT_remake,)
