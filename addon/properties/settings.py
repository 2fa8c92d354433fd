# SPDX-License-Identifier: GPL-3.0-or-later
"""What is set for a scene: both performers, what they are to each other, and how the take is made."""

from __future__ import annotations

from typing import cast

import bpy
from bpy.app.translations import pgettext_iface as _t
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, IntProperty, PointerProperty, StringProperty
from duologue.labels import RELATIONSHIPS, roles

from . import hooks
from .interaction import DUOLOGUE_PG_interaction
from .output import DUOLOGUE_PG_output
from .passes import DUOLOGUE_PG_passes
from .performer import DUOLOGUE_PG_performer
from .script import DUOLOGUE_PG_strengths
from .takes import DUOLOGUE_PG_gain, DUOLOGUE_PG_remake, DUOLOGUE_PG_take
from .video import DUOLOGUE_PG_video
from .voices import DUOLOGUE_PG_dialogue

_RELATIONSHIPS = [(name, name[0].upper() + name[1:], "") for name in RELATIONSHIPS]


def _role_items(settings: DUOLOGUE_PG_settings, _: bpy.types.Context | None) -> list[tuple[str, str, str, int]]:
    """Offer both ways to give out the roles of a relationship that has two."""
    first, second = roles(settings.relationship)
    text, first, second = _t("A: {a}, B: {b}"), _t(first), _t(second)
    _ROLE_ITEMS[:] = [
        ("FIRST", text.format(a=first, b=second), "", 0),
        ("SECOND", text.format(a=second, b=first), "", 1),
    ]
    return _ROLE_ITEMS


_ROLE_ITEMS: list[tuple[str, str, str, int]] = []  # Blender reads these texts later, so they must stay alive


def _choose(settings: DUOLOGUE_PG_settings, _: bpy.types.Context) -> None:
    hooks.take_chosen(settings.id_data)


def _begin(settings: DUOLOGUE_PG_settings) -> int:
    scene = cast("bpy.types.Scene", settings.id_data)
    return settings.first_frame if settings.is_property_set("first_frame") else scene.frame_start


def _set_begin(settings: DUOLOGUE_PG_settings, frame: int) -> None:
    settings.first_frame = frame


class DUOLOGUE_PG_settings(bpy.types.PropertyGroup):
    """One scene's performance."""

    a: PointerProperty(type=DUOLOGUE_PG_performer)
    b: PointerProperty(type=DUOLOGUE_PG_performer)
    relationship: EnumProperty(
        name="Relationship", description="What the two are to each other", items=_RELATIONSHIPS, default="strangers"
    )
    casting: EnumProperty(name="Roles", description="Who is which of the two", items=_role_items)
    first_frame: IntProperty(name="First Frame", description="The frame at which the take begins", default=1)
    dialogue: PointerProperty(
        type=DUOLOGUE_PG_dialogue, name="Dialogue", description="A script that scratch voices speak"
    )
    begin: IntProperty(
        name="First Frame",
        description="The frame at which the take begins: the scene's first, until another is chosen",
        get=_begin,
        set=_set_begin,
    )
    follow_strips: BoolProperty(
        name="Take Follows Strips",
        description="When a sound strip is moved, the take made from it moves along; with both strips, also first frame, "
        "markers and targets",
        default=True,
    )
    heard_from: IntProperty(
        name="Heard From", description="The first frame of the take when the speech was last read", options={"HIDDEN"}
    )
    strengths: PointerProperty(
        type=DUOLOGUE_PG_strengths, name="Strengths", description="How strongly each condition is followed"
    )
    seed: IntProperty(name="Seed", description="Another seed gives another take of the same brief", min=0)
    steps: IntProperty(
        name="Steps",
        description="Denoising steps: 0 is as few as the checkpoint was made for; beyond 4 its full sampler works, and longer",
        default=0,
        min=0,
        max=100,
    )
    output: PointerProperty(
        type=DUOLOGUE_PG_output, name="Send Out", description="What goes out of Blender, and where to"
    )
    passes: PointerProperty(type=DUOLOGUE_PG_passes, name="Passes", description="A clip for video models")
    video: PointerProperty(type=DUOLOGUE_PG_video, name="Video", description="A touch as moving pictures")
    interactions: CollectionProperty(
        type=DUOLOGUE_PG_interaction, name="Touches", description="Who touches whom, and when"
    )
    active_interaction: IntProperty(name="Touch", description="The touch that is shown below the list")
    skin: BoolProperty(
        name="Skin Gives Way",
        description="Press dents into the touched face, as a few shape keys of its mesh that play along",
        default=True,
    )
    takes: CollectionProperty(type=DUOLOGUE_PG_take, name="Takes", description="The takes of this scene")
    active_take: IntProperty(
        name="Take",
        description="The take that is chosen: clicking one in the list puts it on the characters",
        default=-1,
        update=_choose,
    )
    shown_take: StringProperty(name="Shown", description="The key of the take that plays", options={"HIDDEN"})
    compared_take: StringProperty(
        name="Compared", description="The key of the take that played before it", options={"HIDDEN"}
    )
    take_problem: StringProperty(
        name="Problem", description="Why the chosen take does not play", options={"HIDDEN", "SKIP_SAVE"}
    )
    remake: PointerProperty(type=DUOLOGUE_PG_remake, name="Re-make", description="What is to be made again")
    gains: CollectionProperty(
        type=DUOLOGUE_PG_gain, name="Face Tuning", description="How much of single shapes reaches the faces"
    )
    active_gain: IntProperty(name="Shape", description="The row of the face tuning that is chosen")

    def performers(self) -> tuple[DUOLOGUE_PG_performer, DUOLOGUE_PG_performer]:
        """Return both performers' settings."""
        return self.a, self.b


CLASSES = (DUOLOGUE_PG_settings,)
