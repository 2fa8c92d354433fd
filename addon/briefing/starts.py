# SPDX-License-Identifier: GPL-3.0-or-later
"""Where performers begin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from duologue.brief import Start
from duologue.errors import DuologueError
from duologue.labels import PERFORMERS

from ..cast.posing import carrier_of
from ..cast.recognition import cast_performer
from ..properties import DUOLOGUE_PG_performer
from ..scene.axes import from_blender
from ..scene.objects import Floats, facing, origin, placements

if TYPE_CHECKING:
    from bpy.types import Object, Scene


def start_of(scene: Scene, performer: DUOLOGUE_PG_performer, frame: int) -> Start:
    """Return where a performer begins, as was chosen; of what moves, where it is at ``frame``."""
    chosen = performer.start
    if chosen.source == "CHARACTER" and performer.armature is not None:
        start = _stand(placements(scene, performer.armature, [frame])[0], performer.front)
        return _carried(start, performer)
    if chosen.source == "OBJECT" and chosen.target is not None:
        return _stand(placements(scene, chosen.target, [frame])[0])
    x, _, z = from_blender((chosen.x, chosen.y, 0.0))
    return Start(float(x), float(z), float(chosen.heading))


def place_of(ob: Object) -> Start:
    """Return where an object stands and faces: a character faces -Y of its own, as Blender's front view shows it."""
    return _stand(np.array(ob.matrix_world, np.float64))


def _stand(placement: Floats, front: Sequence[float] = (0.0, -1.0, 0.0)) -> Start:
    x, _, z = origin(placement)
    return Start(float(x), float(z), facing(placement, front))


def _carried(start: Start, performer: DUOLOGUE_PG_performer) -> Start:
    """Take along a root control: whoever moves that has put the character there."""
    try:
        placement = carrier_of(cast_performer("A", performer))
    except DuologueError:  # said where it matters
        return start
    x, _, z = placement[:3, :3] @ (start.x, 0.0, start.z) + placement[:3, 3]
    ahead = placement[:3, :3] @ (math.sin(start.heading), 0.0, math.cos(start.heading))
    return Start(float(x), float(z), math.atan2(ahead[0], ahead[2]))


def place_at_start(ob: Object, start: Start) -> None:
    """Stand an object at a start, facing as it says."""
    ob.location = (start.x, -start.z, 0.0)
    ob.rotation_mode = "XYZ"
    ob.rotation_euler = (0.0, 0.0, start.heading)


def sample_starts() -> dict[str, Start]:
    """Return where the sample pair stands: face to face, both turned a little towards the front."""
    turn = math.radians(60.0)
    return dict(zip(PERFORMERS, (Start(-0.6, 0.0, turn), Start(0.6, 0.0, -turn)), strict=True))
