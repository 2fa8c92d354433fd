"""Figures of a clip's pictures against the true ones. Frame 0 is given to all systems and counts for none.

Pictures are (T, H, W, 3) uint8, masks (T, H, W) bool. PSNR is of a clip: the mean square error over all its frames' pixels (in a
mask) first, then decibels. What has no pixel is nan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from duologue.datasets.corpus.video import Clip
from duologue.passes.contract import BACKGROUND, EYE, HAIR, HAND, HEAD, PARTS

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]

CONTACT_BAND: Final = 8
"""Pixels round a contact that are its band; at 128 pixels a picture."""
BOUNDARY: Final = 2
"""Pixels by which a hand's edge may be off."""
_NEAR: Final = 94
"""A contact's nearness from which it counts as one: 255 exp(-1), 5 mm."""


def masks_of(clip: Clip) -> dict[str, Mask]:
    """Return where to look: hands, hands and heads, holes of the carried picture, the band round a contact."""
    kind = clip.arrays["part"][1:] % len(PARTS)
    hand = kind == HAND
    near = clip.arrays["contact"][1:] >= _NEAR
    band = _grown(near, CONTACT_BAND, square=False)
    head = np.isin(kind, (HEAD, EYE, HAIR))
    return {"hand": hand, "hand_face": hand | head, "holes": clip.arrays["hole"][1:] > 0, "contact": band}


def psnr(pictures: Bytes, truth: Bytes, mask: Mask | None = None) -> float:
    """Return decibels, of the frames after the first. ``mask``: of those frames."""
    error = (pictures[1:].astype(np.float32) - truth[1:]) ** 2
    chosen = error if mask is None else error[mask]
    if not chosen.size:
        return float("nan")
    return float(10 * np.log10(255**2 / max(float(chosen.mean()), 1e-10)))


def ssim(pictures: Bytes, truth: Bytes) -> float:
    """Return the structural similarity (Wang et al. 2004): Gaussian of 1.5 pixels cut at 11, mean over channels and frames."""
    a, b = (p[1:].astype(np.float64) for p in (pictures, truth))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

    def blur(values: Floats) -> Floats:
        return ndimage.gaussian_filter(values, (0, 1.5, 1.5, 0), truncate=3.5)

    ma, mb = blur(a), blur(b)
    va, vb, both = blur(a * a) - ma * ma, blur(b * b) - mb * mb, blur(a * b) - ma * mb
    score = (2 * ma * mb + c1) * (2 * both + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2))
    return float(score[:, 5:-5, 5:-5].mean())


def warp_error(pictures: Bytes, flow: Floats, visible: Bytes) -> float:
    """Return the mean absolute difference, 0 to 255, of points that are seen in a frame and the next one, by exact flow."""
    height, width = pictures.shape[1:3]
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    differences = []
    for frame in range(len(pictures) - 1):
        moved = flow[frame].astype(np.float64)
        there = np.stack([rows + moved[..., 1], columns + moved[..., 0]])
        inside = (there >= 0).all(0) & (there[0] <= height - 1) & (there[1] <= width - 1)
        next_one = np.stack(
            [
                ndimage.map_coordinates(pictures[frame + 1][..., c].astype(np.float64), there, order=1, mode="nearest")
                for c in range(3)
            ],
            axis=-1,
        )
        seen = (visible[frame] > 0) & inside
        differences.append(np.abs(next_one - pictures[frame])[seen])
    together = np.concatenate(differences)
    return float(together.mean()) if together.size else float("nan")


def flicker(pictures: Bytes, flow: Floats) -> float:
    """Return the mean absolute difference, 0 to 255, of neighbouring frames where nothing moves."""
    still = (np.abs(flow[:-1].astype(np.float32)).max(-1) == 0) & (np.abs(flow[1:].astype(np.float32)).max(-1) == 0)
    change = np.abs(np.diff(pictures.astype(np.float32), axis=0)).mean(-1)[still]
    return float(change.mean()) if change.size else float("nan")


@dataclass(frozen=True)
class Silhouette:
    """Who is where, read off pictures: what is nearer in colour to the true people than to the background behind them.

    Found with the true clip's own background and people, so a true clip scores 1 but for people who look like what is behind.
    """

    background: Floats
    """(T, H, W, 3) what would be there without people: the nearest background pixel of the frame."""
    people: Mask

    @classmethod
    def of(cls, clip: Clip) -> Silhouette:
        """Read the true clip."""
        truth, people = clip.arrays["rgb"][1:], clip.arrays["part"][1:] % len(PARTS) != BACKGROUND
        behind = np.empty(truth.shape, np.float32)
        for frame, there in enumerate(people):
            if there.all():
                behind[frame] = truth[frame]
                continue
            _, (rows, columns) = ndimage.distance_transform_edt(there, return_indices=True)  # pyright: ignore
            behind[frame] = truth[frame][rows, columns]
        return cls(behind, people)

    def iou(self, pictures: Bytes, threshold: float = 24.0) -> float:
        """Return the intersection over union of the people seen and the true ones.

        ``threshold``: how far, of 255, from the background's colour somebody is.
        """
        away = np.abs(pictures[1:].astype(np.float32) - self.background).max(-1) > threshold
        union = (away | self.people).sum()
        return float((away & self.people).sum() / union) if union else float("nan")


def hand_boundary_f(pictures: Bytes, clip: Clip) -> float:
    """Return the F-score of edges near the true hands' outlines: edges of the pictures against the true pictures' own.

    An edge is where Sobel's gradient is over 60 of 255 a pixel; it is right within ``BOUNDARY`` pixels of one.
    """
    hand = clip.arrays["part"][1:] % len(PARTS) == HAND
    if not hand.any():
        return float("nan")
    band = _grown(hand, 3) & _grown(~hand, 3)
    made, true = (_edges(p[1:]) & band for p in (pictures, clip.arrays["rgb"]))
    near_made, near_true = (_grown(edges, BOUNDARY) for edges in (made, true))
    precision = (made & near_true).sum() / max(made.sum(), 1)
    recall = (true & near_made).sum() / max(true.sum(), 1)
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def _grown(masks: Mask, pixels: int, *, square: bool = True) -> Mask:
    """Return frames' masks, each grown by so many pixels: in all directions, or along rows and columns."""
    reach = np.zeros((3, 3, 3), bool)
    reach[1] = ndimage.generate_binary_structure(2, 2 if square else 1)
    return np.asarray(ndimage.binary_dilation(masks, reach, iterations=pixels), bool)


def _edges(pictures: Bytes) -> Mask:
    grey = pictures.astype(np.float32).mean(-1)
    across, down = (ndimage.sobel(grey, axis=axis) / 4 for axis in (1, 2))
    return np.hypot(across, down) > 60


def figures_of(clip: Clip, pictures: Bytes) -> dict[str, float]:
    """Return all figures of one clip's pictures; those that need flow only where the clip has it."""
    truth, found = clip.arrays["rgb"], {"psnr": psnr(pictures, clip.arrays["rgb"])}
    found |= {f"psnr_{name}": psnr(pictures, truth, mask) for name, mask in masks_of(clip).items()}
    found |= {
        "ssim": ssim(pictures, truth),
        "silhouette_iou": Silhouette.of(clip).iou(pictures),
        "hand_boundary_f": hand_boundary_f(pictures, clip),
    }
    if "flow" in clip.arrays:
        flow = clip.arrays["flow"]
        found |= {
            "warp_error": warp_error(pictures, flow, clip.arrays["visible"]),
            "flicker": flicker(pictures, flow),
        }
    return found
