"""Recordings as training reads them: a body's BVH and a face's table."""

from __future__ import annotations

import numpy as np

from duologue.arkit import NAMES
from duologue.datasets.readers.bvh import find_rig_map
from duologue.datasets.readers.live_link import read_face_csv
from duologue.diagnosis.examined import Examined
from duologue.errors import DuologueError
from duologue.motion.bvh import UNITS, read_bvh
from duologue.units import FPS

_UNITS = dict(zip(UNITS, ("metre", "centimetre", "millimetre", "inch", "CMU's unit (56 mm)"), strict=True))


def examine_bvh(examined: Examined) -> None:
    """Read a BVH as training does, and look up the rig map of its skeleton."""
    try:
        clip = read_bvh(examined.path)
        names = clip.skeleton.names
        positions = clip.positions()[:: max(1, clip.frames // 64)]
        examined.facts |= {
            "joints": len(names),
            "frames": clip.frames,
            "fps": round(clip.fps, 3),
            "length_s": round(clip.frames / clip.fps, 3),
            "unit": f"{_UNITS.get(clip.scale, f'{clip.scale:g} m')} (guessed by the size of the bones)",
            "height_m": round(float(np.ptp(positions[..., 1], axis=1).max()), 2),
            "moving_joints": int((np.ptp(clip.rotations, axis=0).max(axis=1) > 1e-4).sum()),
            "joint_names": list(names),
        }
        match = find_rig_map(clip, examined.path.name).bind(names)
    except DuologueError as error:
        examined.refuse(error)
        return
    examined.facts["rig_map"] = f"{match.rig_map.name}: {match.rig_map.title}"
    examined.facts["joints_found"] = len(match.bones)
    if match.missing:
        examined.note([f"no joint for {', '.join(match.missing)}: they stay at rest"], "missing")


def examine_face_table(examined: Examined) -> None:
    """Read a table of ARKit weights as training does."""
    try:
        capture = read_face_csv(examined.path)
    except DuologueError as error:
        examined.refuse(error)
        return
    still = [name for name, column in zip(NAMES, capture.weights.T, strict=True) if not np.ptp(column)]
    examined.facts |= {
        "shapes": f"{len(NAMES) - len(capture.missing)} of {len(NAMES)}",
        "length_s": round(len(capture.weights) / FPS, 3),
        "rate": round(capture.rate, 3),
        "moving_shapes": len(NAMES) - len(still),
        "largest": round(float(capture.weights.max()), 3),
    }
    examined.note(capture.notes)
    if capture.missing:
        examined.note([f"no column for {', '.join(capture.missing)}: these shapes stay at 0"], "missing")
