"""A clip of passes as a folder: ``DIR/{pass}/0001.png`` and ``clip.json``. Files are whole or not there, and a run can go on.

Colours and labels are stored as they are. ``depth`` is 16 bits of 0.2 mm (0 is nothing; beyond 13.1 m is 65535). ``flow`` is as
KITTI stores it: 16 bits, (value - 32768) / 64 pixels to the right and down, then ``visible``. ``hole`` is 0 or 255.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.files.atomic import prepare_folder, write_text
from duologue.passes import png
from duologue.passes.camera import Size
from duologue.passes.contract import PARTS, PASSES, PEOPLE, REFERENCES, Passes
from duologue.passes.drawing import Frame, check_sight, depth_range
from duologue.passes.records import check_whole, damaged, is_record, read_json

CLIP: Final = "clip.json"
RECORDS: Final = ".frames"
"""What is known of each frame that is done; in ``clip.json`` when all are."""
DEPTH_UNIT: Final = 0.0002
FLOW_UNIT: Final = 1.0 / 64.0
_DEEPEST: Final = 65535
_STORED_ELSEWHERE: Final = {"visible": "flow"}
_TOGETHER: Final = {"flow", "visible"}
"""What is one file, and is asked for as one."""
_FOLDERS: Final = (*PASSES, RECORDS, "reference", "comfy")


@dataclass(frozen=True)
class Clip:
    """``size``: width and height, pixels; ``frames`` in all, ``fps`` of them a second."""

    size: Size
    frames: int
    fps: float


class PassFolder:
    """A folder that a clip is written into, frame by frame.

    Args:
        root: the folder; made if it is not there.
        clip: its size and length.
        wanted: names of passes; ``flow`` and ``visible`` are stored together, so either brings the other along.
        settings: what the clip is made of and how (scene, frames, camera, …), JSON-safe.
        resume: whether a clip of the same settings that was begun there is gone on with.
        replace: whether any other clip may be removed; one of the same settings that was not finished always may.

    Raises:
        DuologueError: FAILED_PRECONDITION ``passes-there``, also for a folder with something else under a pass's name; what
            :func:`duologue.files.atomic.prepare_folder` raises; DATA_LOSS ``passes-damaged``.
    """

    def __init__(
        self, root: Path, clip: Clip, wanted: Sequence[str], settings: Mapping[str, Any], *,
        resume: bool = True, replace: bool = False,
    ) -> None:  # fmt: skip
        self.root, self.size, self.fps, self.count = root, clip.size, clip.fps, clip.frames
        asked = {*wanted, *(_TOGETHER if _TOGETHER & set(wanted) else ())}
        self.wanted = tuple(name for name in PASSES if name in asked)
        prepare_folder(root)
        head = {
            "size": list(clip.size),
            "fps": clip.fps,
            "frames": clip.frames,
            "passes": list(self.wanted),
            **settings,
        }
        self._head = json.loads(json.dumps(head))
        there = read_json(root / CLIP)
        alike = {key: there.get(key) for key in self._head} == self._head
        same = alike and resume
        if not there:
            _check_free(root)
        if there and not same:
            # What was cancelled of this very clip may be made anew: nobody has asked for what is there.
            if not replace and (there.get("complete") or not alike):
                raise DuologueError(
                    "FAILED_PRECONDITION",
                    "passes-there",
                    f"{root} holds passes of another clip; choose another folder, or allow to replace them",
                    field="--out",
                )
            self._clear()
        self.complete = same and bool(there.get("complete"))
        if self.complete:
            check_whole(there, root / CLIP)
        if not self.complete:
            for name in (*{_STORED_ELSEWHERE.get(name, name) for name in self.wanted}, RECORDS):
                (root / name).mkdir(exist_ok=True)
            self._write(complete=False)

    def _clear(self) -> None:
        for name in _FOLDERS:
            shutil.rmtree(self.root / name, ignore_errors=True)
        (self.root / CLIP).unlink(missing_ok=True)

    def _write(self, **more: Any) -> None:
        write_text(self.root / CLIP, json.dumps({**self._head, **more}, indent=1) + "\n")

    def path(self, name: str, index: int) -> Path:
        """Return where a frame (from 0) of a pass is stored."""
        return path_of(self.root, name, index)

    def has(self, index: int) -> bool:
        """Return whether a frame is done: its record is written last."""
        if self.complete:
            return True
        files = [self.path(name, index) for name in self.wanted]
        return (self.root / RECORDS / f"{index + 1:04}.json").is_file() and all(file.is_file() for file in files)

    def write(self, index: int, frame: Frame, about: Mapping[str, Any]) -> None:
        """Write a frame, which must have ``part`` and ``depth``. ``about``: JSON-safe facts for ``clip.json``.

        Raises:
            DuologueError: what :func:`duologue.files.atomic.replacing` raises.
        """
        for name in self.wanted:
            if name not in _STORED_ELSEWHERE:
                png.write(self.path(name, index), stored(name, frame))
        values, counts = np.unique(frame["part"], return_counts=True)
        record = {
            **about,
            "depth": depth_range(frame["depth"]),
            "pixels": {str(value): int(count) for value, count in zip(values, counts, strict=True)},
        }
        write_text(self.root / RECORDS / f"{index + 1:04}.json", json.dumps(record))

    def records(self) -> list[dict[str, Any]]:
        """Return what is known of all frames, once they are done.

        Raises:
            DuologueError: DATA_LOSS ``passes-damaged`` for what is missing or was written by something else.
        """
        if self.complete:
            return check_whole(read_json(self.root / CLIP), self.root / CLIP)["about_frames"]
        paths = [self.root / RECORDS / f"{index + 1:04}.json" for index in range(self.count)]
        found = [read_json(path) for path in paths]
        for path, record in zip(paths, found, strict=True):
            if not is_record(record):
                raise damaged(path, "it says nothing of its frame")
        return found

    def finish(self, notes: Sequence[str] = ()) -> None:
        """Write what holds for the whole clip. Call it when every frame is there.

        Raises:
            DuologueError: ``nothing-in-sight``; what :meth:`records` and writing raise.
        """
        records = self.records()
        check_sight(np.array([int(value) for record in records for value in record["pixels"]], np.uint8))
        write = {
            "depth_range": range_of(records),
            "depth_unit": DEPTH_UNIT,
            "flow_unit": FLOW_UNIT,
            "parts": list(PARTS),
            "notes": list(notes),
            "about_frames": records,
            "complete": True,
        }
        self._write(**write)
        self.complete = True
        shutil.rmtree(self.root / RECORDS, ignore_errors=True)


def _check_free(root: Path) -> None:
    """Check that nothing of somebody else's lies where a clip would be written: renders are often called ``depth/0001.png``."""
    if taken := [name for name in _FOLDERS if (root / name).is_dir() and any((root / name).iterdir())]:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "passes-there",
            f"{root / taken[0]} holds files that are no clip of passes; choose another folder",
            field="--out",
        )


