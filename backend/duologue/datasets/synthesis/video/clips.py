"""One clip: what happens, seen by a camera in some light, as the arrays of ``corpus.video``, by seed and number alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.corpus.video import FPS, FRAMES, PATTERNS, SHARD, SIZE, Clip
from duologue.datasets.synthesis.video.scenes import Staged, stage
from duologue.datasets.synthesis.video.views import Shot, draw_look, draw_shot
from duologue.labels import FACE_INTERACTIONS
from duologue.motion.rotations import einsum
from duologue.passes.camera import Camera
from duologue.passes.contract import HAND, HEAD
from duologue.passes.drawing import Moment, Painter
from duologue.passes.lighting import Look
from duologue.passes.surface import Mesh, Surface, merge
from duologue.passes.touching import Pair, with_contact
from duologue.people.person import VIEWS, Person

Cast = Mapping[str, Sequence[str]]
"""Split -> names of the people in it."""
Load = Callable[[str], Person]

_PERIOD: Final = 20
"""Of so many clips running one is for validation and one for test."""
_NONE: Final = 5
"""As many of each ``len(FACE_INTERACTIONS) + _NONE`` clips of a split are without contact: 20 %."""
_PEOPLE_OF_A_SHARD: Final = 8
"""People of a split who play in one shard: who is read once plays several times."""
_SHOWN: Final = ("beauty", "structure", "part", "contact", "carried", "relit", "hole")
_EVALUATED: Final = ("flow", "visible")
_MARGIN: Final = 1.3
"""How far beyond the picture's edge, in its half widths, what is left out begins."""


