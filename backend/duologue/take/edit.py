"""What of a take is to be made again: a stretch of time, one performer, only the bodies or only the faces.

Pure words, for whoever asks: the command line, the add-on, the wire. ``duologue.performance.inpainting`` does it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from duologue.errors import invalid
from duologue.files.document import Table, as_list, number, within
from duologue.labels import PERFORMERS, check
from duologue.motion.skeleton import Skeleton
from duologue.take.take import Take
from duologue.units import FPS

LONGEST: Final = 24 * 3600.0
"""Seconds; no take comes near it."""
_KEYS: Final = ("start", "stop", "performers", "bodies", "faces")


@dataclass(frozen=True)
class Edit:
    """A part of a take. All that is not named here stays as it is.

    Raises:
        DuologueError: INVALID_ARGUMENT ``span-empty`` when it ends before it begins; ``remake-nothing`` for no performer, or
            neither bodies nor faces; ``unknown-label`` for a performer; ``out-of-range`` or ``not-finite`` for a time.
    """

    start: float = 0.0
    """Seconds from the take's beginning."""
    stop: float | None = None
    """Seconds; None is the take's end."""
    performers: tuple[str, ...] = PERFORMERS
    bodies: bool = True
    faces: bool = True

    def __post_init__(self) -> None:
        within(self.start, 0.0, LONGEST, "remake.start")
        if self.stop is not None:
            within(self.stop, 0.0, LONGEST, "remake.stop")
            if self.stop <= self.start:
                raise invalid(
                    "span-empty",
                    f"{self.start:g} s to {self.stop:g} s is no stretch; it must end after it begins",
                    field="remake.stop",
                )
        for name in self.performers:
            check(name, PERFORMERS, field="remake.performers")
        if not self.performers or not (self.bodies or self.faces):
            raise invalid(
                "remake-nothing", "nothing is to be made again; name a performer, and bodies or faces", field="remake"
            )
        object.__setattr__(self, "performers", tuple(name for name in PERFORMERS if name in self.performers))

    def to_json(self) -> dict[str, Any]:
        """Return the part as a JSON object."""
        return {**{name: getattr(self, name) for name in _KEYS}, "performers": list(self.performers)}

    @classmethod
    def from_json(cls, value: object) -> Edit:
        """Read what ``to_json`` gives; what is left out has its default.

        Raises:
            DuologueError: INVALID_ARGUMENT ``wrong-type`` or ``unknown-key``, and what the class raises.
        """
        table = Table(value, "remake", _KEYS)
        stop = table.get("stop")
        names = as_list(table.get("performers", PERFORMERS), table.at("performers"))
        return cls(
            table.number("start", 0.0),
            None if stop is None else number(stop, table.at("stop")),
            tuple(check(str(name), PERFORMERS, field=table.at("performers")) for name in names),
            bodies=table.flag("bodies") if "bodies" in table else True,
            faces=table.flag("faces") if "faces" in table else True,
        )

    def frames(self, take: Take) -> slice:
        """Return the frames of a take that are made again: all that the stretch touches.

        Raises:
            DuologueError: INVALID_ARGUMENT ``span-empty`` when it lies beyond the take.
        """
        if self.start >= take.seconds:
            raise invalid(
                "span-empty",
                f"{self.start:g} s is beyond the end of the take, which has {take.seconds:.1f} s",
                field="remake.start",
            )
        stop = take.seconds if self.stop is None else min(self.stop, take.seconds)
        # A time that was a whole frame's, divided by 30 and multiplied again, still is.
        first = min(math.floor(self.start * FPS + 1e-6), take.frames - 1)
        return slice(first, max(first + 1, math.ceil(stop * FPS - 1e-6)))


def check_take(take: Take, frames: int, skeleton: Skeleton | None = None) -> None:
    """Refuse a take that can't be a part of a performance of that many frames, on that skeleton.

    Raises:
        DuologueError: INVALID_ARGUMENT ``take-length`` or ``take-skeleton``.
    """
    if frames != take.frames:
        raise invalid(
            "take-length",
            f"the take has {take.frames} frames, this speech makes {frames}; a part can be made again only with the speech that "
            "the take was made with",
            field="take",
        )
    if skeleton is not None and not _same(take.skeleton, skeleton):
        raise invalid(
            "take-skeleton",
            f"the take is of another skeleton ({len(take.skeleton)} joints) than this performance makes ({len(skeleton)}); "
            "perform its brief again",
            field="take",
        )


def _same(one: Skeleton, other: Skeleton) -> bool:
    return (one.names, one.parents) == (other.names, other.parents) and np.allclose(
        one.offsets, other.offsets, atol=1e-4
    )
