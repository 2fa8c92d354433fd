"""What a camera looks at: triangles with their parts and people, of one mesh or of a whole scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError, invalid
from duologue.motion.rotations import einsum
from duologue.passes.camera import Camera
from duologue.passes.contract import HEAD, PEOPLE, label

Floats = NDArray[np.floating[Any]]
Bytes = NDArray[np.uint8]
Indices = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Mesh:
    """An evaluated mesh in our world, in one frame.

    ``vertices`` (V, 3) metres; ``next_vertices``: the same in the next frame; ``triangles`` (F, 3); ``part``, ``person`` (F,) by
    the numbers of :mod:`.contract`; ``colour`` (F, 3) sRGB. Optional: ``rest`` (V, 3), a place that stays with the point of skin;
    ``normals`` (F, 3, 3) of the triangles' corners, world, unit (else they are worked out, as if all were smooth); ``distance``
    (V,) metres to what it touches, negative inside, and ``sliding`` (V,) metres a second along it.
    """

    vertices: Floats
    triangles: Indices
    part: Bytes
    person: Bytes
    colour: Bytes
    next_vertices: Floats | None = None
    rest: Floats | None = None
    normals: Floats | None = None
    distance: Floats | None = None
    sliding: Floats | None = None
    name: str = "a mesh"

    @property
    def labels(self) -> Bytes:
        """Person x 8 + part of each triangle (F,)."""
        return label(self.person, self.part)


@dataclass(frozen=True, eq=False)
class Surface(Mesh):
    """All meshes of a frame as one. ``spans``: by a mesh's name its first vertex and the one after its last."""

    spans: dict[str, tuple[int, int]] = None  # pyright: ignore[reportAssignmentType]

    def aligned(self, other: Surface) -> Floats:
        """Return where this surface's vertices are in another frame (V, 3); NaN for a mesh that is not there as it is here."""
        found = np.full(self.vertices.shape, np.nan)
        for name, (start, stop) in self.spans.items():
            first, last = other.spans.get(name, (0, 0))
            if last - first == stop - start:
                found[start:stop] = other.vertices[first:last]
        return found


def merge(meshes: Sequence[Mesh]) -> Surface:
    """Join the meshes of a frame.

    Raises:
        DuologueError: INVALID_ARGUMENT ``surface-not-finite``, ``surface-malformed``, each with the mesh's name.
    """
    spans: dict[str, tuple[int, int]] = {}
    start = 0
    for mesh in meshes:
        _check(mesh)
        name = mesh.name
        while name in spans:
            name += "'"
        spans[name] = (start, start + len(mesh.vertices))
        start += len(mesh.vertices)
    firsts = [first for first, _ in spans.values()]
    triangles = [mesh.triangles + np.int32(first) for mesh, first in zip(meshes, firsts, strict=True)]
    if not meshes:
        empty = np.zeros((0, 3), np.uint8)
        return Surface(np.zeros((0, 3)), np.zeros((0, 3), np.int32), empty[:, 0], empty[:, 0], empty, spans={})
    return Surface(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate(triangles).astype(np.int32),
        np.concatenate([mesh.part for mesh in meshes]),
        np.concatenate([mesh.person for mesh in meshes]),
        np.concatenate([mesh.colour for mesh in meshes]),
        _joined(meshes, "next_vertices", np.nan),
        _joined(meshes, "rest", np.nan),
        _normals(meshes),
        _joined(meshes, "distance", np.inf),
        _joined(meshes, "sliding", 0.0),
        "the scene",
        spans,
    )


