"""One sequence of meshes as ARKit weights, and how well they explain it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from duologue.arkit import NAMES
from duologue.datasets.face_meshes.alignment import align
from duologue.datasets.face_meshes.sequence import read_sequence
from duologue.datasets.face_meshes.solvers import SMOOTH, solve_bounded, solve_frames
from duologue.datasets.face_meshes.template import FaceTemplate, Points

Solver = Literal["bounded", "lsqr"]
SOLVERS: Final[tuple[Solver, ...]] = ("bounded", "lsqr")


@dataclass(frozen=True, eq=False)
class FittedFace:
    """``weights`` (T, 52) by ``arkit.NAMES``; ``residual`` (T,): the root mean square distance of a vertex, template's unit."""

    weights: NDArray[np.float64]
    residual: NDArray[np.float64]


def fit_sequence(
    template: FaceTemplate,
    path: Path,
    solver: Solver = "bounded",
    *,
    smooth: float = SMOOTH,
    scale: float = 1.0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FittedFace:
    """Fit one sequence. ``scale``: what its coordinates are multiplied by to be in the template's unit.

    Raises:
        DuologueError: what ``read_sequence`` and ``align`` raise.
    """
    frames, blocks = read_sequence(path, len(template.neutral))

    def scaled() -> Iterator[Points]:
        done = 0
        for block in blocks:
            yield block * np.float32(scale)
            done += len(block)
            progress(done, frames)

    products = align(template, scaled())
    if solver == "bounded":
        found = solve_bounded(products.gram, products.right, smooth)
    else:
        found = solve_frames(products.gram, products.right, products.squares)
    weights = np.zeros((frames, len(NAMES)))
    weights[:, template.driven] = found
    return FittedFace(weights, products.residual(found))
