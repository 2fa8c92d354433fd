# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of the scene and seconds of the take: a take has 30 frames a second, a scene as many as its owner likes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from duologue.units import FPS

if TYPE_CHECKING:
    from bpy.types import Scene


def frame_rate(scene: Scene) -> float:
    """Return a scene's frames a second."""
    return scene.render.fps / scene.render.fps_base


def stretch(scene: Scene) -> float:
    """Return how far keys go in one frame of a scene: 1, unless Blender's time remapping is set (Output > Frame Range).

    Frame F of the scene shows what keys say at ``F * stretch``. Markers and the sequencer's strips, speech among them, are not
    remapped.
    """
    return scene.render.frame_map_old / scene.render.frame_map_new


def key_rate(scene: Scene) -> float:
    """Return how far keys go in a second of a scene: its frames a second, unless time is remapped."""
    return frame_rate(scene) * stretch(scene)


def frames_after(scene: Scene, frames: int) -> float:
    """Return how many frames of the scene lie between the first and the last of a take of ``frames``."""
    return max(0, frames - 1) * frame_rate(scene) / FPS


@dataclass(frozen=True)
class Clock:
    """The take begins at ``first_frame``; the scene has ``rate`` frames a second."""

    first_frame: int
    rate: float

    def seconds(self, frame: float) -> float:
        """Return when in the take a frame is shown, to the microsecond; less than 0 before the take."""
        return round((frame - self.first_frame) / self.rate, 6)

    def frame(self, seconds: float) -> int:
        """Return the frame that is nearest to a time of the take."""
        return round(self.first_frame + seconds * self.rate)
