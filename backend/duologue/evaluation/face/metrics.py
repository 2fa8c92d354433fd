"""The face's metrics, each as sums of one conversation that add up with those of others (``face.judging.Sums``).

LVE and FDD follow FaceFormer's and CodeTalker's released evaluation (Fan et al. 2022, arXiv 2112.05329; Xing et al. 2023,
arXiv 2301.02379): squares, no root, here in mm² of ICT-FaceKit. The regions are ours (``face_mesh.IctFace``), so the figures
compare what is judged here, not with a paper's table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.arkit import BROWS, EYES
from duologue.arkit import INDEX as SHAPE
from duologue.datasets.synthesis.face.conversations import Dialogue
from duologue.evaluation.face.conversations import closures, frames_near, lag, mouth, speaking
from duologue.evaluation.face.mesh import FaceMesh, IctFace, LipGap
from duologue.evaluation.intervals import Sums
from duologue.speech.phones import LABIODENTALS
from duologue.units import FPS, SPEECH_RATE

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


def worst_lip_errors(made: NDArray[np.floating], true: NDArray[np.floating], lips: FaceMesh) -> NDArray[np.float64]:
    """Return (T,) for weights (T, 52): each frame's largest squared distance of a lip vertex from the truth, mm².

    Their mean over all frames is the lip vertex error, LVE.
    """
    error = np.asarray(made, np.float32) - np.asarray(true, np.float32)
    worst = [np.square(moved).sum(-1).max(-1) for moved in lips.displacement(error)]
    return np.concatenate(worst).astype(np.float64)


def fdd(made: NDArray[np.floating], true: NDArray[np.floating], upper: FaceMesh) -> float:
    """Return upper-face dynamics deviation for one clip's weights (T, 52), mm².

    For every vertex the standard deviation over time of its squared displacement from neutral; the mean over vertices of truth
    minus prediction. Positive: the made face moves too little.
    """
    return float((_dynamics(true, upper) - _dynamics(made, upper)).mean())


def _dynamics(weights: NDArray[np.floating], mesh: FaceMesh) -> NDArray[np.float64]:
    squares = [np.square(moved).sum(-1) for moved in mesh.displacement(weights)]
    return np.concatenate(squares).std(axis=0, dtype=np.float64)


def tally(made: NDArray[np.float32], dialogue: Dialogue, ict: IctFace, gaps: Mapping[str, LipGap]) -> dict[str, Sums]:
    """Return every metric's sums for weights (2, T, 52) made for ``dialogue``; ``gaps`` are further faces whose lips to watch."""
    true = dialogue.weights
    known = dialogue.performers
    sums: dict[str, Sums] = mouth(made, dialogue)
    worst = np.concatenate([worst_lip_errors(made[me], true[me], ict.lips) for me in known])
    sums["lve_mm2"] = (float(worst.sum()), len(worst))
    sums["lip_distance_mm"] = (float(np.sqrt(worst).sum()), len(worst))
    calm_made, calm_true = made.copy(), true.copy()
    calm_made[..., _DRAWN] = calm_true[..., _DRAWN] = 0
    calm = [fdd(calm_made[me], calm_true[me], ict.upper) for me in known]
    sums["fdd_mm2"] = (sum(calm), len(calm))
    sums["fdd_absolute_mm2"] = (sum(map(abs, calm)), len(calm))
    sums["fdd_with_eyes_mm2"] = (sum(fdd(made[me], true[me], ict.upper) for me in known), len(known))
    for face, gap in {"ict": ict.gap, **gaps}.items():
        sums |= {f"{key}_{face}": value for key, value in closures(gap(made), dialogue).items()}
    sums["labiodental_rule"] = sums.pop("labiodental")
    sums["labiodental_ict"] = _labiodentals(made, dialogue, ict)
    return sums | _timing(made, dialogue) | _liveliness(made, dialogue)


