# SPDX-License-Identifier: GPL-3.0-or-later
"""Duologue for Blender. What happens at registration is in ``registration.py``."""


def register() -> None:
    """Called by Blender when the extension is switched on."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Called by Blender when the extension is switched off."""
    from . import registration

    registration.unregister()
