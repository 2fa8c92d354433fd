# SPDX-License-Identifier: GPL-3.0-or-later
"""A touch as moving pictures: which frames, how large, by which camera, who makes the pictures and how, and where they go."""

from __future__ import annotations

from typing import Final

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, PointerProperty, StringProperty
from duologue.passes.contract import BLOCK, MAX_SIZE, MIN_SIZE
from duologue.passes.pictures import MAKERS

from .passes import is_camera, keep_count

USUAL_MODE: Final = "USUAL"

BACKENDS: Final = [
    (
        "carried",
        "Carried",
        "The first picture's colours, carried along the surface in its light: at once, in Blender itself",
    ),
    ("tiny", "Our Network", "Duologue's own small network, on its server: a preview in the look of our renders"),
    ("wan-vace", "Wan VACE", "Wan2.1-VACE, where its weights were given to the server"),
    ("wan-cointeract", "CoInteract", "Wan2.2-S2V with CoInteract's weights, where they were given to the server"),
    ("wan-lora", "Wan with Our Adapter", "Wan with an adapter of ours, where both were given to the server"),
]

_modes: dict[str, list[tuple[str, str, str, int]]] = {}  # Blender reads these texts later, so they must stay alive


def _mode_items(video: DUOLOGUE_PG_video, _: bpy.types.Context | None) -> list[tuple[str, str, str, int]]:
    """Offer the modes of the chosen backend, by their own names."""
    if video.backend not in _modes:
        usual = (USUAL_MODE, "Usual", "What this one does best", 0)
        modes = MAKERS[video.backend].modes
        _modes[video.backend] = [usual, *((name, name, "", number) for number, name in enumerate(modes, start=1))]
    return _modes[video.backend]


def _other_backend(video: DUOLOGUE_PG_video, _: bpy.types.Context) -> None:
    video.mode = USUAL_MODE


class DUOLOGUE_PG_video(bpy.types.PropertyGroup):
    """What *Make Video* makes."""

    range: EnumProperty(
        name="Range",
        description="Which frames are shown",
        items=[
            ("TOUCH", "Touch", "Those of the touch that is chosen in the list, and a little before and after"),
            ("FRAMES", "Frames", "Those that are given here"),
        ],
    )
    first: IntProperty(name="First Frame", description="The first frame that is shown", default=1, min=0)
    frames: IntProperty(
        name="Pictures",
        description="How many pictures: one, and then four at a time, as video models take them",
        default=33,
        min=1,
        max=2001,
        step=4,
        update=keep_count,
    )
    step: IntProperty(
        name="Every", description="Make a picture of every so many frames: 2 makes 15 pictures a second of 30 frames",
        default=2, min=1, max=60,
    )  # fmt: skip
    width: IntProperty(
        name="Width", description="Pixels", default=256, min=MIN_SIZE, max=MAX_SIZE, step=BLOCK,
    )  # fmt: skip
    height: IntProperty(
        name="Height", description="Pixels", default=256, min=MIN_SIZE, max=MAX_SIZE, step=BLOCK,
    )  # fmt: skip
    camera: PointerProperty(
        type=bpy.types.Object,
        name="Camera",
        description="Who sees the clip; without one it is the scene's camera, cuts and all",
        poll=is_camera,
    )
    picture: EnumProperty(
        name="First Picture",
        description="What draws the first picture, which all others take their look from",
        items=[
            ("SCENE", "As Rendered", "The engine that the scene is set to"),
            ("WORKBENCH", "Workbench", "Workbench, as it is set for renders"),
            ("EEVEE", "EEVEE", "EEVEE, as it is set for renders"),
            ("PLAIN", "Plain", "Duologue itself: materials' plain colours, lit from beside the camera"),
        ],
    )
    backend: EnumProperty(name="Made by", description="Who makes the pictures", items=BACKENDS, update=_other_backend)
    mode: EnumProperty(name="Mode", description="In which way, of those that it knows", items=_mode_items)
    preset: EnumProperty(
        name="Quality",
        description="How many steps it takes over each picture",
        items=[
            ("DRAFT", "Draft", "Few steps, to see whether hand, camera and time are right"),
            ("FINAL", "Final", "A draft first, then the final pictures over it, each as it comes"),
        ],
    )
    steps: IntProperty(name="Steps", description="Denoising steps: 0 is as many as the quality says", min=0, max=50)
    seed: IntProperty(name="Seed", description="Another seed gives other pictures of the same clip", min=0)
    prompt: StringProperty(
        name="Prompt", description="What is to be seen, for those who read text; left out, what happens is described"
    )
    folder: StringProperty(
        name="Folder", description="Where pictures and passes go; it is made if it is not there", subtype="DIR_PATH",
        default="//video/", options={"PATH_SUPPORTS_BLEND_RELATIVE"},
    )  # fmt: skip
    replace: BoolProperty(
        name="Replace Video",
        description="Replace a video of Duologue's that is in the folder already; without it nothing is written over",
    )


CLASSES = (DUOLOGUE_PG_video,)
