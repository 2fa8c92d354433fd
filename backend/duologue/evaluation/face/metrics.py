"""The face's metrics, each as sums of one conversation that add up with those of others (``intervals.Sums``).

LVE and FDD follow FaceFormer's and CodeTalker's released evaluation (Fan et al. 2022, arXiv 2112.05329; Xing et al. 2023,
arXiv 2301.02379): squares, no root, here in mm² of ICT-FaceKit. The regions are ours (``mesh.IctFace``), so the figures
compare what is judged here, not with a paper's table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.arkit import BROWS, EYES
from duologue.arkit import INDEX as SHAPE
from duologue.datasets.corpus.face import Dialogue
from duologue.evaluation.face.mesh import FaceMesh, Faces, IctFace
from duologue.evaluation.face.phonetics import closures, mouth, speaking, windows_of
from duologue.evaluation.face.timing import lags
from duologue.evaluation.intervals import Sums
from duologue.speech.phones import LABIODENTALS
from duologue.units import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

TO_TEETH_MM: Final = 2.0
"""The lower lip is at the teeth when their edge is on average nearer to it than this. On ICT it is 2.2 mm away at rest, 2.9 mm
when the lips part without rolling, 1.0 mm in a full f."""
_DRAWN: Final = [SHAPE[name] for name in EYES if "Squint" not in name]
"""Blinks, gaze and wide eyes: drawn at random by the expression layer and by nature, so no model can be right about them."""
_GAZE: Final = [SHAPE[name] for name in EYES if "Look" in name]
_BROWS: Final = [SHAPE[name] for name in BROWS]
_SACCADE: Final = 0.04
"""Change of an eye's weights within two frames that is a jump of gaze: a little more than one degree."""


def tally(weights: NDArray[np.float32], dialogue: Dialogue, faces: Faces) -> dict[str, Sums]:
    """Return every metric's sums for weights (2, T, 52) performed to ``dialogue``, on ICT-FaceKit and the other ``faces``."""
    sums = (
        mouth(weights, dialogue) | _lip_errors(weights, dialogue, faces.ict) | _dynamics(weights, dialogue, faces.ict)
    )
    for face, gap in {"ict": faces.ict.gap, **faces.gaps}.items():
        sums |= {f"{key}_{face}": value for key, value in closures(gap(weights), dialogue).items()}
    sums["labiodental_rule"] = sums.pop("labiodental")
    sums["labiodental_ict"] = _labiodentals(weights, dialogue, faces.ict)
    return sums | lags(weights, dialogue) | _liveliness(weights, dialogue)


def worst_lip_errors(weights: NDArray[np.floating], true: NDArray[np.floating], lips: FaceMesh) -> NDArray[np.float64]:
    """Return (T,) for weights (T, 52): each frame's largest squared distance of a lip vertex from the truth, mm².

    Their mean over all frames is the lip vertex error, LVE.
    """
    error = np.asarray(weights, np.float32) - np.asarray(true, np.float32)
    worst = [np.square(moved).sum(-1).max(-1) for moved in lips.displacement(error)]
    return np.concatenate(worst).astype(np.float64)


def fdd(weights: NDArray[np.floating], true: NDArray[np.floating], upper: FaceMesh) -> float:
    """Return upper-face dynamics deviation for one clip's weights (T, 52), mm².

    For every vertex the standard deviation over time of its squared displacement from neutral; the mean over vertices of truth
    minus prediction. Positive: the face moves too little.
    """
    return float((_deviation(true, upper) - _deviation(weights, upper)).mean())


def _deviation(weights: NDArray[np.floating], mesh: FaceMesh) -> NDArray[np.float64]:
    squares = [np.square(moved).sum(-1) for moved in mesh.displacement(weights)]
    return np.concatenate(squares).std(axis=0, dtype=np.float64)


def _lip_errors(weights: NDArray[np.float32], dialogue: Dialogue, ict: IctFace) -> dict[str, Sums]:
    worst = np.concatenate(
        [worst_lip_errors(weights[me], dialogue.weights[me], ict.lips) for me in dialogue.performers]
    )
    return {
        "lve_mm2": (float(worst.sum()), len(worst)),
        "lip_distance_mm": (float(np.sqrt(worst).sum()), len(worst)),
    }


def _dynamics(weights: NDArray[np.float32], dialogue: Dialogue, ict: IctFace) -> dict[str, Sums]:
    true, known = dialogue.weights, dialogue.performers
    calm, calm_true = weights.copy(), true.copy()
    calm[..., _DRAWN] = calm_true[..., _DRAWN] = 0
    deviations = [fdd(calm[me], calm_true[me], ict.upper) for me in known]
    return {
        "fdd_mm2": (sum(deviations), len(known)),
        "fdd_absolute_mm2": (sum(map(abs, deviations)), len(known)),
        "fdd_with_eyes_mm2": (sum(fdd(weights[me], true[me], ict.upper) for me in known), len(known)),
    }


def _labiodentals(weights: NDArray[np.float32], dialogue: Dialogue, ict: IctFace) -> Sums:
    """Count f and v whose lower lip comes within 2 mm of the upper teeth's edge, lips not touching, within 60 ms of the phone."""
    reached = total = 0
    for me in dialogue.performers:
        near = windows_of(dialogue.phones[me], LABIODENTALS, weights.shape[1])
        if not near:
            continue
        frames = np.concatenate([weights[me, window] for window in near])
        hit = (ict.lip_to_teeth(frames) < TO_TEETH_MM) & (ict.gap(frames) > 0)
        starts = np.cumsum([0, *(window.stop - window.start for window in near[:-1])])
        reached += int(np.logical_or.reduceat(hit, starts).sum())
        total += len(near)
    return float(reached), float(total)


def _liveliness(weights: NDArray[np.float32], dialogue: Dialogue) -> dict[str, Sums]:
    """Return what a listener's face does: blinks and gaze jumps a minute, how far the brows move (their mean deviation)."""
    frames = weights.shape[1]
    blinks = jumps = 0
    minutes = brows = listeners = 0.0
    for me in range(2):  # the silent partner of a single capture listens too
        shut = weights[me, :, SHAPE["eyeBlinkLeft"]] > 0.5
        blinks += int((shut[1:] & ~shut[:-1]).sum())
        gaze = weights[me][:, _GAZE]
        jumping = np.abs(gaze[2:] - gaze[:-2]).max(-1) > _SACCADE
        jumps += int((jumping[1:] & ~jumping[:-1]).sum())
        minutes += frames / FPS / 60
        listening = speaking(dialogue.phones[1 - me], frames) & ~speaking(dialogue.phones[me], frames)
        if listening.sum() >= FPS:
            brows += float(weights[me][listening][:, _BROWS].std(0).mean())
            listeners += 1
    return {
        "blinks_per_minute": (float(blinks), minutes),
        "gaze_changes_per_minute": (float(jumps), minutes),
        "listener_brow_deviation": (brows, listeners),
    }
