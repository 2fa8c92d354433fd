"""The fields of a message: what may stand in one, checked before anything else sees it."""

from __future__ import annotations

import math
from typing import Any, Final, cast

from duologue.errors import DuologueError

MAX_TEXT: Final = 4096
MAX_ITEMS: Final = 256
MAX_INTEGER: Final = 2**53

Json = dict[str, Any]


def checked(value: Any, kind: Any, where: str) -> Any:
    """Return a field's value if it is of its type: text bounded, numbers finite and not negative, lists short.

    Raises:
        DuologueError: INVALID_ARGUMENT ``message-field``.
    """
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INTEGER:
        return value
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if kind is str and isinstance(value, str) and len(value) <= MAX_TEXT:
        return value
    if kind == Json and isinstance(value, dict):
        return cast("Json", value)
    if kind in (tuple[int, ...], tuple[str, ...]) and isinstance(value, list):
        items = cast("list[Any]", value)
        if len(items) <= MAX_ITEMS:
            element = int if kind == tuple[int, ...] else str
            return tuple(checked(one, element, where) for one in items)
    raise bad_field(where, "has the wrong type or is out of range")


def bad_field(where: str, what: str) -> DuologueError:
    """Return the error for a field of a message."""
    return DuologueError("INVALID_ARGUMENT", "message-field", f"the message's field {what}", field=where)
