"""A take's two people as files of the research world: SMPL-X parameters, and their posed surfaces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
import trimesh
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.files.atomic import prepare_folder, replacing
from duologue.labels import PERFORMERS
from duologue.smpl.from_take import parameters_of
from duologue.smpl.layouts import LAYOUTS, Layout, write_parameters
from duologue.smpl.model import BodyModel
from duologue.smpl.parameters import BodyParameters
from duologue.take import Take

Array = NDArray[np.float64]
MeshFormat = Literal["ply", "glb"]
MESH_FORMATS: Final[tuple[MeshFormat, ...]] = ("ply", "glb")

_NAMES: Final[dict[Layout, str]] = {"amass": "{}_stageii.npz", "beat2": "{}.npz"}
"""How either data set calls a sequence's file."""
_COLOURS: Final = ((176, 136, 112, 255), (112, 136, 176, 255))
_CHUNK: Final = 16
"""Frames whose surfaces are held at once."""


@dataclass(frozen=True, eq=False)
class SmplTake:
    """Both performers as SMPL-X parameters, A first. ``notes``: what had to be left out, and why."""

    people: tuple[BodyParameters, BodyParameters]
    model: BodyModel | None
    notes: tuple[str, ...]

    @classmethod
    def of(cls, take: Take, model: BodyModel | None) -> SmplTake:
        """Convert a take. Raises what :func:`.parameters_of` does."""
        (a, notes), (b, _) = (parameters_of(take, performer, model) for performer in PERFORMERS)
        return cls((a, b), model, notes)

    def write(self, folder: Path, layouts: Sequence[Layout] = LAYOUTS) -> list[str]:
        """Write one file a person and layout into a folder that exists, ``amass/A_stageii.npz``, ``beat2/A.npz``; return names.

        Raises:
            DuologueError: the folder can't be written (see :mod:`duologue.files.atomic`).
        """
        files: list[str] = []
        for layout in layouts:
            prepare_folder(folder / layout)
            for performer, parameters in zip(PERFORMERS, self.people, strict=True):
                name = f"{layout}/{_NAMES[layout].format(performer)}"
                write_parameters(folder / name, parameters, layout, self.model)
                files.append(name)
        return files

    def surfaces(self, frames: NDArray[np.int64]) -> Iterator[tuple[int, Array]]:
        """Yield each of some frames with both people's surfaces (2, V, 3), metres, Y up, in the world they share.

        Raises:
            DuologueError: FAILED_PRECONDITION ``smpl-model-missing`` without a model.
        """
        model = self.needed_model()
        for first in range(0, len(frames), _CHUNK):
            rows = frames[first : first + _CHUNK]
            both = [model.vertices(at(parameters, rows)) for parameters in self.people]
            yield from zip(rows.tolist(), np.stack(both, axis=1), strict=True)

    def needed_model(self) -> BodyModel:
        """Return the model. Raises what :meth:`surfaces` does."""
        if self.model is None:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "smpl-model-missing",
                "surfaces are the model's: give its file with --model (SMPLX_NEUTRAL.npz, which its authors license to users)",
                field="--model",
            )
        return self.model


def at(parameters: BodyParameters, rows: NDArray[np.int64]) -> BodyParameters:
    """Return some frames (n,) of somebody's motion."""
    expression = None if parameters.expression is None else parameters.expression[rows]
    return replace(parameters, poses=parameters.poses[rows], trans=parameters.trans[rows], expression=expression)


def write_meshes(
    folder: Path, frame: int, surfaces: Array, triangles: NDArray[np.int64], kind: MeshFormat
) -> list[str]:
    """Write both people's surfaces (2, V, 3) of a frame: two PLY files, or one GLB with two nodes; return the names.

    Raises:
        DuologueError: the folder can't be written (see :mod:`duologue.files.atomic`).
    """
    meshes = {
        performer: trimesh.Trimesh(vertices, triangles, face_colors=colour, process=False)
        for performer, vertices, colour in zip(PERFORMERS, surfaces, _COLOURS, strict=True)
    }
    if kind == "glb":
        name = f"{frame:06d}.glb"
        scene = trimesh.Scene()
        for performer, mesh in meshes.items():
            scene.add_geometry(mesh, geom_name=performer, node_name=performer)
        with replacing(folder / name) as temporary:
            scene.export(temporary)
        return [name]
    for performer, mesh in meshes.items():
        with replacing(folder / f"{frame:06d}_{performer}.ply") as temporary:
            mesh.export(temporary)
    return [f"{frame:06d}_{performer}.ply" for performer in PERFORMERS]
