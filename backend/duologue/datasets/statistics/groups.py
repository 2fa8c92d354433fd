"""What sequences are grouped by in InterAct's figures: kinds of emotions and of relationships (arXiv 2509.05747, tables 6, 7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from duologue.datasets.scene import Person, Scene
from duologue.labels import EMOTIONS, RELATIONSHIPS, roles

META_EMOTIONS: Final = {
    "surprise-related": ("surprise", "awe", "confusion", "excitement"),
    "fear-related": ("anxiety", "fear", "horror", "disgust"),
    "social": ("admiration", "adoration", "romance", "interest", "awkwardness", "boredom"),
    "self-focused": (
        "satisfaction", "relief", "craving", "nostalgia", "entrancement", "calmness", "aesthetic appreciation",
    ),
    "primitive, positive": ("joy", "amusement"),
    "primitive, negative": ("pain", "anger", "sadness"),
}  # fmt: skip
META_RELATIONSHIPS: Final = {
    "family": ("siblings", "parent / child", "grandparent / child", "cousins", "in-laws", "romantic partners"),
    "friends": (
        "friends with similar hobbies", "childhood friends", "commuting buddies", "sports teammates",
        "interest group members", "churchmates",
    ),
    "work": ("co-workers", "business partners", "boss / subordinate", "mentor / mentee"),
    "school": (
        "classmates", "senior student / junior student", "bully / classmate", "teacher / student", "principal / student",
    ),
    "professional": ("doctor / patient", "waiter / diner"),
    "none of these": ("assisted living facility neighbors", "strangers"),
}  # fmt: skip
"""The last kind is ours: of one that stands only in the paper's table of scenarios, and of one that is ours."""

META_EMOTION: Final = {name: meta for meta, names in META_EMOTIONS.items() for name in names}
META_RELATIONSHIP: Final = {name: meta for meta, names in META_RELATIONSHIPS.items() for name in names}
_BY_ROLES: Final = {frozenset(roles(name)): name for name in RELATIONSHIPS}


def relationship_of(first: str, second: str) -> str:
    """Return the relationship that two roles are the halves of, in either order; "" where they are not of one."""
    return _BY_ROLES.get(frozenset((first, second)), "")


def of_scene(scene: Scene) -> Iterator[tuple[str, str]]:
    """Yield what a scene belongs to, (by what, group), beside to everybody. Who is alone has no relationship."""
    if len(scene.people) == 2 and scene.relationship in META_RELATIONSHIP:
        yield "meta-relationship", META_RELATIONSHIP[scene.relationship]
        yield "relationship", scene.relationship


def of_person(scene: Scene, person: Person) -> Iterator[tuple[str, str]]:
    """Yield what a person of a scene belongs to: also by gender and by the emotion that lasts longest."""
    yield from of_scene(scene)
    if person.gender:
        yield "gender", person.gender
    if person.emotion is not None and len(person.emotion):
        emotion = EMOTIONS[int(np.bincount(person.emotion).argmax())]
        yield "meta-emotion", META_EMOTION[emotion]
        yield "emotion", emotion
