# SPDX-License-Identifier: GPL-3.0-or-later
"""Which row of the panel an error of the brief means: "performers.A.actions[1]" says nothing to an animator."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError

_PERFORMER = re.compile(r"performers\.([AB])(?:\.(\w+))?(?:\[(\d+)\])?(?:\.([\w.]+))?")
_CONSTRAINT = re.compile(r"constraints\[(\d+)\].*")

_TOUCH = re.compile(r"interactions\[(\d+)\].*")

_FIELDS = {
    "speech": "Speech",
    "transcript": "Words",
    "role": "Roles",
    "emotion": "Emotion",
    "actions": "Begins",
    "start": "Starts",
    "style": "Style",
    "intensity": "Gestures",
    "mirror": "Mirror",
    "face": "Face",
}
"""The parts of a performer in a brief, and what the panel calls them."""

_WHOLE = {
    "relationship": "Relationship",
    "seed": "Seed",
    "steps": "Steps",
    "constraints": "Targets",
    "strengths": "Strengths",
    "interactions": "Touches",
}


@dataclass(frozen=True)
class Rows:
    """What the entries of a brief were made of: targets for constraints, both performers' timelines, the touches' names."""

    targets: Sequence[tuple[str, str]] = ()
    actions: Sequence[Sequence[tuple]] = ((), ())
    emotions: Sequence[Sequence[tuple]] = ((), ())
    touches: Sequence[str] = ()


def in_the_panel(error: DuologueError, rows: Rows | None = None) -> DuologueError:
    """Return an error with its field in the panel's words; one that is about none of them comes back as it is."""
    field = _row(error.field, rows or Rows())
    if field == error.field:
        return error
    return DuologueError(
        error.code,
        error.reason,
        error.message,
        field=field,
        retryable=error.retryable,
        retry_after_ms=error.retry_after_ms,
    )


@contextlib.contextmanager
def translated(rows: Rows) -> Iterator[None]:
    """Have errors of the brief that is made in here name rows of the panel."""
    try:
        yield
    except DuologueError as error:
        raise in_the_panel(error, rows) from error


def _row(field: str, rows: Rows) -> str:
    if (match := _CONSTRAINT.fullmatch(field)) and int(match[1]) < len(rows.targets):
        name, target = rows.targets[int(match[1])]
        return _t("Performer {name}, target “{target}”").format(name=name, target=target)
    if (match := _TOUCH.fullmatch(field)) and int(match[1]) < len(rows.touches):
        return _t("Touch “{name}”").format(name=rows.touches[int(match[1])])
    if match := _PERFORMER.fullmatch(field):
        name, part, index, inner = match.groups()
        said = _t("Performer {name}").format(name=name)
        if part in {"actions", "emotion"} and index is not None:
            timeline = (rows.actions if part == "actions" else rows.emotions)["AB".index(name)]
            if 0 < int(index) < len(timeline):
                seconds, label = timeline[int(index)][:2]
                return _t("{performer}, marker “{label}” at {seconds:.2f} s").format(
                    performer=said, label=label, seconds=seconds
                )
        if part in _FIELDS:
            said = f"{said}, {_t(_FIELDS[part])}"
        return f"{said} ({inner})" if inner else said
    whole, _, inner = field.partition(".")
    if whole in _WHOLE:
        return f"{_t(_WHOLE[whole])} ({inner})" if inner else _t(_WHOLE[whole])
    return field
