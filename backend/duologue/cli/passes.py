"""``duologue passes BLEND``: what video models are conditioned on, exact, from a scene, as pictures and as ComfyUI's files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from duologue.cli.console import out, print_json, stages
from duologue.passes.contract import PASSES, check_names
from duologue.passes.options import parse_frames, parse_size
from duologue.shots.blender import PassesRequest, export_passes


def passes(
    blend: Annotated[Path, typer.Argument(help="A scene with two characters: scene.blend of a performance, or yours.")],
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="Folder for the passes.")],
    frames: Annotated[
        str, typer.Option(help="First and last frame, 4k + 1 of them: 1:81; or every second one, 1:161:2.")
    ] = "",
    size: Annotated[str, typer.Option(help="Pixels, 16 to 4096 a side: 128, or 832x480.")] = "128",
    camera: Annotated[str, typer.Option(help="A camera's name; by default the scene's own, cuts and all.")] = "",
    engine: Annotated[
        str,
        typer.Option(
            help="Draws the picture: workbench, eevee, cycles, software (no OpenGL needed), or none (plain, by us); "
            "by default the scene's own."
        ),
    ] = "",
    wanted: Annotated[
        list[str] | None, typer.Option("--pass", help=f"Only these (may be repeated): {', '.join(PASSES)}.")
    ] = None,
    armature_a: Annotated[str, typer.Option(help="Armature that plays A; by default recognised.")] = "",
    armature_b: Annotated[str, typer.Option(help="Armature that plays B.")] = "",
    replace: Annotated[bool, typer.Option(help="Replace another clip in that folder.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Draw a clip's passes, parts, depth, normals, flow, contact, pose and more; and what ComfyUI and VACE take.

    The same command goes on where it was interrupted.
    """
    if frames:
        parse_frames(frames)
    parse_size(size)
    check_names(tuple(wanted or ()))
    request = PassesRequest(
        blend, out_folder, frames, size, camera, engine, tuple(wanted or ()), (armature_a, armature_b), replace
    )
    with stages() as progress:
        written = export_passes(request, progress.update)
    if as_json:
        print_json({"files": written.files, "notes": written.notes})
        return
    for note in written.notes:
        out.print(f"Note: {note}", markup=False)
    out.print(f"{out_folder}/: {', '.join(written.files)}", markup=False)
