# SPDX-License-Identifier: GPL-3.0-or-later
"""Why buttons are grey, in the words that several of them share, and the one option that those who make takes share."""

from __future__ import annotations

import bpy

BUSY = "A take is being made; wait for it, or cancel it"
WAIT_FOR_TAKE = "Wait for the take, or cancel it"
NO_TAKE = "There is no take yet; press Perform first"
NO_CAST = "Choose an armature for A and one for B"

WAIT = bpy.props.FloatProperty(
    name="Wait",
    description="Without a window: how many seconds to wait for the take; 0 returns at once",
    default=0.0,
    min=0.0,
    options={"HIDDEN", "SKIP_SAVE"},
)
