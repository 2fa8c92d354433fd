"""What a clip of passes holds: names, types and ranges of its arrays, the parts of a person, and what a picture may measure.

All arrays of a clip are ``(T, H, W[, channels])``, rows from the top, values at pixel centres. Colours and contact are means of
2 x 2 samples a pixel; labels, depth, flow, track and the carried picture are taken at the centre, unfiltered.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import invalid

Bytes = NDArray[np.uint8]
Half = NDArray[np.float16]
Floats = NDArray[np.floating[Any]]

PARTS: Final = ("background", "body", "head", "hand", "hair", "eye", "prop", "scene")
"""Of a person or thing, by number. ``prop``: what hangs on somebody's bones; ``scene``: all else that is there."""
BACKGROUND, BODY, HEAD, HAND, HAIR, EYE, PROP, SCENE = range(len(PARTS))

PEOPLE: Final = ("nobody", "A", "B")
"""Whose it is, by number."""


def label(person: Bytes, part: Bytes) -> Bytes:
    """Return the values of the pass ``part``: person x 8 + part (0 nothing, A's head 10, B's head 18)."""
    return (person * np.uint8(len(PARTS)) + part).astype(np.uint8)


@dataclass(frozen=True)
class Pass:
    """One pass: the type of its values, its channels, what they mean, and how a folder stores it."""

    dtype: type[np.generic]
    channels: int
    meaning: str
    bits: int = 8
    """Of a channel in the folder's PNG files."""


PASSES: Final = {
    "beauty": Pass(np.uint8, 3, "the picture itself, sRGB; Blender's in Blender"),
    "structure": Pass(np.uint8, 3, "grey clay on black; props keep their colour"),
    "ident": Pass(np.uint8, 3, "the clay, tinted by person and part"),
    "part": Pass(np.uint8, 1, "person x 8 + part; 0 is background"),
    "depth": Pass(np.float16, 1, "metres along the camera's axis; inf is background", bits=16),
    "normal": Pass(np.uint8, 3, "camera space, right, up and towards the camera, -1..1 as 0..255"),
    "flow": Pass(np.float16, 2, "pixels to the right and down to the next frame", bits=16),
    "visible": Pass(np.uint8, 1, "1 where the point that flows is seen in the next frame as well"),
    "track": Pass(np.uint8, 3, "rest position in the person's own box, the same for a point of skin in all frames"),
    "contact": Pass(np.uint8, 3, "nearness exp(-(d/5 mm)^2), depth up to 20 mm, sliding speed up to 0.5 m/s"),
    "pose": Pass(np.uint8, 3, "skeletons as DWPose draws them; what is hidden is left out"),
    "carried": Pass(np.uint8, 3, "the first picture's colours, carried along the surface"),
    "relit": Pass(np.uint8, 3, "what was carried in the light of where it is now; holes in the rig's own colours"),
    "hole": Pass(np.uint8, 1, "1 where nothing could be carried, and the part's mean colour stands"),
}
"""By name, in the order of a folder. What a person looks like (``reference``) is a picture a person, not one a frame."""

REFERENCES: Final = ("full", "face", "hand")

BLOCK: Final = 16
"""Pixels that video models work in, in both directions (an 8-fold latent in 2 x 2 patches); they pad to whole ones."""
MIN_SIZE: Final = 16
MAX_SIZE: Final = 4096


@dataclass(frozen=True, eq=False)
class Passes:
    """A whole clip. Passes that nobody asked for are None; ``depth_range``: nearest and farthest metre of the clip."""

    beauty: Bytes | None = None
    structure: Bytes | None = None
    ident: Bytes | None = None
    part: Bytes | None = None
    depth: Half | None = None
    normal: Bytes | None = None
    flow: Half | None = None
    visible: Bytes | None = None
    track: Bytes | None = None
    contact: Bytes | None = None
    pose: Bytes | None = None
    carried: Bytes | None = None
    relit: Bytes | None = None
    hole: Bytes | None = None
    depth_range: tuple[float, float] = (0.0, 0.0)
    references: dict[str, dict[str, Bytes]] = field(default_factory=dict[str, dict[str, Bytes]])
    """By person ("A", "B") and by what of them (``REFERENCES``): (h, w, 3)."""

    def __post_init__(self) -> None:
        shapes: set[tuple[int, ...]] = set()
        for name, about in PASSES.items():
            array: NDArray[Any] | None = getattr(self, name)
            if array is None:
                continue
            wanted = 3 if about.channels == 1 else 4
            good = array.dtype == about.dtype and array.ndim == wanted
            if not good or (wanted == 4 and array.shape[3] != about.channels):
                raise invalid(
                    "passes-mismatch",
                    f"the pass {name!r} is {array.dtype} {array.shape}; it must be {np.dtype(about.dtype)} (T, H, W"
                    f"{f', {about.channels}' if wanted == 4 else ''})",
                    field=name,
                )
            shapes.add(array.shape[:3])
        if len(shapes) > 1:
            raise invalid("passes-mismatch", f"the passes of a clip differ in frames or size: {sorted(shapes)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Return which passes are there."""
        return tuple(one.name for one in fields(self) if one.name in PASSES and getattr(self, one.name) is not None)


def check_names(names: tuple[str, ...]) -> None:
    """Check that passes of these names exist.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label``.
    """
    if unknown := [name for name in names if name not in PASSES]:
        raise invalid(
            "unknown-label", f"there is no pass {unknown[0]!r}; there are: {', '.join(PASSES)}", field="--pass"
        )


def check_frames(count: int, *, field: str = "--frames") -> None:
    """Check that a clip has 4k + 1 frames: video models take one frame, and then four at a time.

    Raises:
        DuologueError: INVALID_ARGUMENT ``frames-empty``, ``frames-shape``.
    """
    if count < 1:
        raise invalid("frames-empty", "no frame is asked for; give a first and a last one, such as 1:81", field=field)
    if count % 4 != 1:
        raise invalid(
            "frames-shape",
            f"{count} frames are not 4k + 1, as video models take them; the nearest is {nearest_frames(count)}",
            field=field,
        )


def nearest_frames(count: int) -> int:
    """Return the number 4k + 1 nearest to a count of frames; of two, the smaller one, which needs no new frames."""
    below = max(1, count - (count - 1) % 4)
    return below if count - below <= 2 else below + 4


def check_size(width: int, height: int, *, field: str = "--size") -> None:
    """Check a picture's size.

    Raises:
        DuologueError: INVALID_ARGUMENT ``size-unsupported`` with the nearest that is.
    """
    sides = [min(max(MIN_SIZE, side), MAX_SIZE) for side in (width, height)]
    if sides == [width, height]:
        return
    raise invalid(
        "size-unsupported",
        f"{width} x {height} pixels: both must be {MIN_SIZE} to {MAX_SIZE}; the nearest is {sides[0]}x{sides[1]}",
        field=field,
    )


def whole_blocks(size: tuple[int, int]) -> tuple[int, int]:
    """Return the smallest size of whole blocks that a picture fits in."""
    width, height = (-(-side // BLOCK) * BLOCK for side in size)
    return width, height


def to_size(pictures: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Return pictures (n, H, W[, channels]) padded to the right and below to ``size``, with the values at their edge."""
    width, height = size
    beyond = [(0, 0), (0, height - pictures.shape[1]), (0, width - pictures.shape[2])]
    return np.pad(pictures, [*beyond, *[(0, 0)] * (pictures.ndim - 3)], mode="edge")
