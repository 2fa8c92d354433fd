# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing Blender's data: characters, armatures, faces, Actions, sound strips, stage and preview."""
