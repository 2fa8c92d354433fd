"""A clip of passes as it goes up: which of them, how large, of what type; what may be asked for. Both ends check by it.

Depth goes up in 32 bits, as a folder gives it, and of ``beauty`` only the first frame: no backend reads more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError, invalid
from duologue.labels import check
from duologue.passes.contract import PASSES, PEOPLE, REFERENCES, check_frames, check_size
from duologue.passes.pictures import MAKERS, PRESETS, REGIONS, References, RenderSettings
from duologue.passes.sources import PassSource
from duologue.wire.framing import MAX_FRAME, MAX_TOTAL
from duologue.wire.pictures import Left

PREVIOUS: Final = "previous"
"""The pictures of which a region is made again, uint8 (frames, H, W, 3); goes up beside the passes."""
LEFT: Final = "left"
"""What pictures go on from (:class:`.pictures.Left`), bytes."""
MAX_STEPS: Final = 50
MAX_REFERENCES: Final = MAX_TOTAL - 1024 * 1024
"""Bytes of all references together."""

_REFERENCES: Final = tuple(f"reference.{person}.{what}" for person in PEOPLE[1:] for what in REFERENCES)

Previous = Callable[[int, int], NDArray[np.uint8]]
"""``(start, stop)`` to the pictures that were made before."""


def names_of(settings: RenderSettings, *, left: bool = False) -> tuple[str, ...]:
    """Return what goes up, in its order: what the backend reads, the pictures before for a region, what is gone on from."""
    before = (PREVIOUS,) if settings.region else ()
    return (*MAKERS[settings.backend].needs, *before, *((LEFT,) if left else ()))


def type_of(name: str) -> str:
    """Return the type of what goes up, as the wire writes it."""
    if name == "depth":
        return "<f4"
    return "|u1" if name in {PREVIOUS, LEFT} else np.dtype(PASSES[name].dtype).newbyteorder("<").str


@dataclass(frozen=True)
class Shapes:
    """How large what goes up for a clip is, by its name."""

    frames: int
    size: tuple[int, int]
    left: int = 0
    """Bytes that pictures go on from."""

    def of(self, name: str) -> tuple[int, ...]:
        """Return its shape, frames first."""
        if name == LEFT:
            return (1, self.left)
        width, height = self.size
        channels = 3 if name == PREVIOUS else PASSES[name].channels
        count = 1 if name == "beauty" else self.frames
        return (count, height, width) if channels == 1 else (count, height, width, channels)

    def values(self, name: str) -> int:
        """Return how many values there are of it."""
        return math.prod(self.of(name))

    def bytes(self, name: str) -> int:
        """Return how many bytes go up of it."""
        return self.values(name) * np.dtype(type_of(name)).itemsize


@dataclass(frozen=True, eq=False)
class Source:
    """All that goes up for pictures of a clip."""

    passes: PassSource
    previous: Previous | None = None
    """The pictures of which a region is made again."""
    since: Left | None = None
    """What pictures go on from, if those before it are there."""

    @property
    def shapes(self) -> Shapes:
        """How large it is."""
        return Shapes(self.passes.frames, self.passes.size, len(self.since.data) if self.since else 0)

    def read(self, name: str, frame: int) -> NDArray[Any]:
        """Return a frame of what goes up as one row of values.

        Raises:
            DuologueError: INVALID_ARGUMENT ``passes-mismatch``; what the source raises.
        """
        if name == LEFT:
            return np.frombuffer(self.since.data if self.since else b"", np.uint8)
        read = self.previous if name == PREVIOUS else partial(self.passes.read, name)
        assert read is not None
        found: NDArray[Any] = read(frame, frame + 1)
        wanted = (1, *self.shapes.of(name)[1:])
        if found.shape != wanted:
            raise invalid("passes-mismatch", f"{name!r} has the shape {found.shape}; it must be {wanted}", field=name)
        return np.ascontiguousarray(found, dtype=type_of(name)).reshape(-1)


def check_settings(settings: RenderSettings) -> None:
    """Check how pictures are to be made.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label``, ``steps``.
    """
    maker = MAKERS[check(settings.backend, tuple(MAKERS), field="backend")]
    if settings.mode:
        check(settings.mode, maker.modes, field="mode")
    if settings.region:
        check(settings.region, tuple(REGIONS), field="region")
    if not settings.presets or list(settings.presets) != [one for one in PRESETS if one in settings.presets]:
        raise invalid(
            "unknown-label",
            f"the presets are {', '.join(PRESETS)}: one of them, or both in that order",
            field="presets",
        )
    if not 0 <= settings.steps <= MAX_STEPS:
        raise invalid("steps", f"{settings.steps} steps; choose 1 to {MAX_STEPS}, or 0 for the preset's", field="steps")


def check_clip(frames: int, size: tuple[int, int]) -> None:
    """Check how many frames there are, and how large.

    Raises:
        DuologueError: INVALID_ARGUMENT ``frames-empty``, ``frames-shape``, ``size-unsupported``.
    """
    check_frames(frames, field="frames")
    check_size(*size, field="size")


def check_source(source: Source, settings: RenderSettings) -> None:
    """Check that a source has what is to go up.

    Raises:
        DuologueError: NOT_FOUND ``passes-missing``, with their names; ``pictures-missing`` for a region of nothing.
    """
    needed = MAKERS[settings.backend].needs
    if lacks := [name for name in needed if not source.passes.has(name)]:
        raise DuologueError(
            "NOT_FOUND",
            "passes-missing",
            f"{settings.backend} reads {', '.join(lacks)}, which these passes lack; export them again with all passes",
            field="passes",
        )
    if settings.region and source.previous is None:
        raise DuologueError(
            "NOT_FOUND",
            "pictures-missing",
            "a region is made again of pictures that are there, and there are none; make the whole first",
            field="region",
        )


def no_weights(backend: str) -> DuologueError:
    """Return the error of a server that lacks a backend."""
    return DuologueError(
        "NOT_FOUND",
        "weights-missing",
        f"this server has no weights for {backend}; start it with `duologue serve --weights {backend}=FOLDER`, or take another "
        "backend (carried needs none)",
        field="backend",
    )


def reference_arrays(references: References) -> dict[str, NDArray[np.uint8]]:
    """Return what people look like by the names that it has on the wire.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label``, ``reference-malformed``.
    """
    arrays = {f"reference.{person}.{what}": one for person, found in references.items() for what, one in found.items()}
    read_references(arrays)
    return arrays


def read_references(arrays: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, NDArray[np.uint8]]]:
    """Return what people look like, by person and by what of them. Raises what ``reference_arrays`` does."""
    found: dict[str, dict[str, NDArray[np.uint8]]] = {}
    for name, array in arrays.items():
        check(name, _REFERENCES, field="references")
        _, person, what = name.split(".")
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or not array.size:
            raise invalid("reference-malformed", f"{name} is no picture (h, w, 3) of bytes", field="references")
        found.setdefault(person, {})[what] = array
    _check_bytes(arrays.values())
    return found


def _check_bytes(pictures: Iterable[NDArray[Any]]) -> None:
    sizes = [picture.nbytes for picture in pictures]
    if max(sizes, default=0) > MAX_FRAME or sum(sizes) > MAX_REFERENCES:
        raise invalid(
            "reference-malformed",
            f"pictures of what people look like have {sum(sizes)} bytes; {MAX_FRAME} each and {MAX_REFERENCES} in all are the "
            "limits: make them smaller",
            field="references",
        )
