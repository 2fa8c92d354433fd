"""What a composed performer is put together from: the kit's clips as pieces of motion, by kind, ready to be joined."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from duologue.datasets.labels.split import BodySplit
from duologue.datasets.readers.kit_motion import Marks, MotionClip, read_clips
from duologue.datasets.synthesis.body.head import LEVEL, head_pitch, pitched
from duologue.datasets.synthesis.body.pieces import Motion
from duologue.motion.skeleton import Skeleton

_LONG: Final = 900
"""Frames of the pieces that ReactIdle's recordings of many minutes are cut into."""


@dataclass(frozen=True)
class LibraryClip:
    """A ``MotionClip`` as a piece of motion; the other fields are its own."""

    name: str
    motion: Motion
    emotion: str = ""
    gender: str = ""
    marks: Marks | None = None
    hands: str = "LR"

    @classmethod
    def of(cls, clip: MotionClip) -> LibraryClip:
        """Take a captured clip out of the world."""
        motion = Motion.from_world(clip.root, clip.rotations)
        return cls(clip.name, motion, clip.emotion, clip.gender, clip.marks, clip.hands)


Library = dict[str, list[LibraryClip]]
"""Clips by kind: see ``readers.kit_motion.read_clips``."""


def load_library(kit: Path, work: Path, skeleton: Skeleton, *, held_out: bool | None = None) -> Library:
    """Read the motion clips of the kit. Archives are unpacked into ``work``.

    ``held_out``: those that ``body_split.toml`` keeps from training, or (False) the others; None for all of them.
    """
    library: Library = defaultdict(list)
    split = BodySplit.read()
    for clip in read_clips(kit, work, skeleton):
        if held_out is None or split.holds_clip(clip.name) == held_out:
            whole = LibraryClip.of(clip)
            library[clip.kind] += _cut_up(whole, skeleton) if clip.name.startswith("reactidle/") else [whole]
    donors = [clip.motion for clip in library["idle"] if clip.gender]
    return {kind: [_with_fingers(clip, donors, skeleton) for clip in clips] for kind, clips in library.items()}


def _cut_up(clip: LibraryClip, skeleton: Skeleton) -> Iterator[LibraryClip]:
    """Cut one of ReactIdle's recordings into half minutes, with the head raised.

    Its heads hang by 17 degrees on average, whoever it is (5 degrees between people): what the retargeted neck looks down
    on average is taken out of each recording, so that ``LEVEL`` remains.
    """
    motion = pitched(clip.motion, skeleton, LEVEL - float(head_pitch(clip.motion, skeleton).mean()))
    for number, start in enumerate(range(15, len(motion) - 300, _LONG)):
        yield replace(clip, name=f"{clip.name}/{number}", motion=motion.cut(start, start + _LONG))


def hand_joints(skeleton: Skeleton, side: str = "") -> list[int]:
    """Return the joints of the fingers and palms of one ("Left", "Right") or both hands, the wrists not among them."""
    return [i for i, name in enumerate(skeleton.names) if f"{side}Hand" in name and not name.endswith("Hand")]


def _with_fingers(clip: LibraryClip, donors: Sequence[Motion], skeleton: Skeleton) -> LibraryClip:
    """Give a clip whose fingers never leave the flat rest pose those of a captured idle."""
    joints = hand_joints(skeleton)
    fingers = clip.motion.rotations[:, joints]
    if np.abs(fingers[..., 1:]).max() > 0.05:
        return clip
    donor = donors[sum(clip.name.encode()) % len(donors)].rotations[:, joints]
    there_and_back = np.concatenate([donor, donor[::-1]])
    rotations = clip.motion.rotations.copy()
    rotations[:, joints] = there_and_back[np.arange(len(rotations)) % len(there_and_back)]
    return replace(clip, motion=replace(clip.motion, rotations=rotations))
