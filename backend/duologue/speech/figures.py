"""Figures that are one thing as they stand: amounts, times, dates, ordinals, telephone numbers, quantities with their units."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from duologue.speech.numerals import digits, fraction, number, ordinal, plural, year
from duologue.speech.signs import (
    BEFORE_YEARS,
    CURRENCIES,
    MONTHS,
    NO_PLURAL,
    SAID,
    SCALE_WORDS,
    SCALES,
    UNITS,
)

_FIGURE: Final = r"\d{1,3}(?:\.\d{3}){2,}|(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+"
_BEFORE_FIGURES: Final = {
    "-": "minus ", "−": "minus ", "+": "plus ", "±": "plus or minus ", "~": "about ", "≈": "about ", "#": "number ",
    "№": "number ",
}  # fmt: skip


class Place(NamedTuple):
    """The words before and after, bare and in lower case."""

    before: str
    after: str


def completes(bare: str, place: Place) -> bool:
    """Whether a word without figures is a part of what is said of its neighbour: a unit, No. before a number, $5 *million*."""
    if bare in {"no", "nr"}:
        return place.after[:1].isdecimal()
    if bare in SCALE_WORDS:
        return place.before[:1] in CURRENCIES and place.before[1:2].isdecimal()
    return bare in UNITS and place.before[-1:].isdecimal()


def whole_of(bare: str, place: Place) -> str | None:
    """Return the words of what is one thing as it stands; None where it is made of parts."""
    lower = bare.lower()
    if lower in SAID:
        return SAID[lower]
    if lower in CURRENCIES and place.after[:1].isdecimal():
        return ""  # said behind the amount
    if completes(lower, place):
        if lower in SCALE_WORDS:
            return f"{lower} {_units(CURRENCIES[place.before[0]][0], '2')}"
        return None if lower in {"no", "nr"} else _units(UNITS[lower], place.before)
    for pattern, say in _PATTERNS:
        if (match := pattern.fullmatch(lower)) and (words := say(match, place)) is not None:
            return words
    return None


def _units(name: str, amount: str) -> str:
    if amount == "1" or name in NO_PLURAL:
        return name
    first, space, rest = name.partition(" ")
    return "pence" if name == "penny" else f"{plural(first)}{space}{rest}"


def _plain(text: str) -> str:
    """Return a figure with a point alone: thousands' commas and points go, a comma before one or two digits is a point."""
    if "." not in text and re.fullmatch(r"\d+,\d{1,2}", text):
        return text.replace(",", ".")
    return text.replace(".", "") if text.count(".") > 1 else text.replace(",", "")


def _figure(match: re.Match[str], place: Place) -> str:
    sign, text = match["sign"] or "", match["figure"]
    return _BEFORE_FIGURES.get(sign, "") + _amount(text, place)


def _amount(text: str, place: Place) -> str:
    """Return a figure alone: a year, an amount of money whose sign stands before, a telephone number, a quantity."""
    if place.before in CURRENCIES:
        return _money(place.before, text, place)
    if text.isdecimal():
        value = int(text)
        if len(text) == 4 and (1900 <= value < 2100 or (1000 <= value < 1900 and place.before in BEFORE_YEARS)):
            return year(value)
        begins_number = len(text) == 3 and re.fullmatch(r"\d{3}-\d{4}", place.after) is not None
        if (len(text) > 1 and text[0] == "0") or begins_number or (len(text) > 6 and not text.endswith("000")):
            return digits(text)
    return number(_plain(text))


def _money(sign: str, text: str, place: Place, scale: str = "") -> str:
    name, hundredth = CURRENCIES[sign]
    plain = _plain(text)
    whole, _, part = plain.partition(".")
    if scale:
        return f"{number(plain)} {scale} {_units(name, '2')}"
    if place.after in SCALE_WORDS:
        return number(plain)
    if len(part) == 2 and hundredth:
        small = f"{number(str(int(part)))} {_units(hundredth, str(int(part)))}" if int(part) else ""
        large = f"{number(whole)} {_units(name, whole)}" if int(whole or "0") or not small else ""
        return " and ".join(filter(None, (large, small)))
    return f"{number(plain)} {_units(name, plain)}"


def _clock(match: re.Match[str], place: Place) -> str | None:
    hour, minute, half = int(match["hour"]), int(match["minute"]), match["half"]
    if hour > 24 or minute > 59:
        return None
    halves = place.after.replace(".", "") in {"am", "pm"} or bool(half)
    minutes = f"oh {number(str(minute))}" if 0 < minute < 10 else number(str(minute)) if minute else ""
    if not minute and not halves:
        minutes = "o'clock" if 0 < hour <= 12 else "hundred"
    seconds = f"and {number(match['second'])} seconds" if match["second"] else ""
    return " ".join(filter(None, (number(str(hour)), minutes, seconds, " ".join(half) if half else "")))


