"""A performance for tests of the wire and the service: real windows, cheap to make, as slow or as broken as a brief asks for.

A brief's ``seed`` decides the motion, ``steps`` the denoising steps a window takes, performer A's ``style`` how many
milliseconds a step lasts, and B's ``style`` what goes wrong.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from duologue import arkit
from duologue.brief import Brief
from duologue.errors import DuologueError
from duologue.take import Progress, Track, Window
from duologue.take.edit import check_take
from duologue.units import FPS, frames_of

if TYPE_CHECKING:
    from duologue.performance.inpainting import KeptTake

JOINTS = 60
FRAMES = 30

RAISES_NAMED, RAISES, HANGS, EXITS, OUT_OF_MEMORY, EXITS_ONCE = 101, 102, 103, 104, 105, 107


class Swaying:
    """Two performers whose every joint sways by a seeded amount."""

    @classmethod
    def load(cls, device: str) -> Swaying:
        assert device == "cpu"
        return cls()

    def describe(self) -> dict[str, Any]:
        return {
            "fps": FPS,
            "joint_names": [f"j{index}" for index in range(JOINTS)],
            "arkit_names": list(arkit.NAMES),
            "checkpoints": {},
        }

    def stream(
        self, brief: Brief, audio: Any, should_stop: Callable[[], bool], keep: KeptTake | None = None
    ) -> Iterator[Progress | Window]:
        frames = max(frames_of(len(part.samples), part.rate) for part in audio)
        if keep is not None:
            check_take(keep.take, frames)
        loud = float(np.mean([np.abs(part.samples).mean() for part in audio]))
        for start in range(0, frames, FRAMES):
            for step in range(brief.steps):
                if should_stop():
                    return
                time.sleep(brief.styles[0] / 1000)
                yield Progress("body", start // FRAMES * brief.steps + step + 1, -(-frames // FRAMES) * brief.steps)
            misbehave(brief.styles[1], start)
            sampled = window(brief.seed, start, min(FRAMES, frames - start), loud)
            yield sampled if keep is None else merged(keep, sampled)


def window(seed: int, start: int, frames: int, loud: float) -> Window:
    random = np.random.default_rng([seed, start])
    tracks = [
        Track(
            root_translation=random.normal(size=(frames, 3)),
            rotations=random.normal(size=(frames, JOINTS, 3)) * loud,
            weights=random.uniform(size=(frames, 52)),
            facing=random.uniform(size=frames) < 0.5,
            actions=random.integers(0, 3, frames),
        )
        for _ in range(2)
    ]
    return Window(start, (tracks[0], tracks[1]))


def merged(keep: KeptTake, sampled: Window) -> Window:
    root, rotations, weights, facing = (
        np.stack([getattr(track, name) for track in sampled.tracks])
        for name in ("root_translation", "rotations", "weights", "facing")
    )
    root, rotations = keep.merge_bodies(sampled.start, root, rotations)
    weights, _ = keep.merge_faces(sampled.start, weights)
    facing = keep.facing(sampled.start, facing)
    a, b = (
        replace(track, root_translation=root[i], rotations=rotations[i], weights=weights[i], facing=facing[i])
        for i, track in enumerate(sampled.tracks)
    )
    return Window(sampled.start, (a, b))


def misbehave(how: int, start: int) -> None:
    if start < 2 * FRAMES:
        return
    if how == RAISES_NAMED:
        raise DuologueError("INVALID_ARGUMENT", "audio-silent", "there is no speech in it", field="performers.A.speech")
    if how == RAISES:
        raise RuntimeError("/home/somebody/secret/weights.safetensors broke")
    if how == OUT_OF_MEMORY:
        raise MemoryError
    if how == HANGS:
        time.sleep(3600)
    if how == EXITS:
        os._exit(9)
    if how == EXITS_ONCE and not (marker := Path(os.environ["DUOLOGUE_TEST_MARKER"])).exists():
        marker.touch()
        os._exit(9)


class Broken:
    """A performance whose checkpoint is damaged."""

    @classmethod
    def load(cls, device: str) -> Broken:
        raise DuologueError("DATA_LOSS", "checkpoint-hash", "the checkpoint 'body' is damaged; import it again")


class Crashing:
    """A performance that takes its process down while it loads."""

    @classmethod
    def load(cls, device: str) -> Crashing:
        os._exit(9)
