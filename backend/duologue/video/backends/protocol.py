"""What makes pictures of a clip's passes, whatever is behind it: one call, pictures as they are made, and a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from duologue.passes.pictures import Event, References, inside
from duologue.passes.sources import PassSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Region:
    """A part of the picture that is made again. ``previous``: ``(start, stop)`` to the pictures of the run before."""

    name: str
    previous: Callable[[int, int], Bytes]

    def mask(self, passes: PassSource, start: int, stop: int) -> NDArray[np.bool_]:
        """Return where it is (n, H, W), to the pixel."""
        return inside(passes.read("part", start, stop), self.name)

    def put(self, passes: PassSource, start: int, made: Bytes) -> Bytes:
        """Return the pictures before with the region of those that were ``made`` (n, H, W, 3), from frame ``start`` on."""
        stop = start + len(made)
        return np.where(self.mask(passes, start, stop)[..., None], made, self.previous(start, stop))


@dataclass(frozen=True, eq=False)
class Pictures:
    """Frames ``start`` to ``start + n``: ``rgb`` (n, H, W, 3) sRGB. ``left``: what those after it go on from, by name."""

    start: int
    rgb: Bytes
    left: Mapping[str, NDArray[Any]] = field(default_factory=dict[str, "NDArray[Any]"])

    @property
    def stop(self) -> int:
        """The first frame after them."""
        return self.start + len(self.rgb)


@dataclass(frozen=True)
class Wish:
    """What is asked for beside the clip itself."""

    prompt: str = ""
    """Text; empty: what the events say (``described``). Backends without a text encoder take no notice."""
    steps: int = 0
    """Of a diffusion; 0: the backend's own draft."""
    seed: int = 0
    mode: str = ""
    """One of the backend's ``modes``; empty: its first."""
    region: Region | None = None


@dataclass
class Report:
    """What a run was made with, JSON-safe: ``backend``, its ``weights`` (name -> sha256 or what tells them apart), and notes."""

    backend: str
    mode: str = ""
    steps: int = 0
    weights: dict[str, str] = field(default_factory=dict[str, str])
    notes: list[str] = field(default_factory=list[str])


class Backend(Protocol):
    """One way to make pictures of passes.

    The same clip and wish on the same device give the same pictures, bit for bit, also when a run is gone on with.
    """

    name: str

    @property
    def modes(self) -> tuple[str, ...]:
        """What can be asked for; the first is the usual one."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Passes that it reads."""
        ...

    weights: dict[str, str]
    """What tells the weights apart, by name: digests."""
    report: Report
    """Of the last run."""

    def steps(self, preset: str) -> int:
        """Return the steps of ``draft`` or ``final``; 0 where there is no diffusion."""
        ...

    def generate(
        self,
        passes: PassSource,
        references: References,
        events: Sequence[Event],
        wish: Wish,
        should_stop: Callable[[], bool] = lambda: False,
        *,
        since: Pictures | None = None,
    ) -> Iterator[Pictures]:
        """Yield the clip from its first frame to its last, as it is made; a stopped run ends with what was whole.

        Args:
            passes: the clip.
            references: what the people look like.
            events: what happens in it.
            wish: how it is made. With a region, all other pixels are those of the run before, bit for bit.
            should_stop: asked before every step.
            since: pictures that the same run gave before, or their ``left`` and no ``rgb`` with ``start`` as their end: only
                those after them are made.

        Raises:
            DuologueError: INVALID_ARGUMENT ``unknown-label`` for a mode, ``left-malformed`` for ``since``; NOT_FOUND
                ``passes-missing``; what its models raise.
        """
        ...


_DONE: Final = {
    "poke": "pokes", "pinch": "pinches", "stroke": "strokes", "swipe": "swipes across", "cup": "cups", "rest": "rests a hand on",
    "shake": "shakes", "hold": "holds", "high": "gives a high five to", "pat": "pats", "arm": "puts an arm round",
}  # fmt: skip


def described(events: Sequence[Event]) -> str:
    """Return what happens, in words that a text encoder knows."""
    said: list[str] = []
    for event in events:
        family, _, what = event.pattern.partition("-")
        who, whom = (
            "the first person" if one == "A" else "the second person" for one in (event.performer, event.touched)
        )
        mine = event.performer == event.touched
        place = "shoulders" if family == "arm" else "" if family == "high" else what
        of = f"their own {place}" if mine else f"the {place} of {whom}" if place else whom
        said.append(f"{who} {_DONE.get(family, 'touches')} {of}")
    return f"Two people face each other; {', then '.join(said) or 'they talk'}."


def main_pattern(events: Sequence[Event]) -> str:
    """Return the pattern that fills most of a clip, or none."""
    return max(events, key=lambda event: event.ends - event.begins).pattern if events else ""
