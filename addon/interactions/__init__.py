# SPDX-License-Identifier: GPL-3.0-or-later
"""Touch in Blender: characters' surfaces as arrays, and skin that gives way as shape keys."""
