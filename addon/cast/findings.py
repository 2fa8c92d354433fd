# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check has to say: one finding, and how names are listed in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bpy.app.translations import pgettext_iface as _t

Severity = Literal["ERROR", "WARNING", "INFO"]


@dataclass(frozen=True)
class Finding:
    """One thing about a character. ``about``: the object that it is true of; ``names``: bones, shape keys or what its fix needs.

    ``ERROR``: the take can't be shown; ``WARNING``: something of it won't be seen, or not as meant; ``INFO``: good to know.
    """

    code: str
    severity: Severity
    text: str
    about: str
    names: tuple[str, ...] = ()


def listed(names: Sequence[str], limit: int = 4) -> str:
    """Return names as one text that is never longer than a line or two."""
    more = _t(" and {count} more").format(count=len(names) - limit) if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
