"""The motion clips of the kit, by what they are good for in a composed dialogue.

Sources and licences are in the kit's MANIFEST.csv. What a clip is comes from its data set's own labels.csv; what is left out, and
why, is said beside each reader.
"""

from __future__ import annotations

import csv
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from duologue.datasets.labels.split import Split
from duologue.datasets.readers.bvh import read_motion
from duologue.datasets.synthesis.body.head import LEVEL, head_pitch, pitched
from duologue.datasets.synthesis.body.pieces import Motion
from duologue.motion.skeleton import Skeleton
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
class KitClip:
    """One clip on our skeleton. ``kind``: see ``load_kit``; ``hands``: which arms a gesture uses, of "L" and "R"."""

    name: str
    kind: str
    motion: Motion
    emotion: str = ""
    gender: str = ""
    marks: Marks | None = None
    hands: str = "LR"


Library = dict[str, list[KitClip]]


def load_kit(kit: Path, work: Path, skeleton: Skeleton, *, held_out: bool | None = None) -> Library:
    """Read and retarget the motion clips of the kit, by kind. Archives are unpacked into ``work``.

    ``held_out``: those that ``body_split.toml`` keeps from training, or (False) the others; None for all of them.

    Kinds: ``idle``, ``listen``, ``present`` (standing); ``gesture`` (with marks), ``laugh``; ``sit``, ``sit-gesture``,
    ``sit-down``, ``stand-up``; ``walk``, ``walk-start``, ``walk-stop``, ``turn``.
    """
    library: Library = defaultdict(list)
    split = Split.read()
    for clip in _all(kit, work, skeleton):
        if held_out is None or split.holds_clip(clip.name) == held_out:
            library[clip.kind].append(clip)
    donors = [clip.motion for clip in library["idle"] if clip.gender]
    for kind, clips in library.items():
        library[kind] = [_with_fingers(clip, donors, skeleton) for clip in clips]
    return dict(library)


def _all(kit: Path, work: Path, skeleton: Skeleton) -> Iterator[KitClip]:
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


def _rocketbox(folder: Path, skeleton: Skeleton) -> Iterator[KitClip]:
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
        yield KitClip(f"rocketbox/{name}", kind, Motion.from_world(root, rotations), emotion, row["gender"])


_NOT_TALK = (
    "Scratch", "Stretch", "Guitar", "Screw", "Kick", "Idle", "Walk", "Weight", "Squeeze", "Throw", "Jog", "Think", "Contemplate",
    "idle", "TouchHands",
)  # fmt: skip


def _smartbody(folder: Path, skeleton: Skeleton) -> Iterator[KitClip]:
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
        yield KitClip(
            f"smartbody/{row['set']}/{Path(row['file']).stem}",
            "gesture",
            Motion.from_world(root, rotations),
            "",
            gender,
            Marks(*frames),
            hands,
        )


def _reactidle(folder: Path, skeleton: Skeleton) -> Iterator[KitClip]:
    """Long standing and waiting, cut into half minutes. It has no hands: their rotations come from a donor.

    Its heads hang by 17 degrees on average, whoever it is (5 degrees between people): what the retargeted neck looks down
    on average is taken out of each recording, so that ``LEVEL`` remains.
    """
    names = RigMap.builtin("rigify_metarig")
    for path in sorted(folder.glob("*.bvh")):
        motion = Motion.from_world(*read_motion(path, skeleton, names))
        motion = pitched(motion, skeleton, LEVEL - float(head_pitch(motion, skeleton).mean()))
        for number, start in enumerate(range(15, len(motion) - 300, 900)):
            yield KitClip(f"reactidle/{path.stem}/{number}", "idle", motion.cut(start, start + 900))


def _cmu_walks(folder: Path, skeleton: Skeleton) -> Iterator[KitClip]:
    """Straight walks, on a skeleton whose zero pose means nothing. In most, the first frame is a pose metres before the walk."""
    names = RigMap.builtin("character_creator")
    for path in sorted(folder.glob("*.bvh")):
        root, rotations = read_motion(path, skeleton, names, skip=1, rest_of_walk=True)
        yield KitClip(f"cmu/{path.stem}", "walk", Motion.from_world(root, rotations))


def hand_joints(skeleton: Skeleton, side: str = "") -> list[int]:
    """Return the joints of the fingers and palms of one ("Left", "Right") or both hands, the wrists not among them."""
    return [i for i, name in enumerate(skeleton.names) if f"{side}Hand" in name and not name.endswith("Hand")]


def _with_fingers(clip: KitClip, donors: list[Motion], skeleton: Skeleton) -> KitClip:
    """Give a clip whose fingers never leave the flat rest pose those of a captured idle."""
    joints = hand_joints(skeleton)
    fingers = clip.motion.rotations[:, joints]
    if np.abs(fingers[..., 1:]).max() > 0.05:
        return clip
    donor = donors[sum(clip.name.encode()) % len(donors)].rotations[:, joints]
    there_and_back = np.concatenate([donor, donor[::-1]])
    rotations = clip.motion.rotations.copy()
    rotations[:, joints] = there_and_back[np.arange(len(rotations)) % len(there_and_back)]
    return replace(clip, motion=replace(clip.motion, rotations=rotations))


def _rows(path: Path) -> Iterable[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
