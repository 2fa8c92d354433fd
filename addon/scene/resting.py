# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting to rest what curves have moved, once they move it no longer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bpy.types import ID, FCurve

_POSES = ("location", "rotation_quaternion", "rotation_euler", "rotation_axis_angle", "scale", "].value")


def rest(datablock: ID, curves: Iterable[FCurve]) -> None:
    """Set what these curves moved to where it is at rest: without them it would stay as the last frame left it."""
    for path in {curve.data_path for curve in curves}:
        owner, dot, prop = path.rpartition(".")
        try:
            if path.endswith('"]'):
                owner, _, name = path[:-2].rpartition('["')
                holder: Any = datablock.path_resolve(owner)
                holder[name] = holder.id_properties_ui(name).as_dict()["default"]
            elif dot:
                holder = datablock.path_resolve(owner)
                known = holder.bl_rna.properties[prop]
                setattr(holder, prop, tuple(known.default_array) if known.is_array else 0.0)
        except (ValueError, KeyError, TypeError):  # the bone, shape or property is gone
            continue
    datablock.update_tag()


def rest_pose(datablock: ID, curves: Iterable[FCurve]) -> None:
    """Set to rest what these curves move of bones and shapes; custom properties stay."""
    rest(datablock, [curve for curve in curves if curve.data_path.endswith(_POSES)])
