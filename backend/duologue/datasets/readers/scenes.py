"""Captured motion and speech of two people as a pair of the training corpus."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.corpus.body import Pair
from duologue.datasets.labels.actions import label_actions
from duologue.features import pose as poses
from duologue.labels import EMOTIONS, roles
from duologue.motion.skeleton import Skeleton
from duologue.speech.features import SpeechFeatures

Array = NDArray[np.float64]


def make_pair(
    motions: Sequence[tuple[Array, Array]],
    speech: Sequence[SpeechFeatures],
    skeleton: Skeleton,
    *,
    emotions: tuple[str, str],
    relationship: str,
    styles: tuple[int, int],
) -> Pair:
    """Return both people's motion and speech, cut to the shortest of the four.

    Args:
        motions: each one's hips (T, 3) in metres and exponential maps (T, J, 3) in one world, 30 fps, on ``skeleton``.
        speech: each one's speech features.
        skeleton: what the motion is on.
        emotions: one label each, throughout.
        relationship: A has its first half.
        styles: speaker ids.
    """
    frames = min(*(len(root) for root, _ in motions), *(features.frames for features in speech))
    cut = [(root[:frames], rotations[:frames]) for root, rotations in motions]
    encoded = [poses.from_world(root, rotations) for root, rotations in cut]
    moods = np.array([EMOTIONS.index(emotion) for emotion in emotions], np.uint8)
    return Pair(
        features=np.stack([features for features, _ in encoded], axis=1).astype(np.float32),
        path=np.stack([path for _, path in encoded], axis=1),
        mel=np.stack([features.mel[:frames] for features in speech], axis=1),
        activity=np.stack([features.activity[:frames] for features in speech], axis=1).astype(np.float32),
        text=np.stack([features.text[:frames] for features in speech], axis=1).astype(np.float16),
        # No times of words are read with these: all zero is what the network takes for "not known".
        prominence=np.zeros((frames, 2), np.float16),
        action=np.stack([label_actions(skeleton, root, rotations) for root, rotations in cut], axis=1),
        emotion=np.repeat(moods[None], frames, axis=0),
        roles=roles(relationship),
        styles=styles,
    )
