"""The motion clips of the kit on our skeleton, by what they are good for in a composed dialogue.

Sources and licences are in the kit's MANIFEST.csv. What a clip is comes from its data set's own labels.csv; what is left out, and
why, is said beside each reader.
"""

from __future__ import annotations

import csv
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from duologue.datasets.readers.bvh import read_motion
from duologue.motion.contact import Soles
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.rigs.rig_map import RigMap
from duologue.units import FPS


@dataclass(frozen=True)
class Marks:
    """When a gesture's phases begin, in frames: arms leave rest, the stroke starts, is strongest, ends, arms are back at rest."""

    ready: int
    start: int
    emphasis: int
    end: int
    relax: int


@dataclass(frozen=True)
class MotionClip:
    """One captured clip of T frames. ``kind``: see ``read_clips``; ``hands``: which arms a gesture uses, of "L" and "R"."""

    name: str
    """``source/…/stem``."""
    kind: str
    root: NDArray[np.float64]
    """(T, 3): the hips in the world, metres."""
    rotations: NDArray[np.float64]
    """(T, J, 3): exponential maps."""
    emotion: str = ""
    gender: str = ""
    marks: Marks | None = None
    hands: str = "LR"


def read_clips(kit: Path, work: Path, skeleton: Skeleton) -> Iterator[MotionClip]:
    """Read and retarget the motion clips of the kit. Archives are unpacked into ``work``.

    Kinds: ``idle``, ``listen``, ``present`` (standing); ``gesture`` (with marks), ``laugh``; ``sit``, ``sit-gesture``,
    ``sit-down``, ``stand-up``; ``walk``, ``walk-start``, ``walk-stop``, ``turn``.
    """
    yield from _rocketbox(_unpack(kit / "body_rocketbox.tar.xz", work), skeleton)
    yield from _smartbody(kit / "body_gestures_smartbody", skeleton)
    yield from _reactidle(_unpack(kit / "body_idle_reactidle.tar.xz", work), skeleton)
    yield from _cmu_walks(kit / "body_walk_cmu", skeleton)


def _unpack(archive: Path, work: Path) -> Path:
    folder = work / archive.name.removesuffix(".tar.xz")
    if not folder.exists():
        with tarfile.open(archive) as tar:
            tar.extractall(work, filter="data")
    return folder


_ROCKETBOX_KINDS = {
    "idle": "idle", "listen": "listen", "talk/present": "present", "sit-idle": "sit", "sit-gesture": "sit-gesture",
    "turn": "turn",
}  # fmt: skip
_ROCKETBOX_WALKS = ("neutral", "slow", "stroll", "cool", "fast", "self-assured")


def _rocketbox(folder: Path, skeleton: Skeleton) -> Iterator[MotionClip]:
    """Left out: props in hand (bag, trolley, umbrella, table), cheering, clapping, actions, and odd gaits (drunk, injured)."""
    names = RigMap.builtin("mixamo")
    for row in _rows(folder / "labels.csv"):
        name, what = Path(row["path"]).stem, row["what"]
        kind = _ROCKETBOX_KINDS.get(what, "")
        if what == "gesture":
            kind = "laugh" if "laugh" in name else "idle"
        elif what == "sit-transition":
            kind = "sit-down" if "sit_down" in name else "stand-up"
        elif what == "walk":
            kind = next((f"walk-{end}" for end in ("start", "stop") if name.endswith(end)), "")
            kind = kind or ("walk" if any(gait in name for gait in _ROCKETBOX_WALKS) else "")
        if not kind or any(prop in name for prop in ("bag", "trolley", "umbrella", "table")):
            continue
        root, rotations = read_motion(folder / row["path"], skeleton, names)
        emotion = row["emotion"] if row["emotion"] != "neutral" else ""
        yield MotionClip(f"rocketbox/{name}", kind, root, rotations, emotion, row["gender"])


_NOT_TALK = (
    "Scratch", "Stretch", "Guitar", "Screw", "Kick", "Idle", "Walk", "Weight", "Squeeze", "Throw", "Jog", "Think", "Contemplate",
    "idle", "TouchHands",
)  # fmt: skip


def _smartbody(folder: Path, skeleton: Skeleton) -> Iterator[MotionClip]:
    """Co-speech gestures with stroke marks. Left out: locomotion, reaching, self-adaptors, rude ones, no valid marks."""
    for row in _rows(folder / "labels.csv"):
        wanted = (
            row["sync_valid"] == "1" and "Gestures" in row["set"] and row["label"] and row["stroke"] and row["relax"]
        )
        # The labels also list files that the kit does not hold (duplicates).
        if not wanted or any(word in row["label"] for word in _NOT_TALK) or not (folder / row["file"]).exists():
            continue
        root, rotations = read_motion(folder / row["file"], skeleton)  # its sets have two kinds of skeletons
        times = [
            float(row[key] or row["emphasis"] or 0) for key in ("ready", "strokeStart", "emphasis", "stroke", "relax")
        ]
        frames = [round(t * FPS) for t in times]
        if not (frames[0] <= frames[1] <= frames[2] <= frames[3] <= frames[4] and 12 < frames[4] <= len(root) + 6):
            continue
        hands = {"Lf": "L", "Rt": "R"}.get(row["hand"], "LR")
        gender = "f" if row["set"] == "FemaleGestures" else ""
        yield MotionClip(
            f"smartbody/{row['set']}/{Path(row['file']).stem}",
            "gesture",
            root,
            rotations,
            "",
            gender,
            Marks(*frames),
            hands,
        )


def _reactidle(folder: Path, skeleton: Skeleton) -> Iterator[MotionClip]:
    """Long standing and waiting, without hands. Their heads hang: see ``synthesis.body.library``."""
    names = RigMap.builtin("rigify_metarig")
    for path in sorted(folder.glob("*.bvh")):
        yield MotionClip(f"reactidle/{path.stem}", "idle", *read_motion(path, skeleton, names))


def _cmu_walks(folder: Path, skeleton: Skeleton) -> Iterator[MotionClip]:
    """Straight walks, on a skeleton whose zero pose means nothing. In most, the first frame is a pose metres before the walk.

    Its feet are not ours: retargeted, both soles hover by up to 9 cm over mid-stance, in six of ten frames. A walk has no flight,
    so whichever sole is lowest is put on the floor.
    """
    names = RigMap.builtin("character_creator")
    for path in sorted(folder.glob("*.bvh")):
        root, rotations = read_motion(path, skeleton, names, skip=1, rest_of_walk=True)
        yield MotionClip(f"cmu/{path.stem}", "walk", on_foot(skeleton, root, rotations), rotations)


def on_foot(skeleton: Skeleton, root: NDArray[np.float64], rotations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the hips (T, 3) of somebody who always has a foot on the floor: heights such that the lower sole lies there."""
    soles = Soles.of(skeleton)
    matrices, positions = forward_kinematics(skeleton, rotations, root)
    tips = (matrices[:, soles.toes] @ soles.tip[..., None])[..., 1, 0] + positions[:, soles.toes, 1]
    points = soles.place(matrices, positions)[..., 1].reshape(len(root), -1)
    lowest = np.concatenate([points, tips], axis=1).min(1)
    # Taken from one frame to the next it would jolt where one foot follows the other.
    grounded = np.array(root)
    grounded[:, 1] -= gaussian_filter1d(lowest, 1.5)
    return grounded


def _rows(path: Path) -> Iterable[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
