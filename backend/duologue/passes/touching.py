"""How near hands are to skin: the signed distance of every vertex to what it may touch, and how fast it slides along it.

Brute force over what lies in both boxes: at a thousand vertices each that is as fast as a tree, and needs numpy alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.motion.rotations import einsum
from duologue.passes.contract import BODY, HAND, HEAD
from duologue.passes.surface import Surface

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.intp]
Pair = tuple[NDArray[np.int32], NDArray[np.int32]]

REACH: Final = 0.020
"""Metres: what is farther away touches nothing (nearness 1e-7)."""
_PAIRS: Final = 2_000_000


def with_contact(surface: Surface, fps: float, pairs: Sequence[Pair] | None = None) -> Surface:
    """Return a surface that knows what of its skin touches: ``distance`` and ``sliding`` of :class:`.surface.Mesh`.

    A hand may touch its own head, and head, body and hands of everybody else; what it touches is touched by it. ``fps``: frames a
    second of ``next_vertices``, by which the sliding speed is told; without them it is 0. ``pairs``: which triangles (n, 3) may
    touch which others, where that is known better.
    """
    count = len(surface.vertices)
    distance, sliding = np.full(count, np.inf), np.zeros(count)
    moved = surface.next_vertices
    velocity = np.zeros((count, 3)) if moved is None else np.nan_to_num((moved - surface.vertices) * fps)
    for hand, other in _pairs(surface) if pairs is None else pairs:
        for mine, theirs in ((hand, other), (other, hand)):
            vertices, signed, speed = _measure(surface.vertices, mine, theirs, velocity)
            closer = signed < distance[vertices]
            distance[vertices[closer]], sliding[vertices[closer]] = signed[closer], speed[closer]
    return replace(surface, distance=distance, sliding=sliding)


def _pairs(surface: Surface) -> Iterator[Pair]:
    """Yield the triangles of a hand and those that it may touch."""
    people = [int(person) for person in np.unique(surface.person) if person > 0]
    for person in people:
        hand = surface.triangles[(surface.person == person) & (surface.part == HAND)]
        for other in people:
            parts = (HEAD,) if other == person else (HEAD, BODY, HAND) if other > person else (HEAD, BODY)
            theirs = surface.triangles[(surface.person == other) & np.isin(surface.part, parts)]
            if len(hand) and len(theirs):
                yield hand, theirs


def _measure(
    points: Floats, mine: NDArray[np.int32], theirs: NDArray[np.int32], velocity: Floats
) -> tuple[Indices, Floats, Floats]:
    """Return which of my triangles' vertices are near theirs (n,), by how much, negative inside, and how fast they slide."""
    none = np.zeros(0, np.intp), np.zeros(0), np.zeros(0)
    if not (len(mine) and len(theirs)):
        return none
    vertices, corners = _corners(mine, len(points)), _corners(theirs, len(points))
    low, high = points[corners].min(axis=0) - REACH, points[corners].max(axis=0) + REACH
    vertices = vertices[((points[vertices] > low) & (points[vertices] < high)).all(axis=1)]
    if not len(vertices):
        return none
    low, high = points[vertices].min(axis=0) - 2 * REACH, points[vertices].max(axis=0) + 2 * REACH
    corners = corners[((points[corners] > low) & (points[corners] < high)).all(axis=1)]
    if not len(corners):
        return none
    nearest = corners[_nearest(points[vertices], points[corners])]
    at, triangle = _around(nearest, theirs, len(points))
    corner = theirs[triangle]
    weights = closest_weights(points[vertices[at]], points[corner])
    foot = einsum("nk,nkc->nc", weights, points[corner])
    away = points[vertices[at]] - foot
    length = np.linalg.norm(away, axis=1)
    order = np.lexsort((length, at))  # of each vertex' triangles the nearest one
    best = order[np.r_[True, np.diff(at[order]) > 0]]
    vertex = vertices[at[best]]
    # An edge's own faces may disagree about the side, the mean of those around its ends does not.
    normal = einsum("nk,nkc->nc", weights[best], _normals(points, theirs)[corner[best]])
    signed = np.where(einsum("nc,nc->n", away[best], normal) < 0, -1.0, 1.0) * length[best]
    along = velocity[vertex] - einsum("nk,nkc->nc", weights[best], velocity[corner[best]])
    unit = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    speed = np.linalg.norm(along - einsum("nc,nc->n", along, unit)[:, None] * unit, axis=1)
    near = np.abs(signed) < REACH
    return vertex[near], signed[near], speed[near]


