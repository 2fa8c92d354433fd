"""Who makes a clip's pictures: the model in each of its modes, and what needs no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from duologue.datasets.corpus.video import PATTERNS, Clip
from duologue.video.conditions import SceneWindow, VideoConditions
from duologue.video.scene import PEOPLE, as_bytes, colours

if TYPE_CHECKING:
    from duologue.video.checkpoint import VideoModel
    from duologue.video.pipeline import VideoPipeline

Bytes = NDArray[np.uint8]
System = Callable[[Clip], Bytes]

GENERATED: Final = ("base", "add", "stream", "render", "full")
"""Modes of the model that make pictures; ``asym`` is ``base``: structure is dropped."""


def conditions_of(clip: Clip) -> VideoConditions:
    """Return a clip's first picture, scene, references and pattern as a pipeline takes them."""
    arrays = clip.arrays

    def scene(start: int, stop: int) -> SceneWindow:
        names = ("structure", "part", "contact", "relit", "hole")
        return SceneWindow(*(arrays[name][start:stop] for name in names))

    crops = {(person, kind): arrays[f"{kind}_{person}"] for person in PEOPLE for kind in ("face", "hand")}
    crops = {key: crop for key, crop in crops.items() if (crop != 255).any()}
    pattern = PATTERNS[clip.about["pattern_index"]]
    frames, height, width = arrays["rgb"].shape[:3]
    return VideoConditions(
        frames,
        (width, height),
        scene,
        first=arrays["rgb"][0],
        crops=crops,
        pattern="" if pattern == PATTERNS[0] else pattern,
        audio=arrays["audio"].astype(np.float32) if "audio" in arrays else None,
    )


def generated(pipeline: VideoPipeline, mode: str, steps: int, seed: int = 0) -> System:
    """Return the model in a mode."""

    def system(clip: Clip) -> Bytes:
        windows = pipeline.stream(conditions_of(clip), seed + int(clip.about["number"]), steps, mode=mode)
        return np.concatenate([window.pictures for window in windows])

    return system


def carried(clip: Clip) -> Bytes:
    """Return the carried picture: no model, and the bar."""
    return clip.arrays["carried"]


def relit(clip: Clip) -> Bytes:
    """Return the carried picture in the light of where it is, its holes in the rig's own colours: no model either."""
    return clip.arrays["relit"]


def held_frame(clip: Clip) -> Bytes:
    """Return the first frame all the time."""
    return clip.arrays["rgb"][:1].repeat(len(clip.arrays["rgb"]), 0)


def warped(clip: Clip) -> Bytes:
    """Return each frame as the one before, moved by exact flow: the first picture's pixels, carried from frame to frame.

    What the flow leaves open keeps the frame before.
    """
    made = [clip.arrays["rgb"][0].astype(np.float32)]
    height, width = made[0].shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    for frame in range(len(clip.arrays["rgb"]) - 1):
        seen = clip.arrays["visible"][frame] > 0
        flow = clip.arrays["flow"][frame].astype(np.float64)
        there = np.rint(np.stack([rows + flow[..., 1], columns + flow[..., 0]])).astype(int)
        seen &= (there >= 0).all(0) & (there[0] < height) & (there[1] < width)
        target = np.zeros((height, width), bool)
        moved = made[-1].copy()
        target[there[0][seen], there[1][seen]] = True
        moved[there[0][seen], there[1][seen]] = made[-1][seen]
        # Single pixels that nothing lands on, between others that something does, take their neighbour's.
        gaps = ~target & (ndimage.uniform_filter(target.astype(np.float32), 3) > 0.5)
        _, (near_rows, near_columns) = ndimage.distance_transform_edt(~target, return_indices=True)  # pyright: ignore
        moved[gaps] = moved[near_rows[gaps], near_columns[gaps]]
        made.append(moved)
    return np.rint(np.stack(made)).astype(np.uint8)


def ceiling(model: VideoModel, *, composited: bool) -> System:
    """Return the true pictures through the latents and back; with the carried picture's detail if ``composited``."""

    def system(clip: Clip) -> Bytes:
        with torch.inference_mode():
            truth = colours(clip.arrays["rgb"])[None]
            made = model.picture.decode(model.picture.encode(truth))
            if composited:
                made = model.picture.detailed(made, colours(clip.arrays["relit"])[None])
        return as_bytes(made[0])

    return system


def systems_of(pipeline: VideoPipeline, steps: int) -> Mapping[str, System]:
    """Return all that are compared, by name."""
    return {
        "ceiling": ceiling(pipeline.model, composited=False),
        "ceiling_composited": ceiling(pipeline.model, composited=True),
        "held_frame": held_frame,
        "warped": warped,
        "carried": carried,
        "relit": relit,
        **{"asym" if mode == "base" else mode: generated(pipeline, mode, steps) for mode in GENERATED},
    }
