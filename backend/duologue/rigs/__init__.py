"""Rigs: how our skeletons drive a user's armature and how ARKit weights drive a user's face. numpy only, no bpy."""
