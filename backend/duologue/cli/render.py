"""``duologue render TAKE``: a take on the sample characters or on your own, as a Blender scene and a video."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from duologue.cli.console import out, print_json, stages
from duologue.cli.stage import Blend, Camera, Exports, FirstFrame, Seats
from duologue.shots.blender import render_take
from duologue.shots.perform import Outputs


def render(
    take: Annotated[Path, typer.Argument(help="A take (take.safetensors).")],
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="Folder for scene.blend and preview.mp4.")],
    blend: Blend = None,
    armature_a: Annotated[str, typer.Option(help="Armature that plays A; by default recognised.")] = "",
    armature_b: Annotated[str, typer.Option(help="Armature that plays B.")] = "",
    mesh_a: Annotated[
        list[str] | None, typer.Option(help="Face mesh of A (may be repeated); by default recognised.")
    ] = None,
    mesh_b: Annotated[list[str] | None, typer.Option(help="Face mesh of B.")] = None,
    sound_a: Annotated[Path | None, typer.Option(help="Speech of A; by default A.wav beside the take.")] = None,
    sound_b: Annotated[Path | None, typer.Option(help="Speech of B.")] = None,
    engine: Annotated[
        str, typer.Option(help="workbench, eevee, cycles, or software (no OpenGL needed).")
    ] = "workbench",
    camera: Camera = "",
    seats: Seats = None,
    preview: Annotated[bool, typer.Option(help="Make preview.mp4 as well.")] = True,
    first_frame: FirstFrame = None,
    export: Exports = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Make a Blender scene and a preview video of a take."""
    armatures = armature_a, armature_b
    outputs = Outputs(True, preview, engine, tuple(export or ()), blend, armatures, camera, seats, first_frame)
    meshes, sounds = (mesh_a or (), mesh_b or ()), (sound_a, sound_b)
    with stages() as progress:
        rendered = render_take(take, out_folder, outputs, progress.update, meshes=meshes, sounds=sounds)
    if as_json:
        print_json({"files": rendered.files, "notes": rendered.notes})
        return
    for note in rendered.notes:
        out.print(f"Note: {note}", markup=False)
    out.print(f"{out_folder}/: {', '.join(rendered.files)}", markup=False)
