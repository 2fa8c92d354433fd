"""The brief: all that is asked for. Frozen, checked in full before any work starts, read from TOML or JSON.

On disk (every key but the two speech tracks has a default; paths are relative to the brief)::

    relationship = "co-workers"
    seed = 7

    [performers.A]
    speech = "anna.wav"                        # or {path = "both.wav", channel = 0}
    transcript = "anna.TextGrid"               # or .srt, .json, .txt, or the text itself
    emotion = [[0, "calmness"], [6.5, "joy", 1.5]]  # seconds, label, strength; or one label for all of it
    actions = "sit"
    face = {blinks_per_minute = 12}            # docs/guide/face.md

    [performers.B]
    speech = "ben.flac"
    start = {x = 0.6, z = 0.0, heading = -1.57}

    [[interactions]]                           # docs/guide/interactions.md
    pattern = "stroke-cheek"
    performer = "A"
    target = "B"
    seconds = 3.2
    until = 5.0
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue import labels
from duologue.brief.constraints import Constraint, check_constraint, constraint_json, read_constraint
from duologue.brief.feasibility import LONGEST, check_feasible, separate_starts
from duologue.brief.interactions import Interaction, check_interactions, interaction_json, read_interactions
from duologue.brief.nearness import bring_near
from duologue.brief.performer import (
    STARTS,
    PerformerBrief,
    check_performer,
    performer_json,
    read_performer,
    without_nones,
)
from duologue.brief.timeline import frame_labels, frame_strengths
from duologue.errors import DuologueError, invalid
from duologue.files.atomic import write_text
from duologue.files.document import Table, read_document, within
from duologue.units import Sound

STRENGTHS: Final = ("speech", "text", "action", "role", "emotion", "style", "partner", "placement", "route")
"""The conditions whose classifier-free guidance a brief can set: 0 ignores one, 1 follows it, more exaggerates."""

_KEYS: Final = ("relationship", "seed", "steps", "strengths", "constraints", "performers")
_MAX_STEPS: Final = 1000
_MAX_STRENGTH: Final = 20.0


@dataclass(frozen=True)
class Brief:
    """All that is asked for. Building one checks every field; ``notes`` says what was changed to make it work.

    Raises:
        DuologueError: INVALID_ARGUMENT with ``field`` set: ``unknown-label`` (nearest ones suggested), ``unknown-key``,
            ``wrong-type``, ``not-finite``, ``out-of-range``, ``timeline-empty``, ``timeline-twice``, ``role-mismatch``; what
            ``constraints.check_constraint``, ``check_interactions``, ``bring_near`` and
            ``feasibility.check_feasible`` raise.
    """

    a: PerformerBrief
    b: PerformerBrief
    relationship: str = "strangers"
    seed: int = 0
    steps: int = 0
    """Of the diffusion; 0 is as few as the checkpoints do well with."""
    strengths: Mapping[str, float] = field(default_factory=dict[str, float])
    constraints: tuple[Constraint, ...] = ()
    """What the bodies are held to, with the places that interactions need (``approach``)."""
    interactions: tuple[Interaction, ...] = ()
    """What the hands touch, solved on the characters after the take: of the take, and of the digest, they are no part."""
    led: tuple[Constraint, ...] = field(default=(), compare=False)
    """Which of the constraints ``approach`` has added: they are laid anew where the brief changes, and are not saved."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    seconds: InitVar[float] = LONGEST
    """How long the speech is, where that is known: places after its end are left out of the take, and not judged."""

    def __post_init__(self, seconds: float) -> None:
        halves = labels.roles(self.relationship)
        roles = _roles(self.a.role, self.b.role, halves)
        starts, note = separate_starts(self.a.start or STARTS[0], self.b.start or STARTS[1])
        for index, (performer, role, start) in enumerate(zip(self.performers, roles, starts, strict=True)):
            place = f"performers.{labels.PERFORMERS[index]}"
            style = index if performer.style is None else performer.style
            checked = check_performer(replace(performer, role=role, start=start, style=style), place)
            object.__setattr__(self, labels.PERFORMERS[index].lower(), checked)
        within(self.seed, 0, 2**63 - 1, "seed")
        within(self.steps, 0, _MAX_STEPS, "steps")
        for name, strength in self.strengths.items():
            labels.check(name, STRENGTHS, field="strengths")
            within(strength, 0, _MAX_STRENGTH, f"strengths.{name}")
        for index, constraint in enumerate(self.constraints):
            check_constraint(constraint, f"constraints[{index}]")
        own = tuple(constraint for constraint in self.constraints if constraint not in self.led)
        check_interactions(self.interactions, own, seconds)
        actions = (self.a.actions, self.b.actions)
        constraints, near = bring_near(self.interactions, own, self.starts, actions, seconds)
        object.__setattr__(self, "constraints", constraints)
        object.__setattr__(self, "led", constraints[len(own) :])
        check_feasible(self.constraints, self.starts, actions, seconds)
        new = tuple(text for text in (note, *near) if text and text not in self.notes)
        object.__setattr__(self, "notes", (*self.notes, *new))

    @property
    def performers(self) -> tuple[PerformerBrief, PerformerBrief]:
        """A and B."""
        return self.a, self.b

    @property
    def starts(self) -> NDArray[np.float32]:
        """(2, 3): x, z, heading of each performer's start."""
        starts = [start for start in (self.a.start, self.b.start) if start is not None]
        return np.array([(start.x, start.z, start.heading) for start in starts], np.float32)

    @property
    def styles(self) -> tuple[int, int]:
        """The two speaker ids."""
        return self.a.style or 0, self.b.style or 0

    def frame_emotions(self, frames: int) -> NDArray[np.uint8]:
        """(2, frames): indices into ``labels.EMOTIONS``."""
        return np.stack([frame_labels(performer.emotion, labels.EMOTIONS, frames) for performer in self.performers])

    def frame_emotion_strengths(self, frames: int) -> NDArray[np.float32]:
        """(2, frames): how strongly each emotion is asked for; 1 unless the brief says otherwise."""
        return np.stack([frame_strengths(performer.emotion, frames) for performer in self.performers])

    def frame_actions(self, frames: int) -> NDArray[np.uint8]:
        """(2, frames): indices into ``labels.ACTION_MODES``."""
        return np.stack([frame_labels(performer.actions, labels.ACTION_MODES, frames) for performer in self.performers])

    @classmethod
    def load(cls, path: Path | str) -> Brief:
        """Read a brief from a ``.toml`` or ``.json`` file. Relative paths in it start from its folder.

        Raises:
            DuologueError: what :func:`read_document` and :class:`Brief` raise; NOT_FOUND ``speech-not-found``
                and ``transcript-not-found``.
        """
        path = Path(path)
        brief = cls.from_json(read_document(path), folder=path.resolve().parent)
        for name, performer in zip(labels.PERFORMERS, brief.performers, strict=True):
            speech = performer.speech.path
            if speech is not None and not speech.exists():
                raise DuologueError(
                    "NOT_FOUND",
                    "speech-not-found",
                    f"there is no file {speech}; paths in a brief start from the brief's own folder",
                    field=f"performers.{name}.speech",
                )
        return brief

    @classmethod
    def from_json(cls, value: object, *, folder: Path | None = None, seconds: float = LONGEST) -> Brief:
        """Build a brief from a parsed document. Without ``folder`` it comes from elsewhere and may name no files.

        ``seconds``: how long the speech is, where that is known.

        Raises:
            DuologueError: what :class:`Brief` raises; INVALID_ARGUMENT ``path-not-allowed``.
        """
        root = Table(value, "", (*_KEYS, "interactions"))
        performers = root.table("performers", labels.PERFORMERS)
        a, b = (read_performer(performers, name, folder) for name in labels.PERFORMERS)
        strengths = root.table("strengths", STRENGTHS)
        return cls(
            a,
            b,
            relationship=root.text("relationship", "strangers"),
            seed=root.whole("seed", 0),
            steps=root.whole("steps", 0),
            strengths={name: strengths.number(name) for name in strengths},
            constraints=tuple(
                read_constraint(item, f"constraints[{index}]") for index, item in enumerate(root.items("constraints"))
            ),
            interactions=read_interactions(root),
            seconds=seconds,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the brief as a document without its sound: what travels to a server, and what the digest covers. Places that
        interactions have added are in it.

        Interactions are no part of it: they happen on the characters, after the take (:meth:`interactions_json`).
        """
        return {
            "relationship": self.relationship,
            "seed": self.seed,
            "steps": self.steps,
            "strengths": dict(self.strengths),
            "constraints": [constraint_json(constraint) for constraint in self.constraints],
            "performers": {
                name: performer_json(performer)
                for name, performer in zip(labels.PERFORMERS, self.performers, strict=True)
            },
        }

    def interactions_json(self) -> list[dict[str, Any]]:
        """Return the interactions as a document, the list under ``interactions``."""
        return [interaction_json(interaction) for interaction in self.interactions]

    def save(self, path: Path | str) -> None:
        """Write the brief as JSON, with the speech files' paths relative to its folder. Transcripts are written into it; places
        that ``approach`` has added are not, so that who is led is led from where they stand then.

        Raises:
            DuologueError: INVALID_ARGUMENT ``document-type`` unless the suffix is ``.json``; FAILED_PRECONDITION
                ``speech-not-a-file`` when the speech is only in memory; what :mod:`duologue.files.atomic` raises.
        """
        path = Path(path)
        if path.suffix.lower() != ".json":
            raise invalid("document-type", f"briefs are saved as .json, not as {path.name}")
        document = self.to_json()
        document["constraints"] = [constraint_json(own) for own in self.constraints if own not in self.led]
        if self.interactions:
            document["interactions"] = self.interactions_json()
        for name, performer in zip(labels.PERFORMERS, self.performers, strict=True):
            speech = performer.speech
            if speech.path is None:
                raise DuologueError(
                    "FAILED_PRECONDITION",
                    "speech-not-a-file",
                    "is only in memory; write it to a sound file and name that in the brief",
                    field=f"performers.{name}.speech",
                )
            document["performers"][name]["speech"] = without_nones(
                {"path": _relative(speech.path, path.resolve().parent), "channel": speech.channel}
            )
        write_text(path, json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    def digest(self, audio: Sequence[Sound] | None = None) -> str:
        """Return the sha256 (hex) of everything asked for, the sound of A and of B included.

        ``audio`` defaults to the sounds that the brief holds. Where they came from makes no difference.

        Raises:
            DuologueError: FAILED_PRECONDITION ``speech-not-loaded`` when there is no sound to cover.
        """
        digest = hashlib.sha256(json.dumps(self.to_json(), sort_keys=True, allow_nan=False).encode())
        for sound in audio if audio is not None else [performer.speech.sound for performer in self.performers]:
            if sound is None:
                raise DuologueError(
                    "FAILED_PRECONDITION", "speech-not-loaded", "a digest covers the sound; load it first (load_pair)"
                )
            digest.update(f"{sound.rate} {sound.samples.shape}".encode())
            digest.update(sound.samples.tobytes())
        return digest.hexdigest()


def _roles(a: str, b: str, halves: tuple[str, str]) -> tuple[str, str]:
    """Return both roles, the missing ones filled in from the relationship's two halves."""
    for name, role in zip(labels.PERFORMERS, (a, b), strict=True):
        if role:
            labels.check(role, halves, field=f"performers.{name}.role")
    first, second = halves
    other = {first: second, second: first}
    a = a or (other[b] if b else first)
    b = b or other[a]
    if a == b and first != second:
        raise invalid(
            "role-mismatch", f"both are {a!r}; one of the two must be {other[a]!r}", field="performers.B.role"
        )
    return a, b


def _relative(path: Path, folder: Path) -> str:
    """Return the path as seen from the folder; on Windows another drive has no such path, and stays absolute."""
    try:
        return Path(os.path.relpath(path.resolve(), folder)).as_posix()
    except ValueError:
        return str(path.resolve())
