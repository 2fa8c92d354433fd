# SPDX-License-Identifier: GPL-3.0-or-later
"""A page of dialogue and the scratch voices that speak it."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, PointerProperty, StringProperty

VOICES = [
    ("USUAL", "As Usual", "Mezzo for A, baritone for B"),
    ("soprano", "Soprano", "A high woman's voice"),
    ("mezzo", "Mezzo", "A woman's voice"),
    ("alto", "Alto", "A low woman's voice"),
    ("tenor", "Tenor", "A high man's voice"),
    ("baritone", "Baritone", "A man's voice"),
    ("bass", "Bass", "A low man's voice"),
    ("FILE", "File", "A voice of yours: Piper's NAME.onnx with NAME.onnx.json beside it"),
]


class DUOLOGUE_PG_voice(bpy.types.PropertyGroup):
    """Which scratch voice a performer has."""

    voice: EnumProperty(
        name="Voice", description="The scratch voice that speaks until there is a recording", items=VOICES
    )
    file: StringProperty(name="Voice File", description="The Piper voice, an .onnx file", subtype="FILE_PATH")


class DUOLOGUE_PG_dialogue(bpy.types.PropertyGroup):
    """A script and what was laid into the scene from it."""

    text: PointerProperty(
        name="Script",
        description="The text with the dialogue: Fountain, or “ANNA: …” a line",
        type=bpy.types.Text,
    )
    a: PointerProperty(type=DUOLOGUE_PG_voice)
    b: PointerProperty(type=DUOLOGUE_PG_voice)
    markers: StringProperty(
        name="Markers", description="The markers that the script has set, as JSON", options={"HIDDEN"}
    )


CLASSES = (DUOLOGUE_PG_voice, DUOLOGUE_PG_dialogue)
