"""Everything that is counted of a data set, scene by scene, in one process or several: memory does not grow with the data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, cast

import numpy as np

from duologue.datasets.corpus.body import INDEX, KNOWN, Corpus
from duologue.datasets.labels.facing import CHEST
from duologue.datasets.layouts import open_data
from duologue.datasets.scene import DataSet, Entry, Person, Problem, Reading, Scene
from duologue.datasets.statistics import balance, placement
from duologue.datasets.statistics.contacts import DURATION, contacts
from duologue.datasets.statistics.entropy import body_entropy
from duologue.datasets.statistics.expression import count_faces
from duologue.datasets.statistics.groups import of_person, of_scene, relationship_of
from duologue.datasets.statistics.placed import Body, Mask, bodies_of
from duologue.datasets.statistics.placement import Values
from duologue.datasets.statistics.tally import EVERYBODY, Totals
from duologue.executors.executor import HERE, Executor
from duologue.features import pose as poses
from duologue.labels import ACTION_MODES, ROLES
from duologue.motion.placement import faces_partner
from duologue.motion.skeleton import Skeleton
from duologue.units import FPS

ENTROPY: Final = "body entropy, bits"
BITS: Final = np.linspace(0, 7, 71)
SEQUENCES: Final = "sequences"
SECONDS: Final = "seconds"
"""Of performers: a minute of two people is two."""
BODIES: Final = "seconds of bodies"
PAIRS: Final = "seconds of bodies in one world"
FACING: Final = "seconds turned to the partner"
_APART: Final = ("Seamless Interaction", "BEAT", "BEAT2", "AMASS")
"""Recipes of corpora whose two people were not recorded in one world: how they stand to each other is ours."""

_BLOCK: Final = 32
"""Pairs for which a corpus is opened once: what was read of its mapped files counts as memory until they are closed."""

Progress = Callable[[int, int], None]


@dataclass
class Measured:
    """What was counted of a folder."""

    layout: str
    licence: str
    totals: Totals = field(default_factory=Totals)
    people: set[str] = field(default_factory=set[str])
    problems: list[Problem] = field(default_factory=list[Problem])
    """What is not in it, and why."""


def measure_folder(
    folder: Path, *, executor: Executor = HERE, model: Path | None = None, tell: Progress = lambda done, of: None
) -> Measured:
    """Count a corpus, or data in any layout that a reader knows. ``executor``: who reads it; ``model``:
    the user's own SMPL-H or SMPL-X file.

    Raises:
        DuologueError: what opening it and the executor raise.
    """
    if (folder / INDEX).is_file():
        corpus = Corpus.open(folder)
        corpus.check_columns(Skeleton.builtin("duologue60"))
        return _measure_corpus(folder, corpus, executor, tell)
    data = open_data(folder, model=model)
    measured = Measured(data.layout, data.licence, problems=list(data.problems))
    parts = executor.map(partial(_of_entry, data), data.entries)
    for done, (entry, totals, reading) in enumerate(parts, start=1):
        measured.problems += reading.problems
        if totals is not None:
            measured.totals += totals
            measured.people |= set(entry.people)
        tell(done, len(data.entries))
    return measured


def _of_entry(data: DataSet, entry: Entry) -> tuple[Entry, Totals | None, Reading]:
    reading = Reading()
    scene = data.read(entry, reading)
    return entry, None if scene is None or reading.problems else measure(scene), reading


def _measure_corpus(folder: Path, corpus: Corpus, executor: Executor, tell: Progress) -> Measured:
    count = len(corpus.starts) - 1
    about = corpus.description
    measured = Measured(f"corpus ({about.get('recipe', 'unknown')})", str(about.get("licence", "")))
    measured.people = {f"style {style}" for style in np.unique(corpus.styles)}
    blocks = [range(first, min(first + _BLOCK, count)) for first in range(0, count, _BLOCK)]
    for block, totals in zip(blocks, executor.map(partial(_of_pairs, folder), blocks), strict=True):
        measured.totals += totals
        tell(block.stop, count)
    return measured


def _of_pairs(folder: Path, pairs: Sequence[int]) -> Totals:
    corpus, totals = Corpus.open(folder), Totals()
    for pair in pairs:
        totals += measure(scene_of_pair(corpus, pair))
    return totals


def scene_of_pair(corpus: Corpus, pair: int) -> Scene:
    """Return a pair of a corpus as a scene: bodies, emotions and relationship; a corpus has neither faces nor genders."""
    frames = slice(int(corpus.starts[pair]), int(corpus.starts[pair + 1]))
    path = np.asarray(corpus.arrays["path"][frames], np.float64).swapaxes(0, 1)
    root, rotations = poses.to_world(np.asarray(corpus.arrays["features"][frames]).swapaxes(0, 1), path)
    known = corpus.arrays[KNOWN][frames].astype(bool) if KNOWN in corpus.arrays else None
    emotion = np.asarray(corpus.arrays["emotion"][frames])
    people = [
        Person(
            f"style {corpus.styles[pair, k]}",
            (np.asarray(root[k], np.float64), np.asarray(rotations[k], np.float64)),
            emotion=emotion[:, k],
            known=None if known is None else known[:, k],
        )
        for k in range(2)
    ]
    relationship = relationship_of(*(ROLES[int(role)] for role in corpus.roles[pair]))
    placed = corpus.description.get("recipe") in _APART
    return Scene(f"pair {pair}", tuple(people), relationship, placed=placed)


def measure(scene: Scene) -> Totals:
    """Count one scene."""
    totals = Totals()
    bodies = bodies_of(scene)
    totals.add((SEQUENCES, *EVERYBODY), 1)
    for group in of_scene(scene):
        totals.add((SEQUENCES, *group), 1)
    for person, body in zip(scene.people, bodies, strict=True):
        groups = [EVERYBODY, *of_person(scene, person)]
        _each(totals, SECONDS, groups, person.frames / FPS)
        if body is not None:
            _count_body(totals, groups, body)
    facing = _count_two(totals, scene, cast("tuple[Body, Body]", bodies)) if _are_two(bodies) else None
    count_faces(scene, facing, totals)
    return totals


def _are_two(bodies: Sequence[Body | None]) -> bool:
    return len(bodies) == 2 and None not in bodies


def _count_body(totals: Totals, groups: Sequence[tuple[str, str]], body: Body) -> None:
    _each(totals, BODIES, groups, body.known[:, 0].sum() / FPS)
    for k, mode in enumerate(ACTION_MODES):
        totals.add((SECONDS, "action", mode), float((body.actions == k).sum()) / FPS)
    _values(totals, groups, placement.of_one(body))
    _values(totals, groups, balance.of_one(body))
    prevails = ACTION_MODES[int(np.bincount(body.actions).argmax())]
    if (bits := body_entropy(body)) is not None:
        _values(totals, [*groups, ("action", prevails)], {ENTROPY: (np.array([bits]), BITS)})
    for part, seconds in contacts(body, body).items():
        _values(totals, groups, {f"own hand-{part}": (seconds, DURATION)})


def _count_two(totals: Totals, scene: Scene, bodies: tuple[Body, Body]) -> Mask:
    """Count how two recorded in one world stand to each other and touch, and return who is turned to whom (2, T)."""
    chest = bodies[0].skeleton.index(CHEST)
    facing = faces_partner(
        np.stack([body.positions[:, chest] for body in bodies]), np.stack([body.matrices[:, chest] for body in bodies])
    )
    if scene.placed:
        return facing
    _values(totals, [EVERYBODY, *of_scene(scene)], placement.of_two(*bodies))
    for toucher, touched, person, turned in zip(bodies, bodies[::-1], scene.people, facing, strict=True):
        groups = [EVERYBODY, *of_person(scene, person)]
        _each(totals, PAIRS, groups, (toucher.known[:, 0] & touched.known[:, 0]).sum() / FPS)
        _each(totals, FACING, groups, float(turned.sum()) / FPS)
        for part, seconds in contacts(toucher, touched).items():
            _values(totals, groups, {f"partner's hand-{part}": (seconds, DURATION)})
    return facing


def _values(totals: Totals, groups: Sequence[tuple[str, str]], values: Values) -> None:
    for figure, (numbers, edges) in values.items():
        for group in groups:
            totals.count((figure, *group), numbers, edges)


def _each(totals: Totals, figure: str, groups: Sequence[tuple[str, str]], amount: float) -> None:
    for group in groups:
        totals.add((figure, *group), float(amount))
