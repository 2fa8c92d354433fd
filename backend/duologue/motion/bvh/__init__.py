"""BVH files in and out: any rotation order, any channel layout, any unit.

The format: M. Meredith and S. Maddock, "Motion capture file formats explained", University of Sheffield CS-01-11, 2001.
"""

from duologue.motion.bvh.clip import BvhClip
from duologue.motion.bvh.reader import UNITS, read_bvh
from duologue.motion.bvh.writer import write_bvh

__all__ = ["UNITS", "BvhClip", "read_bvh", "write_bvh"]
