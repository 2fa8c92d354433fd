# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's own data, nothing of ours: armatures, Actions, shape keys, markers, sound strips, objects and frames."""
