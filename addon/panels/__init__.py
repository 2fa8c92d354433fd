# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar of the 3D view: who plays, what they say and how they feel, and the take. One file a panel, in their order."""

from . import cast, filming, interaction, main, mapping, output, passes, presets, script, speech, take, targets, video

CLASSES = (
    *main.CLASSES,
    *mapping.CLASSES,
    *presets.CLASSES,
    *cast.CLASSES,
    *speech.CLASSES,
    *targets.CLASSES,
    *script.CLASSES,
    *take.CLASSES,
    *interaction.CLASSES,
    *video.CLASSES,
    *filming.CLASSES,
    *output.CLASSES,
    *passes.CLASSES,
)
