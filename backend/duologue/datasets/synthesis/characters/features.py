"""What sits on and in the head: eyeballs, teeth, tongue, brows, ears and hair. Head space, centimetres (see head.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.synthesis.characters.fields import Field, Points, blend, carve, ellipsoid, limb, surface_nets
from duologue.datasets.synthesis.characters.head import EYE_Y, MOUTH_Y, FaceDesign, HeadMesh, cast


@dataclass
class Piece:
    """A mesh with a material name per face; `kind` says how the face shapes treat it."""

    kind: str
    points: Points
    faces: NDArray[np.int64]
    material: list[str]

    def mirrored(self, kind: str) -> Piece:
        """The copy for the other side."""
        faces = np.where(self.faces[:, 3:] < 0, self.faces[:, [0, 2, 1, 3]], self.faces[:, ::-1])
        return Piece(kind, self.points * [-1, 1, 1], faces, list(self.material))

    def drop(self, hidden: NDArray[np.bool_]) -> None:
        """Remove the faces of which every corner is hidden, and the vertices left without a face."""
        corners = np.where(self.faces < 0, self.faces[:, :1], self.faces)
        keep = ~hidden[corners].all(1)
        used = np.unique(corners[keep])
        renumber = np.full(len(self.points) + 1, -1)
        renumber[used] = np.arange(len(used))
        self.faces = renumber[self.faces[keep]]
        self.points = self.points[used]
        self.material = [m for m, k in zip(self.material, keep, strict=True) if k]


def lathe(
    angles: Sequence[float], radius: float, segments: int, names: Sequence[str]
) -> tuple[Points, NDArray[np.int64], list[str]]:
    """Part of a sphere about +z from its pole out to the last angle (degrees); one material per band."""
    turn = 2 * np.pi * np.arange(segments) / segments
    points = [np.array([[0.0, 0.0, radius]])]
    faces, material = [], []
    for k, a in enumerate(np.deg2rad(np.asarray(angles, float))):
        points.append(
            radius * np.stack((np.sin(a) * np.cos(turn), np.sin(a) * np.sin(turn), np.full(segments, np.cos(a))), 1)
        )
        start = 1 + k * segments
        for i in range(segments):
            j = (i + 1) % segments
            if k == 0:
                faces.append((0, start + i, start + j, -1))
            else:
                faces.append((start - segments + i, start + i, start + j, start - segments + j))
            material.append(names[k])
    return np.concatenate(points), np.array(faces), material


def eye(d: FaceDesign) -> list[Piece]:
    """The left eyeball and its highlight."""
    angles = [8, 15, 21, 28, 34, 37, 43, 52, 65, 80, 98, 118]
    names = ["pupil"] * 2 + ["iris"] * 3 + ["iris_rim"] + ["sclera"] * 6
    centre = np.array([d.eye_x, EYE_Y, d.eye_z])
    points, faces, material = lathe(angles, d.eye_radius, 28, names)
    ball = Piece("eyeLeft", points + centre, faces, material)
    spots = []
    for right, up, size in ((-10.5, 14.0, 5.2), (9.0, -9.0, 2.4)):
        points, faces, material = lathe([size * 0.6, size], d.eye_radius + 0.035, 10, ["highlight"] * 2)
        turn = _rotation(np.deg2rad(-up), 0) @ np.eye(3)
        points = points @ turn.T @ _rotation(np.deg2rad(right), 1).T
        spots.append(Piece("glintLeft", points + centre, faces, material))
    return [ball, *spots]


def _rotation(angle: float, axis: int) -> NDArray[np.float64]:
    c, s = np.cos(angle), np.sin(angle)
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    out = np.eye(3)
    out[i, i] = out[j, j] = c
    out[i, j], out[j, i] = -s, s
    return out


def teeth(d: FaceDesign, front: float, upper: bool) -> Piece:
    """One arch of twelve teeth with its gum; `front` is the z of the lips' line of contact."""
    across = np.linspace(-1, 1, 49)
    half = 2.5 if upper else 2.35
    x = half * np.sin(across * np.pi / 2 * 0.98)
    depth = 1.12 if upper else 1.38
    z = front - depth - 2.35 * (1 - np.cos(across * np.pi / 2 * 0.98))
    widths = 12
    groove = np.abs(np.sin(across * widths * np.pi / 2)) ** 0.5
    tip = MOUTH_Y - 0.62 if upper else MOUTH_Y - 0.50
    sign = -1.0 if upper else 1.0
    longer = (0.10 * np.exp(-((across / 0.17) ** 2)) if upper else 0.0) + 0.05 * groove
    normal = np.stack((np.gradient(x), np.gradient(z)), 1)
    normal = np.stack((-normal[:, 1], normal[:, 0]), 1) / np.linalg.norm(normal, axis=1, keepdims=True)
    normal *= np.where(normal[:, 1:] < 0, -1, 1)
    # cross-section: (height from the biting edge towards the gum, outward)
    section = [
        (0.02, 0.02),
        (0.0, 0.10),
        (0.08, 0.20),
        (0.45, 0.26),
        (0.85, 0.24),
        (0.98, 0.30),
        (1.5, 0.34),
        (1.9, 0.2),
        (1.9, -0.3),
        (0.4, -0.25),
    ]
    rows = []
    for up, out in section:
        dent = groove if up < 1.05 else np.ones_like(groove)
        o = np.where(out > 0, out * (0.55 + 0.45 * dent), out)
        y = tip - sign * up + sign * longer * (up < 0.5)
        if up < 0.1:
            y = y - sign * 0.05 * (1 - dent)
        rows.append(np.column_stack((x + normal[:, 0] * o, y, z + normal[:, 1] * o)))
    n, m = len(across), len(section)
    points = np.stack(rows, 1).reshape(-1, 3)
    faces, material = [], []
    for i in range(n - 1):
        for j in range(m):
            k = (j + 1) % m
            quad = (i * m + j, i * m + k, (i + 1) * m + k, (i + 1) * m + j)
            faces.append(quad if not upper else quad[::-1])
            material.append("gum" if 5 <= j <= 6 else "teeth")
    return Piece("teethUpper" if upper else "teethLower", points, _outward(points, np.array(faces)), material)


