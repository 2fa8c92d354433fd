# SPDX-License-Identifier: GPL-3.0-or-later
"""One touch as it is asked for: who, whom, how, where, and when. While it has a strip in the sequencer, that says when."""

from __future__ import annotations

import re
from typing import Any, cast

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, FloatVectorProperty, IntProperty, StringProperty
from duologue.brief.interactions import LARGEST_OFFSET
from duologue.labels import BODY_INTERACTIONS, FACE_INTERACTIONS, PERFORMERS

from ..scene import touch_strips


def _title(pattern: str) -> str:
    return pattern.replace("-", " ").capitalize()


PATTERNS = [
    ("", "Face", ""),
    *((name, _title(name), "", number) for number, name in enumerate(FACE_INTERACTIONS)),
    ("", "Partner", ""),
    *((name, _title(name), "", 100 + number) for number, name in enumerate(BODY_INTERACTIONS)),
]
"""What can be done; headings among it."""

_USUAL = re.compile(r"[AB] [a-z-]+ [AB]")

_SIDES = [("NEARER", "Nearer", "Whichever is easier to reach"), ("left", "Left", ""), ("right", "Right", "")]


def _strip(item: Any) -> Any:
    return touch_strips.find(cast("bpy.types.Scene", item.id_data), item.key)


def _first(item: DUOLOGUE_PG_interaction) -> int:
    strip = _strip(item)
    return touch_strips.span(strip)[0] if strip is not None else item.kept_first


def _last(item: DUOLOGUE_PG_interaction) -> int:
    strip = _strip(item)
    return touch_strips.span(strip)[1] if strip is not None else item.kept_last


def _set_first(item: DUOLOGUE_PG_interaction, frame: int) -> None:
    _set_span(item, frame, max(_last(item), frame + 1))


def _set_last(item: DUOLOGUE_PG_interaction, frame: int) -> None:
    _set_span(item, min(_first(item), frame - 1), frame)


def _set_span(item: DUOLOGUE_PG_interaction, first: int, last: int) -> None:
    item.kept_first, item.kept_last = first, last
    if (strip := _strip(item)) is not None:
        touch_strips.set_span(strip, first, last)


def _renamed(item: DUOLOGUE_PG_interaction, _: bpy.types.Context) -> None:
    if (strip := _strip(item)) is not None:
        touch_strips.show(strip, item.name, item.performer, enabled=item.enabled)


def name_of(performer: str, pattern: str, target: str) -> str:
    """Return what a touch is called by who does what to whom: ``A cup-cheek B``."""
    other = "B" if performer == "A" else "A"
    whom = performer if pattern in FACE_INTERACTIONS and target == "SELF" else other
    return f"{performer} {pattern} {whom}"


def _changed(item: DUOLOGUE_PG_interaction, context: bpy.types.Context) -> None:
    """Keep the name true, unless somebody has given another."""
    if _USUAL.fullmatch(item.name):
        item.name = name_of(item.performer, item.pattern, item.target)
    else:
        _renamed(item, context)


class DUOLOGUE_PG_interaction(bpy.types.PropertyGroup):
    """One touch."""

    name: StringProperty(name="Name", description="What lists and the strip call it", update=_renamed)
    key: StringProperty(name="Key", description="What its strip is known by", options={"HIDDEN"})
    enabled: BoolProperty(
        name="Enabled", description="Solve this one; off keeps it for later", default=True, update=_renamed
    )
    pattern: EnumProperty(
        name="Touch", description="What the hand does", items=PATTERNS, default="cup-cheek", update=_changed
    )
    performer: EnumProperty(
        name="Who",
        description="Who touches",
        items=[(name, name, f"Performer {name}") for name in PERFORMERS],
        update=_changed,
    )
    target: EnumProperty(
        name="Whom",
        description="Who is touched",
        items=[
            ("PARTNER", "Partner", "The partner"),
            ("SELF", "Oneself", "One's own face; hands, shoulders and backs are always the partner's"),
        ],
        update=_changed,
    )
    hand: EnumProperty(name="Hand", description="Which hand touches", items=_SIDES)
    side: EnumProperty(name="Side", description="Which side of the face is touched, as its owner has it", items=_SIDES)
    first: IntProperty(
        name="First Touch",
        description="The frame at which the hand first touches; it sets out before",
        get=_first,
        set=_set_first,
    )
    last: IntProperty(
        name="Lets Go",
        description="The frame at which the hand lets go; it is back a moment later",
        get=_last,
        set=_set_last,
    )
    kept_first: IntProperty(name="First Frame", description="Where there is no strip", default=30, options={"HIDDEN"})
    kept_last: IntProperty(name="Last Frame", description="Where there is no strip", default=75, options={"HIDDEN"})
    press: FloatProperty(
        name="Pressure",
        description="How deep, of what the skin allows there",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    offset: FloatVectorProperty(
        name="Offset",
        description="Millimetres on the skin away from the usual place: outwards and upwards",
        size=2,
        min=-LARGEST_OFFSET,
        max=LARGEST_OFFSET,
        step=100,
        precision=1,
    )
    repeat: IntProperty(name="Repeat", description="How often the hand's path is run through", default=1, min=1, max=8)
    lean: FloatProperty(
        name="Lean",
        description="How much shoulder and chest help an arm that is short",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    approach: BoolProperty(
        name="Step Near",
        description="When performed: lead the body near enough, and back afterwards, where the two stand too far apart",
    )
    short: FloatProperty(
        name="Short", description="Metres that were missing when it was solved", options={"HIDDEN"}, unit="LENGTH"
    )
    told: StringProperty(name="Note", description="What was noticed when it was solved", options={"HIDDEN"})


CLASSES = (DUOLOGUE_PG_interaction,)
