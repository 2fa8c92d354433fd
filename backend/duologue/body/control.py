"""What a director holds of two bodies: places on the floor, poses at frames, kept stretches; and the ways that lead there.

Everything asked for is a pin: a frame of one performer with a place (x, z, heading), a pose, or both. A spot on the floor is one
place; a pinned pose is one pose; a kept stretch, or a partner who is to stay as they are, is many of both. Poses are held by
diffusion inpainting, which the networks are trained for; ways are a condition that they follow, and what is left of the distance
is closed afterwards, so that places are met exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from duologue.body.planting import Limbs, sole_contacts
from duologue.easing import smoothstep
from duologue.features import pose as poses
from duologue.features.statistics import PoseStatistics
from duologue.motion.footsteps import stretches
from duologue.motion.seating import LOWERING, RISING
from duologue.motion.trajectory import SIT, plan_trajectory

Floats = NDArray[np.float64]

LEASH: Final = (0.05, np.radians(5.0))
"""Metres and radians that somebody may be away from a place where they stay: about as far as standing people sway."""
_EASE: Final = 12
"""Frames over which a pose that is not quite the pinned one is led to it."""


@dataclass(frozen=True)
class Pins:
    """One performer's pins, by frame."""

    frames: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(n,) ascending, each once."""
    places: Floats = field(default_factory=lambda: np.zeros((0, 3)))
    """(n, 3) x, z in metres and heading in radians; NaN where any will do."""
    features: NDArray[np.float32] | None = None
    """(n, C) ``poses.columns``; NaN throughout where any pose will do. None: no pose is pinned."""

    @classmethod
    def of_motion(cls, root: Floats, rotations: Floats, frames: NDArray[np.integer]) -> Pins:
        """Return pins of some ``frames`` (n,) of a motion, in place and in pose: world hips (T, 3), rotations (T, J, 3)."""
        features, path = poses.from_world(root, rotations)
        return cls(np.asarray(frames, np.int64), path[frames], features[frames].astype(np.float32))

    @classmethod
    def merged(cls, parts: Sequence[Pins]) -> Pins:
        """Return the pins of all parts; where two are about the same frame the later part wins what it says."""
        frames = np.unique(np.concatenate([part.frames for part in parts])) if parts else np.zeros(0, np.int64)
        places = np.full((len(frames), 3), np.nan)
        widths = [part.features.shape[1] for part in parts if part.features is not None]
        features = np.full((len(frames), widths[0]), np.nan, np.float32) if widths else None
        for part in parts:
            at = np.searchsorted(frames, part.frames)
            places[at] = np.where(np.isnan(part.places), places[at], part.places)
            if features is not None and part.features is not None:
                features[at] = np.where(np.isnan(part.features), features[at], part.features)
        return cls(frames, places, features)


@dataclass(frozen=True, eq=False)
class Walk:
    """Frames ``start`` to ``start + n`` of somebody's led steps: ``features`` (n, C) ``poses.channels``, of which those of the
    lower body count, and the hips' ``path`` (n, 3) x, z, heading, with the sway of the steps (``body.walking``)."""

    start: int
    features: NDArray[np.float32]
    path: Floats


@dataclass(frozen=True)
class WindowPins:
    """A window's pins as the networks take them: standardised (1, 2, n, channels); flags (1, 2, n, 2) for the root's steps and
    for the legs, and (1, 2, n, 1) for the upper body."""

    lower: Tensor
    upper: Tensor
    held: Tensor
    upper_held: Tensor


