"""How a student begins to be taught: as its teacher, or as a student that there is, of which some may stay as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import nn

from duologue.body.checkpoint import BodyModel
from duologue.body.rescaling import part_of
from duologue.body.student import NETWORKS, Student, StudentConfig
from duologue.checkpoints.store import open_checkpoint
from duologue.diffusion.guidance import active
from duologue.errors import DuologueError
from duologue.motion.skeleton import Skeleton


def student_of(start: str, teacher: BodyModel, device: str) -> Student:
    """Return the student of the checkpoint ``start``, which may be another body's than ``teacher`` but must be as large.

    Raises:
        DuologueError: FAILED_PRECONDITION ``checkpoint-foreign`` where there is none, or one of another shape; what opening
            raises.
    """
    stored = open_checkpoint(start)
    student = BodyModel.load(stored, Skeleton.builtin("duologue60"), device).student
    if student is None:
        raise stored.foreign("it has no student to go on with; leave --start out")
    for name in student.networks:
        for part in (name, f"{name}_conditions"):
            if _shapes(getattr(student, part)) != _shapes(getattr(teacher, part)):
                raise stored.foreign(
                    f"its student's {name} network has another shape than the one of the body to teach for"
                )
    return student


def _shapes(module: nn.Module | None) -> dict[str, torch.Size]:
    return {} if module is None else {name: value.shape for name, value in module.state_dict().items()}


def begin(
    teacher: BodyModel, config: StudentConfig, networks: Sequence[str], begun: Student | None, *, again: bool
) -> Student:
    """Return a student of a teacher, whose ``networks`` are to be taught: they begin as the teacher's or, ``again``, as those of
    ``begun``; what of ``begun`` is not taught stays, and leans out as it did.

    Raises:
        DuologueError: FAILED_PRECONDITION ``student-differs`` where what stays works otherwise than what is to be taught.
    """
    kept = () if begun is None else tuple(name for name in begun.networks if name not in networks)
    if begun is not None and kept:
        _check_alike(begun.config, config, kept[0])
        config = replace(config, gains=_gains_of(teacher, begun.config.gains, kept))
    student = Student(config, teacher, [name for name in NETWORKS if name in networks or name in kept])
    for name in kept if begun is None or not again else begun.networks:
        for part in (name, f"{name}_conditions"):
            getattr(student, part).load_state_dict(getattr(begun, part).state_dict())
            getattr(student, part).requires_grad_(name not in kept)
    if begun is not None:
        student.training_notes = dict(begun.training_notes)
    return student


def _check_alike(kept: StudentConfig, taught: StudentConfig, name: str) -> None:
    """Check that both networks of a student can work by one config: each knows only the steps and guidance of its teaching."""
    differs = [
        f"{what} {was} and not {now}"
        for what, was, now in (
            ("steps", kept.steps, taught.steps),
            ("shift", kept.shift, taught.shift),
            ("strengths", active(kept.strengths), active(taught.strengths)),
        )
        if was != now
    ]
    if differs:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "student-differs",
            f"the student's {name} network, which is kept, was taught {', '.join(differs)}; teach both anew (without --only), or "
            "the other one in the same way",
            field="--only",
        )


def _gains_of(model: BodyModel, gains: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    """Return those of a student's gains that are of these networks."""
    columns = {int(column) for name in names for column in getattr(model.statistics, name)}
    parts = {part_of(model.statistics.names[column]) for column in columns}
    return {part: gain for part, gain in gains.items() if part in parts}
