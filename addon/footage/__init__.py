# SPDX-License-Identifier: GPL-3.0-or-later
"""A touch of the scene as moving pictures: asked for, made beside Blender, and laid into the video sequencer as they come."""
