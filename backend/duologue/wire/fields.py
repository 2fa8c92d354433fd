"""The fields of a message: what may stand in one, checked before anything else sees it."""

from __future__ import annotations

import json
import math
from typing import Any, Final, cast, get_args, get_origin

from duologue.errors import DuologueError

MAX_TEXT: Final = 4096
MAX_ITEMS: Final = 256
MAX_INTEGER: Final = 2**53

Json = dict[str, Any]


def read_json(data: bytes) -> Any:
    """Return what JSON from outside says, in UTF-8 text that can be encoded again: no NaN or infinity, no lone surrogates.

    Raises:
        ValueError: it is none, or has one of those.
        RecursionError: it is nested too deeply.
    """
    value = json.loads(data.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite)
    if b"\\u" in data:  # only as an escape can half a character come through UTF-8
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text:.20} is beyond what a number may be")
    return number


def checked(value: Any, kind: Any, where: str) -> Any:
    """Return a field's value if it is of its type: text bounded, numbers finite and not negative, lists short.

    Raises:
        DuologueError: INVALID_ARGUMENT ``message-field``.
    """
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INTEGER:
        return value
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_INTEGER:
        return float(value)
    if kind is str and isinstance(value, str) and len(value) <= MAX_TEXT:
        return value
    if kind == Json and isinstance(value, dict):
        return cast("Json", value)
    if get_origin(kind) is tuple and isinstance(value, list):
        items = cast("list[Any]", value)
        if len(items) <= MAX_ITEMS:
            return tuple(checked(one, get_args(kind)[0], where) for one in items)
    raise bad_field(where, "has the wrong type or is out of range")


def bad_field(where: str, what: str) -> DuologueError:
    """Return the error for a field of a message."""
    return DuologueError("INVALID_ARGUMENT", "message-field", f"the message's field {what}", field=where)
