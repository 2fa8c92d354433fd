# SPDX-License-Identifier: GPL-3.0-or-later
"""The retarget proof to look at: `python tests/blender/retarget_pictures.py [OUT.png [TAKE.safetensors]]`.

A row a character, the same moments of the same take in each: whole body, hands and feet. Needs bpy and pillow; characters of
the kit are drawn where it is. Without arguments it writes docs/pictures/retarget.png.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "backend"), str(Path(__file__).resolve().parent)]

import bpy  # noqa: E402
import dressed_rigs  # noqa: E402
import kit_characters  # noqa: E402
import numpy as np  # noqa: E402
from duologue.take import Take  # noqa: E402
from mathutils import Vector  # noqa: E402
from PIL import Image, ImageDraw  # noqa: E402
from walking import walking_take  # noqa: E402

from addon.cast import characters  # noqa: E402
from addon.cast.cast import Performer, cast  # noqa: E402
from addon.scene import armatures  # noqa: E402
from addon.takes.writer import write_take  # noqa: E402

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
    _sheet(rows, out)


def _row(title: str, make: Callable, take: Take) -> list[Image.Image]:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = _studio()
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
        pictures.append(_shot(scene, (hips[0], 0.86, hips[2]), 3.7, 30, 6, 50, title if i == 0 else f"frame {frame}"))
    for joint, label in (("LeftHandMiddle1", "left hand"), ("RightHandMiddle1", "right hand")):
        pictures.append(_shot(scene, _place(one, joint), 0.85, 60 if joint.startswith("Left") else 120, 15, 70, label))
    feet = (_place(one, "LeftFoot") + _place(one, "RightFoot")) / 2
    pictures.append(_shot(scene, feet, 1.5, 60, 6, 70, "feet"))
    return pictures


def _place(performer: Performer, joint: str) -> np.ndarray:
    depsgraph = bpy.context.evaluated_depsgraph_get()
    return armatures.world_pose(performer.armature, depsgraph)[performer.bone_index(joint), :3, 3]


def _studio():
    scene = bpy.context.scene
    scene.render.fps = 30
    scene.render.engine = "BLENDER_WORKBENCH"
    shading = scene.display.shading
    shading.light, shading.color_type = "STUDIO", "MATERIAL"
    shading.show_cavity, shading.cavity_type = True, "WORLD"
    scene.display.render_aa = "8"
    scene.view_settings.view_transform = "Standard"
    scene.world = bpy.data.worlds.new("studio")
    scene.world.color = (0.23, 0.25, 0.28)
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.camera.data.clip_start = 0.01
    scene.collection.objects.link(scene.camera)
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
    return scene


def _shot(
    scene, centre: Sequence[float], distance: float, azimuth: float, elevation: float, lens: float, label: str
) -> Image.Image:
    """Draw from ``azimuth`` degrees to the left of +X, the way performer A looks; our axes."""
    a, e = math.radians(90 - azimuth), math.radians(elevation)
    aim = np.asarray(centre, float)
    eye = aim + distance * np.array([math.sin(a) * math.cos(e), math.sin(e), math.cos(a) * math.cos(e)])
    eye_b, aim_b = (Vector((v[0], -v[2], v[1])) for v in (eye, aim))
    scene.camera.location, scene.camera.data.lens = eye_b, lens
    scene.camera.rotation_euler = (aim_b - eye_b).to_track_quat("-Z", "Y").to_euler()
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder, "shot.png"))
        bpy.ops.render.render(write_still=True)
        image = Image.open(scene.render.filepath).convert("RGB")
    ImageDraw.Draw(image).text((5, 4), label, fill=(255, 255, 255))
    return image


def _sheet(rows: Sequence[Sequence[Image.Image]], path: Path) -> None:
    """Tile the pictures and save them as a palette PNG, small enough for a repository."""
    out = Image.new("RGB", (SIZE[0] * len(rows[0]), SIZE[1] * len(rows)))
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            out.paste(image, (SIZE[0] * x, SIZE[1] * y))
    for colours in (256, 160, 96, 64):
        out.quantize(colours, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE).save(
            path, optimize=True
        )
        if path.stat().st_size < 400_000:
            break
    print(f"{path}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    told = sys.argv[1:]
    main(
        Path(told[0]) if told else ROOT / "docs" / "pictures" / "retarget.png",
        Take.load(told[1]) if len(told) > 1 else walking_take(),
    )
