"""``duologue dataset arkit``: sequences of face meshes as Live Link Face tables."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from duologue import labels
from duologue.cli.console import out, print_json, stages
from duologue.datasets.face_meshes.solvers import SMOOTH
from duologue.errors import invalid
from duologue.files.atomic import prepare_folder
from duologue.take.export import write_live_link
from duologue.units import FPS


def arkit(
    sequences: Annotated[
        list[Path], typer.Argument(help="Meshes of one topology: T x V x 3 .npy, or folders of a mesh a frame.")
    ],
    template: Annotated[Path, typer.Option(help="A folder with a neutral mesh and one a shape, or an .npz.")],
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="NAME.csv is written here for each.")] = Path("arkit"),
    neutral: Annotated[Path | None, typer.Option(help="This person's own neutral mesh, of the same topology.")] = None,
    solver: Annotated[str, typer.Option(help="bounded, or lsqr as InterAct's paper has it.")] = "bounded",
    smooth: Annotated[
        float, typer.Option(min=0, help="What changes between frames cost; of the bounded solver.")
    ] = SMOOTH,
    scale: Annotated[
        float, typer.Option(help="What coordinates are multiplied by: 0.1 where they are mm and the template cm.")
    ] = 1.0,
    fps: Annotated[int, typer.Option(min=1, help="Frames a second, for the timecode.")] = FPS,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Fit ARKit's 52 weights to captured face meshes. Heads are aligned first; what no weight explains is told."""
    from duologue.datasets.face_meshes.fitting import SOLVERS, Solver, fit_sequence
    from duologue.datasets.face_meshes.template import read_template

    labels.check(solver, SOLVERS, field="--solver")
    if repeated := [path.stem for path in sequences if [other.stem for other in sequences].count(path.stem) > 1]:
        raise invalid("labels-same-name", f"{repeated[0]}.csv would be written twice; give them different names")
    chosen: Solver = next(name for name in SOLVERS if name == solver)
    face = read_template(template)
    if neutral is not None:
        face = face.with_neutral(neutral)
    prepare_folder(out_folder)
    rows: list[dict[str, Any]] = []
    with stages() as progress:
        for path in sequences:
            fitted = fit_sequence(
                face, path, chosen, smooth=smooth, scale=scale, progress=partial(progress.update, path.name)
            )
            write_live_link(out_folder / f"{path.stem}.csv", fitted.weights.astype(np.float32), fps=fps)
            rows.append({
                "file": str(out_folder / f"{path.stem}.csv"),
                "frames": len(fitted.weights),
                "residual": float(np.sqrt((fitted.residual**2).mean())),
                "worst_residual": float(fitted.residual.max()),
                "least": float(fitted.weights.min()),
                "most": float(fitted.weights.max()),
            })  # fmt: skip
    if as_json:
        print_json({"template": str(template), "missing": list(face.missing), "sequences": rows})
        return
    if face.missing:
        out.print(f"{template} has no {', '.join(face.missing)}: those weights are 0", markup=False, soft_wrap=True)
    for row in rows:
        told = f"{row['frames']} frames, {row['residual']:.3g} off at a vertex ({row['worst_residual']:.3g} in the worst frame)"
        out.print(f"{row['file']}: {told}, in the template's unit", markup=False, soft_wrap=True)
