"""Weights from least squares: frame by frame as the paper has it, or within bounds and smooth over time.

Both minimise |B w - d|² and need no more of it than BᵀB and Bᵀd.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct, idct
from scipy.linalg import cholesky, solve_triangular
from scipy.sparse.linalg import lsqr

Array = NDArray[np.float64]

SMOOTH: Final = 3e-4
"""How much a weight's change from frame to frame costs, of what its shape's own movement costs."""
_RIDGE: Final = 1e-5
"""Likewise of the weight itself: where two shapes undo each other (left and right of a jaw), neither is used without need."""
_ROUNDS, _NEAR = 2000, 1e-5
_TINY: Final = 1e-12
_RELAXED: Final = 1.6
"""Over-relaxation (Boyd et al. 2011, section 3.4.3)."""


def solve_frames(gram: Array, right: Array, squares: Array) -> Array:
    """Return the weights (T, K) of InterAct's own way (arXiv 2509.05747): ``scipy.sparse.linalg.lsqr`` a frame, without bounds.

    LSQR sees B and d only through products and norms, which an orthogonal basis Q of B's range leaves as they are: it runs on
    Qᵀ B, the Cholesky factor of BᵀB, and Qᵀ d, with one row more for what of d no shape reaches, and so ends where it would.
    """
    count = len(gram)
    factor = cholesky(gram + _TINY * np.trace(gram) * np.eye(count))
    projected = solve_triangular(factor, right.T, trans=1).T
    beyond = np.sqrt(np.maximum(squares - (projected**2).sum(axis=1), 0.0))
    matrix = np.concatenate([factor, np.zeros((1, count))])
    rows = np.concatenate([projected, beyond[:, None]], axis=1)
    return np.stack([np.asarray(lsqr(matrix, row)[0], np.float64) for row in rows])


def solve_bounded(gram: Array, right: Array, smooth: float = SMOOTH) -> Array:
    """Return the weights (T, K) in [0, 1] that minimise, with u = D w scaled so that BᵀB has a unit diagonal,

        sum_t |B w_t - d_t|² + smooth sum_t |u_t - u_(t-1)|² + ridge sum_t |u_t|²

    by ADMM (Boyd et al. 2011, section 5.2): the quadratic part falls apart under the cosine transform over time, which makes the
    differences diagonal, and the eigenvectors of BᵀB; what is left is to clip. It ends when no weight moves by more than 1e-5, or
    after 2,000 rounds, which only shapes that all but equal each other take.
    """
    scale = np.sqrt(np.diagonal(gram))
    correlation = gram / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(correlation)
    frequencies = 2 - 2 * np.cos(
        np.pi * np.arange(len(right)) / len(right)
    )  # of the path's Laplacian, free at both ends
    wanted, most = right / scale, scale
    # Bounds bite where the correlation is weak: a step near the geometric mean of its eigenvalues suits both ends.
    step = float(np.sqrt(max(values[0], _RIDGE) * values[-1]))
    denominator = values[None] + smooth * frequencies[:, None] + _RIDGE + step
    clipped, dual = np.zeros_like(wanted), np.zeros_like(wanted)
    for _ in range(_ROUNDS):
        rhythm = np.asarray(dct(wanted + step * (clipped - dual), axis=0, norm="ortho"), np.float64)
        spectrum = rhythm @ vectors / denominator
        free = np.asarray(idct(spectrum @ vectors.T, axis=0, norm="ortho"), np.float64)
        relaxed = _RELAXED * free + (1 - _RELAXED) * clipped
        before, clipped = clipped, np.clip(relaxed + dual, 0.0, most)
        dual += relaxed - clipped
        moved = max(float(np.abs((free - clipped) / scale).max()), float(np.abs((clipped - before) / scale).max()))
        if moved < _NEAR:
            break
    return clipped / scale
