"""What the hands do beyond the take: the InteractionTrack, and its file ``interactions.safetensors`` beside the take's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError, invalid
from duologue.files import safetensors as tensors
from duologue.files.reading import parse_json
from duologue.labels import PERFORMERS
from duologue.units import FPS

HEADER: Final = "duologue-interactions"
"""The metadata's key in such a file."""
_VERSION: Final = 1
FILE: Final = "interactions.safetensors"
"""Its name in the folder of a performance."""


@dataclass(frozen=True, eq=False)
class Layer:
    """What is put on top of one performer's take, over n frames.

    Raises:
        DuologueError: INVALID_ARGUMENT ``interactions-shape``.
    """

    bones: tuple[str, ...]
    """The character's own bones that are turned."""
    rotations: NDArray[np.float32]
    """(n, K, 3): exponential maps in each bone's own rest axes, to put after what the take has them at: ``take x rotation``."""
    shapes: tuple[str, ...] = ()
    """ARKit names that are added to."""
    weights: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """(n, S): what is added to the take's weights."""

    def __post_init__(self) -> None:
        n = len(self.rotations)
        weights = self.weights if self.shapes else np.zeros((n, 0), np.float32)
        object.__setattr__(self, "weights", weights)
        fits = self.rotations.shape == (n, len(self.bones), 3) and weights.shape == (n, len(self.shapes))
        if not fits or not np.isfinite(self.rotations).all() or not np.isfinite(weights).all():
            raise invalid("interactions-shape", "rotations and weights must be finite, a column a bone or shape")


@dataclass(frozen=True)
class Touch:
    """One interaction as it was solved: ``asked`` (a brief's table), who, whom, with which ``hand``, on which ``side`` of what;
    seconds of its phases; ``short``: metres by which the hand falls short, at most; ``notes`` for the report."""

    asked: Mapping[str, Any]
    pattern: str
    performer: str
    touched: str
    hand: str
    side: str
    leaves: float
    touches: float
    releases: float
    returns: float
    short: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unsolved:
    """One interaction that could not be solved: what was ``asked``, and the error's ``reason`` and ``message``."""

    asked: Mapping[str, Any]
    reason: str
    message: str

    @property
    def note(self) -> str:
        """What whoever asked should know of it."""
        what = self.asked.get("name") or self.asked["pattern"]
        return f"{what} at {self.asked['seconds']:g} s could not be solved ({self.reason}): {self.message}"


@dataclass(frozen=True, eq=False)
class InteractionTrack:
    """Both performers' layers over frames ``start`` to ``start + n`` of a take, and the touches in them.

    ``contact`` (n, R): how much each of the R touches is on the skin, 0 to 1; ``points`` (n, R, 3): where, metres in the world.
    """

    start: int
    layers: tuple[Layer, Layer]
    touches: tuple[Touch, ...]
    contact: NDArray[np.float32]
    points: NDArray[np.float32]
    provenance: Mapping[str, Any] = field(default_factory=dict[str, Any])
    fps: int = FPS
    unsolved: tuple[Unsolved, ...] = ()

    def __post_init__(self) -> None:
        n, touches = len(self.contact), len(self.touches)
        fits = self.contact.shape == (n, touches) and self.points.shape == (n, touches, 3)
        if not fits or any(len(layer.rotations) != n for layer in self.layers) or self.start < 0:
            raise invalid("interactions-shape", "both layers, contact and points must have the same number of frames")

    @property
    def frames(self) -> int:
        """How many frames it covers."""
        return len(self.contact)

    @property
    def notes(self) -> tuple[str, ...]:
        """What whoever asked should know: hands that fall short, hair touched instead of skin, and what could not be solved."""
        return (*(note for touch in self.touches for note in touch.notes), *(one.note for one in self.unsolved))

    def save(self, path: Path | str) -> None:
        """Write it as one safetensors file, atomically.

        Raises:
            DuologueError: what :mod:`duologue.files.atomic` raises.
        """
        arrays: dict[str, NDArray[Any]] = {"contact": self.contact, "points": self.points}
        about: dict[str, Any] = {
            "version": _VERSION,
            "start": self.start,
            "fps": self.fps,
            "touches": [vars(touch) for touch in self.touches],
            "unsolved": [vars(one) for one in self.unsolved],
            "provenance": dict(self.provenance),
        }
        for name, layer in zip(PERFORMERS, self.layers, strict=True):
            arrays[f"{name}/rotations"], arrays[f"{name}/weights"] = layer.rotations, layer.weights
            about[name] = {"bones": list(layer.bones), "shapes": list(layer.shapes)}
        stored = {key: np.ascontiguousarray(array, np.float32) for key, array in arrays.items()}
        tensors.save(path, stored, {HEADER: json.dumps(about, allow_nan=False)})

    @classmethod
    def load(cls, path: Path | str) -> InteractionTrack:
        """Read it.

        Raises:
            DuologueError: what ``tensors.load`` raises; DATA_LOSS ``interactions-malformed``.
        """
        arrays, metadata = tensors.load(path)
        try:
            about = cast("dict[str, Any]", parse_json(metadata[HEADER]))
            if about["version"] != _VERSION:
                raise ValueError(f"version {about['version']}, this Duologue reads {_VERSION}")
            layers = [
                Layer(
                    tuple(about[name]["bones"]),
                    arrays[f"{name}/rotations"],
                    tuple(about[name]["shapes"]),
                    arrays[f"{name}/weights"],
                )
                for name in PERFORMERS
            ]
            touches = tuple(
                Touch(**{**touch, "notes": tuple(touch["notes"])})
                for touch in cast("list[dict[str, Any]]", about["touches"])
            )
            return cls(
                int(about["start"]),
                (layers[0], layers[1]),
                touches,
                arrays["contact"],
                arrays["points"],
                about["provenance"],
                int(about["fps"]),
                tuple(Unsolved(**one) for one in cast("list[dict[str, Any]]", about.get("unsolved", []))),
            )
        except (KeyError, ValueError, TypeError, AttributeError, DuologueError) as error:
            raise DuologueError(
                "DATA_LOSS", "interactions-malformed", f"{path} holds no interactions ({error}); solve them again"
            ) from error
