"""Implicit surfaces (signed distance, negative inside) and the quad mesher that turns them into meshes.

A field takes points (N, 3) and returns (N,) distances. Distances are approximate away from the surface, which is all
that meshing and projection need. Units are the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from duologue import easing

Array = NDArray[np.float64]
Points = Array
Vector = Sequence[float] | Array
"""Three numbers: a place, a direction, or one for each axis."""
Field = Callable[[Points], Array]


def ellipsoid(centre: Vector, radii: Vector) -> Field:
    """Axis-aligned ellipsoid; distance by the usual first-order estimate."""
    c, r = np.asarray(centre, float), np.asarray(radii, float)

    def field(p: Points) -> Array:
        q = (p - c) / r
        k0 = np.linalg.norm(q, axis=1)
        k1 = np.linalg.norm(q / r, axis=1)
        return k0 * (k0 - 1.0) / np.maximum(k1, 1e-9)

    return field


def sphere(centre: Vector, radius: float) -> Field:
    """Exact sphere."""
    c = np.asarray(centre, float)
    return lambda p: np.linalg.norm(p - c, axis=1) - radius


def limb(a: Vector, b: Vector, ra: float, rb: float, squash: Vector = (1.0, 1.0, 1.0)) -> Field:
    """Rounded cone from a (radius ra) to b (radius rb); `squash` scales the cross-section along x, y, z."""
    pa, pb, s = np.asarray(a, float), np.asarray(b, float), np.asarray(squash, float)
    ab = pb - pa
    length2 = float(ab @ ab)

    def field(p: Points) -> Array:
        t = np.clip((p - pa) @ ab / length2, 0.0, 1.0)
        across = (p - pa - t[:, None] * ab) / s
        return (np.linalg.norm(across, axis=1) - (ra + (rb - ra) * t)) * float(s.min())

    return field


def chain(points: Sequence[Vector], radii: Sequence[float], squash: Vector = (1, 1, 1)) -> Field:
    """Union of limbs through `points`: continuous radius, rounded knees."""
    parts = [limb(points[i], points[i + 1], radii[i], radii[i + 1], squash) for i in range(len(points) - 1)]
    return union(*parts)


def stack(levels: Sequence[Sequence[float]], power: float = 2.3) -> Field:
    """Solid of superelliptic slices along y. Each level is (y, x half-width, front depth, back depth, centre z).

    Values between levels follow a shape-preserving cubic, so the silhouette has no wiggles.
    """
    table = np.asarray(levels, float)
    curve = PchipInterpolator(table[:, 0], table[:, 1:], axis=0)
    low, high = table[0, 0], table[-1, 0]

    def field(p: Points) -> Array:
        y = np.clip(p[:, 1], low, high)
        width, front, back, z0 = curve(y).T
        z = p[:, 2] - z0
        depth = np.where(z > 0, front, back)
        radius = ((np.abs(p[:, 0]) / width) ** power + (np.abs(z) / depth) ** power) ** (1.0 / power)
        side = (radius - 1.0) * np.minimum(width, depth)
        cap = np.maximum(low - p[:, 1], p[:, 1] - high)
        return np.where(cap > 0, np.hypot(np.maximum(side, 0), cap), np.maximum(side, cap))

    return field


def half_space(point: Vector, normal: Vector) -> Field:
    """Negative on the side the normal points away from."""
    c, n = np.asarray(point, float), np.asarray(normal, float)
    n = n / np.linalg.norm(n)
    return lambda p: (p - c) @ n


def union(*fields: Field) -> Field:
    """Sharp union."""
    return lambda p: np.min([f(p) for f in fields], axis=0)


def blend(k: float, *fields: Field) -> Field:
    """Smooth union: fillets of about radius k where fields meet."""

    def field(p: Points) -> Array:
        d = fields[0](p)
        for f in fields[1:]:
            d = _smooth_min(d, f(p), k)
        return d

    return field


def carve(k: float, base: Field, *tools: Field) -> Field:
    """Base minus tools, with rounded edges of about radius k."""

    def field(p: Points) -> Array:
        d = base(p)
        for f in tools:
            d = -_smooth_min(-d, f(p), k)
        return d

    return field


def clip(k: float, base: Field, *tools: Field) -> Field:
    """Base intersected with tools, with rounded edges of about radius k."""

    def field(p: Points) -> Array:
        d = base(p)
        for f in tools:
            d = -_smooth_min(-d, -f(p), k)
        return d

    return field


def offset(base: Field, by: float) -> Field:
    """Grow (by > 0) or shrink a field."""
    return lambda p: base(p) - by


def grooved(base: Field, phase: Field, depth: float) -> Field:
    """Comb soft grooves into a surface; `phase` is in radians, one groove a turn."""
    return lambda p: base(p) + depth * np.cos(phase(p))


def mirrored(base: Field) -> Field:
    """Base of |x|: model the left (+X) side only."""
    return lambda p: base(np.column_stack((np.abs(p[:, 0]), p[:, 1:])))


def _smooth_min(a: Array, b: Array, k: float) -> Array:
    h = np.maximum(k - np.abs(a - b), 0.0) / k
    return np.minimum(a, b) - h * h * k * 0.25


def gradient(field: Field, p: Points, step: float) -> Points:
    """Central differences (N, 3)."""
    out = np.empty_like(p)
    for axis in range(3):
        e = np.zeros(3)
        e[axis] = step
        out[:, axis] = (field(p + e) - field(p - e)) / (2.0 * step)
    return out


def project(field: Field, p: Points, step: float, iterations: int = 4) -> Points:
    """Move points onto the zero set by damped Newton steps along the gradient; none moves over 4 `step`s a turn."""
    for _ in range(iterations):
        g = gradient(field, p, step * 0.2)
        move = -field(p)[:, None] * g / np.maximum((g * g).sum(1, keepdims=True), 0.05)
        length = np.linalg.norm(move, axis=1, keepdims=True)
        p = p + move * np.minimum(1.0, 4.0 * step / np.maximum(length, 1e-12))
    return p


def surface_nets(
    field: Field, low: Vector, high: Vector, cell: float | Vector, relax: int = 3
) -> tuple[Points, NDArray[np.int64]]:
    """Mesh the zero set with quads (Gibson 1998, surface nets), evened out and projected back onto the field.

    Returns:
        Points (V, 3) and quads (F, 4), counter-clockwise seen from outside.
    """
    cells = np.broadcast_to(np.asarray(cell, float), (3,))
    lo = np.asarray(low, float)
    # A third of a cell off the origin: no sample lands on a symmetric part's surface, so no ties to break.
    shape = np.ceil((np.asarray(high, float) - lo) / cells).astype(int) + 1
    axes = [lo[a] + (np.arange(shape[a]) + 0.31) * cells[a] for a in range(3)]
    # x symmetric about 0 when the box is, so that both sides of a person get the same mesh
    if abs(lo[0] + high[0]) < 1e-9:
        n = int(np.ceil(high[0] / cells[0]))
        axes[0] = (np.arange(-n, n) + 0.5) * cells[0]
        shape[0] = 2 * n
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    values = np.concatenate([field(part) for part in np.array_split(grid, max(1, len(grid) // 200_000))]).reshape(shape)
    points, faces = _dual(grid.reshape(*shape, 3), values)
    size = float(cells.min())
    points = project(field, points, size)
    for _ in range(relax):
        points = points + 0.6 * (neighbour_mean(points, faces) - points)
        points = project(field, points, size, 2)
    return points, faces


def _dual(grid: Array, values: Array) -> tuple[Points, NDArray[np.int64]]:
    """One vertex per cell that the surface crosses (the mean of its edges' crossings), one quad per crossed grid edge."""
    shape = np.array(values.shape)
    inside = values < 0
    total = np.zeros((*(shape - 1), 3))
    count = np.zeros(shape - 1)
    crossings = []
    for axis in range(3):
        a = [slice(None)] * 3
        b = [slice(None)] * 3
        a[axis], b[axis] = slice(0, -1), slice(1, None)
        va, vb = values[tuple(a)], values[tuple(b)]
        cross = inside[tuple(a)] != inside[tuple(b)]
        t = np.where(cross, va / np.where(cross, va - vb, 1.0), 0.0)
        where = grid[tuple(a)] + t[..., None] * (grid[tuple(b)] - grid[tuple(a)])
        others = [o for o in range(3) if o != axis]
        for du in (0, 1):
            for dv in (0, 1):
                source = [slice(None)] * 3
                source[others[0]] = slice(du, shape[others[0]] - 1 + du)
                source[others[1]] = slice(dv, shape[others[1]] - 1 + dv)
                total += np.where(cross[tuple(source)][..., None], where[tuple(source)], 0.0)
                count += cross[tuple(source)]
        crossings.append((axis, others, cross, inside[tuple(a)]))
    used = count > 0
    index = np.full(shape - 1, -1)
    index[used] = np.arange(used.sum())
    quads = [_quads(index, *crossing) for crossing in crossings]
    return total[used] / count[used][:, None], np.concatenate(quads)


def _quads(
    index: NDArray[np.int64], axis: int, others: list[int], cross: NDArray[np.bool_], first_inside: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The four cells around each crossed edge along `axis`, wound so that the face looks outward."""
    u, v = others
    limit = index.shape
    at = np.argwhere(cross)
    at = at[(at[:, u] > 0) & (at[:, v] > 0) & (at[:, u] < limit[u]) & (at[:, v] < limit[v])]
    corners = []
    for du, dv in ((0, 0), (-1, 0), (-1, -1), (0, -1)):
        c = at.copy()
        c[:, u] += du
        c[:, v] += dv
        corners.append(index[tuple(c.T)])
    quad = np.stack(corners, 1)
    flip = first_inside[tuple(at.T)] == (axis == 1)
    quad[flip] = quad[flip][:, ::-1]
    return quad


def edges_of(faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Unique undirected edges (E, 2) of quads or triangles (-1 in the last column)."""
    tri = faces[:, 3] < 0
    q, t = faces[~tri], faces[tri]
    pairs = [q[:, [i, (i + 1) % 4]] for i in range(4)] + [t[:, [i, (i + 1) % 3]] for i in range(3)]
    return np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)


def neighbour_mean(values: Array, faces: NDArray[np.int64]) -> Array:
    """Mean of each vertex's edge neighbours, for values (V, C)."""
    e = edges_of(faces)
    total = np.zeros_like(values)
    count = np.zeros(len(values))
    for a, b in ((0, 1), (1, 0)):
        for c in range(values.shape[1]):
            total[:, c] += np.bincount(e[:, a], values[e[:, b], c], len(values))
        count += np.bincount(e[:, a], minlength=len(values))
    return total / np.maximum(count, 1)[:, None]


def smoothstep(low: float, high: float, x: Array) -> Array:
    """0 below low, 1 above high, cubic between; low > high reverses it."""
    return easing.smoothstep((x - low) / (high - low))
