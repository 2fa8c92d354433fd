"""Blinks, gaze and a listener's brows as people in conversation have them, drawn for a whole clip before its first frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.arkit import INDEX as SHAPE
from duologue.easing import smoothstep
from duologue.units import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DEGREES: Final = 30.0
"""How far an eye turns at weight 1, about, on ARKit-ready characters."""
REACH: Final = np.array([25.0, 20.0], np.float32)
"""Degrees sideways and up or down that eyes go to a partner; what lies farther is for the head to turn to."""
_STAY: Final = (0.50, 0.78)
"""Share of glances that go to the partner, speaking and listening. By time that is about 45 and 75 % (Argyle & Cook 1976,
Kendon 1967)."""


def blink_curve(frames: int, per_minute: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return (frames,) lid closure of one performer: log-normal pauses, each blink shut for a frame, faster down than up."""
    curve = np.zeros(frames, np.float32)
    if per_minute <= 0:
        return curve
    spread = 0.55
    mean = max(60.0 / per_minute - 0.5, 0.3)  # at least half a second lies between two blinks
    count = int(frames / FPS / 0.5) + 2
    times = np.cumsum(0.5 + rng.lognormal(np.log(mean) - spread**2 / 2, spread, count)) - rng.uniform(
        0, 60.0 / per_minute
    )
    times = np.round(times[(times > 0) & (times < frames / FPS)] * FPS) / FPS
    closing, opening = 0.09, rng.uniform(0.16, 0.24, len(times))
    for time, up in zip(times, opening, strict=True):  # a few hundred blinks, not frames
        at = slice(max(int((time - closing) * FPS), 0), min(int((time + up) * FPS) + 2, frames))
        offset = np.arange(at.start, at.stop) / FPS - time
        ramp = 1 - np.where(offset < 0, -offset / closing, offset / up)
        curve[at] = np.maximum(curve[at], smoothstep(ramp))
    return curve


def listening_brows(listens: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return (frames,) how far one performer raises the brows: 0.12 to 0.3 for about a second, some six times a minute.

    ``listens`` (frames,) is true while the partner speaks and they don't: brow raises are among the listener's signs that Chovil
    (1991) describes. How often and how far is our choice, made by eye.
    """
    frames = len(listens)
    curve = np.zeros(frames, np.float32)
    count = int(frames / FPS / 2.5) + 2
    times = np.cumsum(2.5 + rng.lognormal(np.log(6.0), 0.6, count)) - rng.uniform(0, 8.0)
    heights, holds = rng.uniform(0.12, 0.3, count), rng.uniform(0.1, 0.7, count)
    starts = (times * FPS).astype(int)
    raises = (starts >= 0) & (starts < frames)
    raises[raises] = listens[starts[raises]]
    rise, fall = 0.23, 0.4
    for start, height, hold in zip(
        starts[raises], heights[raises], holds[raises], strict=True
    ):  # a few a minute, not frames
        at = slice(start, min(start + int((rise + hold + fall) * FPS) + 1, frames))
        seconds = np.arange(at.stop - at.start) / FPS
        ramp = np.minimum(seconds / rise, (rise + hold + fall - seconds) / fall)
        curve[at] = np.maximum(curve[at], height * smoothstep(ramp))
    return curve


@dataclass(frozen=True)
class Gaze:
    """One performer's glances over a clip, in degrees (right, up) of their own."""

    on_face: NDArray[np.float32]
    """(frames, 2) from the middle of the partner's face."""
    away: NDArray[np.float32]
    """(frames, 2) from straight ahead of the head."""
    leaves: NDArray[np.bool_]
    """(frames,) true where the eyes leave a partner they could look at."""


def draw_gaze(voice: NDArray[np.float32], rng: np.random.Generator, at_partner: float = 1.0) -> Gaze:
    """Draw one performer's glances; ``voice`` (frames,) is 1 while they speak.

    On the face the eyes jump between eyes and mouth every 0.3 to 1.5 s. Away is where people look while they think and speak.
    Each jump lasts one frame: a saccade of 10 degrees takes 45 ms. ``at_partner`` scales the time on the partner: 1 as people
    do, 0 never, 2 always. It changes when the eyes leave, not where they then go.
    """
    frames = len(voice)
    on_face = _jumps(
        frames, rng, 0.3, 1.5, lambda n: rng.normal(0, (1.6, 1.2), (n, 2)) + rng.choice([-0.5, 0.5], (n, 1)) * [2, 0]
    )
    side = rng.choice([-1, 1])
    away = _jumps(
        frames,
        rng,
        0.7,
        2.2,
        lambda n: np.stack(
            [side * rng.uniform(5, 14, n) * rng.choice([1, 1, -1], n), rng.normal(-1.5, 4.0, n)], axis=1
        ),
    )
    turn = _jumps(frames, rng, 0.8, 3.0, lambda n: rng.uniform(0, 1, (n, 1)))[:, 0]
    stay = np.where(voice > 0.5, *_STAY)
    stay = stay * at_partner if at_partner <= 1 else stay + (1 - stay) * (at_partner - 1)
    return Gaze(on_face.astype(np.float32), away.astype(np.float32), turn >= stay)


def _jumps(
    frames: int,
    rng: np.random.Generator,
    shortest: float,
    longest: float,
    draw: Callable[[int], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Hold random targets for random times (log-uniform seconds): (frames, D)."""
    count = int(frames / FPS / shortest) + 2
    holds = np.exp(rng.uniform(np.log(shortest), np.log(longest), count))
    which = np.searchsorted(np.cumsum(holds) * FPS, np.arange(frames), side="right").clip(max=count - 1)
    return draw(count)[which]


def turn_eyes(weights: NDArray[np.float32], degrees: NDArray[np.float32]) -> None:
    """Set the eight look shapes of ``weights`` (..., 52) in place so that both eyes look ``degrees`` (..., 2) right and up."""
    right, up = np.moveaxis(degrees / np.float32(_DEGREES), -1, 0)
    # The performer's right: the right eye turns outwards, the left one towards the nose.
    for name, value in (
        ("eyeLookOutRight", right), ("eyeLookInLeft", right), ("eyeLookInRight", -right), ("eyeLookOutLeft", -right),
        ("eyeLookUpLeft", up), ("eyeLookUpRight", up), ("eyeLookDownLeft", -up), ("eyeLookDownRight", -up),
    ):  # fmt: skip
        weights[..., SHAPE[name]] = value.clip(0)
