# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of one performer beside speech and markers: the words, where it begins, its face; and both's strengths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    PointerProperty,
    StringProperty,
)
from duologue import arkit
from duologue.brief import STRENGTHS

from . import hooks

if TYPE_CHECKING:
    from bpy.types import Context

_SHAPES = [(name, name, "") for name in arkit.NAMES]


def _words_changed(transcript: DUOLOGUE_PG_transcript, _: Context) -> None:
    hooks.transcript_changed(transcript)


class DUOLOGUE_PG_transcript(bpy.types.PropertyGroup):
    """What a performer says."""

    source: EnumProperty(
        name="Words",
        description="Where the words that this performer says come from: lips that must meet are then known",
        items=[
            ("NONE", "None", "The lips follow the sound alone"),
            (
                "TEXT",
                "Text",
                "A text of this file: plain, or SRT, WebVTT, ASS, TextGrid or word-timed JSON pasted in",
            ),
            ("FILE", "File", "An .srt, .vtt, .ass, .ssa, .TextGrid, .json or .txt file"),
            ("RECOGNISE", "Recognise", "Heard from the sound, where the server can; they can be corrected afterwards"),
        ],
        default="RECOGNISE",
        update=_words_changed,
    )
    text: PointerProperty(
        name="Text",
        description="The text with the words; its format is recognised. Times count from the beginning of the sound",
        type=bpy.types.Text,
        update=_words_changed,
    )
    file: StringProperty(
        name="File",
        description="The file with the words. Times count from the beginning of the sound",
        subtype="FILE_PATH",
        update=_words_changed,
    )
    tier: StringProperty(
        name="Tier",
        description="For a TextGrid: the tier with this performer's words; left empty, the one named for words",
        update=_words_changed,
    )
    problem: StringProperty(name="Problem", description="Why the words can't be read", options={"HIDDEN", "SKIP_SAVE"})


class DUOLOGUE_PG_start(bpy.types.PropertyGroup):
    """Where a performer begins."""

    source: EnumProperty(
        name="Starts",
        description="Where this performer begins",
        items=[
            ("CHARACTER", "As It Stands", "Where the character's armature stands in the scene, facing as it faces"),
            ("OBJECT", "At Object", "Where an object stands, facing its -Y; Draw Start adds an arrow for that"),
            ("TYPED", "Typed", "At the numbers below"),
        ],
    )
    target: PointerProperty(
        name="Object",
        description="Begin above this object's origin, facing its -Y, as Blender's front view shows things",
        type=bpy.types.Object,
    )
    x: FloatProperty(name="X", description="Start on the floor along Blender's X", unit="LENGTH")
    y: FloatProperty(name="Y", description="Start on the floor along Blender's Y", unit="LENGTH")
    heading: FloatProperty(
        name="Facing", description="Where it faces at the start: 0 is towards -Y, 90 degrees towards X", unit="ROTATION"
    )


class DUOLOGUE_PG_shape(bpy.types.PropertyGroup):
    """How one shape of the face is made stronger or shifted."""

    shape: EnumProperty(name="Shape", description="The ARKit shape", items=_SHAPES, default="jawOpen")
    gain: FloatProperty(name="Gain", description="What the shape is multiplied by", default=1.0, min=0.0, max=5.0)
    offset: FloatProperty(name="Offset", description="What is added after the gain", min=-1.0, max=1.0)


class DUOLOGUE_PG_expression(bpy.types.PropertyGroup):
    """The settings of a face, named as in a brief."""

    blinks_per_minute: FloatProperty(
        name="Blinks a Minute", description="17 is at rest, 30 nervous; 0 leaves blinking to you",
        default=17.0, min=0.0, max=60.0, precision=0,
    )  # fmt: skip
    gaze: FloatProperty(
        name="Eyes", description="Scales all eye movement; 0 looks straight ahead, for eyes that a constraint aims",
        default=1.0, min=0.0, max=3.0,
    )  # fmt: skip
    gaze_at_partner: FloatProperty(
        name="Eye Contact", description="How much of the time the eyes rest on the partner: 1 as people do, 0 never, 2 always",
        default=1.0, min=0.0, max=2.0,
    )  # fmt: skip
    brows: FloatProperty(
        name="Brows", description="Scales the brows that a listener raises; 0 for a stone face",
        default=1.0, min=0.0, max=3.0,
    )  # fmt: skip
    still_listener: BoolProperty(
        name="Still Listener",
        description="Rest jaw and lips while this performer has no voice",
        default=True,
    )
    seal: FloatProperty(
        name="Closed Lips", description="How far lips are brought together on p, b and m; 0 for a mumbler",
        default=1.0, min=0.0, max=1.0,
    )  # fmt: skip
    part: EnumProperty(
        name="Part",
        description="Which part of the face is made; the rest is 0",
        items=[
            ("all", "Whole Face", "Everything"),
            ("mouth", "Mouth", "Jaw, mouth and tongue, under a capture of the eyes for example"),
            ("upper", "Upper Face", "Eyes, brows, cheeks and nose"),
        ],
    )
    mouth_gain: FloatProperty(
        name="Mouth", description="Multiplies every shape of jaw and mouth; more than 1 speaks up",
        default=1.0, min=0.0, max=5.0, soft_max=2.0,
    )  # fmt: skip
    tongue: BoolProperty(
        name="Tongue", description="Lets a model that knows how put out the tongue (the starter doesn't)"
    )
    head_still: FloatProperty(
        name="Still Head", description="How much of the head's nods and shakes is taken away", min=0.0, max=1.0
    )
    raw: BoolProperty(
        name="Keep Uncut",
        description="Also keep the weights as they were before they were cut to 0 to 1, in the take's file",
    )
    shapes: CollectionProperty(
        type=DUOLOGUE_PG_shape, name="Shapes", description="Shapes that are made stronger or shifted, one by one"
    )


def _strength(label: str, what: str) -> Any:
    return FloatProperty(
        name=label,
        description=f"How strongly {what} is followed: 0 not at all, 1 as learnt, more exaggerates",
        default=1.0,
        min=0.0,
        max=20.0,
        soft_max=3.0,
    )


class DUOLOGUE_PG_strengths(bpy.types.PropertyGroup):
    """How strongly each condition is followed, named as in a brief."""

    speech: _strength("Speech", "the sound")
    text: _strength("Words", "what the words mean")
    action: _strength("Actions", "what they do")
    role: _strength("Roles", "who they are to each other")
    emotion: _strength("Emotions", "how they feel")
    style: _strength("Styles", "the speaker's manner")
    partner: _strength("Partner", "what the partner does")
    placement: _strength("Placement", "how the two stand to each other")
    route: _strength("Ways", "the way over the floor")

    def changed(self) -> dict[str, float]:
        """Return those that are not 1."""
        values = {name: round(getattr(self, name), 6) for name in STRENGTHS}
        return {name: value for name, value in values.items() if value != 1.0}


CLASSES = (
    DUOLOGUE_PG_transcript,
    DUOLOGUE_PG_start,
    DUOLOGUE_PG_shape,
    DUOLOGUE_PG_expression,
    DUOLOGUE_PG_strengths,
)
