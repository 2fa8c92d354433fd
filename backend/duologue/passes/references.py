"""What each person looks like: crops of the clip's own pictures, on white, from the frame that shows most of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.passes import png
from duologue.passes.camera import Size
from duologue.passes.contract import EYE, HAIR, HAND, HEAD, PARTS, PEOPLE, REFERENCES
from duologue.passes.folder import PassFolder, read_pass, read_references

Bytes = NDArray[np.uint8]

_SHOWN: Final = {"full": tuple(range(1, len(PARTS))), "face": (HEAD, HAIR, EYE), "hand": (HAND,)}
_FEWEST: Final = 16
"""Pixels of a part that are worth a reference."""
_MARGIN: Final = 0.08
_WHITE: Final = 255
_LARGEST: Final = 600
"""Pixels of the longer side that a model is shown: all six pictures of two people then fit a message to a server."""


def write_references(folder: PassFolder, among: int | None = None) -> dict[str, dict[str, Bytes]]:
    """Write ``reference/{A,B}_{full,face,hand}.png`` of a folder that has ``beauty`` and ``part``; return them by person.

    What is too small in every frame, or never seen, has none. ``among``: so many frames from the first on are looked at, or all.
    """
    if not {"beauty", "part"} <= set(folder.wanted):
        return {}
    records = folder.records()[:among]
    target = folder.root / "reference"
    target.mkdir(exist_ok=True)
    found: dict[str, dict[str, Bytes]] = {}
    for number, person in enumerate(PEOPLE[1:], start=1):
        for what in REFERENCES:
            labels = [number * len(PARTS) + part for part in _SHOWN[what]]
            counts = [sum(record["pixels"].get(str(value), 0) for value in labels) for record in records]
            best = int(np.argmax(counts))
            if counts[best] < _FEWEST:
                continue
            picture = crop(
                read_pass(folder.root, "beauty", best), np.isin(read_pass(folder.root, "part", best), labels)
            )
            png.write(target / f"{person}_{what}.png", picture)
            found.setdefault(person, {})[what] = picture
    return found


def crop(picture: Bytes, mask: NDArray[np.bool_]) -> Bytes:
    """Return what the mask (H, W) shows of a picture, and a little around, on white."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    shown = np.where(mask[..., None], picture, np.uint8(_WHITE))[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    edge = max(1, round(_MARGIN * max(shown.shape[:2])))
    return np.pad(shown, ((edge, edge), (edge, edge), (0, 0)), constant_values=_WHITE)


def shown_to_models(root: Path) -> dict[str, dict[str, Bytes]]:
    """Return what people look like, by person and by what of them, as far as a folder shows it: no larger than is worth it.

    Raises:
        DuologueError: what :func:`.png.read` raises.
    """
    return {
        person: {what: _at_most(picture, _LARGEST) for what, picture in found.items()}
        for person, found in read_references(root).items()
    }


def _at_most(picture: Bytes, side: int) -> Bytes:
    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return resized(picture, (max(1, int(picture.shape[1] * scale)), max(1, int(picture.shape[0] * scale))))


def on_canvas(pictures: Sequence[Bytes], size: Size) -> Bytes:
    """Return pictures side by side on a white canvas of a clip's size, as large as they fit: VACE takes one reference picture."""
    width, height = size
    canvas = np.full((height, width, 3), _WHITE, np.uint8)
    share = width // max(len(pictures), 1)
    for i, picture in enumerate(pictures):
        scale = min(share / picture.shape[1], height / picture.shape[0])
        fitted = resized(picture, (max(1, int(picture.shape[1] * scale)), max(1, int(picture.shape[0] * scale))))
        top, left = (height - fitted.shape[0]) // 2, i * share + (share - fitted.shape[1]) // 2
        canvas[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    return canvas


def resized(picture: Bytes, size: Size) -> Bytes:
    """Return a picture at another size, between its pixels where it grows and as their means where it shrinks."""
    result: NDArray[Any] = picture.astype(np.float64)
    for axis, wanted in ((1, size[0]), (0, size[1])):
        # The running sum, taken between the new pixels' edges: means where it shrinks.
        have = result.shape[axis]
        if wanted >= have:
            places = np.clip((np.arange(wanted) + 0.5) * have / wanted - 0.5, 0, have - 1)
            low = places.astype(int)
            share = (places - low).reshape([-1 if k == axis else 1 for k in range(3)])
            high = np.minimum(low + 1, have - 1)
            result = np.take(result, low, axis) * (1 - share) + np.take(result, high, axis) * share
        else:
            edges = np.arange(wanted + 1) * have / wanted
            summed = np.concatenate([np.zeros_like(np.take(result, [0], axis)), np.cumsum(result, axis)], axis)
            low = np.minimum(edges.astype(int), have - 1)
            share = (edges - low).reshape([-1 if k == axis else 1 for k in range(3)])
            at = np.take(summed, low, axis) * (1 - share) + np.take(summed, low + 1, axis) * share
            result = np.diff(at, axis=axis) * wanted / have
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)
