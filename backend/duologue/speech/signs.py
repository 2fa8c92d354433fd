"""Signs, units and dates as English says them: what ``figures`` and ``spoken`` look up."""

from __future__ import annotations

from typing import Final

CURRENCIES: Final = {"$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "penny"), "¥": ("yen", "")}
SCALES: Final = {"k": "thousand", "m": "million", "mn": "million", "bn": "billion", "b": "billion", "t": "trillion"}
SCALE_WORDS: Final = frozenset(("hundred", "thousand", "million", "billion", "trillion"))
UNITS: Final = {
    "km": "kilometer", "m": "meter", "cm": "centimeter", "mm": "millimeter", "mi": "mile", "ft": "foot", "yd": "yard",
    "kg": "kilogram", "g": "gram", "mg": "milligram", "lb": "pound", "lbs": "pound", "oz": "ounce", "l": "liter",
    "ml": "milliliter",
    "km/h": "kilometer per hour", "kmh": "kilometer per hour", "kph": "kilometer per hour", "mph": "mile per hour",
    "m/s": "meter per second", "h": "hour", "hr": "hour", "hrs": "hour", "min": "minute", "mins": "minute", "s": "second",
    "sec": "second", "secs": "second", "ms": "millisecond", "hz": "hertz", "khz": "kilohertz", "mhz": "megahertz",
    "ghz": "gigahertz",
    "kb": "kilobyte", "mb": "megabyte", "gb": "gigabyte", "tb": "terabyte", "w": "watt", "kw": "kilowatt", "v": "volt",
    "db": "decibel", "fps": "frame per second", "px": "pixel", "°": "degree", "°c": "degree celsius", "°f": "degree fahrenheit",
    "%": "percent", "‰": "per mille", "eur": "euro", "usd": "dollar", "€": "euro", "$": "dollar", "£": "pound", "¥": "yen",
}  # fmt: skip
NO_PLURAL: Final = frozenset(("percent", "per mille", "hertz", "kilohertz", "megahertz", "gigahertz", "yen"))
SIGNS: Final = {
    "&": "and", "+": "plus", "=": "equals", "@": "at", "%": "percent", "°": "degrees", "×": "times", "÷": "divided by",
    "±": "plus or minus",
    "~": "about", "≈": "about", "§": "section", "€": "euros", "$": "dollars", "£": "pounds", "¥": "yen", "²": "squared",
    "³": "cubed",
    "#": "number", "№": "number", "−": "minus", "*": "times", "µ": "micro", "π": "pi", "<": "less than", ">": "greater than",
}  # fmt: skip
MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"
)  # fmt: skip
BEFORE_YEARS: Final = frozenset(
    ("in", "since", "of", "year", "by", "from", "until", "till", "before", "after", "during", "around", "circa", "early", "late",
     "and", "to", "spring", "summer", "autumn", "fall", "winter", *MONTHS, *(month[:3] for month in MONTHS))
)  # fmt: skip
SAID: Final = {
    "24/7": "twenty four seven", "9/11": "nine eleven", "911": "nine one one", "50/50": "fifty fifty",
    "3g": "three g", "4g": "four g", "5g": "five g",
}  # fmt: skip
