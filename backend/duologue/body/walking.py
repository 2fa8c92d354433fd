"""Led walks: the legs of whoever gets along a planned way are planned too, and given to the networks as they are.

The lower-body network is told where a way leads, but sets out late, strays, and comes short: on the whole way there half of it
was missing, and closing that afterwards is sliding. So the frames in which the plan has somebody step are pinned like any pose
that a director holds (``body.control``): steps, hips and legs from planned footsteps (``motion.gait``). The network makes what
lies before and behind to fit, and the upper body to all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.body.control import Pins, Plan, Walk
from duologue.body.planting import Limbs, sole_contacts
from duologue.features import pose as poses
from duologue.labels import ACTION_MODES
from duologue.motion.footsteps import stretches
from duologue.motion.gait import step_along
from duologue.motion.skeleton import Skeleton
from duologue.units import FPS

Floats = NDArray[np.float64]

_WALK: Final = ACTION_MODES.index("walk")
_WALKING: Final = 0.15
"""Metres a second of the way from which the networks are told of a walk."""
_BESIDE: Final = FPS // 2
"""Frames beside a pinned pose in which nobody's steps are planned: they go on as they came."""


def plan_walks(plan: Plan, pins: tuple[Pins, Pins], skeleton: Skeleton) -> tuple[list[Walk], list[Walk]]:
    """Return both performers' led steps.

    Where poses are pinned already (a kept part of an earlier take), those beside them are left to the network.
    """
    soles = Limbs.soles(skeleton)
    a, b = ([_walk(plan.path[k], *span, skeleton, soles) for span in _spans(plan, pins[k], k)] for k in range(2))
    return a, b


def _spans(plan: Plan, pins: Pins, performer: int) -> list[tuple[int, int]]:
    posed = np.zeros(plan.path.shape[1], bool)
    if pins.features is not None:
        posed[pins.frames[~np.isnan(pins.features[:, -1])]] = True
    near = np.convolve(posed, np.ones(2 * _BESIDE + 1))[_BESIDE:-_BESIDE] > 0
    return [(first, last) for first, last in stretches(plan.afoot[performer]) if not near[first:last].any()]


def _walk(path: Floats, first: int, last: int, skeleton: Skeleton, soles: Limbs) -> Walk:
    root, rotations = step_along(skeleton, path[first:last])
    features, hips = poses.from_world(root, rotations)
    contacts = sole_contacts(features, soles)
    return Walk(first, np.concatenate([features, contacts], axis=-1).astype(np.float32), hips)


def swayed(plan: Plan, walks: tuple[Sequence[Walk], Sequence[Walk]]) -> Plan:
    """Return the plan with the ways that the hips of both performers' led steps really take, to be met in each of these frames:
    drawn elsewhere, hips would slide."""
    path = plan.path.copy()
    fixed = list(plan.fixed)
    for performer, own in enumerate(walks):
        for walk in own:
            frames = np.arange(walk.start, walk.start + len(walk.path))
            path[performer, frames] = walk.path
            fixed[performer] = np.union1d(fixed[performer], frames)
    return replace(plan, path=path, fixed=(fixed[0], fixed[1]))


def walked(plan: Plan, actions: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return the actions (2, T) as they will be performed: a walk also where nobody asked for one, but the way takes it."""
    step = np.diff(plan.path, axis=1, prepend=plan.path[:, :1]) * FPS
    walks = plan.given & plan.afoot & (np.hypot(step[..., 0], step[..., 1]) > _WALKING)
    return np.where(walks, _WALK, actions)
