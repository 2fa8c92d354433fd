"""The lower body of somebody who steps along a way: hips, legs and feet from planned footsteps, by inverse kinematics.

Feet roll as measured feet do (Winter 1991, "The biomechanics and motor control of human gait", chapter 2): down on the heel,
flat, up over the ball, and the hips are as high as nearly straight legs let them be, which is highest over the standing foot (the
inverted pendulum of Cavagna and Margaria 1966). All of it is made at once, array by array.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from duologue.easing import smoothstep
from duologue.motion.contact import Soles
from duologue.motion.footsteps import EASY, Footsteps, carried, plan_footsteps, progress, sway
from duologue.motion.ik import two_bone
from duologue.motion.rotations import Floats, einsum, euler_to_matrix, matrix_to_exp, yaw_matrix
from duologue.motion.skeleton import Skeleton
from duologue.units import FPS

Array = NDArray[np.float64]

_TOE_OFF, _HEEL_STRIKE = np.radians(64.0), np.radians(18.0)
"""Pitch of the foot as it leaves the floor and as it comes down, at ``_STRIDE``."""
_STRIDE: Final = 1.3
"""Metres that a foot goes in one step of an easy walk: two step lengths."""
_LEAST: Final = np.radians(7.0)
"""Of the heel's rise in the smallest step."""
_LOADING: Final = 0.12 * FPS
"""Frames from the heel's coming down to the flat foot."""
_RISING: Final = 0.34 * FPS
"""Frames from the heel's rise to the foot's leaving the floor."""
_CLEAR: Final = (0.045, 0.035)
"""Metres under the lowest point of a foot in mid-air: stepping on the spot, and over ``_STRIDE``."""
_THERE: Final = 1.5
"""Frames before it comes down from which a foot is over its place: a heel that touched the floor on its way would scuff."""
_PASSING: Final = (0.115, 0.3, 0.25)
"""Metres from ankle to ankle at which legs pass each other, how far before and behind that counts, and how far a foot goes round
at most."""
_STRAIGHT: Final = 0.994
"""Of the leg's length, how far it stretches: knees stay bent by 12 degrees."""
_DIP: Final = 0.015
"""Metres by which an easy walk is lower than standing where it is highest."""
_PELVIS: Final = np.radians(4.0)
"""That the pelvis turns and drops with each step of an easy walk."""
_SMOOTH: Final = 9
"""Frames over which the hips' height is smoothed."""


@dataclass(frozen=True, eq=False)
class _Feet:
    """One foot along n frames: ``ankle`` (n, 3) in the world, ``yaw`` and ``pitch`` (n,) with the heel up, ``toe`` (n,) its pitch
    against the foot."""

    ankle: Array
    yaw: Array
    pitch: Array
    toe: Array


def step_along(skeleton: Skeleton, path: Array) -> tuple[Array, Array]:
    """Return hips (n, 3) and rotations (n, J, 3) of somebody who steps along a root trajectory.

    ``path`` (n, 3): x, z (metres), heading (radians), at rest at both ends; frames at 30 fps. The rotations are exponential maps
    with the arms and the trunk at rest. The hips follow the path but for a sway over the standing foot. Soles that stand don't
    move.

    Raises:
        DuologueError: NOT_FOUND ``unknown-joint`` for a skeleton without duologue60's legs.
    """
    time = np.arange(len(path), dtype=np.float64)
    steps = plan_footsteps(path)
    legs = _Legs(skeleton)
    feet = [legs.foot(time, path[:, 2], steps, side) for side in range(2)]
    return legs.pose(time, path, steps, feet)


