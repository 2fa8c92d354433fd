# SPDX-License-Identifier: GPL-3.0-or-later
"""What is set for a scene: both performers, what they are to each other, and how the take is made."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, IntProperty, PointerProperty, StringProperty
from duologue.labels import RELATIONSHIPS, roles

from .performer import DUOLOGUE_PG_performer

_RELATIONSHIPS = [(name, name[0].upper() + name[1:], "") for name in RELATIONSHIPS]


def _role_items(settings: DUOLOGUE_PG_settings, _: bpy.types.Context | None) -> list[tuple[str, str, str, int]]:
    """Offer both ways to give out the roles of a relationship that has two."""
    first, second = roles(settings.relationship)
    _ROLE_ITEMS[:] = [
        ("FIRST", f"A: {first}, B: {second}", "", 0),
        ("SECOND", f"A: {second}, B: {first}", "", 1),
    ]
    return _ROLE_ITEMS


_ROLE_ITEMS: list[tuple[str, str, str, int]] = []  # Blender reads these texts later, so they must stay alive


class DUOLOGUE_PG_settings(bpy.types.PropertyGroup):
    """One scene's performance."""

    a: PointerProperty(type=DUOLOGUE_PG_performer)
    b: PointerProperty(type=DUOLOGUE_PG_performer)
    relationship: EnumProperty(
        name="Relationship", description="What the two are to each other", items=_RELATIONSHIPS, default="strangers"
    )
    casting: EnumProperty(name="Roles", description="Who is which of the two", items=_role_items)
    first_frame: IntProperty(name="First Frame", description="The frame at which the take begins", default=1)
    seed: IntProperty(name="Seed", description="Another seed gives another take of the same brief", min=0)
    steps: IntProperty(
        name="Steps", description="Denoising steps: more take longer and look smoother", default=10, min=1, max=100
    )
    last_take: StringProperty(
        name="Last Take", description="The file of the take that was made last", options={"HIDDEN"}
    )

    def performers(self) -> tuple[DUOLOGUE_PG_performer, DUOLOGUE_PG_performer]:
        """Return both performers' settings."""
        return self.a, self.b


CLASSES = (DUOLOGUE_PG_settings,)
