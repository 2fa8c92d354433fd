"""How much faces move: the variance of ARKit's weights, and with a face's mesh that of each of its vertices (InterAct, arXiv
2509.05747, its figures of face variance by facing, emotion and relationship)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.scene import Scene
from duologue.datasets.statistics.groups import META_EMOTION, of_scene
from duologue.datasets.statistics.placed import Array, Mask
from duologue.datasets.statistics.tally import EVERYBODY, Totals
from duologue.labels import EMOTIONS

FACE = "face"


def count_faces(scene: Scene, facing: Mask | None, totals: Totals) -> None:
    """Add everybody's weights to a covariance of each group that a frame belongs to; ``facing`` (2, T), None where not known."""
    for k, person in enumerate(scene.people):
        if person.face is None:
            continue
        face = person.face[: person.frames]
        totals.vary((FACE, *EVERYBODY), face)
        for group in of_scene(scene):
            totals.vary((FACE, *group), face)
        if facing is not None:
            turned, frames = facing[k], min(len(facing[k]), len(face))
            totals.vary((FACE, "facing", "turned to the partner"), face[:frames][turned[:frames]])
            totals.vary((FACE, "facing", "turned away"), face[:frames][~turned[:frames]])
        if person.emotion is not None:
            emotion = person.emotion[: len(face)]
            for label in np.unique(emotion):
                rows, name = face[: len(emotion)][emotion == label], EMOTIONS[int(label)]
                totals.vary((FACE, "emotion", name), rows)
                totals.vary((FACE, "meta-emotion", META_EMOTION[name]), rows)


def vertex_variance(covariance: Array, deltas: NDArray[np.floating]) -> Array:
    """Return the variance (V,) of each vertex around its mean, of weights with a ``covariance`` (52, 52) on shapes ``deltas``
    (52, V, 3): the trace of Dᵀ C D, in the square of the mesh's unit."""
    moves = deltas.reshape(len(deltas), -1).astype(np.float64)
    return np.asarray(((covariance @ moves) * moves).sum(0).reshape(-1, 3).sum(-1), np.float64)
