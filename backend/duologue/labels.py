"""The label lists of InterAct (arXiv 2509.05747, tables 6 and 7) that briefs, models and panels share."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

from duologue.errors import invalid

PERFORMERS: Final = ("A", "B")

ACTION_MODES: Final = ("stand", "walk", "sit")
"""Per frame and performer. Arrays of actions hold indices into this tuple."""

EMOTIONS: Final = (
    "surprise", "awe", "confusion", "excitement",
    "anxiety", "fear", "horror", "disgust",
    "admiration", "adoration", "romance", "interest", "awkwardness", "boredom",
    "satisfaction", "relief", "craving", "nostalgia", "entrancement", "calmness", "aesthetic appreciation",
    "joy", "amusement",
    "pain", "anger", "sadness",
)  # fmt: skip

RELATIONSHIPS: Final = (
    "siblings", "parent / child", "grandparent / child", "cousins", "in-laws", "romantic partners",
    "friends with similar hobbies", "childhood friends", "commuting buddies", "sports teammates", "interest group members",
    "churchmates",
    "co-workers", "business partners", "boss / subordinate", "mentor / mentee",
    "classmates", "senior student / junior student", "bully / classmate", "teacher / student", "principal / student",
    "doctor / patient", "waiter / diner",
    "assisted living facility neighbors",
    "strangers",
)  # fmt: skip
"""The 23 that table 6 lists, the one its scenario table adds, and ``strangers``, ours: the paper counts 25 and prints 24."""

FACE_INTERACTIONS: Final = (
    "poke-cheek", "poke-nose", "poke-chin", "poke-forehead",
    "pinch-cheek", "pinch-nose", "pinch-chin", "pinch-ear",
    "stroke-cheek", "stroke-chin", "stroke-forehead", "stroke-nose", "stroke-ear",
    "swipe-cheek", "swipe-forehead", "swipe-lips", "swipe-chin", "swipe-nose",
    "cup-cheek", "rest-chin",
)  # fmt: skip
"""A hand on a face, one's own or the partner's. Four families and 18 patterns as InterHF has them (InterAnimate, arXiv
2504.10905, which prints no list: names and pairing are ours), then two of ours: a palm on a cheek, the chin in one's hand."""

BODY_INTERACTIONS: Final = ("shake-hands", "hold-hands", "high-five", "pat-shoulder", "pat-back", "arm-round-shoulders")
"""A hand on the partner's hand, shoulder or back: ours."""

INTERACTIONS: Final = (*FACE_INTERACTIONS, *BODY_INTERACTIONS)
"""What a brief can ask for by ``[[interactions]]``; ``interactions/patterns.toml`` says how each is done."""


def roles(relationship: str) -> tuple[str, str]:
    """Return the two halves of a relationship, ``("boss", "subordinate")``; symmetric ones give the same word twice.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label`` when the relationship is not in ``RELATIONSHIPS``.
    """
    check(relationship, RELATIONSHIPS, field="relationship")
    first, _, second = relationship.partition(" / ")
    return first, second or first


def check(label: str, known: Sequence[str], *, field: str) -> str:
    """Return ``label`` if it is in ``known``.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label``, with the nearest known labels suggested.
    """
    if label in known:
        return label
    near = difflib.get_close_matches(label[:80].lower(), known, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(repr(name) for name in near)}?" if near else f"known: {', '.join(known)}."
    raise invalid("unknown-label", f"{label!r:.80} is not a label Duologue knows; {hint}", field=field)


ROLES: Final = tuple(sorted({role for relationship in RELATIONSHIPS for role in roles(relationship)}))
"""Every half of a relationship, in the order of the alphabet. Arrays of roles hold indices into this tuple."""
