# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that performers go to, look at and reach for: where they are, also while they move, and curves as ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import bpy
import numpy as np
from duologue.errors import DuologueError
from numpy.typing import NDArray

from . import compat
from .axes import from_blender
from .data import curve_of

if TYPE_CHECKING:
    from bpy.types import Curve, FCurve, Mesh, Object, Scene

Floats = NDArray[np.float64]

STILL = 0.01
"""Metres that something may move and still count as standing still."""
CORNER = 0.12
"""Metres by which a way may cut a curve's corners: few places, because somebody slows down at each."""
STEP = 0.7
"""Metres between two places of a way at least: nearer ones would be stepped to sideways."""


_PATHS = {"location": 3, "rotation_euler": 3, "rotation_quaternion": 4}
"""What moves an object's origin or turns it, and the components of each; bones are another matter."""


def object_curves(ob: Object) -> list[FCurve]:
    """Return the curves that move or turn an object as a whole."""
    data = ob.animation_data
    if data is None or data.action is None or data.action_slot is None:
        return []
    curves = compat.channelbag(data.action, data.action_slot).fcurves
    candidates = (curves.find(path, index=index) for path, count in _PATHS.items() for index in range(count))
    return [curve for curve in candidates if curve is not None]


def may_move(ob: Object) -> bool:
    """Return whether anything could move an object during the take: keys, drivers, constraints, a parent that moves."""
    data = ob.animation_data
    if data is not None and (object_curves(ob) or any(data.drivers.find(path) for path in _PATHS)):
        return True
    if data is not None and data.nla_tracks and ob.type != "ARMATURE":  # an armature's tracks pose its bones
        return True
    return bool(ob.constraints) or (ob.parent is not None and (bool(ob.parent_bone) or may_move(ob.parent)))


def placements(scene: Scene, ob: Object, frames: Sequence[int]) -> Floats:
    """Return an object's placements in the world at ``frames``: (n, 4, 4), in Blender's axes. The scene's frame is put back."""
    if not may_move(ob):
        return np.repeat(np.array(ob.matrix_world, np.float64)[None], len(frames), axis=0)
    before, subframe = scene.frame_current, scene.frame_subframe
    matrices = []
    for frame in frames:
        scene.frame_set(frame)
        evaluated = ob.evaluated_get(bpy.context.evaluated_depsgraph_get())
        matrices.append(np.array(evaluated.matrix_world, np.float64))
    scene.frame_set(before, subframe=subframe)
    return np.array(matrices).reshape(-1, 4, 4)


def origin(placement: Floats) -> Floats:
    """Return where an object's origin is, (..., 3) metres in our axes, for its placement (..., 4, 4)."""
    return from_blender(placement[..., :3, 3])


def facing(placement: Floats, front: Sequence[float] = (0.0, -1.0, 0.0)) -> float:
    """Return the yaw of a placement's -Y, radians, in our axes: as Blender's front view shows it, 0 is towards the viewer.

    ``front`` is another way of its own to go by: a character's armature may lie on its back, as importers of FBX leave it.
    """
    forward = from_blender(placement[:3, :3] @ np.asarray(front))
    return float(np.arctan2(forward[0], forward[2]))


def way_along(curve: Object) -> Floats:
    """Return the places (n, 2) of a way along a curve's first spline: x and z in our axes, from its first point on.

    Raises:
        DuologueError: FAILED_PRECONDITION ``path-empty``.
    """
    points = _spline(curve)
    points = points[np.r_[True, np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-4]] if len(points) else points
    if len(points) < 2:
        raise DuologueError(
            "FAILED_PRECONDITION", "path-empty", f"the curve {curve.name!r} has no length; give it two points or more"
        )
    return _spaced(points[_corners(points)])


def _spline(curve: Object) -> Floats:
    """Return the points of a curve's first spline as Blender draws it, without thickness, on the floor: (n, 2)."""
    data = cast("Curve", curve_of(curve).copy())
    thin: Object | None = None
    try:
        data.dimensions = "3D"
        data.bevel_mode, data.bevel_depth, data.extrude = "ROUND", 0.0, 0.0
        data.bevel_object = data.taper_object = None
        for spline in list(data.splines)[1:]:
            data.splines.remove(spline)
        closed = bool(data.splines) and data.splines[0].use_cyclic_u
        thin = bpy.data.objects.new(curve.name, data)
        mesh = cast("Mesh", thin.to_mesh())
        flat = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", flat)
        thin.to_mesh_clear()
    finally:
        if thin is not None:
            bpy.data.objects.remove(thin)
        bpy.data.curves.remove(data)
    local = flat.reshape(-1, 3).astype(np.float64)
    if closed and len(local):
        local = np.concatenate([local, local[:1]])
    world = np.array(curve.matrix_world, np.float64)
    return from_blender(local @ world[:3, :3].T + world[:3, 3])[:, [0, 2]]


def _corners(points: Floats) -> NDArray[np.intp]:
    """Return which points are enough to stay within ``CORNER`` of the line (Douglas and Peucker 1973)."""
    corners = {0, len(points) - 1}
    open_spans = [(0, len(points) - 1)]
    while open_spans:
        first, last = open_spans.pop()
        if last - first < 2:
            continue
        between = points[first + 1 : last]
        along = points[last] - points[first]
        reach = float(along @ along)
        share = np.clip((between - points[first]) @ along / reach, 0, 1) if reach > 1e-9 else np.zeros(len(between))
        away = np.linalg.norm(between - (points[first] + share[:, None] * along), axis=1)
        worst = int(away.argmax())
        if away[worst] > CORNER:
            middle = first + 1 + worst
            corners.add(middle)
            open_spans += [(first, middle), (middle, last)]
    return np.array(sorted(corners))


def _spaced(points: Floats) -> Floats:
    """Leave out places nearer than ``STEP`` to the one before; both ends stay."""
    places = [points[0]]
    for point in points[1:-1]:
        if np.linalg.norm(point - places[-1]) >= STEP and np.linalg.norm(points[-1] - point) >= STEP:
            places.append(point)
    return np.array([*places, points[-1]])
