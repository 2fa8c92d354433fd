"""A head's skin as arrays: what of a character's surface gives way under a hand, how far, and who its neighbours are.

Skin is what the head moves and what face shapes move, with what lies on it (brows) and beside it (ears). Eyes, teeth, hair and
clothes are obstacles: never pressed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.interactions.actor import Array, Character
from duologue.interactions.tissue import tissue_of
from duologue.motion.rotations import cross, einsum
from duologue.rigs.skinned import SkinnedMesh

COARSE: Final = 0.006
"""Metres: a mesh with longer edges samples a fingertip's dent too coarsely, and gets a wider one."""

_PROBED: Final = 0.004
"""Metres between the points of a large triangle that may be touched…"""
_MOST_PROBED: Final = 8
"""…of which so many lie along a side at most."""
_MOVED: Final = 2e-4
"""Metres that a shape must move an island of the mesh for it to count as moved."""
_FACIAL: Final = ("cheek", "brow", "noseSneer", "mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch", "cheekPuff")
_UNDER_SKIN: Final = 0.96
"""Of the skin's distance from the head's middle: an island that lies further in, as seen from there, is inside of it."""
_CELLS: Final = (24, 48)
"""Rows and columns of directions from the head's middle in which the skin's distance is taken."""


@dataclass(frozen=True, eq=False)
class Skin:
    """n vertices that give way, and f triangles between them. Metres, at rest."""

    vertices: NDArray[np.int64]
    """(n,): which of the mesh's they are."""
    triangles: NDArray[np.int64]
    """(f, 3): indices into ``vertices``."""
    rest: Array
    """(n, 3): where they rest."""
    tissue: Array
    """(n,): how far each gives way at most."""
    give: Array
    """(n,) in [0, 1]: how much each goes along with what is pressed beside it; lids hardly do."""

    @cached_property
    def neighbours(self) -> tuple[NDArray[np.int64], Array]:
        """(n, k): the vertices on each one's edges, itself where it has fewer; (n, 1): how many there are, at least 1."""
        edges = edges_of(self.triangles)
        both = np.concatenate((edges, edges[:, ::-1]))
        both = both[np.argsort(both[:, 0], kind="stable")]
        count = np.bincount(both[:, 0], minlength=len(self.rest))
        column = np.arange(len(both)) - np.repeat(np.cumsum(count) - count, count)
        table = np.repeat(np.arange(len(self.rest))[:, None], max(int(count.max(initial=1)), 1), axis=1)
        table[both[:, 0], column] = both[:, 1]
        return table, np.maximum(count, 1)[:, None].astype(np.float64)

    def normals(self, points: Array, vertices: NDArray[np.int64] | None = None) -> Array:
        """Return outward unit normals (..., n, 3) of the vertices at ``points`` (..., n, 3): the triangles' mean by area.

        ``vertices``: those that are asked for; the others have 0.
        """
        wanted = np.ones(len(self.rest), np.bool_)
        if vertices is not None:
            wanted = np.zeros(len(self.rest), np.bool_)
            wanted[vertices] = True
        triangles = self.triangles[wanted[self.triangles].any(axis=1)]
        total = np.zeros(points.shape)
        if not len(triangles):
            return total
        order = np.argsort(triangles.T.ravel(), kind="stable")
        held, starts = np.unique(triangles.T.ravel()[order], return_index=True)
        a, b, c = (points[..., triangles[:, k], :] for k in range(3))
        across = cross(b - a, c - a)
        total[..., held, :] = np.add.reduceat(across[..., order % len(triangles), :], starts, axis=-2)
        total *= wanted[:, None]
        return total / np.maximum(np.sqrt(einsum("...i,...i->...", total, total))[..., None], 1e-12)

    @cached_property
    def area(self) -> Array:
        """(n,): square metres of skin that each vertex stands for."""
        a, b, c = (self.rest[self.triangles[:, k]] for k in range(3))
        third = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
        return np.bincount(self.triangles.ravel(), np.repeat(third, 3), minlength=len(self.rest)).astype(np.float64)

    @cached_property
    def edge(self) -> Array:
        """(n,): mean length of each vertex's edges."""
        table, count = self.neighbours
        return np.linalg.norm(self.rest[table] - self.rest[:, None], axis=-1).sum(axis=1) / count[:, 0]

    @cached_property
    def _longest(self) -> Array:
        """(f,): the longest side of each triangle, metres."""
        sides = self.rest[np.roll(self.triangles, -1, axis=1)] - self.rest[self.triangles]
        return np.linalg.norm(sides, axis=-1).max(axis=1, initial=0.0)

    @cached_property
    def probes_aside(self) -> Array:
        """(P - n,): metres within which each probe that is no vertex has a corner of its triangle, with a third to spare."""
        corners = self.rest[self.probes[0][len(self.rest) :]]
        sides = np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=-1).max(axis=1, initial=0.0)
        return 4 / 3 / np.sqrt(3) * sides

    @cached_property
    def probes(self) -> tuple[NDArray[np.int64], Array]:
        """Points of the skin that may be touched: its vertices, then points inside of triangles that are larger than a fingertip.

        (P, 3): three vertices each, and (P, 3): their shares; the first n are the vertices themselves.
        """
        alone = np.repeat(np.arange(len(self.rest))[:, None], 3, axis=1)
        corners, shares = [alone], [np.tile([1.0, 0.0, 0.0], (len(alone), 1))]
        longest = self._longest
        steps = np.where(longest > COARSE, np.minimum(np.ceil(longest / _PROBED), _MOST_PROBED), 0).astype(np.int64)
        for step in sorted({int(step) for step in steps if step}):
            of = self.triangles[steps == step]
            rows = [(i, j, step - i - j) for i in range(step + 1) for j in range(step + 1 - i)]
            inner = np.array([row for row in rows if max(row) < step], np.float64) / step  # without the corners
            corners.append(np.repeat(of, len(inner), axis=0))
            shares.append(np.tile(inner, (len(of), 1)))
        return np.concatenate(corners), np.concatenate(shares)

    def at_probes(self, values: Array) -> Array:
        """Return what ``values`` (..., n, 3) of the vertices are at the probes (..., P, 3)."""
        corners, shares = self.probes
        extra = slice(len(self.rest), None)
        if len(corners) == len(self.rest):
            return values
        between = np.zeros((*values.shape[:-2], len(corners) - len(self.rest), values.shape[-1]))
        for k in range(3):
            between += shares[extra, k, None] * values[..., corners[extra, k], :]
        return np.concatenate((values, between), axis=-2)

    def smoothed(self, values: Array, shares: tuple[Array, Array], rounds: int) -> Array:
        """Return ``values`` (T, n, 3) after some rounds in which each becomes its own one and its neighbours' mean by ``shares``,
        (T, n) each.

        In the order of how many neighbours they have, vertices that have a k-th are the first ones; and what belongs to a vertex
        in all frames lies together: a tenth of the time of frame after frame.
        """
        order, table, reach, count = self._by_valence
        where = np.empty_like(order)
        where[order] = np.arange(len(order))
        rows = np.ascontiguousarray(values[:, order].swapaxes(0, 1))
        kept, drawn = (share[:, order].T[..., None] for share in shares)
        drawn = drawn / count
        for _ in range(rounds):
            total = np.zeros_like(rows)
            for column, last in zip(table, reach, strict=True):
                total[:last] += rows[column[:last]]
            rows = kept * rows + drawn * total
        return rows[where].swapaxes(0, 1)

    @cached_property
    def _by_valence(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Array]:
        """Vertices (n,) by how many neighbours they have, most first; the k-th neighbour (k, n) of each in that order, how many
        (k,) have one, and how many each has (n, 1, 1), at least 1."""
        table, count = self.neighbours
        own = np.where((table == np.arange(len(table))[:, None]).all(axis=1), 0, count[:, 0]).astype(np.int64)
        order = np.argsort(-own, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        reach = (own[order] > np.arange(table.shape[1])[:, None]).sum(axis=1)
        return order, np.ascontiguousarray(place[table[order]].T), reach, count[order][..., None]

    def part(self, chosen: NDArray[np.bool_]) -> Skin:
        """Return some of the skin: vertices where ``chosen`` (n,)."""
        place = np.cumsum(chosen) - 1
        inside = chosen[self.triangles].all(axis=1)
        return replace(
            self,
            vertices=self.vertices[chosen],
            triangles=place[self.triangles[inside]],
            rest=self.rest[chosen],
            tissue=self.tissue[chosen],
            give=self.give[chosen],
        )


def skin_of(character: Character) -> Skin:
    """Find the skin of a character's head.

    Raises:
        DuologueError: FAILED_PRECONDITION ``head-without-skin`` when the head moves no triangle.
    """
    mesh = character.mesh
    of_head = character.head_weight > 0.5
    chosen = mesh.triangles[of_head[mesh.triangles].all(axis=1)]
    if not len(chosen):
        raise DuologueError(
            "FAILED_PRECONDITION",
            "head-without-skin",
            f"no part of {mesh.name or 'the mesh'} goes with the head; weigh it to the head's bone",
        )
    island = islands(len(mesh.vertices), chosen)
    skin = np.isin(island, _skin_islands(mesh, island, chosen)) & of_head
    vertices = np.unique(chosen[skin[chosen].all(axis=1)])
    place = np.full(len(mesh.vertices), -1)
    place[vertices] = np.arange(len(vertices))
    triangles = place[chosen]
    rest = mesh.vertices[vertices]
    inner = _inner(mesh, island, np.unique(chosen), vertices)
    tissue, give = tissue_of(character, vertices, inner)
    return Skin(vertices, triangles[(triangles >= 0).all(axis=1)], rest, tissue, give)


def islands(count: int, triangles: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return which connected piece (V,) each of ``count`` vertices belongs to, named by its lowest vertex."""
    edges = edges_of(triangles)
    label = np.arange(count)
    while True:  # each turn takes the lower label over every edge, then follows labels to their own
        before = label.copy()
        low = np.minimum(label[edges[:, 0]], label[edges[:, 1]])
        np.minimum.at(label, label[edges[:, 0]], low)
        np.minimum.at(label, label[edges[:, 1]], low)
        label = label[label]
        if (label == before).all():
            return label


def edges_of(triangles: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return the edges (E, 2) of triangles, each once."""
    pairs = np.concatenate((triangles[:, :2], triangles[:, 1:], triangles[:, ::2]))
    return np.unique(np.sort(pairs, axis=1), axis=0).astype(np.int64)


def _skin_islands(mesh: SkinnedMesh, island: NDArray[np.int64], triangles: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the islands that are skin: what face shapes move, and what has that material and no shape moves (ears)."""
    moved, any_moved = np.zeros(len(island), np.bool_), np.zeros(len(island), np.bool_)
    for name, (index, delta) in mesh.shapes.items():
        far = index[np.linalg.norm(delta, axis=1) > _MOVED]
        any_moved[far] = True
        if name.startswith(_FACIAL):
            moved[far] = True
    owners, counts = np.unique(island[triangles[:, 0]], return_counts=True)
    found = np.unique(island[moved])
    found = found[np.isin(found, owners)]
    if not len(found):  # a face without shapes: the largest piece
        return owners[[np.argmax(counts)]]
    material = mesh.vertex_material
    main = found[np.argmax([counts[owners == one][0] for one in found])]
    own = np.bincount(material[(island == main) & (material >= 0)]).argmax()
    still = np.setdiff1d(owners, np.unique(island[any_moved]))
    alike = [one for one in still if (material[island == one] == own).all()] if len(mesh.materials) > 1 else []
    return np.concatenate((found, np.array(alike, np.int64)))


def _inner(
    mesh: SkinnedMesh, island: NDArray[np.int64], of_head: NDArray[np.int64], skin: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the vertices of what lies inside the skin: eyeballs, teeth, tongue; not hair, which lies on it."""
    rest = mesh.vertices
    middle = 0.5 * (rest[skin].min(axis=0) + rest[skin].max(axis=0))

    def seen(points: Array) -> tuple[NDArray[np.int64], Array]:
        away = points - middle
        distance = np.linalg.norm(away, axis=1)
        up = np.arcsin(np.clip(away[:, 1] / np.maximum(distance, 1e-9), -1, 1)) / np.pi + 0.5
        round_ = np.arctan2(away[:, 0], away[:, 2]) / (2 * np.pi) + 0.5
        row = np.minimum((up * _CELLS[0]).astype(int), _CELLS[0] - 1)
        return row * _CELLS[1] + np.minimum((round_ * _CELLS[1]).astype(int), _CELLS[1] - 1), distance

    outermost = np.zeros(_CELLS[0] * _CELLS[1])
    np.maximum.at(outermost, *seen(rest[skin]))
    others = of_head[~np.isin(of_head, skin)]
    cell, distance = seen(rest[others])
    deep = np.where(outermost[cell] > 0, distance / np.maximum(outermost[cell], 1e-9), np.inf)
    found = [others[island[others] == one] for one in np.unique(island[others])]
    return np.concatenate(
        [group for group in found if np.median(deep[np.isin(others, group)]) < _UNDER_SKIN] or [others[:0]]
    )