def _check(mesh: Mesh) -> None:
    arrays = [mesh.vertices] if mesh.next_vertices is None else [mesh.vertices, mesh.next_vertices]
    if not all(np.isfinite(array).all() for array in arrays):
        bad = int(sum((~np.isfinite(array).all(axis=1)).sum() for array in arrays))
        raise invalid(
            "surface-not-finite",
            f"{mesh.name!r} has {bad} vertices that are nowhere (NaN or infinite); see its modifiers and drivers",
        )
    count, faces = len(mesh.vertices), len(mesh.triangles)
    whole = mesh.part.shape == mesh.person.shape == (faces,) and mesh.colour.shape == (faces, 3)
    if not whole or (faces and not 0 <= mesh.triangles.min() <= mesh.triangles.max() < count):
        raise invalid("surface-malformed", f"{mesh.name!r}: its triangles, parts and colours don't fit its vertices")


def _joined(meshes: Sequence[Mesh], name: str, missing: float) -> Floats | None:
    arrays: list[Floats | None] = [getattr(mesh, name) for mesh in meshes]
    if all(array is None for array in arrays):
        return None
    wide = name in {"next_vertices", "rest"}
    filled = [
        np.full((len(mesh.vertices), 3) if wide else len(mesh.vertices), missing) if array is None else array
        for mesh, array in zip(meshes, arrays, strict=True)
    ]
    return np.concatenate(filled)


def _normals(meshes: Sequence[Mesh]) -> Floats | None:
    if all(mesh.normals is None for mesh in meshes):
        return None
    return np.concatenate([corner_normals(mesh) if mesh.normals is None else mesh.normals for mesh in meshes])


def corner_normals(mesh: Mesh) -> Floats:
    """Return (F, 3, 3) unit normals of a smooth surface: the mean of the faces around a vertex, by their areas."""
    corners = mesh.vertices[mesh.triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    at, count = mesh.triangles.ravel(), len(mesh.vertices)
    sums = [np.bincount(at, np.repeat(faces[:, axis], 3), count) for axis in range(3)]
    normals = np.stack(sums, axis=1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
    return normals[mesh.triangles]


def check_outside(surface: Mesh, camera: Camera) -> None:
    """Check that a camera is in nobody's head, by the head's winding number there (Jacobson et al. 2013, equation 5).

    A head is open at the neck, so half a turn is enough.

    Raises:
        DuologueError: FAILED_PRECONDITION ``camera-inside-head``.
    """
    for person in sorted({int(one) for one in np.unique(surface.person)} - {0}):
        triangles = surface.triangles[(surface.person == person) & (surface.part == HEAD)]
        used = np.zeros(len(surface.vertices), bool)
        used[triangles] = True
        points = surface.vertices[used]
        around = len(points) > 0 and (points.min(axis=0) < camera.position).all()
        if not around or (points.max(axis=0) < camera.position).any():
            continue
        if abs(winding(surface.vertices[triangles] - camera.position)) > 0.5:
            name = PEOPLE[person] if person < len(PEOPLE) else str(person)
            raise DuologueError(
                "FAILED_PRECONDITION",
                "camera-inside-head",
                f"the camera is inside {name}'s head; move it out, or choose another camera",
                field="--camera",
            )


def winding(corners: Floats) -> float:
    """Return how many times triangles (F, 3, 3) wind around the origin: 1 inside of a closed surface, 0 outside.

    The solid angle of a triangle is van Oosterom and Strackee's (1983): tan(W/2) = a.(b x c) / (|a||b||c| + ...).
    """
    a, b, c = corners.transpose(1, 0, 2)
    lengths = [np.linalg.norm(side, axis=1) for side in (a, b, c)]
    above = einsum("ij,ij->i", a, np.cross(b, c))
    below = lengths[0] * lengths[1] * lengths[2]
    for one, other, third in ((a, b, lengths[2]), (b, c, lengths[0]), (c, a, lengths[1])):
        below = below + einsum("ij,ij->i", one, other) * third
    return float(np.arctan2(above, below).sum() / (2.0 * np.pi))


def moved_next(surface: Surface, following: Surface) -> Surface:
    """Return a surface that knows where it goes in the frame that follows."""
    return replace(surface, next_vertices=surface.aligned(following))
