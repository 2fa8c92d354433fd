# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes out of Blender: which files, where to, and who listens to a take while it plays."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty
from duologue.streaming import live_link, vmc

FORMATS = [
    ("CSV", "CSV", "The faces of the take as Live Link Face recordings: A.csv and B.csv", 1),
    ("BVH", "BVH", "The bodies of the take, in centimetres: A.bvh and B.bvh", 2),
    ("GLTF", "glTF", "Both characters as they move in the scene, with their faces: scene.glb", 4),
    ("FBX", "FBX", "Both characters as they move in the scene, with their faces: scene.fbx", 8),
    ("USD", "USD", "Both characters as they move in the scene, with their faces: scene.usdc", 16),
]

_PORTS = {
    "VMC": (vmc.PORT, vmc.PORT + 1),
    "LIVE_LINK": (live_link.PORT, live_link.PORT),  # Unreal listens on one, and tells the faces apart by their names
}


def _usual_ports(output: DUOLOGUE_PG_output, _: bpy.types.Context) -> None:
    """Choose the protocol's own ports where those of another one were still set."""
    if (output.port_a, output.port_b) in _PORTS.values():
        output.port_a, output.port_b = _PORTS[output.protocol]


class DUOLOGUE_PG_output(bpy.types.PropertyGroup):
    """Export and sending out."""

    formats: EnumProperty(
        name="Formats",
        description="What to export; hold Shift to choose several",
        items=FORMATS,
        options={"ENUM_FLAG"},
        default={"CSV", "BVH"},
    )
    folder: StringProperty(
        name="Folder", description="Where the files go; it is made if it is not there", subtype="DIR_PATH",
        default="//duologue/", options={"PATH_SUPPORTS_BLEND_RELATIVE"},
    )  # fmt: skip
    replace: BoolProperty(
        name="Replace Files",
        description="Replace files of these names that are there already; without it nothing is written over",
    )
    protocol: EnumProperty(
        name="Protocol",
        description="How the frames are told",
        items=[
            ("VMC", "VMC", "Bodies and faces for VRM avatars: OSC messages over UDP (VSeeFace, Warudo, Unity, Godot)"),
            ("LIVE_LINK", "Live Link Face", "Faces for Unreal: what the iPhone app sends"),
        ],
        update=_usual_ports,
    )
    host: StringProperty(
        name="Host",
        description="The computer that listens. This one is always allowed, others only where Blender may go online",
        default="127.0.0.1",
    )
    port_a: IntProperty(
        name="Port of A", description="The UDP port that A's frames go to", default=vmc.PORT, min=1, max=65535
    )
    port_b: IntProperty(
        name="Port of B", description="The UDP port that B's frames go to", default=vmc.PORT + 1, min=1, max=65535
    )


CLASSES = (DUOLOGUE_PG_output,)
