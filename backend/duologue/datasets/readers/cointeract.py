"""A folder as CoInteract trains on (arXiv 2604.19636; its training guide): ``data.csv``, a row a clip of 81 frames, 25 a second.

``face`` and ``hand_object`` are boxes in JSON. The guide counts them by latent, its sample by frame, ``frame_2`` to ``frame_78``:
latent k is frame 4k + 2, so both are read. ``hoi_video`` is called ``depth_video`` in the sample.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.corpus.video import SIZE, Clip
from duologue.datasets.readers.videos import Box, Square, box_at, crop_of, read_video, windows
from duologue.errors import DuologueError, invalid
from duologue.files.document import read_text
from duologue.passes.contract import HAND, HEAD, PARTS

TABLE: Final = "data.csv"
_NEEDED: Final = ("prompt", "input_video", "face", "hand_object", "height", "width")
_LATENTS: Final = 20
_REACH: Final = 4
"""Frames that a box holds for, before and after its own."""


@dataclass(frozen=True)
class Row:
    """One clip of the table. ``face``: frame -> box; ``hands``: frame -> boxes; ``size``: width and height of their pixels."""

    video: Path
    structure: Path | None
    prompt: str
    face: Mapping[int, Box]
    hands: Mapping[int, list[Box]]
    size: tuple[int, int]


def read_rows(folder: Path) -> list[Row]:
    """Read the table; videos are looked for, not opened.

    Raises:
        DuologueError: NOT_FOUND ``data-missing`` without a table, or for a video that is not there; INVALID_ARGUMENT
            ``document-malformed`` with the line of what is wrong.
    """
    table = folder / TABLE
    if not table.is_file():
        raise DuologueError("NOT_FOUND", "data-missing", f"{folder} has no {TABLE}")
    reader = csv.DictReader(io.StringIO(read_text(table)))
    if missing := [name for name in _NEEDED if name not in (reader.fieldnames or ())]:
        raise invalid("document-malformed", f"{table} has no column {', '.join(missing)}")
    return [_row(folder, row, line) for line, row in enumerate(reader, start=2)]


def _row(folder: Path, row: Mapping[str, str], line: int) -> Row:
    video = folder / row["input_video"]
    structure = row.get("hoi_video") or row.get("depth_video") or ""
    for path in (video, *([folder / structure] if structure else [])):
        if not path.is_file():
            raise DuologueError("NOT_FOUND", "data-missing", f"{folder / TABLE}, line {line}: {path} is not there")
    try:
        size = int(row["width"]), int(row["height"])
        faces = {frame: _box(value) for frame, value in _frames(row["face"]).items()}
        hands = {
            frame: [box for box in map(_box, (value.get("l_h"), value.get("r_h"))) if box is not None]
            for frame, value in _frames(row["hand_object"]).items()
        }
        if min(size) < 1:
            raise ValueError("a video has no size")
    except (ValueError, TypeError, AttributeError) as error:
        raise invalid("document-malformed", f"{folder / TABLE}, line {line}: {error}") from error
    known = {frame: box for frame, box in faces.items() if box is not None}
    return Row(video, folder / structure if structure else None, row["prompt"], known, hands, size)


def _frames(text: str) -> dict[int, Any]:
    """Return frame -> what is said of it; what is no JSON says nothing, as the training guide has it."""
    try:
        found = cast("dict[str, Any]", json.loads(text or "{}"))
    except ValueError:
        return {}
    numbers = {int(key.removeprefix("frame_")): value for key, value in found.items()}
    by_latent = max(numbers, default=0) < _LATENTS and not all(number % 4 == 2 for number in numbers)
    return {4 * number + 2 if by_latent else number: value for number, value in numbers.items()}


def _box(value: Any) -> Box | None:
    if not value:
        return None
    left, top, right, bottom = (float(number) for number in value)
    if not (np.isfinite([left, top, right, bottom]).all() and left < right and top < bottom):
        return None
    return left, top, right, bottom


def read_clips(row: Row) -> Iterator[Clip]:
    """Yield the clips of a row: ``rgb``, ``part`` (boxes: head and hands), ``structure`` and references where they are known.

    What is no box is unknown, and 0 in ``part``; ``about["parts"]`` says ``boxes``.

    Raises:
        DuologueError: what ``read_video`` raises; ``video-malformed`` where structure and picture differ in frames.
    """
    frames, rate = read_video(row.video)
    structure = None if row.structure is None else read_video(row.structure)[0]
    if structure is not None and len(structure) != len(frames):
        raise invalid(
            "video-malformed", f"{row.structure} has {len(structure)} frames, {row.video.name} has {len(frames)}"
        )
    scale = frames.shape[2] / row.size[0], frames.shape[1] / row.size[1]
    for number, chosen in enumerate(windows(len(frames), rate)):
        faces = [_scaled(box_at(row.face, int(frame), _REACH), scale) for frame in chosen]
        hands = [[_scaled(box, scale) for box in box_at(row.hands, int(frame), _REACH) or []] for frame in chosen]
        every = [box for box in [*faces, *(box for some in hands for box in some)] if box is not None]
        square = Square.around((frames.shape[2], frames.shape[1]), every)
        arrays: dict[str, NDArray[Any]] = {
            "rgb": np.stack([square.cut(frames[frame]) for frame in chosen]),
            "part": np.stack([_parts(square, face, some) for face, some in zip(faces, hands, strict=True)]),
        }
        if structure is not None:
            arrays["structure"] = np.stack([square.cut(structure[frame]) for frame in chosen])
        for name, boxes in (("face_A", [[face] for face in faces]), ("hand_A", hands)):
            for frame, some in zip(chosen, boxes, strict=True):
                if some and some[0] is not None and name not in arrays:
                    arrays[name] = crop_of(frames[frame], some[0])
        about = {
            "number": number,
            "split": "train",
            "pattern": "",
            "pattern_index": 0,
            "parts": "boxes",
            "prompt": row.prompt,
        }
        yield Clip(about | {"source": row.video.name}, arrays)


def _scaled(box: Box | None, scale: tuple[float, float]) -> Box | None:
    return None if box is None else (box[0] * scale[0], box[1] * scale[1], box[2] * scale[0], box[3] * scale[1])


def _parts(square: Square, face: Box | None, hands: list[Box | None]) -> NDArray[np.uint8]:
    """Return labels (128, 128): hands before the head, as the router is taught."""
    part = np.zeros((SIZE, SIZE), np.uint8)
    for box, value in ((face, HEAD), *((hand, HAND) for hand in hands)):
        if box is not None:
            part[square.place(box)] = len(PARTS) + value
    return part
