"""The exact passes of a rigged scene: structure, parts, depth, normals, flow, contact, pose and the carried picture.

One rasteriser in numpy draws them all, for training, tests and Blender alike: it is handed evaluated triangles and a camera.
"""

from duologue.passes.camera import Camera
from duologue.passes.contract import PASSES, Passes
from duologue.passes.drawing import Moment, Painter, paint
from duologue.passes.folder import Clip, PassFolder, load
from duologue.passes.pose import Keypoints
from duologue.passes.surface import Mesh, Surface, merge

__all__ = [
    "PASSES",
    "Camera",
    "Clip",
    "Keypoints",
    "Mesh",
    "Moment",
    "Painter",
    "PassFolder",
    "Passes",
    "Surface",
    "load",
    "merge",
    "paint",
]