class _Legs:
    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton, self.soles = skeleton, Soles.of(skeleton)
        names = ("UpLeg", "Leg", "Foot", "ToeBase")
        self.joints = np.array([skeleton.indices(*(side + name for name in names)) for side in ("Left", "Right")])
        self.bones = skeleton.offsets[self.joints]
        self.length = np.linalg.norm(self.bones[:, 1:3], axis=-1).sum(-1)
        self.ankle = -self.soles.heel[:, 1]
        self.standing = float(skeleton.offsets[0, 1]) - 0.008  # nobody stands on quite straight legs

    def foot(self, time: Array, heading: Array, both: tuple[Footsteps, Footsteps], side: int) -> _Feet:
        """Return one foot's way through its footsteps, round the other one; ``heading`` (n,) of the hips."""
        steps = both[side]
        done, part = progress(time, steps)
        before, after = steps.places[done], steps.places[np.minimum(done + 1, len(steps.places) - 1)]
        stride = self._strides(steps)
        now, last = stride[np.minimum(done, len(stride) - 1)], stride[np.maximum(done - 1, 0)]
        flies = part > 0
        rising, landing = _LEAST + now * (_TOE_OFF - _LEAST), last * _HEEL_STRIKE
        lifts, lands = np.append(steps.lifts, np.inf)[done], np.concatenate([[-np.inf], steps.lands])[done]
        pitch = rising * smoothstep((time - lifts) / _RISING + 1) - landing * (
            1 - smoothstep((time - lands) / _LOADING)
        )
        swing = rising - (rising + now * _HEEL_STRIKE) * smoothstep(1.1 * part)
        pitch = np.where(flies, swing, pitch)
        toe = np.where(flies, -np.maximum(pitch, 0) * (1 - smoothstep(2.5 * part)), -np.maximum(pitch, 0))
        swinging = np.append(steps.lands - steps.lifts, FPS)[done]
        along = np.minimum(part / np.maximum(1 - _THERE / np.maximum(swinging, 1.0), 0.7), 1.0)
        moved = along**3 * (10 - 15 * along + 6 * along**2)  # the least jerk (Flash and Hogan 1985)
        turn = (after[:, 2] - before[:, 2] + np.pi) % (2 * np.pi) - np.pi
        yaw = before[:, 2] + moved * turn
        # Where the ankle is at both ends of a step: rolled up over the ball, and down on the heel.
        up = self._rolled(before, rising, side) if flies.any() else self._rolled(before, pitch, side)
        down = self._rolled(after, -now * _HEEL_STRIKE, side)
        stood = self._rolled(before, pitch, side)
        ankle = np.where(flies[:, None], up + moved[:, None] * (down - up), stood)
        other = both[1 - side].places[progress(time, both[1 - side])[0]]
        away = ankle[:, [0, 2]] - other[:, :2]
        ankle[:, [0, 2]] += _round(away, (1.0 - 2.0 * side) * _left(heading), np.where(flies, part, 0.0), done)
        lowest = self._lowest(ankle, yaw, pitch, toe, side)
        clear = (_CLEAR[0] + now * (_CLEAR[1] - _CLEAR[0])) * np.sin(np.pi * part) ** 2
        ankle[:, 1] += np.where(flies, np.maximum(clear - lowest, 0.0), 0.0)
        return _Feet(ankle, yaw, pitch, np.maximum(toe, -np.radians(35.0)))

    def _strides(self, steps: Footsteps) -> Array:
        """Return how long each step is against an easy walk's, 0 to 1, ahead as the foot points; stepping back is none."""
        moved = np.diff(steps.places, axis=0)
        yaw = steps.places[1:, 2]
        ahead = np.sin(yaw) * moved[:, 0] + np.cos(yaw) * moved[:, 1]
        return np.clip(ahead / _STRIDE, 0.0, 1.0) if len(moved) else np.zeros(1)

    def _rolled(self, places: Array, pitch: Array, side: int) -> Array:
        """Return the ankles (n, 3) of feet at ``places`` (n, 3) that are rolled by ``pitch`` (n,) about ball or heel."""
        pivot = np.where(pitch[:, None] > 0, self.soles.ball[side], self.soles.heel[side])
        flat = yaw_matrix(places[:, 2])
        rolled = flat @ _pitched(pitch)
        shift = einsum("nij,nj->ni", flat, pivot) - einsum("nij,nj->ni", rolled, pivot)
        above = np.full(len(places), self.ankle[side])
        return np.stack([places[:, 0], above, places[:, 1]], axis=-1) + shift

    def _lowest(self, ankle: Array, yaw: Array, pitch: Array, toe: Array, side: int) -> Array:
        """Return the height (n,) of the lowest of heel, ball and tip of the toes."""
        turned = yaw_matrix(yaw) @ _pitched(pitch)
        tip = turned @ _pitched(toe)
        points = [turned @ self.soles.heel[side], turned @ self.soles.ball[side]]
        points.append(turned @ self.bones[side, 3] + tip @ self.soles.tip[side])
        return ankle[:, 1] + np.min([point[:, 1] for point in points], axis=0)

    def pose(
        self, time: Array, path: Array, steps: tuple[Footsteps, Footsteps], feet: list[_Feet]
    ) -> tuple[Array, Array]:
        """Return hips (n, 3) and rotations (n, J, 3) over both feet."""
        step = np.gradient(path[:, :2], axis=0) if len(path) > 1 else np.zeros((1, 2))
        pace = smoothstep(np.hypot(*step.T) * FPS / EASY)
        aside = sway(time, steps)
        left = _left(path[:, 2])
        floor = path[:, :2] + (aside * (1 - 0.4 * pace))[:, None] * left
        floor = floor + carried(time, steps, floor)
        ahead = np.stack([np.sin(path[:, 2]), np.cos(path[:, 2])], axis=-1)
        apart = einsum("ni,ni->n", ahead, (feet[0].ankle - feet[1].ankle)[:, [0, 2]])
        # The pelvis turns with the leg that is ahead, and drops on the side of the foot that swings.
        yaw = path[:, 2] - _PELVIS * np.clip(apart / 0.6, -1, 1)
        hips = yaw_matrix(yaw) @ euler_to_matrix((-_PELVIS * pace * aside / 0.05)[:, None], "Z")
        root = np.stack([floor[:, 0], np.zeros(len(path)), floor[:, 1]], axis=-1)
        root[:, 1] = self._height(root, hips, feet, self.standing - _DIP * pace)
        rotations = np.zeros((len(path), len(self.skeleton), 3))
        rotations[:, 0] = matrix_to_exp(hips)
        for side, foot in enumerate(feet):
            self._bend(rotations, root, hips, foot, side)
        return root, rotations

    def _height(self, root: Array, hips: Floats, feet: list[_Feet], most: Array) -> Array:
        """Return how high the hips (n,) are: as both legs reach, at ``most`` (n,), smoothed."""
        tops = [most]
        for side, foot in enumerate(feet):
            joint = einsum("nij,j->ni", hips, self.bones[side, 0])
            away = np.hypot(*(root + joint - foot.ankle)[:, [0, 2]].T)
            reach = np.sqrt(np.maximum((_STRAIGHT * self.length[side]) ** 2 - away**2, 0.04))
            tops.append(foot.ankle[:, 1] + reach - joint[:, 1])
        # The lowest of what is near, so that smoothing never lifts them beyond a leg's reach.
        near = np.pad(np.min(tops, axis=0), _SMOOTH - 1, mode="edge")
        lowest = sliding_window_view(near, _SMOOTH).min(-1)
        window = np.hanning(_SMOOTH + 2)[1:-1]
        return np.convolve(lowest, window / window.sum(), "valid")

    def _bend(self, rotations: Array, root: Array, hips: Floats, foot: _Feet, side: int) -> None:
        """Write one leg's rotations for its foot."""
        thigh, shin, ankle, toe = self.joints[side]
        # A leg at rest below the hips, turned half-way to where the foot points: knees go over toes.
        own = np.arctan2(hips[:, 0, 2], hips[:, 2, 2])
        turn = 0.5 * ((foot.yaw - own + np.pi) % (2 * np.pi) - np.pi)
        rest = hips @ yaw_matrix(turn)
        joint = root + einsum("nij,j->ni", hips, self.bones[side, 0])
        knee = joint + einsum("nij,j->ni", rest, self.bones[side, 1])
        tip = knee + einsum("nij,j->ni", rest, self.bones[side, 2])
        upper, lower, _ = two_bone(joint, knee, tip, foot.ankle, rest[..., 0])
        sole = yaw_matrix(foot.yaw) @ _pitched(foot.pitch)
        world = [hips, upper @ rest, lower @ rest, sole, sole @ _pitched(foot.toe)]
        for k, name in enumerate((thigh, shin, ankle, toe)):
            rotations[:, name] = matrix_to_exp(np.swapaxes(world[k], -1, -2) @ world[k + 1])


