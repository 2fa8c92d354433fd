"""``duologue export TAKE``: a take for other programs, as SMPL-X parameters and surfaces, as BVH or as Live Link Face tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from duologue import labels
from duologue.cli.console import out, print_json, stages
from duologue.errors import invalid
from duologue.files.atomic import prepare_folder, write_text
from duologue.take import Take
from duologue.take.export import write_bodies, write_faces

_KINDS = ("smplx", "bvh", "csv")


def export(
    take: Annotated[Path, typer.Argument(help="The take: take.safetensors of a performance.")],
    to: Annotated[str, typer.Option(help="smplx, bvh or csv.")] = "smplx",
    out_folder: Annotated[
        Path, typer.Option("--out", "-o", help="Folder to write into; made if it isn't there.")
    ] = Path("export"),
    model: Annotated[
        Path | None, typer.Option(help="Your own SMPL-X file, .npz: shape, expression and surfaces come from it.")
    ] = None,
    layout: Annotated[str, typer.Option(help="amass, beat2 or both.")] = "both",
    meshes: Annotated[
        str | None, typer.Option(help="ply or glb: both people's posed surfaces, and where they touch. Needs --model.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Of how many frames one surface is written and measured.")] = 15,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Write a take for other programs. Without a model file, SMPL-X's skeleton alone is played, and what is missing is said."""
    labels.check(to, _KINDS, field="--to")
    if to != "smplx" and (model is not None or meshes is not None):
        raise invalid("option-unused", f"--to {to} has no body model; leave --model and --meshes out", field="--to")
    loaded = Take.load(take)
    prepare_folder(out_folder)
    if to == "smplx":
        report = _smplx(loaded, out_folder, (model, layout, meshes, every))
        write_text(out_folder / "export.json", json.dumps(report, indent=2) + "\n")
    else:
        report = {"files": (write_bodies if to == "bvh" else write_faces)(loaded, out_folder), "notes": []}
    if as_json:
        print_json({"folder": str(out_folder), **report})
        return
    out.print(f"{out_folder}: {', '.join(report['files'])}", markup=False, soft_wrap=True)
    for note in report["notes"]:
        out.print(note, markup=False, soft_wrap=True)
    if "contact" in report:
        out.print(_table(report["contact"]))


def _smplx(take: Take, folder: Path, options: tuple[Path | None, str, str | None, int]) -> dict[str, Any]:
    from duologue.evaluation.contact.two_bodies import capsule_gaps, gap_figures, surface_gap
    from duologue.smpl import BodyModel
    from duologue.smpl.export import MESH_FORMATS, MeshFormat, SmplTake, write_meshes
    from duologue.smpl.layouts import LAYOUTS, Layout

    path, layout, meshes, every = options
    labels.check(layout, (*LAYOUTS, "both"), field="--layout")
    if meshes is not None:
        labels.check(meshes, MESH_FORMATS, field="--meshes")
    converted = SmplTake.of(take, None if path is None else BodyModel.load(path))
    if meshes is not None:
        converted.needed_model()
    wanted: list[Layout] = [name for name in LAYOUTS if layout in (name, "both")]
    rows = np.arange(0, take.frames, every)
    report: dict[str, Any] = {
        "files": converted.write(folder, wanted),
        "notes": list(converted.notes),
        "contact": {"capsules": gap_figures(capsule_gaps(take, rows))},
    }
    kind: MeshFormat | None = next((name for name in MESH_FORMATS if name == meshes), None)
    if kind is not None:
        triangles = converted.needed_model().triangles
        prepare_folder(folder / "meshes")
        gaps: list[float] = []
        with stages() as progress:
            for frame, surfaces in converted.surfaces(rows):
                names = write_meshes(folder / "meshes", frame, surfaces, triangles, kind)
                report["files"] += [f"meshes/{name}" for name in names]
                gaps.append(surface_gap(surfaces, triangles))
                progress.update("surfaces", len(gaps), len(rows))
        report["contact"]["surfaces"] = gap_figures(gaps)
    return report


def _table(contact: dict[str, dict[str, Any]]) -> Table:
    table = Table("", *contact, title="both bodies against each other")
    for name in next(iter(contact.values())):
        table.add_row(name, *(f"{figures[name]:g}" for figures in contact.values()))
    return table
