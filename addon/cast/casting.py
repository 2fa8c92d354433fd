# SPDX-License-Identifier: GPL-3.0-or-later
"""Both characters as the brief and the take need them."""

from __future__ import annotations

from ..properties import DUOLOGUE_PG_settings, named_performers
from .cast import Performer
from .recognition import cast_performer


def cast_both(settings: DUOLOGUE_PG_settings) -> tuple[Performer, Performer]:
    """Recognise both characters, with everything that the animator set.

    Raises:
        DuologueError: what :func:`.cast.recognition.cast_performer` raises.
    """
    a, b = (cast_performer(name, performer) for name, performer in named_performers(settings))
    return a, b