def split_of(number: int) -> str:
    """Return which split a clip is of."""
    return {_PERIOD // 2 - 1: "validation", _PERIOD - 1: "test"}.get(number % _PERIOD, "train")


def pattern_of(number: int) -> str:
    """Return what happens in a clip: all patterns equally often, and 20 % ``none``, in each split."""
    block, within = divmod(number, _PERIOD)
    ordinal = block
    if split_of(number) == "train":
        ordinal = block * (_PERIOD - 2) + within - (within > _PERIOD // 2 - 1)
    k = ordinal * 7 % (len(FACE_INTERACTIONS) + _NONE)  # not one pattern after the other
    return FACE_INTERACTIONS[k] if k < len(FACE_INTERACTIONS) else "none"


def people_of(number: int, seed: int, cast: Cast) -> tuple[str, str]:
    """Return who plays A and B in a clip: two of those of its split who play in its shard."""
    split = split_of(number)
    names = cast[split]
    shard = np.random.default_rng([seed, 1, number // SHARD, len(split)])
    here = shard.permutation(len(names))[:_PEOPLE_OF_A_SHARD]
    chosen = np.random.default_rng([seed, 2, number]).choice(here, 2, replace=False)
    return names[int(chosen[0])], names[int(chosen[1])]


def make_clip(number: int, seed: int, cast: Cast, load: Load) -> Clip:
    """Make a clip, whole.

    Args:
        number: which one.
        seed: of the data set.
        cast: who is in which split.
        load: gives a person by name.

    Raises:
        DuologueError: what the solver raises where no scene can be solved.
    """
    rng = np.random.default_rng([seed, 3, number])
    names = people_of(number, seed, cast)
    staged = stage(rng, pattern_of(number), (load(names[0]), load(names[1])))
    judged = _telling(staged)
    shot = draw_shot(rng, staged, [_whole(staged, frame) for frame in judged], judged)
    look, light = draw_look(rng, shot.cameras[0])
    arrays = _painted(staged, shot, look, evaluated=split_of(number) != "train")
    arrays |= _references(rng, staged.people)
    arrays |= {"touch": staged.touch, "point": _pixels(staged, shot.cameras)}
    return Clip(_about(number, seed, staged, shot) | {"light": light}, arrays)


def _telling(staged: Staged) -> tuple[int, ...]:
    """Return the frames in which the hand has to be seen: early and late in the contact; else where it gets or comes from."""
    touching = np.flatnonzero(staged.touch)
    if len(touching):
        return int(touching[len(touching) // 4]), int(touching[3 * len(touching) // 4])
    return {"before": (FRAMES - 2,), "after": (1,)}.get(staged.script.kind, (FRAMES // 3, 2 * FRAMES // 3))


def _about(number: int, seed: int, staged: Staged, shot: Shot) -> dict[str, Any]:
    script, solved = staged.script, staged.solved
    interaction = script.interaction
    touching = solved is not None and script.kind == "touch"
    return {
        "number": number,
        "seed": seed,
        "split": split_of(number),
        "pattern": script.pattern,
        "pattern_index": PATTERNS.index(script.pattern),
        "kind": script.kind,
        "target": script.target if touching else "nobody",
        "hand": solved.hand if solved is not None else "",
        "side": solved.side if solved is not None else "",
        "press": round(interaction.press, 4) if interaction is not None and touching else 0.0,
        "people": [person.name for person in staged.people],
        "event": staged.event() if touching else None,
        "short_mm": round(1000 * solved.short, 3) if solved is not None and touching else 0.0,
        "attempts": staged.attempts,
        "fps": FPS,
        "hand_seen": round(shot.seen, 4),
        "face_seen": round(shot.face, 4),
        "camera": shot.about,
        "cameras": [camera.to_json() for camera in (shot.cameras if shot.about["moving"] else shot.cameras[:1])],
    }


def _references(rng: np.random.Generator, people: tuple[Person, Person]) -> dict[str, NDArray[np.uint8]]:
    found: dict[str, NDArray[np.uint8]] = {}
    for letter, person in zip("AB", people, strict=True):
        face, hand = rng.integers(VIEWS, size=2)
        found[f"face_{letter}"], found[f"hand_{letter}"] = person.faces[int(face)], person.hands[int(hand)]
    return found


def _pixels(staged: Staged, cameras: Sequence[Camera]) -> NDArray[np.float32]:
    """Return where it touches in the pictures (17, 2); NaN without contact."""
    if not staged.touch.any():
        return np.full((FRAMES, 2), np.nan, np.float32)
    pairs = zip(cameras, staged.points, strict=True)
    return np.stack([camera.project(point, (SIZE, SIZE))[0] for camera, point in pairs]).astype(np.float32)


def _whole(staged: Staged, frame: int) -> Surface:
    """Return everybody in a frame."""
    return merge([_mesh(staged, who, frame, None) for who in (0, 1)])


def _mesh(staged: Staged, who: int, frame: int, kept: _Kept | None) -> Mesh:
    person = staged.people[who]
    mesh, vertices = person.character.mesh, staged.vertices[who][frame]
    number = who + 1
    if kept is None:
        triangles, rows = mesh.triangles.astype(np.int32), slice(None)
    else:
        triangles, rows, vertices = kept.triangles, kept.rows, vertices[kept.vertices]
    part = person.part[rows]
    return Mesh(vertices, triangles, part, np.full(len(part), number, np.uint8), person.colour[rows], name=f"{number}")


class _Kept:
    """What of a person is ever near the picture: ``vertices`` (n,), ``rows`` of their triangles, those over ``vertices``."""

    def __init__(self, staged: Staged, who: int, cameras: Sequence[Camera]) -> None:
        triangles = staged.people[who].character.mesh.triangles
        near = np.zeros(len(staged.vertices[who][0]), np.bool_)
        for camera, vertices in zip(cameras, staged.vertices[who], strict=True):
            seen = camera.view(vertices)
            place = seen[:, :2] * camera.focal
            near |= (np.abs(place) < _MARGIN * np.maximum(seen[:, 2:], camera.near)).all(axis=1) & (seen[:, 2] > 0)
        self.rows = np.flatnonzero(near[triangles].any(axis=1))
        used = np.unique(triangles[self.rows])
        self.vertices = used
        place = np.full(len(near), -1)
        place[used] = np.arange(len(used))
        self.triangles = place[triangles[self.rows]].astype(np.int32)


def _painted(staged: Staged, shot: Shot, look: Look, *, evaluated: bool) -> dict[str, NDArray[Any]]:
    kept = [_Kept(staged, who, shot.cameras) for who in (0, 1)]
    surfaces = [merge([_mesh(staged, who, frame, kept[who]) for who in (0, 1)]) for frame in range(FRAMES)]
    pair = _pair(staged, surfaces[0])
    known = [with_contact(surface, FPS, [pair]) for surface in surfaces]
    moments = [Moment(surface, camera) for surface, camera in zip(known, shot.cameras, strict=True)]
    wanted = (*_SHOWN, *(_EVALUATED if evaluated else ()))
    painter = Painter((SIZE, SIZE), moments[0], None, wanted, FPS, look=look)
    frames = [painter.draw(now, after) for now, after in zip(moments, [*moments[1:], None], strict=True)]
    arrays = {name: np.stack([frame[name] for frame in frames]) for name in wanted}
    arrays["rgb"], arrays["contact"] = arrays.pop("beauty"), np.ascontiguousarray(arrays["contact"][..., 0])
    return arrays


def _pair(staged: Staged, surface: Surface) -> Pair:
    """Return the triangles of the busy hand, and those of the head that it touches."""
    person, part = surface.person, surface.part
    mine = (person == 1) & (part == HAND)
    wrists = surface.vertices[surface.triangles[:, 0]] - staged.wrist[0]
    mine &= einsum("nc,nc->n", wrists, wrists) < 0.3**2
    theirs = (person == staged.touched + 1) & (part == HEAD)
    return surface.triangles[mine], surface.triangles[theirs]
