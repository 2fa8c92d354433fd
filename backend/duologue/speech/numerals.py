"""Numbers in words, as English says them: Unicode's rule-based number formats (CLDR, by ``unicode-rbnf``).

Without hyphens: the dictionaries that the words are looked up in have "twenty" and "six".
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from unicode_rbnf import RbnfEngine

_DIGITS: Final = ("oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_MOST_DIGITS: Final = 15
"""More are read one by one: nobody says the name of the number."""


def number(text: str) -> str:
    """Return a number, whose point is a ".", as a quantity: "3.14" is three point one four."""
    whole, point, part = text.partition(".")
    if len(whole) > _MOST_DIGITS:
        return digits(text)
    words = _words(int(whole), "CARDINAL") if whole else ""
    behind = " ".join("zero" if digit == "0" else _DIGITS[int(digit)] for digit in part)
    return f"{words} point {behind}".strip() if point and part else words


def ordinal(value: int) -> str:
    """Return which one it is: 21 is twenty first."""
    return _words(value, "ORDINAL")


def year(value: int) -> str:
    """Return a year: 2026 is twenty twenty six, 2005 two thousand five."""
    return _words(value, "YEAR")


def digits(text: str) -> str:
    """Return digits one by one, as telephone numbers are said."""
    return " ".join(_DIGITS[int(digit)] for digit in text if digit.isdecimal())


def plural(words: str) -> str:
    """Return the plural of a number's name or a unit's: eighties, dollars, feet."""
    if words.endswith("foot"):
        return words[:-4] + "feet"
    if words.endswith(("inch", "x")):
        return words + "es"
    if words.endswith("y") and not words.endswith(("ay", "ey", "oy")):
        return words[:-1] + "ies"
    return words + "s"


def fraction(above: int, below: int) -> str:
    """Return a fraction: 3/4 is three quarters, 5/13 five thirteenths."""
    name = {2: "half", 4: "quarter"}.get(below) or ordinal(below)
    if above != 1:
        name = "halves" if below == 2 else plural(name)
    return f"{number(str(above))} {name}"


@cache
def _engine() -> RbnfEngine:
    from unicode_rbnf import RbnfEngine  # a tenth of a second, which a text without figures need not wait for

    return RbnfEngine.for_language("en")


@cache
def _words(value: int, purpose: Literal["CARDINAL", "ORDINAL", "YEAR"]) -> str:
    from unicode_rbnf import FormatPurpose

    return _engine().format_number(value, FormatPurpose[purpose]).text.replace("-", " ").replace(",", "")