def _labiodentals(made: NDArray[np.float32], dialogue: Dialogue, ict: IctFace) -> Sums:
    """Count f and v whose lower lip comes within 2 mm of the upper teeth's edge, lips not touching, within 60 ms of the phone."""
    reached = total = 0
    for me in dialogue.performers:
        near = [frames_near(phone, made.shape[1]) for phone in dialogue.phones[me] if phone.name in LABIODENTALS]
        near = [at for at in near if at.stop > at.start]
        if not near:
            continue
        frames = np.concatenate([made[me, at] for at in near])
        hit = (ict.lip_to_teeth(frames) < TO_TEETH_MM) & (ict.gap(frames) > 0)
        starts = np.cumsum([0, *(at.stop - at.start for at in near[:-1])])
        reached += int(np.logical_or.reduceat(hit, starts).sum())
        total += len(near)
    return float(reached), float(total)


def _timing(made: NDArray[np.float32], dialogue: Dialogue) -> dict[str, Sums]:
    """Return mean lags in frames of the jaw behind the voice's level and behind the true jaw (positive is late)."""
    after_voice, after_truth, truth_after_voice, alike = [], [], [], []
    jaw, frames = SHAPE["jawOpen"], made.shape[1]
    for me in dialogue.performers:
        voice = speaking(dialogue.phones[me], frames)
        if voice.sum() < 1.5 * FPS:
            continue
        first, last = np.flatnonzero(voice)[[0, -1]]
        at = slice(max(first - FPS // 2, 0), last + FPS // 2)
        level = voice_level(dialogue.samples[me], frames)[at]
        ours, true = made[me, at, jaw], dialogue.weights[me, at, jaw]
        if np.ptp(ours) < 1e-4 or np.ptp(true) < 1e-4 or np.ptp(level) < 1e-6:
            continue
        after_voice.append(lag(ours, level))
        truth_after_voice.append(lag(true, level))
        after_truth.append(lag(ours, true))
        alike.append(float(np.corrcoef(ours, true)[0, 1]))
    count = float(len(alike))
    return {
        "lag_to_voice_frames": (sum(after_voice), count),
        "truth_lag_to_voice_frames": (sum(truth_after_voice), count),
        "lag_to_truth_frames": (sum(after_truth), count),
        "jaw_correlation": (sum(alike), count),
    }


def _liveliness(made: NDArray[np.float32], dialogue: Dialogue) -> dict[str, Sums]:
    """Return what a listener's face does: blinks and gaze jumps a minute, how far the brows move (their mean deviation)."""
    frames = made.shape[1]
    blinks = jumps = 0
    minutes = brows = listeners = 0.0
    for me in range(2):  # the silent partner of a single capture listens too
        shut = made[me, :, SHAPE["eyeBlinkLeft"]] > 0.5
        blinks += int((shut[1:] & ~shut[:-1]).sum())
        gaze = made[me][:, _GAZE]
        jumping = np.abs(gaze[2:] - gaze[:-2]).max(-1) > _SACCADE
        jumps += int((jumping[1:] & ~jumping[:-1]).sum())
        minutes += frames / FPS / 60
        listening = speaking(dialogue.phones[1 - me], frames) & ~speaking(dialogue.phones[me], frames)
        if listening.sum() >= FPS:
            brows += float(made[me][listening][:, _BROWS].std(0).mean())
            listeners += 1
    return {
        "blinks_per_minute": (float(blinks), minutes),
        "gaze_changes_per_minute": (float(jumps), minutes),
        "listener_brow_deviation": (brows, listeners),
    }


def voice_level(samples_16k: NDArray[np.float32], frames: int) -> NDArray[np.float64]:
    """Return the level of a track (N,) around each motion frame's moment, (frames,): -40 to 0 dB below its loud frames."""
    edges = np.round((np.arange(frames + 1) - 0.5) * SPEECH_RATE / FPS).astype(int).clip(0, len(samples_16k))
    energy = np.concatenate([[0.0], np.cumsum(samples_16k.astype(np.float64) ** 2)])
    power = np.diff(energy[edges]) / np.maximum(np.diff(edges), 1)
    decibels = 10 * np.log10(power.clip(1e-12))
    return (decibels - np.percentile(decibels, 95)).clip(-40, 0)
