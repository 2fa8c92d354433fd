# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene for passes: its camera as ours, as its renders show it, and its frames one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import bpy
import numpy as np
from duologue.errors import DuologueError
from duologue.passes import Camera

from .axes import from_blender

if TYPE_CHECKING:
    from bpy.types import Depsgraph, Object, Scene

_LEVELS: Final = {"SUBSURF", "MULTIRES"}


def camera_named(scene: Scene, name: str) -> Object:
    """Return a camera by its name, or the scene's own.

    Raises:
        DuologueError: NOT_FOUND ``camera-not-found``; FAILED_PRECONDITION ``camera-missing``, ``camera-unsupported``.
    """
    cameras = sorted(ob.name for ob in scene.objects if ob.type == "CAMERA")
    if name and name not in cameras:
        message = f"the scene has no camera {name!r}; it has: {', '.join(cameras) or 'none'}"
        raise DuologueError("NOT_FOUND", "camera-not-found", message, field="--camera")
    camera = scene.objects[name] if name else scene.camera
    if camera is None:
        message = "the scene has no camera; add one, or press Cut or Wide under Cameras and Chairs"
        raise DuologueError("FAILED_PRECONDITION", "camera-missing", message, field="--camera")
    check_kind(camera)
    return camera


def check_kind(camera: Object) -> None:
    """Check that a camera sees in straight lines.

    Raises:
        DuologueError: FAILED_PRECONDITION ``camera-unsupported``.
    """
    data: Any = camera.data
    if camera.type != "CAMERA" or data.type not in {"PERSP", "ORTHO"}:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "camera-unsupported",
            f"{camera.name!r} sees no straight lines; passes need a perspective or orthographic camera",
            field="--camera",
        )


def read_camera(camera: Object, depsgraph: Depsgraph, size: tuple[int, int]) -> Camera:
    """Return a camera as it is now, for pictures of this size: sensor fit, shift and lens as Blender's renders take them."""
    evaluated = camera.evaluated_get(depsgraph)
    data: Any = evaluated.data
    matrix = np.array(evaluated.calc_matrix_camera(depsgraph, x=size[0], y=size[1]), np.float64)
    flat = data.type == "ORTHO"
    # OpenGL's projection: with perspective the shift stands in the column of the depth, which is negative in front.
    offset = (matrix[0, 3], matrix[1, 3]) if flat else (-matrix[0, 2], -matrix[1, 2])
    world = np.array(evaluated.matrix_world, np.float64)
    axes = world[:3, :3] / np.linalg.norm(world[:3, :3], axis=0)
    return Camera(
        from_blender(world[:3, 3]), from_blender(axes.T).T, (matrix[0, 0], matrix[1, 1]), offset, flat,
        data.clip_start, data.clip_end,
    )  # fmt: skip


@contextmanager
def as_rendered(scene: Scene) -> Iterator[None]:
    """Let the viewport evaluate meshes as renders do for a while: modifiers that are on there, at the renders' subdivision."""
    with ExitStack() as until:
        for ob in scene.objects:
            for modifier in ob.modifiers:
                _set(until, ob.name, modifier.name, "show_viewport", modifier.show_render)
                if modifier.type in _LEVELS:
                    _set(until, ob.name, modifier.name, "levels", getattr(modifier, "render_levels", 0))
        yield


def _set(until: ExitStack, ob: str, modifier: str, name: str, value: Any) -> None:
    """Set a property of a modifier until the end. By names: an undo step may replace what they belong to."""
    before = getattr(bpy.data.objects[ob].modifiers[modifier], name)
    if before == value:
        return

    def back() -> None:
        present = bpy.data.objects.get(ob)
        if present is not None and modifier in present.modifiers:
            setattr(present.modifiers[modifier], name, before)

    until.callback(back)
    setattr(bpy.data.objects[ob].modifiers[modifier], name, value)


@contextmanager
def staying(scene: Scene) -> Iterator[None]:
    """Put a scene's frame back at the end."""
    before, subframe = scene.frame_current, scene.frame_subframe
    try:
        yield
    finally:
        scene.frame_set(before, subframe=subframe)


def cuts(scene: Scene, first: int, last: int) -> list[int]:
    """Return the frames after the first one at which markers change the scene's camera."""
    return sorted({m.frame for m in scene.timeline_markers if m.camera is not None and first < m.frame <= last})
