"""What is worth knowing of files that can be read all the same: other rates, fingers that are not there, clocks that differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from duologue.arkit import INDEX, LOWER_FACE
from duologue.datasets.readers.bvh import find_rig_map
from duologue.datasets.readers.upright import UP, axis_name, up_of
from duologue.datasets.scene import Person, Problem, Reading
from duologue.motion.bvh import BvhClip
from duologue.speech.activity import level
from duologue.units import FPS, Sound

APART: Final = 1.0
"""Seconds by which motion and speech of one recording may differ in length: both are cut to the shorter one."""
_LAG: Final = FPS
"""Frames by which a mouth and its sound are tried against each other, either way."""
_LONG: Final = 30 * FPS
"""Frames from which that is tried: over less, one pause more or less decides."""
_OFF: Final = 8
"""Frames from which the two clocks are said to differ. On the kit's measured faces, whose clocks agree, 0 to 4 are found in a
minute, up to 8 in 20 s."""
_ALIKE: Final = 0.4
"""Correlation from which a mouth is believed to be that voice's."""
_QUIET: Final = 40.0
"""dB under the loudest below which it is all silence."""
_FINGERS: Final = ("Thumb", "Index", "Middle", "Ring", "Pinky")


def note_clip(clip: BvhClip, file: str, reading: Reading) -> None:
    """Note of a motion file another rate than ours, another axis that is up, and hands without fingers."""
    if abs(clip.fps - FPS) > 0.1:
        reading.note(file, "frame-rate-other", f"it has {clip.fps:g} frames a second and is brought to {FPS}")
    bones = find_rig_map(clip, file).bind(clip.skeleton.names).bones
    up = up_of(clip, {joint: bone for bone, joint in bones.items()})
    if up != UP:
        reading.note(file, "up-axis", f"people stand along {axis_name(up)} and not {axis_name(UP)}; it is read so")
    missing = [finger for finger in _FINGERS if not any(finger in word for word in bones)]
    if missing:
        reading.note(file, "fingers-missing", f"it has no joints for {', '.join(missing)}: these follow the hand")


def note_sounds(sounds: Sequence[Sound], files: Sequence[str], reading: Reading) -> None:
    """Note where two people's sounds have not one rate, and who is silent; that both are is a problem."""
    rates = [sound.rate for sound in sounds]
    if len(set(rates)) > 1:
        told = f"the two sounds have {' and '.join(map(str, rates))} Hz; both are resampled"
        reading.note(files[-1], "sound-rates", told)
    silent = [file for sound, file in zip(sounds, files, strict=True) if not sound.samples.any()]
    if silent and len(silent) == len(sounds):
        both = "nobody in the scene is ever heard; was the right channel or microphone recorded?"
        reading.problems.append(Problem(silent[0], "audio-silent", both))
        return
    for file in silent:
        reading.note(file, "sound-silent", "it is silent throughout: this person only listens")


def note_lengths(person: Person, file: str, reading: Reading) -> None:
    """Note where a person's motion or face and their sound are not of one length."""
    if person.sound is None:
        return
    speech = person.sound.seconds
    for array in (person.motion[0] if person.motion else None, person.face):
        if array is not None and abs(len(array) / FPS - speech) > APART:
            seconds = len(array) / FPS
            what = f"lasts {seconds:.1f} s and its sound {speech:.1f} s: both are cut to the shorter one"
            reading.note(file, "lengths-differ", what)


def note_clock(person: Person, file: str, reading: Reading) -> None:
    """Note where a mouth and its voice lie best on one another some time apart."""
    if person.face is None or person.sound is None:
        return
    lag, correlation, now = clock_offset(person.face, person.sound)
    if abs(lag) > _OFF and correlation > _ALIKE:
        fits = f"face and sound fit best with offset = {lag / FPS:.2f} (correlation {correlation:.2f}; as they are, {now:.2f})"
        reading.note(file, "clock-offset", f"{fits}: look at it, and in a plain folder write that into scene.toml")


def clock_offset(face: NDArray[np.float32], sound: Sound) -> tuple[int, float, float]:
    """Return by how many frames a sound is to be moved (later: positive) so that the mouth of a face (T, 52) moves when it is
    loud, how well the two then correlate, and how well as they are; zeros where there is too little of either.

    Bodies tell no such thing: a gesture may come half a second before its word.
    """
    frames = min(len(face), sound.frames)
    if frames < _LONG:
        return 0, 0.0, 0.0
    smooth = gaussian_filter1d(face[:frames, [INDEX[name] for name in LOWER_FACE]].astype(np.float64), 1, axis=0)
    moved = gaussian_filter1d(np.abs(np.gradient(smooth, axis=0)).sum(1), 2)
    loud = level(sound.samples, sound.rate, frames).astype(np.float64)
    loud = np.maximum(loud, loud.max() - _QUIET)
    middle = moved[_LAG:-_LAG]
    if middle.std() < 1e-6 or loud[2 * _LAG : -2 * _LAG].std() < 1e-6:
        return 0, 0.0, 0.0
    lags = range(-_LAG, _LAG + 1)
    fits = [float(np.corrcoef(middle, loud[_LAG - lag : frames - _LAG - lag])[0, 1]) for lag in lags]
    best = int(np.argmax(fits))
    return lags[best], fits[best], fits[_LAG]
