"""Skeletons, rotations, BVH files, contact and clean-up. numpy only: this package also runs inside Blender."""
