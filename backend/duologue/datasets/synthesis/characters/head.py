"""The head: an implicit shape, and a quad mesh on it with loops around the eyes and the mouth.

Head space: centimetres, y = 0 under the chin and about 25.5 at the crown, +z to the face's front, +x its left. The mesh is
a grid of latitude rows and longitude columns; three blocks of its cells are replaced by rings that shrink to the lid edges
and to the lips' line of contact. Inside the lips the rings go on as the lining of the mouth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline

from duologue.datasets.synthesis.characters.fields import (
    Field,
    Points,
    blend,
    carve,
    ellipsoid,
    limb,
    mirrored,
    project,
    sphere,
)

MOUTH_Y = 5.3
EYE_Y = 12.5


@dataclass(frozen=True)
class FaceDesign:
    """What makes one face differ from another. Centimetres in head space unless said otherwise."""

    width: float = 1.0  # factor on the skull and cheeks
    jaw: float = 1.0  # factor on the jaw's width
    chin: float = 2.0  # radius of the chin's ball
    neck: float = 5.2  # radius
    eye_x: float = 3.05
    eye_radius: float = 1.75
    eye_z: float = 6.35
    lid_half_width: float = 1.58
    lid_up: float = 1.02
    lid_down: float = 0.80
    eye_tilt: float = 0.10  # outer corner higher than the inner one
    brow_ridge: float = 0.8
    nose_tip: float = 0.98
    nose_length: float = 9.45  # z of the tip's centre
    nose_width: float = 1.0
    cheek: float = 2.9
    mouth_half_width: float = 2.55
    upper_lip: float = 0.60
    lower_lip: float = 0.82
    lip_bulge: float = 0.38


@dataclass
class HeadMesh:
    """The head's skin and mouth lining, with what the shapes need to know about each vertex."""

    points: Points
    faces: NDArray[np.int64]
    material: list[str]
    lip_ring: NDArray[np.float64]  # 0 = line of contact, > 0 outward, < 0 inward; nan off the mouth's block
    lip_angle: NDArray[np.float64]  # 0 = left corner, pi/2 = middle of the upper lip
    lid_ring: NDArray[np.float64]  # 0 = lid edge, > 0 outward, -1 = folded in; nan elsewhere
    lid_angle: NDArray[np.float64]  # 0 = towards +x
    lid_side: NDArray[np.float64]  # +1 left eye, -1 right eye, 0 elsewhere
    field: Field
    height: Heightmap