@dataclass(frozen=True)
class Control:
    """Both performers' pins."""

    pins: tuple[Pins, Pins] = (Pins(), Pins())

    def window(  # noqa: PLR0917
        self,
        start: int,
        stop: int,
        statistics: PoseStatistics,
        modes: NDArray[np.float32],
        soles: Limbs,
        seen: Callable[[NDArray[np.floating]], NDArray[np.floating]] = lambda features: features,
        walks: tuple[Sequence[Walk], Sequence[Walk]] = ((), ()),
    ) -> WindowPins:
        """Return the pins of frames ``[start, stop)``, whose mixture of modes is ``modes`` (2, n, M).

        ``soles``: of the skeleton; ``seen``: features (2, n, C) as the networks see them; ``walks``: both performers' led steps.
        """
        count = stop - start
        values = np.zeros((2, count, len(statistics.names)), np.float32)
        held = np.zeros((2, count, 2), bool)
        for performer, own in enumerate(walks):
            for walk in own:
                first, last = max(walk.start, start), min(walk.start + len(walk.features), stop)
                if first < last:
                    values[performer, first - start : last - start] = walk.features[
                        first - walk.start : last - walk.start
                    ]
                    held[performer, first - start : last - start] = True
                    held[performer, first - start, 0] &= first > walk.start  # a step needs the frame before
        upper_held = np.zeros((2, count, 1), bool)
        for performer, pins in enumerate(self.pins):
            if pins.features is None:
                continue
            inside = (pins.frames >= start) & (pins.frames < stop) & ~np.isnan(pins.features[:, -1])
            at = pins.frames[inside] - start
            values[performer, at, : pins.features.shape[1]] = pins.features[inside]
            held[performer, at, 1] = upper_held[performer, at] = True
            # A step is known where the frame before it is pinned in place too.
            follows = np.diff(pins.frames, prepend=-2) == 1
            placed = ~np.isnan(pins.places[:, 0])
            known = inside & follows & placed & np.roll(placed, 1)
            held[performer, pins.frames[known] - start, 0] = True
            # So are contacts, which need the frame before: without it they are as open as the step.
            values[performer, at, pins.features.shape[1] :] = sole_contacts(pins.features[inside], soles)

        def tensor(array: NDArray[np.generic]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array))[None]

        values = statistics.standardise(seen(values), modes)
        lower, upper = (tensor(values[..., columns]) for columns in (statistics.lower, statistics.upper))
        return WindowPins(lower, upper, tensor(held), tensor(upper_held))

    def plan(self, starts: Floats, actions: NDArray[np.integer]) -> Plan:
        """Lay both ways through the pinned places. ``starts`` (2, 3), ``actions`` (2, T) indices into ``ACTION_MODES``."""
        frames = actions.shape[1]
        path, given, afoot = np.zeros((2, frames, 3)), np.zeros((2, frames), bool), np.zeros((2, frames), bool)
        for performer, pins in enumerate(self.pins):
            placed = ~np.isnan(pins.places[:, 0]) & (pins.frames < frames)
            if placed.any():
                way = plan_trajectory(
                    starts[performer], pins.frames[placed], pins.places[placed], np.asarray(actions[performer])
                )
                path[performer], given[performer], afoot[performer] = way.path, way.given, way.afoot
        a, b = (self._fixed(k, afoot[k], given[k], np.asarray(actions[k])) for k in range(2))
        return Plan(path, given, afoot, (a, b))

    def _fixed(
        self, performer: int, afoot: NDArray[np.bool_], given: NDArray[np.bool_], actions: NDArray[np.integer]
    ) -> NDArray[np.int64]:
        """Return the frames in which a way is to be met: at places, where steps begin, on the way onto a seat and up from it."""
        pins = self.pins[performer]
        places = pins.frames[~np.isnan(pins.places[:, 0])]
        seats = np.diff((actions == SIT).astype(int), prepend=int(actions[0] == SIT))
        beside = [frame + k for frame in np.flatnonzero(seats < 0).tolist() for k in RISING]
        beside += [frame + k for frame in np.flatnonzero(seats > 0).tolist() for k in LOWERING]
        met = [frame for frame in beside if 0 <= frame < len(given) and given[frame]]
        return np.union1d(places, [*met, *(first for first, _ in stretches(afoot))]).astype(np.int64)


