# SPDX-License-Identifier: GPL-3.0-or-later
"""Duologue for Blender. What happens at registration is in ``registration.py``."""

from pathlib import Path


def register() -> None:
    """Called by Blender when the extension is switched on."""
    try:
        from . import registration
    except ImportError as error:
        raise ImportError(_culprit(error)) from error
    registration.register()


def unregister() -> None:
    """Called by Blender when the extension is switched off."""
    from . import registration

    registration.unregister()


def _culprit(error: ImportError) -> str:
    """Return what can't be imported and where it lies: extensions share one folder of packages, so it may be another's."""
    trace, place = error.__traceback__, error.path
    while trace is not None:
        place = error.path or trace.tb_frame.f_code.co_filename
        trace = trace.tb_next
    message = f"Duologue can't be switched on: {error}. The cause lies in {place}. "
    if place is None or Path(place).is_relative_to(Path(__file__).parent):
        return message + "Install Duologue again; if it stays, report it"
    return message + (
        "Restart Blender; if it stays, another add-on has put its own copy of that package there: switch that add-on off and "
        "install Duologue again"
    )