def path_of(root: Path, name: str, index: int) -> Path:
    """Return where a frame (from 0) of a pass lies in a folder."""
    return root / _STORED_ELSEWHERE.get(name, name) / f"{index + 1:04}.png"


def range_of(records: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Return the nearest and the farthest metre of a clip; frames without anything tell nothing."""
    ranges = [record["depth"] for record in records if record["depth"][1] > 0]
    return (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else (0.0, 0.0)


def stored(name: str, frame: Frame) -> NDArray[Any]:
    """Return a pass of a frame as its PNG holds it."""
    if name == "depth":
        steps = np.where(np.isfinite(frame["depth"]), frame["depth"] / DEPTH_UNIT, 0.0)
        return np.clip(np.rint(steps), 0, _DEEPEST).astype(np.uint16)
    if name == "flow":
        steps = np.clip(np.rint(frame["flow"].astype(np.float64) / FLOW_UNIT) + 32768, 0, 65535)
        return np.dstack([steps, frame["visible"]]).astype(np.uint16)
    return frame[name] * np.uint8(255) if name == "hole" else frame[name]


def read_pass(root: Path, name: str, index: int) -> NDArray[Any]:
    """Return a pass of a frame (from 0) as it was drawn; ``depth`` in 32 bits.

    Raises:
        DuologueError: what :func:`.png.read` raises.
    """
    picture = png.read(path_of(root, name, index))
    if name == "depth":
        return np.where(picture > 0, picture * np.float32(DEPTH_UNIT), np.float32(np.inf)).astype(np.float32)
    if name == "flow":
        return ((picture[..., :2].astype(np.float32) - 32768) * FLOW_UNIT).astype(np.float16)
    if name == "visible":
        return picture[..., 2].astype(np.uint8)
    return picture // np.uint8(255) if name == "hole" else picture


def load(root: Path, wanted: Sequence[str] = ()) -> Passes:
    """Read a folder's clip; by default all passes that it has.

    Raises:
        DuologueError: NOT_FOUND ``passes-missing`` for a folder without a finished clip or without a pass; what
            :func:`read_pass` raises; ``passes-mismatch``, ``passes-damaged``.
    """
    about = read_json(root / CLIP)
    if not about or not about.get("complete"):
        what = "has no clip.json" if not about else "was not finished; run the same export again"
        raise DuologueError("NOT_FOUND", "passes-missing", f"{root} is no folder of passes: it {what}")
    check_whole(about, root / CLIP)
    if missing := set(wanted) - set(about["passes"]):
        raise DuologueError("NOT_FOUND", "passes-missing", f"{root} has no pass {', '.join(sorted(missing))}")
    arrays: dict[str, Any] = {}
    for name in wanted or about["passes"]:
        frames = [read_pass(root, name, index) for index in range(about["frames"])]
        if len({frame.shape for frame in frames}) > 1:
            raise DuologueError("DATA_LOSS", "passes-mismatch", f"{root / name}: its pictures differ in size")
        arrays[name] = np.stack(frames).astype(PASSES[name].dtype)
    near, far = about["depth_range"]
    return Passes(**arrays, depth_range=(near, far), references=read_references(root))


def read_references(root: Path) -> dict[str, dict[str, NDArray[np.uint8]]]:
    """Return what people look like, by person and by what of them, as far as a folder shows it.

    Raises:
        DuologueError: what :func:`.png.read` raises.
    """
    found: dict[str, dict[str, NDArray[np.uint8]]] = {}
    for person in PEOPLE[1:]:
        paths = {what: root / "reference" / f"{person}_{what}.png" for what in REFERENCES}
        if shown := {what: png.read(path) for what, path in paths.items() if path.is_file()}:
            found[person] = shown
    return found
