"""The pictures of one face: close, from beside the partner's eyes, and over the partner's shoulder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.staging.camera import SENSOR, Float, Placement, Sight, axes_of, line_normal, turned

CLOSE_LENS: Final = 0.070
"""Metres: a portrait lens, which keeps a nose a nose."""
_CLOSE_HEIGHT: Final = 1.5
"""The picture's height, in heads from chin to crown; the face, chin to brow, is two thirds of a head."""
_OVER_HEIGHT: Final = 2.2
_HEADROOM: Final = 0.07
"""Of the picture's height, above the crown."""
_WIDEST: Final = 1.3
"""The picture is at least as wide as so many heads, also where it stands upright."""

_OFF_NORMAL: Final = 50.0
"""Degrees from the middle between the two to the camera of a close shot, which is 40 from where the subject looks."""
_NOBODY: Final = 0.3
"""Metres around the partner's axis that are to stay out of a close shot."""

_SHOULDER: Final = 1.6
"""Metres from the camera to the partner whose shoulder it looks over."""
_NEAREST, _FARTHEST = 0.75, 2.6
"""Metres between two people, between whom there is such a picture."""
_LEVEL: Final = 0.26
"""Metres, and of the way between them, that one head may be higher in it: past who stands, nobody who sits is seen."""
_HIGHEST, _LOWEST = 0.30, -0.34
"""Of the picture's height: as far from its middle as the partner's head may be, up and down."""
_MOST_TILT: Final = 0.21
"""Radians: from steeper above or below, a face is another one."""
_SUBJECT_AT, _PARTNER_AT = 0.33, 0.72
"""Where the two stand, from the middle of the picture to its edge, on either side."""
_ROOM_TO_LOOK: Final = 0.13
"""And where the subject of a close shot stands, away from the side where the partner is."""


@dataclass(frozen=True)
class _Picture:
    """How far the camera is, how high the picture is there, and how far right of its middle the subject stands; metres."""

    distance: float
    height: float
    aside: float
    lens: float = CLOSE_LENS


def close(sight: Sight, who: int, side: float, aspect: float) -> Placement:
    """Place a camera for performer ``who``'s face alone; ``side``: the yaw of the cameras' side of the line."""
    normal = line_normal(sight, side)
    sign = 1.0 if turned(_yaw_to_partner(sight, who) - normal) > 0 else -1.0
    height = _height(sight, who, _CLOSE_HEIGHT, aspect)
    distance = CLOSE_LENS * height * aspect / SENSOR
    half = height * aspect / 2
    picture = _Picture(distance, height, -sign * _ROOM_TO_LOOK * half)
    for azimuth in normal + sign * np.radians(np.arange(_OFF_NORMAL, -1.0, -5.0)):
        if _is_clear(sight, who, azimuth, picture, half):
            return _looking(sight, who, azimuth, picture)
    # So near that the partner stands in every picture: rather no room to look than half a head of theirs.
    return _looking(sight, who, normal, replace(picture, aside=-2 * picture.aside))


def over(sight: Sight, who: int, side: float, aspect: float) -> Placement:
    """Place a camera behind the partner, whose shoulder stands at one edge, for performer ``who``'s face."""
    normal = line_normal(sight, side)
    sign = 1.0 if turned(_yaw_to_partner(sight, who) - normal) > 0 else -1.0
    height = _height(sight, who, _OVER_HEIGHT, aspect)
    half = height * aspect / 2
    apart = float(_distances(sight).mean())
    along = apart
    aside = 0.0
    for _ in range(12):  # how far apart they look depends on how far away each is, and that on how they are turned
        subject = _SHOULDER + along
        aside = min(_SUBJECT_AT * half + _PARTNER_AT * half * _SHOULDER / subject, 0.95 * apart)
        along = float(np.sqrt(apart**2 - aside**2))
    azimuth = normal + sign * (np.pi / 2 - np.arcsin(aside / apart))
    distance = _SHOULDER + along
    picture = _Picture(distance, height, -sign * _SUBJECT_AT * half, SENSOR / 2 * distance / half)
    level = _looking(sight, who, azimuth, picture)
    return _raised(level, float(np.median(sight.heads[1 - who, :, 1])), distance, height)


def _raised(level: Placement, partner: float, distance: float, height: float) -> Placement:
    """Raise or lower a camera, and tilt it, until the partner's head, at the height ``partner``, is in the picture's edge too."""
    share = _SHOULDER / distance
    aim = float(level.position[1])
    off = partner - aim
    wanted = off - np.clip(off, _LOWEST * height * share, _HIGHEST * height * share)
    reach = distance * np.tan(_MOST_TILT)
    rise = float(np.clip(wanted / (1.0 - share), -reach, reach))
    return replace(level, position=level.position + np.array([0.0, rise, 0.0]), tilt=float(np.arctan2(rise, distance)))


def is_over(sight: Sight) -> NDArray[np.bool_]:
    """Return (n,) whether the two stand so that one can be seen past the other."""
    distances = _distances(sight)
    level = np.abs(sight.heads[1, :, 1] - sight.heads[0, :, 1]) < np.minimum(_LEVEL * distances, _LEVEL)
    return (distances > _NEAREST) & (distances < _FARTHEST) & level


def _distances(sight: Sight) -> Float:
    return np.linalg.norm((sight.heads[1] - sight.heads[0]) * (1.0, 0.0, 1.0), axis=-1)


def _yaw_to_partner(sight: Sight, who: int) -> float:
    line = (sight.heads[1 - who] - sight.heads[who]).mean(axis=0)
    return float(np.arctan2(line[0], line[2]))


def _height(sight: Sight, who: int, heads: float, aspect: float) -> float:
    return sight.sizes[who] * max(heads, _WIDEST / aspect)


def _is_clear(sight: Sight, who: int, azimuth: float, picture: _Picture, half: float) -> bool:
    """Return whether the partner stands outside the picture, or behind the camera."""
    to_partner = (sight.heads[1 - who] - sight.heads[who]) @ axes_of(azimuth)
    depth = picture.distance - to_partner[:, 2]
    edge = half * depth / picture.distance + _NOBODY
    return bool(np.percentile(np.where(depth > 0, np.abs(to_partner[:, 0] + picture.aside) - edge, 1.0), 10) > 0)


def _looking(sight: Sight, who: int, azimuth: float, picture: _Picture) -> Placement:
    """Look at a head so that its crown has headroom."""
    middle = np.median(sight.heads[who], axis=0)
    rise = 0.5 * sight.sizes[who] + (_HEADROOM - 0.5) * picture.height
    offset = np.array([-picture.aside, rise, picture.distance])
    return Placement(middle + axes_of(azimuth) @ offset, turned(azimuth), picture.lens)