@dataclass(frozen=True)
class Plan:
    """Where both go: ``path`` (2, T, 3) x, z, heading counts where ``given`` (2, T); ``afoot`` (2, T): by steps; ``fixed``:
    each one's frames to be met."""

    path: Floats
    given: NDArray[np.bool_]
    afoot: NDArray[np.bool_]
    fixed: tuple[NDArray[np.int64], NDArray[np.int64]]

    def route(self, start: int, stop: int, margin: int = 24) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return ``poses.route`` (2, n, 3) of frames ``[start, stop)`` and where it counts (2, n), 1 or 0."""
        given = self.given[:, start:stop].astype(np.float32)
        if not given.any():
            return np.zeros((*given.shape, len(poses.ROUTE_COLUMNS)), np.float32), given
        first, last = max(start - margin, 0), min(stop + margin, self.path.shape[1])
        way = poses.route(self.path[:, first:last].swapaxes(0, 1)).swapaxes(0, 1)
        return way[:, start - first : stop - first], given

    def correct(self, start: int, path: Floats) -> Floats:
        """Lead a sampled path (2, n, 3), frames from ``start``, to the places that are to be met, and to where the plan has come.

        The error at these frames is spread over the frames before, as slowly as there is time for; who is led so slides by a few
        centimetres over a second or more, which the foot lock takes up. Whoever has arrived shifts their weight about the place:
        only what goes beyond ``LEASH`` is brought back.
        """
        count = path.shape[1]
        corrected = path.copy()
        for performer in range(2):
            planned = np.flatnonzero(self.given[performer, start : start + count])
            if not len(planned):
                continue
            there = self.fixed[performer]
            met = np.union1d(there[(there >= start) & (there < start + count)] - start, planned[-1:])
            error = self.path[performer, start + met] - path[performer, met]
            error[:, 2] = (error[:, 2] + np.pi) % (2 * np.pi) - np.pi
            error[:, 2] = np.unwrap(error[:, 2])
            if met[-1] not in there - start and self._stays(performer, start + int(met[-1])):
                error[-1] = _beyond_leash(error[-1])
            knots, values = np.concatenate([[-1], met]), np.concatenate([np.zeros((1, 3)), error])
            if start == 0:  # the first frame of a take stands where it was put
                values[0] = self.path[performer, 0] - path[performer, 0]
            corrected[performer] += _eased(knots, values, count)
        return corrected

    def _stays(self, performer: int, frame: int) -> bool:
        """Whether the plan has come to rest by a frame."""
        before = max(frame - _EASE, 0)
        return bool(np.ptp(self.path[performer, before : frame + 1], axis=0).max() < 1e-3)


def _beyond_leash(error: Floats) -> Floats:
    """Return what of an error (3,) x, z, heading goes beyond ``LEASH``."""
    away, turned = float(np.hypot(error[0], error[1])), abs(float(error[2]))
    floor, heading = (max(0.0, 1 - free / max(size, 1e-9)) for free, size in zip(LEASH, (away, turned), strict=True))
    return error * np.array([floor, floor, heading])


def _eased(knots: NDArray[np.int64], values: Floats, count: int) -> Floats:
    """Interpolate ``values`` (k, D) at ascending ``knots`` (k,) for frames 0 to ``count`` - 1, flat at and beyond them."""
    index = np.arange(count)
    upper = np.searchsorted(knots, index, side="left").clip(1, len(knots) - 1)
    span = (knots[upper] - knots[upper - 1]).astype(float)
    s = smoothstep((index - knots[upper - 1]) / span)[:, None]
    return values[upper - 1] * (1 - s) + values[upper] * s


def settle(x: Tensor, estimate: Tensor, given: Tensor, held: Tensor, known: int) -> Tensor:
    """Lead the frames beside pins to them: where the network's own ``estimate`` differs from what is ``given``, those around it
    take up the difference. All (B, P, T, C), ``held`` as bool; the first ``known`` frames, the past, are left alone."""
    frames = x.shape[2]
    index = torch.arange(frames, device=x.device).view(1, 1, -1, 1)
    pinned = held & (index >= known)
    if not pinned.any():
        return x
    before = torch.where(held, index, torch.full_like(index, -frames)).cummax(dim=2).values
    after = torch.where(pinned, index, torch.full_like(index, 2 * frames)).flip(2).cummin(dim=2).values.flip(2)
    missing = torch.where(pinned, given - estimate, torch.zeros_like(x))
    gap = (after - before).clamp(max=_EASE, min=1)

    def pull(at: Tensor, distance: Tensor) -> Tensor:
        s = (distance / gap).clamp(0, 1)
        reached = missing.gather(2, at.clamp(0, frames - 1).expand_as(missing))
        return torch.where(distance < _EASE, reached * (1 - s * s * (3 - 2 * s)), torch.zeros_like(missing))

    eased = x + pull(before, index - before) + pull(after, after - index)
    return torch.where(held | (index < known), x, eased)


def flow(x: Tensor, held: Tensor, known: int, ease: int = 15) -> Tensor:
    """Let the frames on either side of a pinned stretch leave it, and come to it, in place and in speed.

    What of the step is missing after ``settle`` fades over ``ease`` frames, or half of the way to the next stretch, by
    Hermite's cubic (as ``sampling.grow_from`` does behind the past). ``x`` and ``held`` (B, P, T, C); the first ``known``
    frames are left alone; single pinned frames have no speed and are left to ``settle``.
    """
    pinned = held[0, :, :, -1].cpu().numpy()
    out = x.clone()
    for performer, flags in enumerate(pinned):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8))).reshape(-1, 2)
        for k, (first, last) in enumerate(edges.tolist()):  # stretches, not frames
            if last - first < 2:
                continue
            after = edges[k + 1, 0] if k + 1 < len(edges) else len(flags) + ease
            before = edges[k - 1, 1] if k else 2 * known - first
            rows = out[:, performer]
            _flow(rows[:, last - 2 :], min(ease, (after - last) // 2, len(flags) - last))
            if first > known:
                _flow(
                    rows.flip(1)[:, len(flags) - first - 2 :],
                    min(ease, (first - before) // 2, first - known),
                    rows,
                    first,
                )
    return torch.where(held, x, out)


def _flow(rows: Tensor, count: int, into: Tensor | None = None, first: int = 0) -> None:
    """Add to the ``count`` rows behind the first two, (B, T, C), in place, what makes them go on from those; or, of rows that run
    backwards, to those before row ``first`` of ``into``."""
    if count < 2:
        return
    speed = rows[:, 1] - rows[:, 0]
    gap = rows[:, 1] + speed - rows[:, 2]
    speed_gap = speed - (rows[:, 3] - rows[:, 2]) if rows.shape[1] > 3 else torch.zeros_like(speed)
    s = (torch.arange(count, dtype=rows.dtype, device=rows.device) / count)[:, None]
    offset = (2 * s**3 - 3 * s**2 + 1) * gap[:, None] + (s**3 - 2 * s**2 + s) * count * speed_gap[:, None]
    if into is None:
        rows[:, 2 : 2 + count] += offset
    else:
        into[:, first - count : first] += offset.flip(1)
