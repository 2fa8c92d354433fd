"""What these tests press: a square of skin, the sample characters' faces, and a finger that comes, presses and goes."""

from functools import cache

import numpy as np
from duologue.interactions.actor import Character
from duologue.interactions.indentation import Capsules
from duologue.interactions.landmarks import find_landmark
from duologue.interactions.press import Pressed, Turns, press
from duologue.interactions.surface import Skin, skin_of
from duologue.rigs.samples import load_sample

FPS = 30.0
RADIUS = 0.0075


def plane(step: float = 0.003, tissue: float = 0.008) -> Skin:
    """A square of skin, 16 cm wide, facing +Z."""
    x = np.arange(-0.08, 0.08 + 1e-9, step)
    grid = np.stack(np.meshgrid(x, x, indexing="ij"), -1).reshape(-1, 2)
    at = np.arange(len(grid)).reshape(len(x), len(x))
    a, b, c, d = (part.ravel() for part in (at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]))
    triangles = np.concatenate((np.stack((a, b, c), 1), np.stack((a, c, d), 1)))
    rest = np.column_stack((grid, np.zeros(len(grid))))
    return Skin(np.arange(len(rest)), triangles, rest, np.full(len(rest), tissue), np.ones(len(rest)))


def finger(points: np.ndarray, normal: np.ndarray, up: np.ndarray, depth: np.ndarray) -> Capsules:
    """The last two phalanges over T frames, slanting; the tip's ball `depth` (T,) deep in the skin at `points` (T, 3)."""
    axis = 0.88 * normal - 0.48 * up
    tip = points + normal * (RADIUS - depth)[:, None]
    joints = [tip, tip + 0.022 * axis, tip + 0.047 * axis]
    ends = np.stack([np.stack(joints[:2], 1), np.stack(joints[1:], 1)], 1)
    return Capsules(ends, np.array([RADIUS, 0.0085]))


def turned(by: np.ndarray, frames: int) -> Turns:
    """All of the skin turned alike."""
    return lambda near: np.tile(by, (frames, int(near.sum()), 1, 1))


def still(skin: Skin, frames: int) -> tuple[np.ndarray, Turns]:
    return np.repeat(skin.rest[None], frames, 0), turned(np.eye(3), frames)


def on_plane(depth: np.ndarray, slide: np.ndarray | float = 0.0, step: float = 0.003, tissue: float = 0.008) -> Pressed:
    skin = plane(step, tissue)
    points = np.column_stack((np.broadcast_to(slide, depth.shape), np.zeros((len(depth), 2))))
    capsules = finger(points, np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0]), depth)
    return press(skin, *still(skin, len(depth)), capsules, FPS)


def deepest(capsules: Capsules, points: np.ndarray) -> float:
    """How far the deepest of points (T, n, 3) is inside the capsules, by a formula of the test's own."""
    worst = 0.0
    for t, frame in enumerate(points):
        for (a, b), radius in zip(capsules.ends[t], capsules.radius, strict=True):
            along = np.clip((frame - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
            worst = max(worst, float((radius - np.linalg.norm(frame - a - along[:, None] * (b - a), axis=1)).max()))
    return worst


@cache
def character(name: str) -> tuple[Character, Skin]:
    found = Character.of(load_sample(name))
    return found, skin_of(found)


def poked(name: str, place: str, depth: float, frames: int = 45) -> tuple[Skin, Capsules, Pressed]:
    """A finger that comes, presses for 0.4 s, and goes; everything else keeps still."""
    found, skin = character(name)
    landmark = find_landmark(found, place, "Left" if place in ("cheek", "ear") else "")
    _, up, normal = landmark.frame.T
    at = np.interp(np.arange(frames) / FPS, [0, 0.3, 0.5, 0.9, 1.0, 1.2], [-0.06, 0, depth, depth, 0, -0.06])
    capsules = finger(np.tile(landmark.centre, (frames, 1)), normal, up, at)
    return skin, capsules, press(skin, *still(skin, frames), capsules, FPS)