def _round(away: Array, out: Array, part: Array, step: NDArray[np.int64]) -> Array:
    """Return by how much (n, 2) an ankle on its way goes aside so as not to go through the other leg.

    ``away`` (n, 2): from the other ankle; ``out`` (n, 2): the direction to its own side; ``part`` (n,): how far each ``step``
    (n,) is, 0 where the foot stands.
    """
    aside = einsum("ni,ni->n", away, out)
    along = away[:, 0] * out[:, 1] - away[:, 1] * out[:, 0]
    room = _PASSING[0] * np.sqrt(np.maximum(1 - (along / _PASSING[1]) ** 2, 0.0))
    bump = np.sin(np.pi * part) ** 2
    need = np.where(bump > 0.15, (room - aside) / np.maximum(bump, 0.15), 0.0)
    most = np.zeros(int(step.max(initial=0)) + 1)
    np.maximum.at(most, step, need)
    return (bump * np.minimum(most[step], _PASSING[2]))[:, None] * out


def _left(heading: Array) -> Array:
    """Return the directions (n, 2) x, z to the left of headings (n,)."""
    return np.stack([np.cos(heading), -np.sin(heading)], axis=-1)


def _pitched(angle: Array) -> Floats:
    """Return the matrices (n, 3, 3) that turn toes down and the heel up by ``angle`` (n,)."""
    return euler_to_matrix(angle[:, None], "X")
