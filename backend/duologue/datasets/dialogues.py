"""Faces that were measured while people spoke, from a folder in any layout: of two, what a face is trained on; of somebody who
spoke alone, what lips are fine-tuned on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from duologue.datasets.corpus.face import Dialogue
from duologue.datasets.corpus.pairs import dialogue_of
from duologue.datasets.layouts import open_data, recognise
from duologue.datasets.readers.face_captures import captured
from duologue.datasets.scene import DataSet, Problem, Reading
from duologue.errors import DuologueError


def read_dialogues(data: DataSet) -> tuple[list[Dialogue], list[Problem]]:
    """Return the scenes of a data set in which a voice and a face are known, as conversations, and what was left out. Those of
    its test split are left out unsaid. Everybody has a style, by their order in the data set.

    Raises:
        DuologueError: INVALID_ARGUMENT ``faces-missing`` where nobody has a face and a voice; what reading raises.
    """
    styles = {name: k for k, name in enumerate(data.people)}
    problems, dialogues = list(data.problems), list[Dialogue]()
    for entry in data.entries:
        if entry.split == "test":
            continue
        reading = Reading()
        scene = data.read(entry, reading)
        problems += reading.problems
        if scene is None or reading.problems:
            continue
        if any(person.face is not None and person.sound is not None for person in scene.people):
            dialogues.append(dialogue_of(scene, tuple(styles[person.name] for person in scene.people)))
    if not dialogues:
        raise DuologueError(
            "INVALID_ARGUMENT",
            "faces-missing",
            f"{data.root} ({data.layout}) has nobody with a face and a voice; `duologue dataset check` says what it holds.",
            field="--data",
        )
    return dialogues, problems


def read_captures(folder: Path, style: int) -> tuple[list[Dialogue], list[Problem]]:
    """Return captures as conversations with somebody silent, and what was left out: a folder of face captures, or of a data set
    those scenes that have one person, with face and voice (InterAct's ``lip_acc``).

    Raises:
        DuologueError: what ``captured`` raises of face captures, which are read whole or not at all; INVALID_ARGUMENT
            ``captures-missing`` where a data set has none.
    """
    if recognise(folder) in {None, "captures"}:
        return [dialogue for _, dialogue in captured(folder, style=style)], []
    data, reading, dialogues = open_data(folder), Reading(), list[Dialogue]()
    for entry in data.entries:
        if len(entry.people) == 1:
            scene = data.read(entry, reading)
            if scene is not None and scene.people[0].face is not None and scene.people[0].sound is not None:
                alone = replace(scene, people=(replace(scene.people[0], motion=None),))
                dialogues.append(dialogue_of(alone, (style,)))
    if not dialogues:
        raise DuologueError(
            "INVALID_ARGUMENT",
            "captures-missing",
            f"{folder} ({data.layout}) has nobody who speaks alone before a camera; give face captures (NAME.csv beside "
            "NAME.wav).",
            field="--captures",
        )
    return dialogues, reading.problems