def _date(match: re.Match[str], _: Place) -> str | None:
    if match["iso"]:
        full, month, day = (int(part) for part in match["iso"].split("-"))
    else:
        month, day, full = (int(part) for part in re.split(r"[/.]", match["date"]))
        if "." in match["date"] or month > 12:
            month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    full += 2000 if full < 50 else 1900 if full < 100 else 0
    return f"{MONTHS[month - 1]} {ordinal(day)} {year(full)}"


def _range(match: re.Match[str], place: Place) -> str:
    return f"{_amount(match['low'], place._replace(after=''))} to {_amount(match['high'], Place('to', ''))}"


def _decade(match: re.Match[str], _: Place) -> str:
    text = match["decade"]
    return plural(year(int(text)) if len(text) == 4 else number(text))


def _telephone(match: re.Match[str], _: Place) -> str | None:
    text = match["telephone"]
    if re.fullmatch(r"\d{1,3}(\.\d{3})+", text):
        return None  # thousands
    groups = re.findall(r"\d+", text)
    local = len(groups) == 2 and len(groups[0]) == 3 and len(groups[1]) == 4
    if len(groups) == 2 and not local and groups[1][0] != "0" and text[0] not in "0+":
        return None
    return ("plus " if text[0] == "+" else "") + digits(text)


def _with_unit(match: re.Match[str], place: Place) -> str:
    amount = _plain(match["amount"])
    minus = "minus " if match["sign"] else ""
    return f"{minus}{number(amount)} {_units(UNITS[match['unit']], amount)}"


_Say = Callable[[re.Match[str], Place], str | None]
_UNIT: Final = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_PATTERNS: Final[tuple[tuple[re.Pattern[str], _Say], ...]] = (
    (re.compile(r"(?P<iso>\d{4}-\d{2}-\d{2})|(?P<date>\d{1,2}/\d{1,2}/(?:\d{4}|\d{2})|\d{1,2}\.\d{1,2}\.\d{4})"), _date),
    (re.compile(r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?P<half>am|pm)?"), _clock),
    (re.compile(r"(?P<hour>\d{1,2})(?P<half>am|pm)"),
     lambda match, _: f"{number(match['hour'])} {' '.join(match['half'])}"),
    (re.compile(r"(?P<value>\d+)(?:st|nd|rd|th)"), lambda match, _: ordinal(int(match["value"][:15]))),
    (re.compile(r"'?(?P<decade>\d0|\d{3}0)'?s"), _decade),
    (re.compile(r"(?P<telephone>\+?\(?\d+\)?(?:[-.]\d{2,}){2,}|\+\d{7,}|\d{3,5}-\d{3,})"), _telephone),
    (re.compile(r"(?P<low>\d+)[-–](?P<high>\d+)"), _range),
    (re.compile(r"(?P<low>\d+):(?P<high>\d+)"), _range),
    (re.compile(r"(?P<above>\d{1,3})[/⁄](?P<below>[2-9]|\d{2,3})"),
     lambda match, _: fraction(int(match["above"]), int(match["below"]))),
    (re.compile(rf"(?P<sign>[-−])?(?P<amount>{_FIGURE}|\d+,\d{{1,2}}) ?(?P<unit>{_UNIT})"), _with_unit),
    (re.compile(rf"(?P<sign>[$€£¥])(?P<amount>{_FIGURE})(?P<scale>bn|mn|[kmbt])?"),
     lambda match, place: _money(match["sign"], match["amount"], place, SCALES.get(match["scale"] or "", ""))),
    (re.compile(rf"-(?P<sign>[$€£¥])(?P<amount>{_FIGURE})"),
     lambda match, place: f"minus {_money(match['sign'], match['amount'], place)}"),
    (re.compile(rf"(?P<amount>{_FIGURE})(?P<scale>bn|mn)"),
     lambda match, _: f"{number(_plain(match['amount']))} {SCALES[match['scale']]}"),
    (re.compile(rf"(?P<sign>[-−+~≈±#№])?(?P<figure>{_FIGURE}|\d+,\d{{1,2}})"), _figure),
    (re.compile(r"(?P<feet>\d+)['’′](?P<inches>\d{1,2})?"),
     lambda match, _: f"{number(match['feet'])} foot {number(match['inches']) if match['inches'] else ''}"),
)  # fmt: skip