class Heightmap:
    """Front surface z(x, y) of the head without its openings: what skin slides on."""

    def __init__(self, shape: Field) -> None:
        xs, ys = np.arange(-8.0, 8.01, 0.1), np.arange(-1.0, 20.01, 0.1)
        x, y = np.meshgrid(xs, ys, indexing="ij")
        z = cast(
            shape, np.column_stack((x.ravel(), y.ravel(), np.full(x.size, 14.0))), np.array([0.0, 0.0, -1.0]), 16.0
        )
        z = np.where(np.isnan(z[:, 2]), -1.0, z[:, 2]).reshape(x.shape)
        self.spline = RectBivariateSpline(xs, ys, z, kx=3, ky=3, s=0)

    def __call__(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Height z at (x, y)."""
        return self.spline.ev(x, y)


def cast(shape: Field, origin: Points, direction: NDArray[np.float64], reach: float, step: float = 0.2) -> Points:
    """First point inside `shape` along each ray, refined by bisection; nan where a ray misses."""
    direction = np.broadcast_to(direction, origin.shape)
    t = np.full(len(origin), np.nan)
    waiting = np.arange(len(origin))
    for k in range(int(reach / step) + 1):
        inside = shape(origin[waiting] + direction[waiting] * (k * step)) < 0
        t[waiting[inside]] = k * step
        waiting = waiting[~inside]
        if not len(waiting):
            break
    high, low = t.copy(), t - step
    good = ~np.isnan(t)
    for _ in range(22):
        mid = 0.5 * (low[good] + high[good])
        inside = shape(origin[good] + direction[good] * mid[:, None]) < 0
        high[good] = np.where(inside, mid, high[good])
        low[good] = np.where(inside, low[good], mid)
    return origin + direction * high[:, None]


def head_field(d: FaceDesign) -> Field:
    """The head without lips and openings; the lids' shells are part of it."""
    w = d.width
    skull = ellipsoid((0, 16.1, -0.8), (8.5 * w, 9.35, 9.3))
    face = ellipsoid((0, 10.6, 1.4), (7.4 * w, 9.4, 7.2))
    muzzle = ellipsoid((0, 5.5, 4.7), (4.4 * w, 3.9, 3.9))
    jaw = ellipsoid((0, 4.6, 1.9), (6.0 * d.jaw, 4.0, 5.4))
    chin = ellipsoid((0, 1.95, 5.9), (d.chin * 1.25, d.chin, d.chin))
    cheek = mirrored(ellipsoid((3.5 * w, 7.9, 4.9), (d.cheek, d.cheek, d.cheek)))
    ridge = mirrored(limb((1.6, 15.0, 7.3), (4.7, 15.1, 5.4), d.brow_ridge, d.brow_ridge * 0.8))
    neck = limb((0, 7.0, -2.2), (0, -13.0, -3.6), d.neck * 0.97, d.neck * 1.06)
    bridge = limb((0, 13.4, 6.9), (0, 9.0, d.nose_length - 0.5), 0.75 * d.nose_width, 0.72 * d.nose_width)
    tip = sphere((0, 8.6, d.nose_length), d.nose_tip)
    wings = mirrored(ellipsoid((1.05 * d.nose_width, 8.2, d.nose_length - 1.05), (0.78, 0.72, 0.95)))
    base = blend(2.6, skull, face)
    base = blend(2.2, base, jaw, muzzle)
    base = blend(2.4, base, chin, cheek, ridge)
    base = carve(1.5, base, mirrored(sphere((d.eye_x, EYE_Y, d.eye_z + 3.3), 2.3)))
    base = blend(1.5, base, bridge)
    base = blend(0.8, base, blend(0.6, tip, wings))
    lids = mirrored(sphere((d.eye_x, EYE_Y, d.eye_z), d.eye_radius + 0.19))
    base = blend(0.55, base, lids)
    return blend(2.0, base, neck)


def lid_outline(d: FaceDesign, angle: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Left eye's lid edge in the front view, relative to the eye's centre; angle 0 points to the outer corner (+x)."""
    c, s = np.cos(angle), np.sin(angle)
    reach = np.sign(s) * np.abs(s) ** 1.1
    y = np.where(s >= 0, d.lid_up, d.lid_down) * reach
    # the upper lid peaks towards the nose, the lower one towards the temple
    lean = np.where(s >= 0, -0.10, 0.12) * np.abs(s)
    return d.lid_half_width * (c + lean), y + d.eye_tilt * c


def lip_line(d: FaceDesign, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height of the line where the lips meet: a shallow bow with corners a little up."""
    u = np.abs(x) / d.mouth_half_width
    return MOUTH_Y - 0.10 * np.cos(u * np.pi * 1.4) * (u < 1.2) + 0.16 * u * u


def lip_edge(d: FaceDesign, angle: NDArray[np.float64], amount: NDArray[np.float64] | float) -> Points:
    """Front-view (x, y) of the lips; amount 0 = line of contact, 1 = the vermilion's border."""
    c, s = np.cos(angle), np.sin(angle)
    x = (d.mouth_half_width + 0.10 * np.asarray(amount)) * c
    bow = 1.0 - 0.16 * np.exp(-((c / 0.14) ** 2)) + 0.06 * np.exp(-(((np.abs(c) - 0.24) / 0.14) ** 2))
    tall = np.where(s >= 0, d.upper_lip * bow, d.lower_lip) * np.sign(s) * np.abs(s) ** 0.9
    return np.stack(np.broadcast_arrays(x, lip_line(d, x) + tall * amount), -1)


def _azimuths() -> NDArray[np.float64]:
    half = [*(3.2 * np.arange(1, 12)), 40, 46, 53, 61, 70, 80, 91, 102, 113, 124, 135, 146, 157, 168.5]
    return np.deg2rad(np.array([*(-np.array(half[::-1])), 0.0, *half, 180.0]))


def _rows() -> NDArray[np.float64]:
    """(front height, front elevation, back height) of each row, from the neck up."""
    rows = [(-13.0, 0, -13.0), (-10.5, 0, -10.5), (-8.3, 0, -8.3), (-6.3, 0, -6.3), (-4.5, 0, -4.6), (-2.9, -5, -3.2)]
    rows += [(3.2, e, b) for e, b in ((-54, -2.2), (-43, -1.4), (-33, -0.7), (-24.5, 0.1), (-17.5, 0.9))]
    rows += [(1.3, 0, 1.6), (1.9, 0, 2.1), (2.35, 0, 2.5), (2.8, 0, 2.9)]
    rows += [(y, 0, y) for y in MOUTH_Y + 0.5 * np.arange(-4, 5)]
    rows += [(y, 0, y) for y in (7.8, 8.3, 8.85, 9.45, 10.1)]
    rows += [(y, 0, y) for y in EYE_Y + 0.44 * np.arange(-4, 5)]
    rows += [(y, 0, y) for y in (14.85, 15.45, 16.1)]
    rows += [(16.1, e, 16.1) for e in (7, 15, 24, 34, 45, 57, 70, 81)]
    return np.array(rows, float)


def build_head(d: FaceDesign) -> HeadMesh:
    """Mesh the head."""
    shape = head_field(d)
    az, rows = _azimuths(), _rows()
    grid = _even_out(shape, _cast_grid(shape, az, rows), keep_from=16, keep_to=len(rows) - 9)
    middle = int(np.flatnonzero(az == 0)[0])
    mouth_row = int(np.flatnonzero(rows[:, 0] == MOUTH_Y)[0])
    eye_row = int(np.flatnonzero(rows[:, 0] == EYE_Y)[0])
    blocks = {
        "mouth": (mouth_row - 4, mouth_row + 4, middle - 7, middle + 7),
        "left": (eye_row - 4, eye_row + 4, middle + 1, middle + 11),
        "right": (eye_row - 4, eye_row + 4, middle - 11, middle - 1),
    }
    work = _Builder(d, shape, grid)
    work.cells(list(blocks.values()))
    for name, block in blocks.items():
        work.rings(name, block)
    return work.finish()


def _cast_grid(shape: Field, az: NDArray[np.float64], rows: NDArray[np.float64]) -> Points:
    """Rays from the head's axis outward, one per row and column; (rows, columns, 3)."""
    front = (1 + np.cos(az)) / 2
    y0 = rows[:, :1] * front + rows[:, 2:] * (1 - front)
    top = rows[:, 1] > 0
    elevation = np.deg2rad(np.where(top[:, None], rows[:, 1:2], rows[:, 1:2] * front))
    z0 = np.where(y0 < 3, -1.0 - (3 - y0) * 0.2, -1.0)
    z0 = np.maximum(z0, -3.0)
    level = np.cos(elevation)
    direction = np.asarray(np.stack((np.sin(az) * level, np.sin(elevation), np.cos(az) * level), -1), np.float64)
    axis = np.stack((np.zeros_like(y0), y0, z0), -1).reshape(-1, 3)
    reach = 18.0
    direction = direction.reshape(-1, 3)
    return cast(shape, axis + direction * reach, -direction, reach).reshape(len(rows), len(az), 3)


class _Builder:
    """Collects the head's vertices, faces and the tags of the vertices on rings."""

    def __init__(self, d: FaceDesign, shape: Field, grid: Points) -> None:
        self.design, self.shape = d, shape
        n_rows, n_cols = grid.shape[:2]
        self.ids = np.arange(n_rows * n_cols).reshape(n_rows, n_cols)
        self.points = [grid.reshape(-1, 3), project(shape, np.array([[0.0, 26.0, -1.0]]), 0.2)]
        self.count = n_rows * n_cols + 1
        self.unused = np.zeros((n_rows, n_cols), bool)
        self.faces: list[tuple[int, ...]] = []
        self.material: list[str] = []
        self.tags: list[tuple[NDArray[np.int64], dict[str, NDArray[np.float64] | float]]] = []

    def cells(self, blocks: list[tuple[int, int, int, int]]) -> None:
        """The grid's quads outside the blocks, and the fan at the crown."""
        ids, wrap = self.ids, np.roll(self.ids, -1, axis=1)
        n_rows, n_cols = ids.shape
        opened = np.zeros(ids.shape, bool)
        for r0, r1, c0, c1 in blocks:
            opened[r0:r1, c0:c1] = True
            self.unused[r0 + 1 : r1, c0 + 1 : c1] = True
        for r in range(n_rows - 1):
            for c in range(n_cols):
                if not opened[r, c]:
                    self.faces.append((ids[r, c], wrap[r, c], wrap[r + 1, c], ids[r + 1, c]))
        self.faces += [(ids[-1, c], wrap[-1, c], ids.size, -1) for c in range(n_cols)]
        self.material = ["skin"] * len(self.faces)

    def rings(self, name: str, block: tuple[int, int, int, int]) -> None:
        """Fill one block with rings from its border inwards."""
        r0, r1, c0, c1 = block
        ids = self.ids
        sides = (ids[r0:r1, c1], ids[r1, c0 + 1 : c1 + 1][::-1], ids[r0 + 1 : r1 + 1, c0][::-1], ids[r0, c0:c1])
        border = np.roll(np.concatenate(sides), -(r1 - r0) // 2)
        n = len(border)
        angle = 2 * np.pi * np.arange(n) / n
        rings, labels = (_mouth_rings if name == "mouth" else _lid_rings)(
            self.design, self.shape, self.points[0][border], angle, name
        )
        key = "lip" if name == "mouth" else "lid"
        side = {"mouth": 0.0, "left": 1.0, "right": -1.0}[name]
        self.tags.append((border, {key + "_ring": float(labels[0] + 1), key + "_angle": angle, "lid_side": side}))
        previous = border
        for ring, label in zip(rings, labels, strict=True):
            new = np.arange(self.count, self.count + n)
            self.count += n
            self.points.append(ring)
            self.tags.append((new, {key + "_ring": float(label), key + "_angle": angle, "lid_side": side}))
            quads = np.stack((new, previous, np.roll(previous, -1), np.roll(new, -1)), 1)
            self.faces += [tuple(quad) for quad in quads.tolist()]
            self.material += _ring_materials(key, label, angle)
            previous = new
        if name == "mouth":  # the throat's end
            self.points.append(self.points[-1].mean(0, keepdims=True))
            pairs = zip(previous.tolist(), np.roll(previous, -1).tolist(), strict=True)
            self.faces += [(self.count, a, b, -1) for a, b in pairs]
            self.material += ["mouth"] * n
            self.tags.append((np.array([self.count]), {"lip_ring": -8.0, "lip_angle": -np.pi / 2}))
            self.count += 1

    def finish(self) -> HeadMesh:
        """Drop the vertices inside the blocks and number the rest."""
        attributes = {k: np.full(self.count, np.nan) for k in ("lip_ring", "lip_angle", "lid_ring", "lid_angle")}
        attributes["lid_side"] = np.zeros(self.count)
        for where, values in self.tags:
            for key, value in values.items():
                attributes[key][where] = value
        keep = np.ones(self.count, bool)
        keep[: self.unused.size] = ~self.unused.ravel()
        renumber = np.append(np.cumsum(keep) - 1, -1)
        return HeadMesh(
            points=np.concatenate(self.points)[keep], faces=renumber[np.array(self.faces)], material=self.material,
            field=self.shape, height=Heightmap(self.shape), **{k: v[keep] for k, v in attributes.items()},
        )  # fmt: skip


def _even_out(shape: Field, grid: Points, keep_from: int, keep_to: int) -> Points:
    """Relax rows below the chin and over the crown; the face's rows stay where the design puts them."""
    n_rows, n_cols = grid.shape[:2]
    free = np.zeros((n_rows, n_cols, 1))
    free[1:keep_from] = 1.0
    free[keep_to : n_rows - 1] = 0.5
    for _ in range(12):
        mean = grid.copy()
        mean[1:-1] = 0.25 * (grid[2:] + grid[:-2] + np.roll(grid, 1, 1)[1:-1] + np.roll(grid, -1, 1)[1:-1])
        grid = grid + 0.5 * free * (mean - grid)
        grid = np.where(free > 0, project(shape, grid.reshape(-1, 3), 0.3, 2).reshape(grid.shape), grid)
    return grid


def _front(shape: Field, xy: Points) -> NDArray[np.float64]:
    start = np.column_stack((xy, np.full(len(xy), 14.0)))
    return cast(shape, start, np.array([0.0, 0.0, -1.0]), 18.0)[:, 2]


def _mouth_rings(
    d: FaceDesign, shape: Field, rim: Points, angle: NDArray[np.float64], _name: str
) -> tuple[list[Points], list[float]]:
    s, c = np.sin(angle), np.cos(angle)
    corner = np.abs(c) ** 3
    rings, labels = [], []
    outer = lip_edge(d, angle, 1.0)
    for k in (7, 6, 5):  # skin, from the block's border in to the vermilion's border
        t = (8 - k) / 4
        t = t * (1.15 - 0.15 * t)
        xy = rim[:, :2] * (1 - t) + outer * t
        rings.append(np.column_stack((xy, _front(shape, xy))))
        labels.append(k)
    profile = {4: (1.0, 0.16), 3: (0.78, 0.62), 2: (0.5, 0.95), 1: (0.2, 0.78), 0: (0.0, 0.35)}
    for k, (amount, bulge) in profile.items():
        xy = lip_edge(d, angle, amount)
        share = np.where(s >= 0, 0.95, 1.05) if k else 1.0  # both lips' line of contact is one line
        full = share * d.lip_bulge * (1 - 0.85 * corner)
        z = _front(shape, xy) + full * bulge - 0.12 * corner * (k < 4)
        rings.append(np.column_stack((xy, z)))
        labels.append(k)
    contact = rings[-1]
    lining = (
        (-1, 1.0, 0.10, 0.35), (-2, 0.98, 0.45, 0.62), (-3, 0.97, 1.15, 0.95), (-4, 0.93, 1.75, 2.0),
        (-5, 0.85, 1.9, 3.6), (-6, 0.7, 1.7, 5.2), (-7, 0.4, 0.9, 6.6),
    )  # fmt: skip
    for k, wide, tall, deep in lining:
        ring = contact.copy()
        ring[:, 0] *= wide
        ring[:, 1] += s * tall
        # flatten the arch a little: the lining runs back behind the corners
        ring[:, 2] -= deep
        rings.append(ring)
        labels.append(k)
    return rings, labels


def _lid_rings(
    d: FaceDesign, shape: Field, rim: Points, angle: NDArray[np.float64], name: str
) -> tuple[list[Points], list[float]]:
    sign = 1.0 if name == "left" else -1.0
    ex, ey = lid_outline(d, angle if sign > 0 else np.pi - angle)
    edge = np.column_stack((sign * (d.eye_x + ex), EYE_Y + ey))
    rings, labels = [], []
    total = 7
    for k in range(total - 1, -1, -1):
        t = k / total
        t = t * t * 0.3 + t * 0.7
        xy = edge * (1 - t) + rim[:, :2] * t
        rings.append(np.column_stack((xy, _front(shape, xy))))
        labels.append(k)
    eye = np.array([sign * d.eye_x, EYE_Y, d.eye_z])
    fold = rings[-1] - eye
    for k, radius in ((-1, d.eye_radius + 0.03), (-2, d.eye_radius - 0.25)):
        ring = fold * (radius / np.linalg.norm(fold, axis=1, keepdims=True))
        if k == -2:
            ring = ring * [1.12, 1.12, 0.9]
        rings.append(eye + ring)
        labels.append(k)
    return rings, labels


def _ring_materials(key: str, label: float, angle: NDArray[np.float64]) -> list[str]:
    """Material of the faces between a ring and the one outside it."""
    if key == "lip":
        name = "skin" if label >= 4 else "lips" if label >= -1 else "mouth"
        return [name] * len(angle)
    step = angle[1] / 2
    upper = np.sin(angle + step) > 0.12
    if label in (0, -1):
        return ["lash" if up else "skin" for up in upper]
    return ["skin"] * len(angle)
