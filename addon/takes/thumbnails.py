# SPDX-License-Identifier: GPL-3.0-or-later
"""A take in five small pictures side by side: one packed image a take in the .blend, cut into icons for the panel.

They are drawn by the viewport, so there are none without a window.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import bpy
import bpy.utils.previews
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray

from ..scene.axes import to_blender

if TYPE_CHECKING:
    from bpy.types import Image, Region, SpaceView3D

COUNT = 5
SIDE = 96
"""Pixels, of one picture's width and height."""

_EYE = 1.3
"""Metres above the floor that a picture looks at: from the heads to the hands of two people who stand."""
_ROUND = math.radians(35.0)
"""How far the camera goes round from square on the pair: then the two stand closer in a square picture."""
_BACKGROUND = (0.32, 0.32, 0.34)


def moments(frames: int) -> list[int]:
    """Return which frames of a take that is to have ``frames`` the pictures show."""
    return [int((i + 0.5) * frames / COUNT) for i in range(COUNT)]


def draw(frames: Sequence[int], pose: Callable[[int], tuple[NDArray[np.float32], NDArray[np.float32]]]) -> Image | None:
    """Draw a picture of each of these frames; return them as one packed image, or None without a window.

    ``pose`` is called with a frame: it poses the characters and returns where A's and B's hips are, (3,), in our axes.
    """
    view = _find_view()
    if view is None or not frames:
        return None
    import gpu  # there is none without a window

    space, region = view
    scene, layer = bpy.context.scene, bpy.context.view_layer
    tiles: list[NDArray[np.float32]] = []
    with _plain(space):
        try:
            offscreen = gpu.types.GPUOffScreen(SIDE, SIDE)
        except RuntimeError:  # no room on the graphics card: a take without pictures is still a take
            return None
        try:
            for frame in frames:
                seen, lens = _camera(*pose(frame))
                layer.update()
                offscreen.draw_view3d(
                    scene, layer, space, region, seen, lens, do_color_management=True, draw_background=True
                )
                tiles.append(_read(offscreen))
        finally:
            offscreen.free()
    return _packed(np.concatenate(tiles, axis=1))


@contextmanager
def _plain(space: SpaceView3D) -> Generator[None]:
    """Have a viewport draw nothing but the characters, once for each picture.

    At Blender's own setting of 8 samples it would draw each picture 8 times: five pictures of the sample pair then take 0.8 s
    without a graphics card, and so 0.2 s. At this size nobody sees the difference.
    """
    shading, preferences = space.shading, bpy.context.preferences
    color: Any = shading.background_color
    before = space.overlay.show_overlays, shading.type, shading.background_type, tuple(color)
    smooth, unsaved = preferences.system.viewport_aa, preferences.is_dirty
    try:
        space.overlay.show_overlays, shading.type = False, "SOLID"
        shading.background_type, shading.background_color = "VIEWPORT", _BACKGROUND
        preferences.system.viewport_aa = "FXAA"
        yield
    finally:
        space.overlay.show_overlays, shading.type, shading.background_type = before[:3]
        shading.background_color = before[3]
        preferences.system.viewport_aa, preferences.is_dirty = smooth, unsaved


def _packed(strip: NDArray[np.float32]) -> Image:
    """Return pixels (SIDE, width, 4) as an image that is saved with the file."""
    image = bpy.data.images.new("Duologue Take", strip.shape[1], SIDE)
    strip[..., 3] = 1.0
    image.pixels.foreach_set(cast("Any", np.ascontiguousarray(strip).ravel()))
    image.update()
    image.pack()
    return image


def _find_view() -> tuple[SpaceView3D, Region] | None:
    if bpy.app.background:
        return None
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                region = next(region for region in area.regions if region.type == "WINDOW")
                return area.spaces.active, region
    return None


def _camera(*roots: NDArray[np.float32]) -> tuple[Matrix, Matrix]:
    """Return view and projection that see both performers, from the side of the line between them that is the front."""
    a, b = (Vector(to_blender(root).tolist()) for root in roots)
    across = Vector((b.x - a.x, b.y - a.y, 0.0))
    forward = Vector((across.y, -across.x, 0.0))
    forward = forward.normalized() if forward.length > 0.2 else Vector((0.0, -1.0, 0.0))
    if forward.y > 0:
        forward.negate()
    forward.rotate(Matrix.Rotation(_ROUND, 3, "Z"))
    middle = (a + b) / 2
    middle.z = _EYE
    turn = forward.to_track_quat("Z", "Y").to_matrix().to_4x4()
    half = max(0.6, across.length / 2 * math.cos(_ROUND) + 0.3)
    near, far = 0.1, 40.0
    lens = Matrix(
        (
            (1 / half, 0, 0, 0),
            (0, 1 / half, 0, 0),
            (0, 0, -2 / (far - near), -(far + near) / (far - near)),
            (0, 0, 0, 1),
        )
    )
    return (Matrix.Translation(cast("Any", middle + forward * 10.0)) @ turn).inverted(), lens


def _read(offscreen: Any) -> NDArray[np.float32]:
    pixels = offscreen.texture_color.read()
    pixels.dimensions = SIDE * SIDE * 4
    return np.array(pixels, np.float32).reshape(SIDE, SIDE, 4) / 255.0


def remove(image: Image | None) -> None:
    """Remove a take's pictures, where nothing else uses them."""
    if image is not None and image.users == 0:
        bpy.data.images.remove(image)


# Icons ----------------------------------------------------------------------------------------------------------------


class Icons:
    """What the panel shows of the strips. Made once a strip, and not while the panel is drawn."""

    def __init__(self) -> None:
        """Nothing is made before it is asked for."""
        self._previews: Any = None
        self._icons: dict[str, list[int]] = {}
        self._wanted: list[str] = []

    def of(self, image: Image | None) -> list[int]:
        """Return the icons of a strip, none while they are not made yet; then they soon will be."""
        if image is None:
            return []
        key = self._key(image)
        if key not in self._icons and not self._wanted:
            self._wanted.append(image.name)
            if not bpy.app.background:
                bpy.app.timers.register(self._make, first_interval=0.01)
        return self._icons.get(key, [])

    @staticmethod
    def _key(image: Image) -> str:
        return f"{image.name}\n{image.session_uid}"

    def _make(self) -> None:
        image = bpy.data.images.get(self._wanted.pop())
        if image is None or image.size[1] != SIDE or image.size[0] % SIDE:
            return
        count = image.size[0] // SIDE
        if self._previews is None:
            self._previews = bpy.utils.previews.new()
        pixels = np.empty(SIDE * SIDE * count * 4, np.float32)
        image.pixels.foreach_get(pixels)
        strip = pixels.reshape(SIDE, count, SIDE, 4)
        key = self._key(image)
        self._icons[key] = []
        for i in range(count):
            preview = self._previews.new(f"{key}\n{i}")
            preview.image_size = (SIDE, SIDE)
            preview.image_pixels_float.foreach_set(np.ascontiguousarray(strip[:, i]).ravel())
            self._icons[key].append(preview.icon_id)
        for window in bpy.context.window_manager.windows:
            for area in window.screen.areas:
                if area.type == "VIEW_3D":
                    area.tag_redraw()

    def free(self) -> None:
        """Forget them all: Blender ends, or the extension is switched off."""
        if bpy.app.timers.is_registered(self._make):
            bpy.app.timers.unregister(self._make)
        if self._previews is not None:
            bpy.utils.previews.remove(self._previews)
        self._previews = None
        self._icons.clear()
        self._wanted.clear()


icons = Icons()