def _outward(points: Points, faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Flip all faces if the solid's signed volume is negative."""
    a, b, c = (points[faces[:, i]] for i in range(3))
    e = points[faces[:, 3]]
    volume = np.einsum("ij,ij->", a, np.cross(b, c)) + np.einsum("ij,ij->", a, np.cross(c, e))
    return faces if volume > 0 else faces[:, ::-1]


def tongue(front: float) -> Piece:
    """A flat tongue with a groove down its middle, resting behind the lower teeth."""
    y = MOUTH_Y - 1.0
    tip = front - 2.0
    body = blend(
        0.8,
        limb((0, y, tip - 0.9), (0, y - 0.1, tip - 4.6), 1.1, 1.4, (1.0, 0.42, 1.0)),
        ellipsoid((0, y - 0.05, tip - 0.8), (1.1, 0.42, 1.0)),
    )
    groove = limb((0, y + 1.05, tip - 0.2), (0, y + 1.15, tip - 4.0), 0.62, 0.62)
    shape = carve(0.35, body, groove)
    points, faces = surface_nets(shape, (-2.0, y - 1.2, tip - 6.5), (2.0, y + 1.2, tip + 0.6), (0.42, 0.32, 0.5))
    return Piece("tongue", points, faces, ["tongue"] * len(faces))


@dataclass(frozen=True)
class BrowDesign:
    """An eyebrow in the front view: path from the nose outwards and its thickness (cm)."""

    path: tuple[tuple[float, float], ...] = ((1.25, 14.65), (2.3, 15.1), (3.6, 15.25), (4.75, 14.75))
    thickness: float = 0.34
    height: float = 0.28


def brow(b: BrowDesign, head: HeadMesh) -> Piece:
    """The left eyebrow: a padded strip on the skin."""
    from scipy.interpolate import CubicSpline

    path = np.array(b.path)
    n, section = 15, np.deg2rad([0, 35, 70, 110, 145, 180])
    t = np.linspace(0, 1, n)
    curve = CubicSpline(np.linspace(0, 1, len(path)), path)(t)
    tangent = np.gradient(curve, axis=0)
    normal = np.stack((-tangent[:, 1], tangent[:, 0]), 1) / np.linalg.norm(tangent, axis=1, keepdims=True)
    taper = np.clip(1.0 - 0.62 * t**1.6, 0, 1) * np.minimum(1, 0.45 + t * 6) * np.minimum(1, (1 - t) * 6 + 0.25)
    rows = []
    for a in section:
        xy = curve + normal * (b.thickness * taper * np.cos(a))[:, None]
        lift = b.height * taper * np.sin(a) - 0.06
        rows.append(np.column_stack((xy, head.height(xy[:, 0], xy[:, 1]) + lift)))
    points = np.stack(rows, 1).reshape(-1, 3)
    m = len(section)
    faces = [
        (i * m + j, (i + 1) * m + j, (i + 1) * m + j + 1, i * m + j + 1) for i in range(n - 1) for j in range(m - 1)
    ]
    ends = [(0, 1, 2, 3), (0, 3, 4, 5)]
    last = (n - 1) * m
    ends += [(last + q[3], last + q[2], last + q[1], last + q[0]) for q in ends]
    table = np.array(faces + ends)
    a, c = points[table[0, 0]], points[table[0, 2]]
    facing = np.cross(points[table[0, 1]] - a, c - a)[2]
    table = table if facing > 0 else table[:, ::-1]
    return Piece("skin", points, table, ["brow"] * len(table))


def ear(d: FaceDesign) -> Piece:
    """The left ear."""
    x = 8.05 * d.width
    shell = blend(
        0.5,
        ellipsoid((x + 0.35, 11.9, -0.9), (0.62, 2.35, 1.55)),
        ellipsoid((x, 9.9, -0.35), (0.5, 0.9, 0.75)),
        ellipsoid((x - 0.5, 11.2, -0.3), (0.8, 1.7, 1.1)),
    )
    hollow = ellipsoid((x + 1.05, 12.1, -0.55), (0.75, 1.55, 0.95))
    shape = carve(0.3, shell, hollow)
    points, faces = surface_nets(shape, (x - 1.6, 8.4, -3.2), (x + 1.8, 15.0, 1.6), 0.46)
    # swept back: the rear stands out from the skull
    out = np.clip((-points[:, 2] - 0.2) * 0.38, -0.2, 0.9)
    points = points + np.column_stack((out, np.zeros_like(out), np.zeros_like(out)))
    return Piece("skin", points, faces, ["skin"] * len(faces))


def nostril(d: FaceDesign, head: HeadMesh) -> Piece:
    """The left nostril: a dark pad set into the nose from below."""
    below = np.array([[0.52 * d.nose_width, 5.0, d.nose_length - 0.30]])
    at = cast(head.field, below, np.array([0.0, 1.0, 0.0]), 5.0)[0]
    points, faces, material = lathe([30, 60, 90, 120], 1.0, 12, ["nostril"] * 4)
    turned = np.column_stack((points[:, 0], -points[:, 2], points[:, 1]))  # pole down
    pad = turned * [0.30, 0.10, 0.26] + at + [0.0, 0.045, 0.0]
    return Piece("skin", pad, faces, material)


def hair_piece(shape: Field, low: Sequence[float], high: Sequence[float], cell: float, name: str = "hair") -> Piece:
    """Hair is a solid volume over the skull."""
    points, faces = surface_nets(shape, low, high, cell, relax=4)
    return Piece("hair", points, faces, [name] * len(faces))