def _nearest(points: Floats, others: Floats) -> Indices:
    """Return which of ``others`` (m, 3) is nearest to each of ``points`` (n, 3)."""
    middle = others.mean(axis=0)
    mine, theirs = points - middle, others - middle
    squares = einsum("mc,mc->m", theirs, theirs)
    step = max(1, _PAIRS // len(others))
    parts = [squares - 2.0 * (mine[i : i + step] @ theirs.T) for i in range(0, len(mine), step)]
    return np.concatenate([part.argmin(axis=1) for part in parts])


def _around(vertices: Indices, triangles: NDArray[np.int32], count: int) -> tuple[Indices, Indices]:
    """Return pairs: which of ``vertices`` (n,), and a triangle that it is a corner of."""
    corner, owner = triangles.ravel(), np.repeat(np.arange(len(triangles)), 3)
    order = np.argsort(corner, kind="stable")
    starts = np.searchsorted(corner[order], np.arange(count + 1))
    many = starts[vertices + 1] - starts[vertices]
    at = np.repeat(np.arange(len(vertices)), many)
    nth = np.arange(len(at)) - np.repeat(np.cumsum(many) - many, many)
    return at, owner[order][starts[vertices][at] + nth]


def closest_weights(points: Floats, corners: Floats) -> Floats:
    """Return the weights (n, 3) of the corners of triangles (n, 3, 3) at their points nearest to ``points`` (n, 3).

    Ericson, Real-Time Collision Detection (2005), section 5.1.5: by which corner, edge or face the point lies over.
    """
    a, b, c = corners.transpose(1, 0, 2)
    ab, ac = b - a, c - a
    dots = [einsum("nc,nc->n", side, points - corner) for corner in (a, b, c) for side in (ab, ac)]
    d1, d2, d3, d4, d5, d6 = dots
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    with np.errstate(divide="ignore", invalid="ignore"):
        on_ab, on_ac = d1 / (d1 - d3), d2 / (d2 - d6)
        on_bc = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        v, w = vb / (va + vb + vc), vc / (va + vb + vc)
    zero, one = np.zeros_like(d1), np.ones_like(d1)
    regions = [
        ((d1 <= 0) & (d2 <= 0), (one, zero, zero)),
        ((d3 >= 0) & (d4 <= d3), (zero, one, zero)),
        ((d6 >= 0) & (d5 <= d6), (zero, zero, one)),
        ((vc <= 0) & (d1 >= 0) & (d3 <= 0), (1 - on_ab, on_ab, zero)),
        ((vb <= 0) & (d2 >= 0) & (d6 <= 0), (1 - on_ac, zero, on_ac)),
        ((va <= 0) & (d4 >= d3) & (d5 >= d6), (zero, 1 - on_bc, on_bc)),
    ]
    inner = (1 - v - w, v, w)
    found = [np.select([where for where, _ in regions], [of[k] for _, of in regions], inner[k]) for k in range(3)]
    return np.nan_to_num(np.stack(found, axis=1), nan=1.0 / 3.0)


def _corners(triangles: NDArray[np.int32], count: int) -> Indices:
    used = np.zeros(count, bool)
    used[triangles] = True
    return np.flatnonzero(used)


def _normals(points: Floats, triangles: NDArray[np.int32]) -> Floats:
    """Return the sums (V, 3) of the faces' normals, by area, around each vertex of a smooth surface."""
    corners = points[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    at = triangles.ravel()
    sums = [np.bincount(at, np.repeat(faces[:, axis], 3), len(points)).astype(np.float64) for axis in range(3)]
    return np.stack(sums, axis=1)
