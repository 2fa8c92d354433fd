# SPDX-License-Identifier: GPL-3.0-or-later
"""The retarget proof to look at: `python tests/blender/retarget_pictures.py [OUT.png [TAKE.safetensors]]`.

A row a character, the same moments of the same take in each: whole body, hands and feet. Needs bpy and pillow; characters of
the kit are drawn where it is. Without arguments it writes docs/pictures/retarget.png.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "backend"), str(Path(__file__).resolve().parent)]

import bpy  # noqa: E402
import dressed_rigs  # noqa: E402
import kit_characters  # noqa: E402
import numpy as np  # noqa: E402
from duologue.take import Take  # noqa: E402
from PIL import Image  # noqa: E402
from walking import walking_take  # noqa: E402

from addon.cast import characters  # noqa: E402
from addon.cast.cast import Performer, cast  # noqa: E402
from addon.scene import armatures  # noqa: E402
from addon.takes.writer import write_take  # noqa: E402
from tools.characters.studio import Studio, View, sheet  # noqa: E402

SIZE = (230, 270)
WHOLE = (14, 46, 84)
"""Frames (of the take) in which the whole body is drawn; the last of them shows hands and feet too."""


def sample(name: str) -> Callable:
    def make(scene):
        made = characters.build(characters.sample_file(name), scene.collection)
        return made.armature, made.mesh

    return make


WHO = {
    "Ada (sample)": sample("ada"),
    "Ben's body on Rigify": dressed_rigs.rigify,
    "Ben's body on a Mixamo rig": dressed_rigs.mixamo,
}
WHO_OF_THE_KIT = {
    "MPFB": kit_characters.mpfb,
    "Rocketbox (3ds Max)": lambda scene: kit_characters.rocketbox("Male_Adult_11"),
}


def main(out: Path, take: Take) -> None:
    who = {**WHO, **(WHO_OF_THE_KIT if kit_characters.KIT.is_dir() else {})}
    rows = [_row(title, make, take) for title, make in who.items()]
    sheet([picture for row in rows for picture in row], len(rows[0]), out)


def _row(title: str, make: Callable, take: Take) -> list[Image.Image]:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    studio = _studio()
    scene = studio.scene
    armature, _ = make(scene)
    other = sample("ben")(scene)
    for mesh in bpy.data.objects:
        mesh.hide_render = mesh.type == "MESH" and mesh.find_armature() not in (armature, None)
    bpy.context.view_layer.update()
    performers = cast("A", armature), cast("B", other[0])
    write_take(take, performers, 1, 30.0)
    one = performers[0]
    pictures = []
    for i, frame in enumerate(WHOLE):
        scene.frame_set(min(frame, take.frames - 1) + 1)
        hips = _place(one, "Hips")
        pictures.append(
            studio.shot(View((hips[0], 0.86, hips[2]), 3.7, 60, 6, 50), SIZE, title if i == 0 else f"frame {frame}")
        )
    # Performer A looks along +X.
    for joint, side, azimuth in (("LeftHandMiddle1", "left", 30), ("RightHandMiddle1", "right", -30)):
        pictures.append(studio.shot(View(_place(one, joint), 0.85, azimuth, 15, 70), SIZE, f"{side} hand"))
    feet = (_place(one, "LeftFoot") + _place(one, "RightFoot")) / 2
    pictures.append(studio.shot(View(feet, 1.5, 30, 6, 70), SIZE, "feet"))
    return pictures


def _place(performer: Performer, joint: str) -> np.ndarray:
    depsgraph = bpy.context.evaluated_depsgraph_get()
    return armatures.world_pose(performer.armature, depsgraph)[performer.bone_index(joint), :3, 3]


def _studio() -> Studio:
    studio = Studio(bpy.context.scene)
    studio.scene.render.fps = 30
    bpy.ops.mesh.primitive_grid_add(
        x_subdivisions=24, y_subdivisions=24, size=12
    )  # the floor, in squares of half a metre
    floor = bpy.context.object
    colours = [bpy.data.materials.new(name) for name in ("light", "dark")]
    for material, grey in zip(colours, (0.42, 0.34), strict=True):
        material.diffuse_color = (grey, grey, grey, 1.0)
        floor.data.materials.append(material)
    for polygon in floor.data.polygons:
        polygon.material_index = int(sum(math.floor(c / 0.5) for c in polygon.center[:2])) % 2
    return studio


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(
        Path(arguments[0]) if arguments else ROOT / "docs" / "pictures" / "retarget.png",
        Take.load(arguments[1]) if len(arguments) > 1 else walking_take(),
    )
