"""Reading documents that people write (briefs, manifests): every value is checked where it stands and named if it is wrong."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

from duologue.errors import DuologueError, invalid
from duologue.files.reading import parse_json, parse_toml, read_bytes

MAX_BYTES: Final = 4_000_000
"""No document that people write comes near this; a larger file is not one."""


def read_document(path: Path | str) -> dict[str, Any]:
    """Return the table in a ``.toml`` or ``.json`` file.

    Raises:
        DuologueError: INVALID_ARGUMENT ``document-type`` or ``document-malformed`` (with the line); what
            :func:`read_text` raises.
    """
    path = Path(path)
    parsers = {".toml": parse_toml, ".json": parse_json}
    parse = parsers.get(path.suffix.lower())
    if parse is None:
        raise invalid("document-type", f"{path.name} is neither .toml nor .json; give it the suffix of what it holds")
    try:
        value = parse(read_text(path))
    except ValueError as error:
        raise invalid("document-malformed", f"{path} is not valid {path.suffix[1:].upper()}: {error}") from error
    if not isinstance(value, dict):
        raise invalid("document-malformed", f"{path} holds a {type(value).__name__} where a table is needed")
    return cast("dict[str, Any]", value)


def read_text(path: Path) -> str:
    """Return a text file's content: UTF-8, or UTF-16 where it begins with that mark (Praat writes such TextGrids).

    Raises:
        DuologueError: INVALID_ARGUMENT ``document-too-large``, ``document-malformed`` (not text); what
            :func:`duologue.files.reading.read_bytes` raises.
    """
    data = read_bytes(path, MAX_BYTES, too_large="document-too-large")
    try:
        return data.decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise invalid("document-malformed", f"{path} is not UTF-8 text; save it as UTF-8") from error


class Table:
    """A table of a document, with the place it came from (``performers.A``), so that every error can say where.

    Raises:
        DuologueError: INVALID_ARGUMENT ``wrong-type`` if the value is no table, ``unknown-key`` for a key that isn't
            known, with the nearest known one suggested.
    """

    def __init__(self, value: object, field: str, known: Sequence[str]) -> None:
        if not isinstance(value, Mapping):
            raise wrong_type(value, "a table", field)
        self.field = field
        self._values = cast("Mapping[str, object]", value)
        for key in self._values:
            if key not in known:
                near = difflib.get_close_matches(str(key)[:40].lower(), known, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}."
                raise invalid("unknown-key", f"{key!r:.80} means nothing here; {hint}", field=self.at(str(key)[:80]))

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def at(self, key: str) -> str:
        """Return the full name of a key's place."""
        return f"{self.field}.{key}" if self.field else key

    def get(self, key: str, default: object = None) -> object:
        """Return a value as it is."""
        return self._values.get(key, default)

    def table(self, key: str, known: Sequence[str]) -> Table:
        """Return a table; an absent one is empty."""
        return Table(self.get(key, {}), self.at(key), known)

    def items(self, key: str) -> list[object]:
        """Return a list; an absent one is empty."""
        return as_list(self.get(key, []), self.at(key))

    def text(self, key: str, default: str = "") -> str:
        """Return a string."""
        value = self.get(key, default)
        if not isinstance(value, str):
            raise wrong_type(value, "text", self.at(key))
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """Return a finite number; one without a default must be there."""
        return number(self._required(key, default), self.at(key))

    def whole(self, key: str, default: int | None = None) -> int:
        """Return a whole number; one without a default must be there."""
        value = self._required(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_type(value, "a whole number", self.at(key))
        return value

    def flag(self, key: str) -> bool:
        """Return true or false; an absent one is false."""
        value = self.get(key, False)
        if not isinstance(value, bool):
            raise wrong_type(value, "true or false", self.at(key))
        return value

    def _required(self, key: str, default: object) -> object:
        value = self.get(key, default)
        if value is None:
            raise invalid("missing-key", "is needed and not there", field=self.at(key))
        return value


def as_list(value: object, field: str, wanted: str = "a list") -> list[object]:
    """Return ``value`` as a list (INVALID_ARGUMENT ``wrong-type`` if it is none)."""
    if not isinstance(value, list | tuple):
        raise wrong_type(value, wanted, field)
    return list(cast("Sequence[object]", value))


def number(value: object, field: str) -> float:
    """Return ``value`` as a finite float.

    Raises:
        DuologueError: INVALID_ARGUMENT ``wrong-type`` or ``not-finite``.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(value, "a number", field)
    try:
        return finite(float(value), field)
    except OverflowError as error:
        raise invalid("out-of-range", "is larger than any number that is used here", field=field) from error


def finite(value: float, field: str) -> float:
    """Return ``value`` unless it is NaN or infinite (INVALID_ARGUMENT ``not-finite``)."""
    if isinstance(value, float) and not math.isfinite(value):  # a whole number always is, even beyond a float's range
        raise invalid("not-finite", f"is {value}; give a finite number", field=field)
    return value


def within(value: float, low: float, high: float, field: str) -> None:
    """Check that ``low <= value <= high``.

    Raises:
        DuologueError: INVALID_ARGUMENT ``not-finite`` or ``out-of-range``.
    """
    if not low <= finite(value, field) <= high:
        raise invalid("out-of-range", f"is {value!s:.20}; it must lie between {low:g} and {high:g}", field=field)


def wrong_type(value: object, wanted: str, field: str) -> DuologueError:
    """Return the error for a value of another type than the one wanted."""
    return invalid("wrong-type", f"is {value!r:.80} where {wanted} is needed", field=field)
