"""The take: what two performers did, frame by frame, with the names that give its columns meaning."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from duologue import arkit
from duologue.errors import DuologueError
from duologue.files import safetensors as tensors
from duologue.files.atomic import write_bytes
from duologue.files.reading import parse_json
from duologue.labels import ACTION_MODES, PERFORMERS
from duologue.motion.skeleton import Skeleton
from duologue.take.track import Track, Window, wrong
from duologue.units import FPS

_VERSION: Final = 1
_HEADER: Final = "duologue"


@dataclass(frozen=True)
class Take:
    """What both performers did. ``complete`` is false where a performance was stopped before its end.

    ``provenance`` (JSON-safe) says where it comes from: the brief's digest, seed, checkpoints' hashes, versions, notes.

    Raises:
        DuologueError: INVALID_ARGUMENT ``take-shape`` when the tracks differ in length or don't fit the skeleton.
    """

    skeleton: Skeleton
    tracks: tuple[Track, Track]
    provenance: Mapping[str, Any] = field(default_factory=dict[str, Any])
    complete: bool = True
    fps: int = FPS

    def __post_init__(self) -> None:
        a, b = self.tracks
        if len(a) != len(b):
            raise wrong("take-shape", f"A has {len(a)} frames and B {len(b)}; both need the same number")
        joints = len(self.skeleton.names)
        for performer, track in zip(PERFORMERS, self.tracks, strict=True):
            if track.rotations.shape[1] != joints:
                raise wrong(
                    "take-shape",
                    f"{performer} has rotations for {track.rotations.shape[1]} joints, the skeleton has {joints}",
                )

    @property
    def frames(self) -> int:
        """How many frames the take has."""
        return len(self.tracks[0])

    @property
    def seconds(self) -> float:
        """How long the take is."""
        return self.frames / self.fps

    @classmethod
    def from_windows(
        cls,
        skeleton: Skeleton,
        windows: Iterable[Window],
        provenance: Mapping[str, Any],
        *,
        complete: bool = True,
    ) -> Take:
        """Join streamed windows, which must follow each other from frame 0 on without gap or overlap.

        Raises:
            DuologueError: DATA_LOSS ``window-missing``; INVALID_ARGUMENT ``take-empty`` when there is no window at all.
        """
        parts: list[Window] = []
        end = 0
        for window in windows:
            if window.start != end:
                raise DuologueError(
                    "DATA_LOSS",
                    "window-missing",
                    f"a window begins at frame {window.start}, expected {end}; perform the brief again",
                )
            parts.append(window)
            end = window.end
        if not end:
            raise wrong("take-empty", "no window arrived, so there is no take to keep")
        a, b = (Track.joined([window.tracks[performer] for window in parts]) for performer in (0, 1))
        return cls(skeleton, (a, b), provenance, complete)

    def windows(self, frames: int) -> Iterator[Window]:
        """Cut the take into windows of ``frames`` frames; the last may be shorter."""
        a, b = self.tracks
        for start in range(0, self.frames, frames):
            stretch = slice(start, start + frames)
            yield Window(start, (a[stretch], b[stretch]))

    def digest(self) -> str:
        """Return the sha256 (hex) of the performance itself: names, frame rate and every array, but no provenance.

        Two takes with one digest are equal bit for bit.
        """
        digest = hashlib.sha256(json.dumps(self._names(), sort_keys=True).encode())
        for name, array in sorted(self._arrays().items()):
            digest.update(name.encode())
            digest.update(array.tobytes())
        return digest.hexdigest()

    def to_bytes(self) -> bytes:
        """Return the take as one safetensors file in memory. The same take gives the same bytes."""
        header = {
            "format": "take",
            "version": _VERSION,
            **self._names(),
            "complete": self.complete,
            "provenance": dict(self.provenance),
        }
        text = json.dumps(header, sort_keys=True, allow_nan=False, ensure_ascii=False)
        return tensors.to_bytes(self._arrays(), {_HEADER: text})

    @classmethod
    def from_bytes(cls, data: bytes, *, name: str = "the take") -> Take:
        """Read what ``to_bytes`` gives. Weights and actions are put in our order by their names, whatever order the file has.

        Raises:
            DuologueError: DATA_LOSS ``tensors-malformed``; DATA_LOSS ``take-malformed`` (another kind of file, missing arrays or
                names); INVALID_ARGUMENT ``take-version``, ``take-shape``, ``take-not-finite``, ``take-range``. The message calls
                it ``name``.
        """
        arrays, metadata = tensors.from_bytes(data, name=name)
        try:
            return _parsed(arrays, metadata)
        except DuologueError as error:
            raise DuologueError(error.code, error.reason, f"{name}: {error.message}", field=error.field) from error
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
            raise DuologueError(
                "DATA_LOSS",
                "take-malformed",
                f"{name} is not a take, or a damaged one ({error}); perform its brief again",
            ) from error

    def save(self, path: Path | str) -> None:
        """Write the take as one safetensors file, atomically.

        Raises:
            DuologueError: the folder can't be written (see :mod:`duologue.files.atomic`).
        """
        write_bytes(path, self.to_bytes())

    @classmethod
    def load(cls, path: Path | str) -> Take:
        """Read a take.

        Raises:
            DuologueError: NOT_FOUND ``file-not-found``; PERMISSION_DENIED ``not-readable``; what ``from_bytes`` raises. The
                message names the file.
        """
        return cls.from_bytes(tensors.read(path), name=str(path))

    def _names(self) -> dict[str, Any]:
        return {
            "fps": self.fps,
            "frames": self.frames,
            "skeleton": self.skeleton.to_json(),
            "shapes": list(arkit.NAMES),
            "actions": list(ACTION_MODES),
        }

    def _arrays(self) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {}
        for performer, track in zip(PERFORMERS, self.tracks, strict=True):
            arrays |= {f"{performer}/{name}": array for name, array in track.arrays().items()}
        return arrays


def _parsed(arrays: dict[str, NDArray[Any]], metadata: dict[str, str]) -> Take:
    header = cast("dict[str, Any]", parse_json(metadata[_HEADER]))
    if header["format"] != "take":
        raise ValueError(f"it holds a {header['format']}")
    if header["version"] != _VERSION:
        raise wrong(
            "take-version", f"written as version {header['version']}, this Duologue reads {_VERSION}; update it"
        )
    if header["fps"] != FPS:
        raise wrong("take-version", f"has {header['fps']} frames a second; Duologue's takes have {FPS}")
    skeleton = Skeleton.from_json(header["skeleton"])
    shape_columns = [header["shapes"].index(name) for name in arkit.NAMES]
    modes = np.array([ACTION_MODES.index(mode) for mode in header["actions"]], np.uint8)
    tracks: list[Track] = []
    for performer in PERFORMERS:
        names = [name for name in Track.__dataclass_fields__ if name != "raw" or f"{performer}/raw" in arrays]
        part = {name: arrays[f"{performer}/{name}"] for name in names}
        for name in {"weights", "raw"} & part.keys():
            shape, known = part[name].shape, len(header["shapes"])
            if len(shape) != 2 or shape[1] != known:
                raise wrong("take-shape", f"{performer} has {name} {shape} for {known} named shapes")
            part[name] = part[name][:, shape_columns]
        actions = part["actions"]
        if unknown := actions[(actions < 0) | (actions >= len(modes))].tolist():
            raise wrong("take-range", f"{performer} has an action {unknown[0]} of {len(modes)}")
        part["actions"] = modes[actions]
        tracks.append(Track(**part))
    if len(tracks[0]) != header["frames"]:
        raise wrong("take-shape", f"A has {len(tracks[0])} frames, the header says {header['frames']}")
    return Take(skeleton, (tracks[0], tracks[1]), dict(header["provenance"]), bool(header["complete"]))
