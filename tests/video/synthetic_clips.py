"""Clips that are drawn in a moment: a head and a hand of a colour each, the hand on its way across, and what a scene knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from duologue.datasets.corpus.video import (
    FRAMES,
    PATTERNS,
    REFERENCE,
    SPLITS,
    Clip,
    VideoCorpus,
    shard_path,
    write_shard,
)

SIDE = 32


def drawn(number: int, split: str = "train") -> Clip:
    """Clip ``number``: all that it shows depends on that."""
    rng = np.random.default_rng(number)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    skin, background, palm = rng.integers(40, 216, (3, 3))
    rgb = np.empty((FRAMES, SIDE, SIDE, 3), np.uint8)
    part, contact = np.zeros(rgb.shape[:3], np.uint8), np.zeros(rgb.shape[:3], np.uint8)
    flow, visible = np.zeros((*rgb.shape[:3], 2), np.float16), np.ones(rgb.shape[:3], np.uint8)
    for frame in range(FRAMES):
        head = (rows - 12) ** 2 + (columns - 12) ** 2 < 64
        at = 28 - frame * 0.8
        hand = (rows - 14) ** 2 + (columns - at) ** 2 < 16
        rgb[frame] = background
        rgb[frame][head], part[frame][head] = skin, 10
        rgb[frame][hand], part[frame][hand] = palm - 2 * frame, 19
        contact[frame] = 255 * (hand & (at < 22))
        flow[frame][hand] = (-0.8, 0) if frame < FRAMES - 1 else (0, 0)
    carried, hole = rgb[:1].repeat(FRAMES, 0).copy(), (part != part[:1]).astype(np.uint8)
    shown = part == 19
    carried[shown], hole[shown] = palm, 0
    grey = np.array([0, 150, 90], np.uint8)[(part == 10) + 2 * (part == 19)]
    white = np.full((REFERENCE, REFERENCE, 3), 255, np.uint8)
    crops = {f"{kind}_{person}": white.copy() for kind in ("face", "hand") for person in "AB"}
    crops["face_A"][8:56, 8:56], crops["hand_B"][16:48, 16:48] = skin, palm
    pattern = 1 + number % 20
    about = {"number": number, "split": split, "pattern": PATTERNS[pattern], "pattern_index": pattern}
    arrays = {
        "rgb": rgb,
        "structure": grey[..., None].repeat(3, -1),
        "part": part,
        "contact": contact,
        "carried": carried,
        "relit": carried.copy(),  # even light
        "hole": hole,
        "touch": contact.any((1, 2)).astype(np.uint8),
        "point": np.zeros((FRAMES, 2), np.float32),
        **crops,
    }
    if split != "train":
        arrays |= {"flow": flow, "visible": visible}
    return Clip(about, arrays)


def corpus(folder: Path, train: int = 2, validation: int = 1, test: int = 0) -> VideoCorpus:
    """A corpus of drawn clips."""
    ends = np.cumsum([0, train, validation, test]).tolist()
    splits = {split: list(range(*ends[k : k + 2])) for k, split in enumerate(SPLITS)}
    VideoCorpus.write_index(folder, {"splits": splits})
    write_shard(
        shard_path(folder, 0), [drawn(number, split) for split, numbers in splits.items() for number in numbers]
    )
    return VideoCorpus.open(folder)
