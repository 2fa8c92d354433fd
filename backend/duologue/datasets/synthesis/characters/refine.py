"""Shorter edges where hands touch a face: cheeks, nose, chin and the skin round the lips. Head space, centimetres (see head.py).

A fingertip is as wide as one cell of the head's grid, too coarse for a dent. Edges there are halved until none is longer
than `LONGEST`; the new vertices lie on the head's implicit surface, and the old ones stay where they are. Lips, lids and
the mouth's lining are rings of their own and keep theirs, so what closes still closes on the same vertices.
"""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.synthesis.characters.fields import Points, edges_of, project, smoothstep
from duologue.datasets.synthesis.characters.head import HeadMesh

LONGEST = 0.40
"""Longest edge (cm of head space) that is left whole. Halving leaves edges of half to all of it: about 3 mm."""
_PASSES = 4
_THROAT, _EARS = (-3.0, -1.5), (0.8, 2.0)
"""Heights, and depths (z), between which new vertices go from the old mesh's cells to the surface, which those cut across."""
_LIPS, _LIDS = 5, 7
"""The outer rings of the mouth's and the eyes' blocks: further in, rings are fine enough and lie off the implicit surface."""


def touched(points: Points) -> NDArray[np.bool_]:
    """Which points (N, 3) lie where hands touch: from the throat to the lower lids and the bridge of the nose."""
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    return (z > _EARS[0]) & (y > _THROAT[0]) & ((y < 10.9) | ((x < 2.0) & (y < 13.2)))


def refine(head: HeadMesh, longest: float = LONGEST) -> HeadMesh:
    """Return the head with the edges of the touched region halved until none is longer than ``longest`` (cm)."""
    for _ in range(_PASSES):
        edges = edges_of(head.faces)
        ends = head.points[edges]
        long = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1) > longest
        rings = np.nanmin(np.nan_to_num(head.lip_ring, nan=8.0)[edges], axis=1) >= _LIPS
        lids = np.nanmin(np.nan_to_num(head.lid_ring, nan=7.0)[edges], axis=1) >= _LIDS
        split = edges[long & rings & lids & touched(ends.mean(1))]
        if not len(split):
            break
        head = _halved(head, split)
    return head


def _halved(head: HeadMesh, edges: NDArray[np.int64]) -> HeadMesh:
    """Put a vertex in the middle of each edge (E, 2), and divide the faces on either side."""
    count = len(head.points)
    middle = {(a, b): count + k for k, (a, b) in enumerate(edges.tolist())}
    parents = [tuple(edge) for edge in edges.tolist()]
    faces: list[tuple[int, ...]] = []
    material: list[str] = []
    for corners, name in zip(head.faces.tolist(), head.material, strict=True):
        halves = [middle.get((min(a, b), max(a, b)), -1) for a, b in _sides(corners)]
        if max(halves) < 0:
            new = [tuple(corners)]
        else:
            centre = -1
            if len(halves) == 4 and sum(h >= 0 for h in halves) > 1 and not _opposite(halves):
                centre = count + len(parents)
                parents.append(tuple(corners))
            new = _quad(corners, halves, centre) if len(halves) == 4 else _triangle(corners[:3], halves)
        faces += new
        material += [name] * len(new)
    return _with_vertices(head, parents, np.array(faces), material)


def _sides(corners: list[int]) -> list[tuple[int, int]]:
    whole = [c for c in corners if c >= 0]
    return list(zip(whole, whole[1:] + whole[:1], strict=True))


def _opposite(halves: list[int]) -> bool:
    """Whether just two sides of a quad are halved, and they face each other."""
    return [h >= 0 for h in halves] in ([True, False, True, False], [False, True, False, True])


def _triangle(corners: list[int], halves: list[int]) -> list[tuple[int, ...]]:
    """Divide a triangle with one, two or three halved sides; `halves[i]` lies after `corners[i]`, -1 on a whole side."""
    halved = sum(h >= 0 for h in halves)
    k = next(i for i in range(3) if (halves[i] >= 0) == (halved != 2))  # with two, the side that is whole
    a, b, c = corners[k:] + corners[:k]
    ab, bc, ca = halves[k:] + halves[:k]
    if halved == 1:
        return [(a, ab, c, -1), (ab, b, c, -1)]
    if halved == 2:
        return [(a, b, bc, ca), (ca, bc, c, -1)]
    return [(a, ab, ca, -1), (ab, b, bc, -1), (ca, bc, c, -1), (ab, bc, ca, -1)]


def _quad(corners: list[int], halves: list[int], centre: int) -> list[tuple[int, ...]]:
    """Divide a quad in the same way; `centre` is the vertex in its middle, which one side or two opposite ones do without."""
    if _opposite(halves):
        k = 0 if halves[0] >= 0 else 1
        a, b, c, d = corners[k:] + corners[:k]
        first, second = halves[k], halves[k + 2]
        return [(a, first, second, d), (first, b, c, second)]
    if centre < 0:  # one side: three triangles about its middle
        k = next(i for i, h in enumerate(halves) if h >= 0)
        a, b, c, d = corners[k:] + corners[:k]
        m = halves[k]
        return [(a, m, d, -1), (m, b, c, -1), (m, c, d, -1)]
    around = [v for corner, half in zip(corners, halves, strict=True) for v in (corner, half) if v >= 0]
    start = next(i for i, v in enumerate(around) if v in halves)
    around = around[start:] + around[:start]
    # a fan of quads about the centre, from one halved side to the next; a corner between two whole sides gives two triangles
    new: list[tuple[int, ...]] = []
    marks = [i for i, v in enumerate(around) if v in halves] + [len(around)]
    for i, j in pairwise(marks):
        run = [*around[i:j], around[j % len(around)]]
        if len(run) == 3:
            new.append((*run, centre))
        elif len(run) == 4:
            new += [(run[0], run[1], centre, -1), (run[1], run[2], centre, -1), (run[2], run[3], centre, -1)]
        else:
            new += [(run[0], run[1], run[2], centre), (run[2], run[3], run[4], centre)]
    return new


def _with_vertices(
    head: HeadMesh, parents: list[tuple[int, ...]], faces: NDArray[np.int64], material: list[str]
) -> HeadMesh:
    """Append a vertex in the middle of each tuple of parents: on the surface, and between their rings and angles."""
    mean = np.array([head.points[list(p)].mean(0) for p in parents])
    onto = (smoothstep(*_THROAT, mean[:, 1]) * smoothstep(*_EARS, mean[:, 2]))[:, None]
    points = mean + onto * (project(head.field, mean, 0.1) - mean)
    tags = {k: getattr(head, k) for k in ("lip_ring", "lip_angle", "lid_ring", "lid_angle", "lid_side")}
    new = {k: np.array([_tag(v[list(p)], k.endswith("angle")) for p in parents]) for k, v in tags.items()}
    outside = np.isnan(new["lid_ring"])
    new["lid_side"][outside] = 0.0
    return dataclasses.replace(
        head,
        points=np.concatenate((head.points, points)),
        faces=faces,
        material=material,
        **{k: np.concatenate((tags[k], new[k])) for k in tags},
    )


def _tag(values: NDArray[np.float64], angle: bool) -> float:
    """Mean of the parents' values, nan if one is off the rings; angles go the short way round."""
    if angle and np.ptp(values) > np.pi:
        values = np.where(values < np.pi, values + 2 * np.pi, values)
    return float(values.mean() % (2 * np.pi)) if angle else float(values.mean())
