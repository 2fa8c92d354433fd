# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel's touches as a brief's interactions, and back: what is asked for, and what is still wrong with it."""

from __future__ import annotations

import math
import uuid
from typing import TYPE_CHECKING, cast

from bpy.app.translations import pgettext_iface as _t
from duologue.brief.constraints import PerformerName, Side
from duologue.brief.interactions import APPROACH, SHORTEST, Interaction
from duologue.labels import FACE_INTERACTIONS

from ..properties import DUOLOGUE_PG_settings
from ..properties.interaction import DUOLOGUE_PG_interaction, name_of
from ..scene import touch_strips
from ..scene.timing import Clock

if TYPE_CHECKING:
    from bpy.types import Scene

_DIGITS = 4
"""Of what is typed: what the scene's single precision holds."""


def touches(settings: DUOLOGUE_PG_settings, clock: Clock) -> tuple[Interaction, ...]:
    """Return what is asked of the hands, in the order of the list; what is switched off is left out."""
    return tuple(touch_of(item, clock) for item in settings.interactions if item.enabled)


def touch_of(item: DUOLOGUE_PG_interaction, clock: Clock) -> Interaction:
    """Return one touch as a brief has it; times are seconds of the take."""
    performer = cast("PerformerName", item.performer)
    partner: PerformerName = "B" if performer == "A" else "A"
    on_face = item.pattern in FACE_INTERACTIONS
    return Interaction(
        item.pattern,
        performer,
        round(clock.seconds(item.first), _DIGITS),
        round(clock.seconds(item.last), _DIGITS),
        partner if on_face and item.target == "PARTNER" else None,
        _side(item.hand),
        _side(item.side) if on_face else None,
        round(item.press, _DIGITS),
        (round(item.offset[0], _DIGITS), round(item.offset[1], _DIGITS)),
        item.repeat,
        round(item.lean, _DIGITS),
        item.approach,
        "" if item.name == usual_name(item) else item.name,
    )


def _side(chosen: str) -> Side | None:
    return None if chosen == "NEARER" else cast("Side", chosen)


def usual_name(item: DUOLOGUE_PG_interaction) -> str:
    """Return what a touch is called that nobody has named: ``A cup-cheek B``."""
    return name_of(item.performer, item.pattern, item.target)


def fill(item: DUOLOGUE_PG_interaction, touch: Interaction, clock: Clock) -> None:
    """Set a row of the list to what a brief asks for; its key is left alone."""
    item.pattern, item.performer = touch.pattern, touch.performer
    item.target = "SELF" if touch.touched == touch.performer else "PARTNER"
    item.hand, item.side = touch.hand or "NEARER", touch.side or "NEARER"
    item.kept_first, item.kept_last = clock.frame(touch.seconds), clock.frame(touch.until)
    item.press, item.offset, item.repeat = touch.press, touch.offset, touch.repeat
    item.lean, item.approach = touch.lean, touch.approach
    item.name = touch.name or usual_name(item)


def add_row(scene: Scene, settings: DUOLOGUE_PG_settings, touch: Interaction, clock: Clock) -> None:
    """Add what a brief asks for to the list, with a strip."""
    item = new_row(settings)
    fill(item, touch, clock)
    lay_strip(scene, item)


def new_row(settings: DUOLOGUE_PG_settings) -> DUOLOGUE_PG_interaction:
    """Add a row that is known by a key of its own, and choose it."""
    item = settings.interactions.add()
    item.key = uuid.uuid4().hex
    settings.active_interaction = len(settings.interactions) - 1
    return item


def lay_strip(scene: Scene, item: DUOLOGUE_PG_interaction) -> None:
    """Give a row its strip on the timeline."""
    strip = touch_strips.lay(scene, item.key, item.kept_first, item.kept_last)
    touch_strips.show(strip, item.name, item.performer, enabled=item.enabled)


def touch_problem(item: DUOLOGUE_PG_interaction, clock: Clock) -> str:
    """Return what is wrong with a touch by itself, or nothing."""
    if not item.enabled:
        return ""
    first, last = clock.seconds(item.first), clock.seconds(item.last)
    if first < APPROACH:
        return _t(
            "the hand needs {seconds} s from the take's first frame to arrive; let it touch at frame {frame} or later"
        ).format(seconds=APPROACH, frame=clock.first_frame + math.ceil(APPROACH * clock.rate - 1e-6))
    if last - first < SHORTEST:
        return _t("a touch lasts {seconds} s at least; stretch it").format(seconds=SHORTEST)
    return ""


def missing(item: DUOLOGUE_PG_interaction) -> str:
    """Return by how much a solved touch fell short, or nothing."""
    return f"{100 * item.short:.0f} cm" if item.short > 0 else ""
