"""A head's skin as arrays: what of a character's surface gives way under a hand, how far, and who its neighbours are.

Skin is what the head moves and what face shapes move, with what lies on it (brows) and beside it (ears). Eyes, teeth, hair and
clothes are obstacles: never pressed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.interactions.actor import Array, Character
from duologue.interactions.landmarks import NEEDED, find_landmark, sides_of
from duologue.rigs.skinned import SkinnedMesh

TISSUE: Final = {
    "cheek": 0.008,
    "lips": 0.006,
    "chin": 0.004,
    "nose": 0.004,
    "ear": 0.004,
    "forehead": 0.002,
    "bridge": 0.002,
}
"""Metres that soft tissue gives way before there is bone, by landmark; ``bridge``: of the nose."""
ELSEWHERE: Final = 0.003
SOFTEST: Final = 0.008
"""Metres at 1 in the vertex group ``duologue_softness``."""
COARSE: Final = 0.006
"""Metres: a mesh with longer edges samples a fingertip's dent too coarsely, and gets a wider one."""

_SPREAD: Final = 0.022
"""Metres round a landmark over which its tissue fades into its neighbours', on a face that is ``_FACE`` wide at the cheeks."""
_FACE: Final = 0.095
_CLEARANCE: Final = 0.7
"""Share of the distance to teeth or eyeballs that skin may take."""
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

    @cached_property
    def _corners(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Triangles in the order of the vertices they touch, those vertices, and where each one's begin."""
        order = np.argsort(self.triangles.T.ravel(), kind="stable")
        owners = self.triangles.T.ravel()[order]
        held, starts = np.unique(owners, return_index=True)
        return order % len(self.triangles), held, starts

    def normals(self, points: Array) -> Array:
        """Return outward unit normals (..., n, 3) of the vertices at ``points`` (..., n, 3): the triangles' mean by area."""
        if not len(self.triangles):
            return np.zeros(points.shape)
        a, b, c = (points[..., self.triangles[:, k], :] for k in range(3))
        across = np.cross(b - a, c - a)
        triangle, held, starts = self._corners
        total = np.zeros(points.shape)
        total[..., held, :] = np.add.reduceat(across[..., triangle, :], starts, axis=-2)
        return total / np.maximum(np.linalg.norm(total, axis=-1, keepdims=True), 1e-12)

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

    def neighbour_mean(self, values: Array) -> Array:
        """Return the mean of ``values`` (..., n, 3) over each vertex's neighbours."""
        table, count = self.neighbours
        padding = table.shape[1] - count
        total = np.zeros_like(values)
        for column in table.T:
            total += values[..., column, :]
        return (total - padding * values) / count

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
    room = _CLEARANCE * _nearest(rest, mesh.vertices[inner])
    lids = _lids(mesh)[vertices]
    tissue = np.minimum(_tissue(character, rest, mesh.softness[vertices] if len(mesh.softness) else None), room)
    return Skin(vertices, triangles[(triangles >= 0).all(axis=1)], rest, tissue * (1 - 0.8 * lids), 1 - 0.9 * lids)


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


def _nearest(points: Array, others: Array) -> Array:
    """Return the distance (n,) of points to the nearest of others; infinite where there are none."""
    best = np.full(len(points), np.inf)
    for part in np.array_split(others, max(1, len(others) // 256)):
        if len(part):
            square = (points**2).sum(1)[:, None] + (part**2).sum(1) - 2 * points @ part.T
            best = np.minimum(best, np.sqrt(np.maximum(square, 0)).min(axis=1))
    return best


def _lids(mesh: SkinnedMesh) -> Array:
    """Return how much (V,) each vertex is an eyelid: how far it goes in a blink, of the farthest."""
    lid = np.zeros(len(mesh.vertices))
    for side in ("Left", "Right"):
        if f"eyeBlink{side}" in mesh.shapes:
            index, delta = mesh.shapes[f"eyeBlink{side}"]
            far = np.linalg.norm(delta, axis=1)
            lid[index] = np.maximum(lid[index], np.sqrt(far / max(float(far.max(initial=0.0)), 1e-9)))
    return lid


def _tissue(character: Character, rest: Array, softness: Array | None) -> Array:
    """Return how far (n,) skin gives way: each landmark's depth round it, what is nearest counting most."""
    if softness is not None:
        return SOFTEST * softness
    places = landmark_points(character)
    if not places:
        return np.full(len(rest), ELSEWHERE)
    cheeks = [point for name, point in places if name == "cheek"]
    size = float(np.linalg.norm(cheeks[0] - cheeks[1])) / _FACE if len(cheeks) == 2 else 1.0
    weight, total = np.full(len(rest), 0.02), np.full(len(rest), 0.02 * ELSEWHERE)
    for name, point in places:
        near = np.exp(-0.5 * (((rest - point) ** 2).sum(axis=1)) / (size * _SPREAD) ** 2)
        weight += near
        total += near * TISSUE[name]
    return total / weight


def landmark_points(character: Character) -> list[tuple[str, Array]]:
    """Return the landmarks that a face has, and the bridge of the nose: names and places (3,) at rest."""
    found: list[tuple[str, Array]] = []
    for name in NEEDED:
        for side in sides_of(name):
            try:
                found.append((name, find_landmark(character, name, side).centre))
            except DuologueError as error:
                if error.reason != "face-without-landmarks":
                    raise
    known: Mapping[str, Array] = dict(found)
    if {"nose", "forehead"} <= set(known):
        found.append(("bridge", 0.5 * (known["nose"] + known["forehead"])))
    return found
