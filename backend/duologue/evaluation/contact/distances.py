"""How far points are from a surface, and on which side of it: trimesh's closest points, with exact signs."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import KDTree

from duologue.evaluation.contact.surfaces import spread_over

Array = NDArray[np.float64]
Triangles = NDArray[np.integer[Any]]

_SPREAD: Final = 0.002
"""Metres between the points that nearness is first looked up with."""
_CORNER: Final = 1e-6
"""Of a triangle: a point that is nearer to an edge counts as lying on it."""


class Surface:
    """Triangles at one moment, that points can be near to."""

    def __init__(self, vertices: Array, triangles: Triangles) -> None:
        """Take ``vertices`` (V, 3), metres, and ``triangles`` (F, 3), counter-clockwise from outside."""
        self.mesh: Any = trimesh.Trimesh(vertices, triangles, process=False, validate=False)

    def within(self, points: Array, reach: float) -> NDArray[np.bool_]:
        """Return which points (n,) are within ``reach`` metres of it.

        Points spread over it tell for most; trimesh is asked about those that lie between.
        """
        spread = spread_over(self.mesh.vertices, self.mesh.faces, _SPREAD)
        away = KDTree(spread.at(self.mesh.vertices)).query(points, distance_upper_bound=reach + _SPREAD)[0]
        near = away < reach
        between = np.flatnonzero(~near & np.isfinite(away))
        near[between] = self._nearest(points[between])[1] < reach
        return near

    def signed(self, points: Array) -> tuple[Array, Array]:
        """Return how far outside points (n, 3) are (n,), negative inside, and where on the surface they are nearest to (n, 3).

        The sign is that of the normal at the nearest point, which is the triangle's, at an edge both triangles' mean and at a
        corner their mean by angle: exact wherever the surface is closed around it (J. A. Baerentzen and H. Aanaes, "Signed
        distance computation using the angle weighted pseudonormal", 2005). A ray through the whole mesh, trimesh's own way, finds
        no inside of a head that is open at the neck. What is nearest to an open edge is beside the surface: outside.
        """
        closest, away, triangle = self._nearest(points)
        normals, beside = self._normals(closest, triangle)
        outside = beside | (((points - closest) * normals).sum(axis=1) >= 0)
        return np.where(outside, away, -away), closest

    def _nearest(self, points: Array) -> tuple[Array, Array, NDArray[np.int64]]:
        if not len(points):
            return np.zeros((0, 3)), np.zeros(0), np.zeros(0, np.int64)
        return self.mesh.nearest.on_surface(points)

    def _normals(self, closest: Array, triangle: NDArray[np.int64]) -> tuple[Array, NDArray[np.bool_]]:
        """Return the normals (n, 3) at points of the surface, and which of them (n,) lie on its open edges."""
        mesh = self.mesh
        if not len(triangle):
            return np.zeros((0, 3)), np.zeros(0, np.bool_)
        shares = trimesh.triangles.points_to_barycentric(mesh.triangles[triangle], closest)
        edges = mesh.faces_unique_edges
        of_edges = np.zeros((len(mesh.edges_unique), 3))
        np.add.at(of_edges, edges.ravel(), np.repeat(mesh.face_normals, 3, axis=0))
        open_ = np.bincount(edges.ravel(), minlength=len(of_edges)) == 1
        rim = np.zeros(len(mesh.vertices), np.bool_)
        rim[mesh.edges_unique[open_]] = True
        missing = shares < _CORNER
        normals, beside = np.array(mesh.face_normals[triangle]), np.zeros(len(triangle), np.bool_)
        rows = np.flatnonzero(missing.sum(axis=1) == 1)
        opposite = missing[rows].argmax(axis=1)  # the edge that lacks this corner begins at the next one
        edge = edges[triangle[rows], (opposite + 1) % 3]
        normals[rows], beside[rows] = of_edges[edge], open_[edge]
        rows = np.flatnonzero(missing.sum(axis=1) == 2)
        corner = mesh.faces[triangle[rows], shares[rows].argmax(axis=1)]
        normals[rows], beside[rows] = mesh.vertex_normals[corner], rim[corner]
        return normals, beside
