"""A face's neutral mesh and what each ARKit shape moves of it, from files of any kind that trimesh reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import trimesh
from numpy.typing import NDArray

from duologue.arkit import NAMES
from duologue.errors import DuologueError, invalid
from duologue.files.reading import check_file
from duologue.rigs.shape_map import ShapeMap, ShapeMatch

Points = NDArray[np.float32]

MESHES: Final = (".obj", ".ply", ".stl", ".off", ".glb", ".gltf")
_STILL: Final = 0.01
"""Of the largest movement of any vertex: what no shape moves further goes with the skull."""
_ENOUGH: Final = 0.05
"""Share of the vertices that have to go with the skull for the head to be aligned by them alone."""


@dataclass(frozen=True, eq=False)
class FaceTemplate:
    """V vertices: ``neutral`` (V, 3) and ``deltas`` (52, V, 3) in the template's own unit, by ``arkit.NAMES``."""

    neutral: Points
    deltas: Points
    name: str

    @cached_property
    def driven(self) -> NDArray[np.int64]:
        """The shapes (K,) that move something, as columns of ``arkit.NAMES``."""
        return np.flatnonzero(np.abs(self.deltas).max(axis=(1, 2)) > 0)

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """The shapes that move nothing, whose weights stay 0."""
        return tuple(name for column, name in enumerate(NAMES) if column not in set(self.driven.tolist()))

    @cached_property
    def movement(self) -> NDArray[np.float64]:
        """How far (V,) any shape moves each vertex at most, of the largest movement."""
        furthest = np.linalg.norm(self.deltas.astype(np.float64), axis=2).max(axis=0)
        return furthest / furthest.max()

    @cached_property
    def skull(self) -> NDArray[np.bool_] | None:
        """The vertices (V,) that no shape moves; None where they are too few to align a head by."""
        still = self.movement < _STILL
        return still if still.mean() > _ENOUGH else None

    def with_neutral(self, path: Path) -> FaceTemplate:
        """Return the same shapes on another person's neutral mesh. Raises what :func:`read_mesh` does, and ``mesh-vertices``."""
        return replace(self, neutral=read_mesh(path, len(self.neutral)))


def read_template(path: Path) -> FaceTemplate:
    """Read a template: a folder with a mesh named ``…neutral…`` and one a shape, named as the shape (``jawOpen.obj``); or an NPZ
    with ``neutral`` (V, 3), ``deltas`` (K, V, 3) and ``names`` (K,). Names are matched as a character's are (``rigs.shape_map``).

    Raises:
        DuologueError: NOT_FOUND ``data-missing`` without a neutral mesh or shapes; INVALID_ARGUMENT ``mesh-vertices``,
            ``template-shapes`` when no shape of it is one of ARKit's, ``template-malformed``.
    """
    neutral, deltas, names = _read_folder(path) if path.is_dir() else _read_npz(path)
    match = _best_match(names)
    if not match.shapes:
        raise invalid("template-shapes", f"{path}: none of its shapes ({', '.join(names[:5])} …) is one of ARKit's 52")
    keys = deltas[[names.index(name) for name in match.shapes]]
    whole = np.tensordot(match.factors.astype(np.float32), keys, axes=1)
    return FaceTemplate(neutral, whole, path.stem)


def read_mesh(path: Path, vertices: int | None = None) -> Points:
    """Return a mesh's vertices (V, 3) in the file's own order.

    Raises:
        DuologueError: INVALID_ARGUMENT ``mesh-malformed``, ``mesh-vertices`` when there aren't as many as asked for; what
            ``check_file`` raises.
    """
    check_file(path)
    try:
        # Neither merged nor reordered: vertices are known by their numbers.
        mesh: Any = trimesh.load(path, process=False, maintain_order=True, force="mesh")
        found = np.asarray(mesh.vertices, np.float32)
    except Exception as error:  # each format's reader has its own
        raise invalid("mesh-malformed", f"{path} is no mesh that can be read: {error}") from error
    if found.ndim != 2 or not np.isfinite(found).all():
        raise invalid("mesh-malformed", f"{path} has vertices that are no finite points")
    if vertices is not None and len(found) != vertices:
        raise invalid(
            "mesh-vertices",
            f"{path} has {len(found)} vertices, the template's neutral mesh {vertices}; both have to be one mesh, moved "
            "(export without merging or splitting vertices, PLY rather than OBJ with textures)",
        )
    return found


def _read_folder(folder: Path) -> tuple[Points, Points, list[str]]:
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in MESHES)
    neutrals = [path for path in files if "neutral" in path.stem.lower()]
    shapes = [path for path in files if path not in neutrals]
    if len(neutrals) != 1 or not shapes:
        raise DuologueError(
            "NOT_FOUND",
            "data-missing",
            f"{folder} needs one mesh with 'neutral' in its name (it has {len(neutrals)}) and one a shape (it has {len(shapes)})",
        )
    neutral = read_mesh(neutrals[0])
    deltas = np.stack([read_mesh(path, len(neutral)) - neutral for path in shapes])
    return neutral, deltas, [path.stem for path in shapes]


def _read_npz(path: Path) -> tuple[Points, Points, list[str]]:
    check_file(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            neutral, deltas = file["neutral"].astype(np.float32), file["deltas"].astype(np.float32)
            names = [str(name) for name in file["names"]]
    except Exception as error:  # of zipfile, zlib and numpy
        raise invalid(
            "template-malformed", f"{path} is no template ({error}); it needs neutral, deltas, names"
        ) from error
    if neutral.ndim != 2 or neutral.shape[1:] != (3,) or deltas.shape != (len(names), *neutral.shape):
        raise invalid(
            "template-malformed", f"{path}: neutral {neutral.shape}, deltas {deltas.shape}, {len(names)} names"
        )
    if not (np.isfinite(neutral).all() and np.isfinite(deltas).all()):
        raise invalid("template-malformed", f"{path} holds NaN or infinity")
    return neutral, deltas, names


def _best_match(names: Sequence[str]) -> ShapeMatch:
    matches = [ShapeMap.builtin(name).bind(names) for name in ShapeMap.names()]
    return min((match for match in matches if match.basis is None), key=lambda match: len(match.missing))
