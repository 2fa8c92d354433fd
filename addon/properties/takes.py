# SPDX-License-Identifier: GPL-3.0-or-later
"""The takes of a scene: what each one is and what made it, kept in the .blend; and how they are to be made and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)
from duologue import arkit

from . import hooks

if TYPE_CHECKING:
    from bpy.types import Action, Context, Object

PARTS = [
    ("ALL", "Bodies and Faces", "All of the take"),
    ("BODIES", "Bodies Only", "Nothing of the faces"),
    ("FACES", "Faces Only", "Nothing of the bodies"),
]


def _show_parts(entry: DUOLOGUE_PG_take, _: Context) -> None:
    hooks.parts_shown(entry)


def _tune(gain: DUOLOGUE_PG_gain, _: Context) -> None:
    hooks.tuning_changed(gain.id_data)


class DUOLOGUE_PG_take(bpy.types.PropertyGroup):
    """One take. Its curves are the two Actions; its file, from which they can be written anew, lies in the extension's folder."""

    key: StringProperty(name="Key", description="What this take is known by, whatever it is called")
    seed: IntProperty(name="Seed", description="What chance was that made this take")
    frames: IntProperty(name="Frames", description="How many frames the take has, 30 a second")
    seconds: FloatProperty(name="Seconds", description="How long the take is")
    made: StringProperty(name="Made", description="When it was made")
    complete: BoolProperty(name="Complete", description="Whether it was made to its end", default=True)
    origin: StringProperty(name="Origin", description="How it came about, where it was not simply performed")
    notes: StringProperty(name="Notes", description="What you want to remember about this take")
    brief: StringProperty(name="Brief", description="All that was asked for, as JSON, without the sound")
    speech: StringProperty(name="Speech", description="Which sound it was made from, as JSON: source, length and hash")
    digest: StringProperty(name="Digest", description="The sha256 of the take: equal ones are equal bit for bit")
    file: StringProperty(name="File", description="The take's file in the extension's folder")
    fingerprint: StringProperty(name="Fingerprint", description="How the panel stood when it was made")
    first_frame: IntProperty(name="First Frame", description="The frame at which the take begins")
    tuning: StringProperty(name="Tuning", description="The face tuning that its curves were written with, as JSON")
    action_a: PointerProperty(name="Action of A", description="The curves of performer A", type=bpy.types.Action)
    action_b: PointerProperty(name="Action of B", description="The curves of performer B", type=bpy.types.Action)
    armature_a: PointerProperty(name="Armature of A", description="Who played A", type=bpy.types.Object)
    armature_b: PointerProperty(name="Armature of B", description="Who played B", type=bpy.types.Object)
    picture: PointerProperty(name="Picture", description="A strip of pictures of the take", type=bpy.types.Image)
    show_body: BoolProperty(
        name="Bodies", description="The take moves the bodies; off leaves them to what lies below", default=True,
        update=_show_parts,
    )  # fmt: skip
    show_face: EnumProperty(
        name="Faces",
        translation_context="Duologue",
        description="What of the faces the take moves",
        items=[
            ("ALL", "Whole Face", "Everything: mouth, eyes, brows"),
            ("MOUTH", "Mouth Only", "Jaw, lips and tongue; eyes and brows stay as they are"),
            ("NONE", "No Face", "The faces stay as they are"),
        ],
        update=_show_parts,
    )

    def actions(self) -> tuple[Action | None, Action | None]:
        """Return the Actions of A and of B."""
        return self.action_a, self.action_b

    def armatures(self) -> tuple[Object | None, Object | None]:
        """Return who played A and B."""
        return self.armature_a, self.armature_b


class DUOLOGUE_PG_gain(bpy.types.PropertyGroup):
    """How much of one facial shape reaches a character: its weight is multiplied, then something is added."""

    performer: EnumProperty(
        name="Performer",
        description="Whose face",
        items=[("BOTH", "A and B", "Both faces"), ("A", "A", "The face of A"), ("B", "B", "The face of B")],
        update=_tune,
    )
    shape: EnumProperty(
        name="Shape", description="Which of ARKit's 52 shapes", items=[(name, name, "") for name in arkit.NAMES],
        default="jawOpen", update=_tune,
    )  # fmt: skip
    gain: FloatProperty(
        name="Gain", description="The shape's weight is multiplied by this", default=1.0, min=0.0, max=4.0,
        soft_max=2.0, update=_tune,
    )  # fmt: skip
    offset: FloatProperty(
        name="Offset", description="This is added to the shape's weight", min=-1.0, max=1.0, update=_tune
    )


class DUOLOGUE_PG_remake(bpy.types.PropertyGroup):
    """What of the chosen take is to be made again."""

    span: EnumProperty(
        name="Range",
        description="Which stretch of the take is made again",
        items=[
            ("WHOLE", "Whole Take", "From its first frame to its last"),
            ("PREVIEW", "Preview Range", "The timeline's preview range (P in the timeline)"),
            ("FRAMES", "Frames", "From one frame to another"),
        ],
    )
    start: IntProperty(name="From", description="The first frame that is made again", default=1)
    stop: IntProperty(name="To", description="The last frame that is made again", default=60)
    performers: EnumProperty(
        name="Performers",
        description="Whose part is made again",
        items=[("BOTH", "A and B", "Both"), ("A", "A", "Only A; B stays"), ("B", "B", "Only B; A stays")],
    )
    part: EnumProperty(name="Part", description="What is made again; the rest stays", items=PARTS)
    asked: EnumProperty(
        name="Asked by",
        description="Which brief the new part follows",
        items=[
            ("TAKE", "The Take's Brief", "What the take was made from, with another seed"),
            ("PANEL", "The Panel", "What the panel says now, for example another emotion; the speech must be the same"),
        ],
    )


CLASSES = (DUOLOGUE_PG_take, DUOLOGUE_PG_gain, DUOLOGUE_PG_remake)
