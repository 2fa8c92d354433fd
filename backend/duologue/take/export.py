"""A take for other tools: BVH for the bodies, Live Link Face CSV for the faces, WAV for the voices.

Both performers' BVHs stand in the one world they share, so together they keep their distance and facing.
"""

from __future__ import annotations

import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue import arkit
from duologue.errors import invalid
from duologue.files.atomic import replacing, write_text
from duologue.labels import PERFORMERS
from duologue.motion.bvh import BvhClip, write_bvh
from duologue.motion.skeleton import Skeleton
from duologue.take.take import Take
from duologue.take.track import Track
from duologue.units import FPS, Sound, samples_of

CENTIMETRE: Final = 0.01
"""What a unit of our BVHs is, in metres: most tools and data sets have them in centimetres."""

_HEAD_AND_EYES: Final = (
    "HeadYaw", "HeadPitch", "HeadRoll",
    "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll", "RightEyeYaw", "RightEyePitch", "RightEyeRoll",
)  # fmt: skip
LIVE_LINK_COLUMNS: Final = (
    "Timecode",
    "BlendshapeCount",
    *(name[0].upper() + name[1:] for name in arkit.LIVE_LINK_ORDER),
    *_HEAD_AND_EYES,
)
"""The 63 columns that the Live Link Face app writes. The head turns with the body's BVH and the eyes with their shapes, so
the nine angles at the end stay 0."""


def write_exports(take: Take, voices: Sequence[Sound], folder: Path) -> list[str]:
    """Write ``A.bvh``, ``A.csv`` and ``A.wav``, and the same for B, into a folder that exists; return their names.

    ``voices``: what each performer says; it is cut to the length of the take where that was stopped early.

    Raises:
        DuologueError: the folder can't be written (see :mod:`duologue.files.atomic`).
    """
    return sorted([*write_bodies(take, folder), *write_faces(take, folder), *write_voices(take, voices, folder)])


def write_bodies(take: Take, folder: Path) -> list[str]:
    """Write ``A.bvh`` and ``B.bvh`` into a folder that exists; return their names. Raises what :func:`write_exports` does."""
    for performer, track in zip(PERFORMERS, take.tracks, strict=True):
        write_track_bvh(folder / f"{performer}.bvh", take.skeleton, track)
    return [f"{performer}.bvh" for performer in PERFORMERS]


def write_faces(take: Take, folder: Path) -> list[str]:
    """Write ``A.csv`` and ``B.csv`` into a folder that exists; return their names. Raises what :func:`write_exports` does."""
    for performer, track in zip(PERFORMERS, take.tracks, strict=True):
        write_live_link(folder / f"{performer}.csv", track.weights)
    return [f"{performer}.csv" for performer in PERFORMERS]


def write_voices(take: Take, voices: Sequence[Sound], folder: Path) -> list[str]:
    """Write ``A.wav`` and ``B.wav`` as long as the take into a folder that exists; return their names."""
    for performer, voice in zip(PERFORMERS, voices, strict=True):
        spoken = voice.samples[: samples_of(take.frames, voice.rate)]
        write_wav(folder / f"{performer}.wav", Sound(spoken, voice.rate))
    return [f"{performer}.wav" for performer in PERFORMERS]


def write_track_bvh(path: Path | str, skeleton: Skeleton, track: Track, *, scale: float = CENTIMETRE) -> None:
    """Write one performer's body: 30 fps, Y up, +Z forward, positions in units of ``scale`` metres (centimetres).

    Raises:
        DuologueError: the folder can't be written (see :mod:`duologue.files.atomic`).
    """
    clip = BvhClip(
        skeleton=skeleton,
        rotations=track.rotations.astype(np.float64),
        root_translation=track.root_translation.astype(np.float64),
        fps=float(FPS),
    )
    with replacing(path) as temporary:
        write_bvh(temporary, clip, scale=scale)


def write_live_link(path: Path | str, weights: NDArray[np.float32], *, fps: int = FPS) -> None:
    """Write weights (T, 52), columns in the order of ``arkit.NAMES``, as a Live Link Face recording.

    The app's own recordings have 60 frames a second; ours say 30 by the frames in their timecodes (``HH:MM:SS:FF.mmm``).

    Raises:
        DuologueError: INVALID_ARGUMENT ``weights-shape``; the folder can't be written (see :mod:`duologue.files.atomic`).
    """
    if weights.ndim != 2 or weights.shape[1] != len(arkit.NAMES):
        raise invalid("weights-shape", f"weights have shape {weights.shape}, expected (frames, {len(arkit.NAMES)})")
    ordered = weights[:, [arkit.INDEX[name] for name in arkit.LIVE_LINK_ORDER]]
    count = len(arkit.NAMES) + len(_HEAD_AND_EYES)
    row = "%s," + f"{count}," + ",".join(["%.8f"] * ordered.shape[1]) + ",0.00000000" * len(_HEAD_AND_EYES)
    rows = (row % (timecode(frame, fps), *values) for frame, values in enumerate(ordered.tolist()))
    write_text(path, "\n".join((",".join(LIVE_LINK_COLUMNS), *rows)) + "\n")


def timecode(frame: int, fps: int = FPS) -> str:
    """Return ``HH:MM:SS:FF.mmm`` of a frame, counted from 0."""
    seconds, part = divmod(frame, fps)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{part:02d}.000"


def write_wav(path: Path | str, sound: Sound) -> None:
    """Write a sound as 24-bit WAV.

    Raises:
        DuologueError: the folder can't be written (see :mod:`duologue.files.atomic`).
    """
    # The standard library's writer, because this module also runs inside Blender, which has no soundfile.
    whole = np.round(np.clip(sound.samples, -1.0, 1.0).astype(np.float64) * (2**23 - 1)).astype("<i4")
    with replacing(path) as temporary, wave.open(str(temporary), "wb") as file:
        file.setparams((1, 3, sound.rate, len(whole), "NONE", "not compressed"))
        file.writeframes(whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes())
