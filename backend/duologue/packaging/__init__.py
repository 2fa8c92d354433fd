"""The Blender extension and the wheel inside it."""
