"""Held-out pairs as takes, a folder a system, as ``duologue evaluate compare`` shows them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

import duologue
from duologue import arkit
from duologue.evaluation.body.bodies import Bodies, facing
from duologue.evaluation.body.systems import Clip, System, clean, samples
from duologue.evaluation.compare import TAKE
from duologue.motion.skeleton import Skeleton
from duologue.take import Take, Track


def write_takes(
    folder: Path, systems: Sequence[System], clips: Sequence[Clip], skeleton: Skeleton, cache: Path | None
) -> None:
    """Write ``folder/SYSTEM/pair-00/take.safetensors`` and so on: each system's first sample after clean-up, faces at rest.

    A corpus holds mels and no sound; ``A.wav`` and ``B.wav`` laid beside a take are heard in its video.
    """
    for system in systems:
        for number, clip in enumerate(clips):
            (motion,) = samples(system, clip, 1, cache)
            cleaned = clean(skeleton, motion)
            faced = facing(Bodies(skeleton, cleaned.root, cleaned.rotations))
            tracks = [
                Track(
                    cleaned.root[i],
                    cleaned.rotations[i],
                    np.zeros((cleaned.root.shape[1], len(arkit.NAMES)), np.float32),
                    faced[i],
                    clip.conditions.actions[i].astype(np.uint8),
                )
                for i in range(2)
            ]
            provenance = {"system": system.name, "seed": 0, "duologue": duologue.__version__}
            if system.checkpoint is not None:
                provenance["checkpoints"] = {"body": system.checkpoint.sha256}
            place = folder / system.name.replace(" ", "-") / f"pair-{number:02d}"
            place.mkdir(parents=True, exist_ok=True)
            Take(skeleton, (tracks[0], tracks[1]), provenance).save(place / TAKE)
