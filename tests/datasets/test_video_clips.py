"""A clip against the solver and the meshes that it shows: labels, contact, where it touches; and the same clip elsewhere."""

import hashlib
import subprocess
import sys
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import trimesh
from duologue.datasets.corpus.video import FPS, FRAMES, Clip
from duologue.datasets.synthesis.video.clips import make_clip, pattern_of
from duologue.datasets.synthesis.video.scenes import BEGIN, Staged, stage
from duologue.passes.camera import Camera
from duologue.passes.contract import HAND, HEAD
from duologue.people.person import Person

SEED = 5
CAST = dict.fromkeys(("train", "validation", "test"), ("ada", "ben"))
TOUCH, NONE = 0, 69
"""Clips: one of a touch, and one, for evaluation, without."""


@cache
def load(name: str) -> Person:
    return Person.load(Path(), name, SEED)


@cache
def made(number: int) -> Clip:
    return make_clip(number, SEED, CAST, load)


@cache
def scene(number: int) -> Staged:
    """What happens in a clip: drawn by the same numbers as the clip itself."""
    names = made(number).about["people"]
    return stage(np.random.default_rng([SEED, 3, number]), pattern_of(number), (load(names[0]), load(names[1])))


def digest(clip: Clip) -> str:
    total = hashlib.sha256()
    for name in sorted(clip.arrays):
        total.update(name.encode() + clip.arrays[name].tobytes())
    return total.hexdigest()


def gap(staged: Staged, frame: int) -> float:
    """How far the nearest vertex of A's hands is from the face that is touched, metres, by trimesh."""
    who = staged.touched
    own, other = staged.people[0], staged.people[who]
    point = staged.points[frame]
    hand = staged.vertices[0][frame][np.unique(own.character.mesh.triangles[own.part == HAND])]
    hand = hand[np.linalg.norm(hand - point, axis=1) < 0.06]
    if not len(hand):
        return 0.06
    vertices, faces = staged.vertices[who][frame], other.character.mesh.triangles[other.part == HEAD]
    near = (np.linalg.norm(vertices[faces] - point, axis=2) < 0.07).any(axis=1)
    skin = trimesh.Trimesh(vertices, faces[near], process=False)
    return float(trimesh.proximity.closest_point_naive(skin, hand)[1].min())


def test_a_touch_is_where_and_when_the_solver_has_it() -> None:
    clip, staged = made(TOUCH), scene(TOUCH)
    assert clip.about["pattern"] == pattern_of(TOUCH) != "none"
    assert clip.about["short_mm"] <= 5.0
    phases = staged.solved.phases
    seconds = BEGIN + np.arange(FRAMES) / FPS
    held = (seconds >= phases.touches - 1e-9) & (seconds <= phases.releases + 1e-9)
    np.testing.assert_array_equal(clip.arrays["touch"], held)
    assert 0 < held.sum() < FRAMES
    gaps = np.array([gap(staged, frame) for frame in range(FRAMES)])
    assert gaps[held].max() < 0.005  # what counts as touching, after Decaf
    assert gaps[seconds < phases.touches - 0.2].min(initial=1.0) > 0.01


def test_contact_is_seen_where_it_touches_and_nowhere_else() -> None:
    clip, staged = made(TOUCH), scene(TOUCH)
    nearness, held = clip.arrays["contact"], clip.arrays["touch"] > 0
    for frame in range(FRAMES):
        if held[frame]:
            y, x = np.unravel_index(nearness[frame].argmax(), nearness[frame].shape)
            assert nearness[frame].max() > 255 * np.exp(-((7.5 / 5.0) ** 2))  # seen from beside, only its rim shows
            assert np.hypot(*(clip.arrays["point"][frame] - (x + 0.5, y + 0.5))) < 8
        elif gap(staged, frame) > 0.02:
            assert nearness[frame].max() == 0


def test_all_passes_show_the_same_to_the_pixel() -> None:
    arrays = made(TOUCH).arrays
    inner = np.ones_like(arrays["part"], bool)
    background = arrays["part"] == 0
    for step in product((-1, 0, 1), repeat=2):  # away from outlines and their corners, which are means of four samples
        inner &= np.roll(background, step, (1, 2)) == background
    black = (arrays["structure"] == 0).all(axis=-1)
    np.testing.assert_array_equal(black[inner], background[inner])
    carried = arrays["hole"][0] == 0
    off = np.abs(arrays["carried"][0].astype(int) - arrays["rgb"][0])[carried]
    assert carried.mean() > 0.95
    assert off.mean() < 2.0
    assert set(np.unique(arrays["part"])) <= {0, 9, 10, 11, 12, 13, 17, 18, 19, 20, 21}


def test_hands_are_labelled_where_hands_are() -> None:
    clip, staged = made(TOUCH), scene(TOUCH)
    camera = Camera(**{name: np.array(value) if name in {"position", "axes"} else value
                       for name, value in clip.about["cameras"][0].items()})  # fmt: skip
    if len(clip.about["cameras"]) > 1:
        pytest.skip("the camera moves")
    person = staged.people[0]
    hands = np.unique(person.character.mesh.triangles[person.part == HAND])
    for frame in (0, 8, 16):
        pixels, _ = camera.project(staged.vertices[0][frame][hands], (128, 128))
        rows, columns = np.nonzero(clip.arrays["part"][frame] == 8 + HAND)
        for y, x in zip(rows, columns, strict=True):
            assert np.abs(pixels - (x + 0.5, y + 0.5)).max(axis=1).min() < 6  # a hand's vertices are 6 mm apart


def test_without_contact_nothing_is_touched() -> None:
    clip = made(NONE)
    assert clip.about["pattern"] == "none"
    assert clip.about["pattern_index"] == 0
    assert not clip.arrays["touch"].any()
    assert np.isnan(clip.arrays["point"]).all()
    assert {"flow", "visible"} <= set(clip.arrays)
    assert not clip.missing


def test_a_clip_is_the_same_however_it_was_made() -> None:
    code = (
        "import sys; sys.path[:0] = [sys.argv[1]]; import test_video_clips as t;"
        "t.made(t.NONE); t.load.cache_clear(); print(t.digest(t.make_clip(t.TOUCH, t.SEED, t.CAST, t.load)))"
    )
    here = Path(__file__).parent
    other = subprocess.run([sys.executable, "-c", code, str(here)], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == digest(made(TOUCH))
