# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar of the 3D view: who plays, what they say and how they feel, and the take. One file a panel, in their order."""

from . import cast, main, script, speech, take

CLASSES = (*main.CLASSES, *cast.CLASSES, *speech.CLASSES, *script.CLASSES, *take.CLASSES)
