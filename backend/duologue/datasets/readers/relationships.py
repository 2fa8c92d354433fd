"""What a table of sessions says two people are to each other, in our words."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

from duologue.datasets.scene import Problem
from duologue.errors import DuologueError
from duologue.files.document import read_text

WORDS: Final = {
    "sibling": "siblings", "brother": "siblings", "sister": "siblings", "cousin": "cousins", "in-law": "in-laws",
    "grandparent": "grandparent / child", "parent": "parent / child", "mother": "parent / child", "father": "parent / child",
    "spouse": "romantic partners", "partner": "romantic partners", "romantic": "romantic partners", "dating": "romantic partners",
    "married": "romantic partners", "friend": "friends with similar hobbies", "colleague": "co-workers", "coworker": "co-workers",
    "co-worker": "co-workers", "classmate": "classmates", "neighbor": "assisted living facility neighbors",
}  # fmt: skip
"""A word in the table -> the relationship of ``labels.RELATIONSHIPS``, the first that is found; all others are strangers."""


def read_relationships(path: Path, problems: list[Problem]) -> dict[str, str]:
    """Return the relationship by session (``S0809``): of the columns whose names say session and relationship. A table that
    is not there says nothing; one that can't be read goes to ``problems``."""
    if not path.is_file():
        return {}
    try:
        rows = csv.DictReader(read_text(path).splitlines())
        names = [name or "" for name in rows.fieldnames or ()]
        session = next((name for name in names if "session" in name.lower()), None)
        told = next((name for name in names if "relation" in name.lower()), None)
        if session is None or told is None:
            raise ValueError(f"no columns are called session and relationship; it has {', '.join(names)}")
        return {_session(row[session]): _named(row[told] or "") for row in rows if row[session]}
    except (DuologueError, ValueError, csv.Error) as error:
        problems.append(Problem(path.name, "table-unknown", f"{error}; everybody is taken for strangers"))
        return {}


def _session(text: str) -> str:
    digits = text.upper().split("_S")[-1].lstrip("SV").split("_")[0]
    return f"S{digits.zfill(4)}"


def _named(text: str) -> str:
    low = text.lower()
    return next((ours for word, ours in WORDS.items() if word in low), "strangers")
