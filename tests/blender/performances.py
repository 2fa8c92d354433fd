# SPDX-License-Identifier: GPL-3.0-or-later
"""A performance for a real server process that plays the example take: what the add-on meets, without the models' time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from duologue import arkit
from duologue.brief import Brief
from duologue.motion.skeleton import Skeleton
from duologue.performance.inpainting import KeptTake
from duologue.take import Progress, Window
from duologue.units import FPS, frames_of
from examples import example_take

WINDOW = 15


class Acting:
    """Half a second of the example take at a time; ``steps`` of the brief are tenths of a second that each takes."""

    @classmethod
    def load(cls, device: str) -> Acting:
        return cls()

    def describe(self) -> dict[str, Any]:
        skeleton = Skeleton.builtin("duologue60")
        return {
            "fps": FPS,
            "skeleton": skeleton.to_json(),
            "joint_names": list(skeleton.names),
            "arkit_names": list(arkit.NAMES),
            "checkpoints": {"acting": "0" * 64},
        }

    def stream(
        self, brief: Brief, audio: Any, should_stop: Callable[[], bool], keep: KeptTake | None = None
    ) -> Iterator[Progress | Window]:
        frames = max(frames_of(len(voice.samples), voice.rate) for voice in audio)
        for window in example_take(frames, brief.seed).windows(WINDOW):
            for _ in range(brief.steps):
                if should_stop():
                    return
                time.sleep(0.1)
            yield Progress("body", window.end, frames)
            yield held(window, keep) if keep is not None else window


def held(window: Window, keep: KeptTake) -> Window:
    """Return a window with what is kept of a take in place of what was made."""
    frames = slice(window.start, window.end)
    tracks = []
    for new, take, body, face in zip(window.tracks, keep.take.tracks, keep.bodies, keep.faces, strict=True):
        old, bodies, faces = take[frames], body[frames, None], face[frames, None]
        tracks.append(
            replace(
                new,
                rotations=np.where(bodies[..., None], old.rotations, new.rotations),
                root_translation=np.where(bodies, old.root_translation, new.root_translation),
                weights=np.where(faces, old.weights, new.weights),
            )
        )
    return Window(window.start, (tracks[0], tracks[1]))
