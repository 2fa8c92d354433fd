# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of the scene and seconds of the take."""

from __future__ import annotations

from dataclasses import dataclass


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
