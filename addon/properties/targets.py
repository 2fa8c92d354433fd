# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a performer goes and sits, what it looks at and takes hold of: objects of the scene, each for a while."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

KINDS = [
    ("PLACE", "Place", "Stand at an object at some moment", "EMPTY_ARROWS", 0),
    ("SEAT", "Seat", "Sit on an object whenever a marker says sit", "ANCHOR_BOTTOM", 1),
    ("PATH", "Path", "Walk along a curve", "CURVE_PATH", 2),
    ("GAZE", "Look At", "Look at an object or at the partner for a while", "HIDE_OFF", 3),
    ("HAND", "Hand", "Hold a hand at an object for a while", "VIEW_PAN", 4),
]
ICONS = {kind: icon for kind, _, _, icon, _ in KINDS}


def _fits(target: Any, ob: bpy.types.Object) -> bool:
    return ob.type == "CURVE" if target.kind == "PATH" else True


class DUOLOGUE_PG_target(bpy.types.PropertyGroup):
    """One wish of a performer that an object of the scene stands for."""

    kind: EnumProperty(name="Kind", description="What the performer does with the object", items=KINDS)
    enabled: BoolProperty(name="Enabled", description="Take this into account", default=True)
    target: PointerProperty(
        name="Object",
        description="The object: it is above its origin that somebody stands or sits, and at its origin that they look or reach",
        type=bpy.types.Object,
        poll=_fits,
    )
    at_partner: BoolProperty(name="Partner", description="Look at the partner's face instead of an object")
    side: EnumProperty(
        name="Hand",
        description="Which hand",
        items=[("left", "Left", "The left hand"), ("right", "Right", "The right hand")],
        default="right",
    )
    timing: EnumProperty(
        name="When",
        description="How the time is given",
        items=[
            ("FRAMES", "Frames", "From one frame to another"),
            ("MARKERS", "Markers", "From one timeline marker to another: drag them, and this follows"),
            ("ALWAYS", "Whole Take", "From the beginning to the end of the take"),
        ],
    )
    start: IntProperty(name="From", description="The frame at which it begins", default=1)
    end: IntProperty(name="To", description="The frame at which it ends", default=60)
    start_marker: StringProperty(name="From", description="The timeline marker at which it begins")
    end_marker: StringProperty(name="To", description="The timeline marker at which it ends")
    use_facing: BoolProperty(
        name="Face as the Object", description="Turn the way the object's -Y points when there", default=True
    )
    use_speed: BoolProperty(
        name="By Speed",
        description="Walk the path at a speed, instead of being at its end at a given time",
        default=True,
    )
    speed: FloatProperty(
        name="Speed", description="Metres a second; 1.1 is an easy walk", default=1.1, min=0.2, max=2.2, unit="VELOCITY"
    )


CLASSES = (DUOLOGUE_PG_target,)
