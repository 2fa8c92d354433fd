"""What happens in a clip: who does what to whom, solved on their characters as everywhere, and posed frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.brief.interactions import Interaction
from duologue.brief.nearness import NEAR
from duologue.datasets.corpus.video import FPS, FRAMES
from duologue.datasets.synthesis.video.bodies import drawn_body, skeleton
from duologue.datasets.synthesis.video.faces import drawn_face
from duologue.errors import DuologueError
from duologue.interactions.actor import Array, Scene, scene_of
from duologue.interactions.give_way import give_way
from duologue.interactions.posed import answered, posed
from duologue.interactions.reach import Arm
from duologue.interactions.settling import TOLERATED
from duologue.interactions.solve import solve_one
from duologue.interactions.solved import Solved, Span
from duologue.labels import FACE_INTERACTIONS
from duologue.people.person import Person

BEGIN: Final = 2.0
"""Seconds of the take at which a clip begins."""
OWN: Final = 0.35
"""Of the touches, how many are of one's own face."""
_HANDS: Final = (None, "left", "right")
ATTEMPTS: Final = 4
"""Scenes that are drawn at most until a hand gets there."""
_LEAD, _TAIL = 4, 2
"""Frames that are solved before and after those that are shown."""
_LENGTH: Final = FRAMES / FPS


@dataclass(frozen=True)
class Script:
    """What is to happen: ``pattern``, or ``none``; ``kind``: ``touch``, else ``before`` or ``after`` one, or ``gestures``."""

    pattern: str
    kind: str
    target: str
    """``partner``, ``own``, ``nobody``."""
    interaction: Interaction | None
    apart: float
    bearing: float


@dataclass(frozen=True, eq=False)
class Staged:
    """A scene over the frames of a clip. ``vertices``: of A and of B (17, V, 3), metres, world."""

    script: Script
    people: tuple[Person, Person]
    vertices: tuple[Array, Array]
    touch: NDArray[np.uint8]
    """(17,): 1 where the solver has the hand on the skin."""
    points: Array
    """(17, 3): where it touches, or will; NaN where nobody touches."""
    heads: tuple[Array, Array]
    """(17, 3) each: the joints at the skulls' bases."""
    wrist: Array
    """(17, 3): of the hand that is busy, or of one that gestures."""
    outward: Array
    """(3,): the way out of the skin where it is touched, or from A to B."""
    solved: Solved | None
    attempts: int

    @property
    def touched(self) -> int:
        """Who is touched: 0 for A, 1 for B."""
        return 0 if self.script.target == "own" else 1

    def event(self) -> dict[str, float] | None:
        """Return when the hand leaves, touches, releases and returns, seconds of the clip."""
        if self.solved is None:
            return None
        phases = self.solved.phases
        return {name: round(getattr(phases, name) - BEGIN, 4) for name in ("leaves", "touches", "releases", "returns")}


def stage(rng: np.random.Generator, pattern: str, people: tuple[Person, Person]) -> Staged:
    """Draw and solve a scene: a pattern of ``labels.FACE_INTERACTIONS``, or ``none``.

    Raises:
        DuologueError: what the solver raises, where it does so at every attempt.
    """
    best: Staged | None = None
    failure: DuologueError | None = None
    for attempt in range(ATTEMPTS):
        script = draw_script(rng, pattern)
        try:
            staged = _staged(rng, script, people, attempt + 1)
        except DuologueError as error:
            failure = error
            continue
        if best is None or _short(staged) < _short(best):
            best = staged
        if _short(best) <= TOLERATED:
            return best
    if best is None:
        assert failure is not None
        raise failure
    return best


def _short(staged: Staged) -> float:
    """Return by how much a hand misses its place, metres."""
    return staged.solved.short if staged.solved is not None else 0.0


def draw_script(rng: np.random.Generator, pattern: str) -> Script:
    """Draw what is to happen."""
    kind = "touch"
    if pattern == "none":
        kind = str(rng.choice(("before", "after", "gestures"), p=(0.4, 0.2, 0.4)))
        if kind == "gestures":
            return Script("none", kind, "nobody", None, rng.uniform(0.7, 1.2), rng.uniform(-40, 40))
    what = pattern if pattern != "none" else str(rng.choice(FACE_INTERACTIONS))
    own = rng.random() < OWN
    lead = rng.uniform(0.2, 0.62)
    hold = rng.uniform(0.25, 0.75)
    if kind == "before":
        lead = _LENGTH + rng.uniform(0.1, 0.3)
    elif kind == "after":
        lead, hold = -0.7, 0.7 - rng.uniform(0.25, 0.4)
    near = NEAR[what]
    least, most = near.bearing
    apart = rng.uniform(0.6, 1.1) if own else near.led * rng.uniform(0.9, 1.02)
    bearing = rng.uniform(-50, 50) if own else rng.choice((-1, 1)) * rng.uniform(least, min(most, least + 45))
    u, v = np.clip(rng.normal(0, 3.0, 2), -7, 7)
    interaction = Interaction(
        what,
        "A",
        BEGIN + lead,
        BEGIN + lead + hold,
        target="A" if own else "B",
        hand=_HANDS[int(rng.choice(3, p=(0.6, 0.2, 0.2)))],
        press=float(rng.uniform(0.2, 1.0)),
        offset=(float(u), float(v)),
        repeat=int(rng.choice((1, 1, 2))),
    )
    return Script(pattern, kind, "own" if own else "partner", interaction, float(apart), float(bearing))


def _staged(rng: np.random.Generator, script: Script, people: tuple[Person, Person], attempt: int) -> Staged:
    """Let two people play a script."""
    shown = np.arange(FRAMES) + round(BEGIN * FPS)
    first, last = int(shown[0]) - _LEAD, int(shown[-1]) + _TAIL
    if script.interaction is not None:  # what is touched has to be seen by the solver, not by the camera
        first = min(first, int(script.interaction.seconds * FPS) - 3)
        last = max(last, min(int(np.ceil(script.interaction.until * FPS)), int(script.interaction.seconds * FPS) + 5))
    seconds = np.arange(first, last + 1) / FPS
    scene = _scene(rng, script, people, seconds)
    rows = shown - first
    if script.interaction is None:
        return _idle(script, people, scene, rows, attempt)
    solved = solve_one(scene, script.interaction, Span(seconds, float(seconds[-1]) + 3.0, FPS))
    both = [answered(actor, solved, who, seconds) for who, actor in enumerate(scene)]
    touched = both[0 if script.target == "own" else 1]
    hand = Arm.of(both[0].character, solved.hand.title()).hand
    keys = give_way(touched, [(hand, both[0].pose)], FPS) if script.kind == "touch" else None
    vertices = [
        posed(actor, np.arange(len(actor.character.mesh.vertices)), rows, keys if actor is touched else None)
        for actor in both
    ]
    within = np.searchsorted(solved.seconds, seconds[rows])
    inside = (within < len(solved.seconds)) & (seconds[rows] >= solved.seconds[0])
    nearest = np.clip(within, 0, len(solved.seconds) - 1)
    touch = (solved.phases.contact(seconds[rows]) > 0) & inside & (script.kind == "touch")
    assert solved.touching is not None
    contact = solved.touching[0].contact
    turn = touched.pose.turn_of("Head")[rows[len(rows) // 2]]
    return Staged(
        script,
        people,
        (vertices[0], vertices[1]),
        touch.astype(np.uint8),
        np.asarray(solved.points, np.float64)[nearest],
        (both[0].pose.joint("Head")[rows], both[1].pose.joint("Head")[rows]),
        both[0].pose.joint(solved.hand.title() + "Hand")[rows],
        turn @ contact.landmark.frame[:, 2],
        solved,
        attempt,
    )


def _idle(script: Script, people: tuple[Person, Person], scene: Scene, rows: NDArray[np.int64], attempt: int) -> Staged:
    vertices = [posed(actor, np.arange(len(actor.character.mesh.vertices)), rows) for actor in scene]
    heads = [actor.pose.joint("Head")[rows] for actor in scene]
    way = heads[1][0] - heads[0][0]
    hands = [scene[0].pose.joint(side + "Hand")[rows] for side in ("Left", "Right")]
    wrist = max(hands, key=lambda hand: float(hand[:, 1].mean()))
    return Staged(
        script,
        people,
        (vertices[0], vertices[1]),
        np.zeros(FRAMES, np.uint8),
        np.full((FRAMES, 3), np.nan),
        (heads[0], heads[1]),
        wrist,
        way / np.linalg.norm(way),
        None,
        attempt,
    )


def _scene(rng: np.random.Generator, script: Script, people: tuple[Person, Person], seconds: Array) -> Scene:
    # A looks along +x at B, who looks back, turned so that A stands at the script's bearing.
    ahead, half = np.pi / 2, script.apart / 2
    headings = ahead + rng.normal(0, 0.06), -ahead - np.radians(script.bearing) + rng.normal(0, 0.06)
    places = (-half, 0.0), (half, rng.normal(0, 0.02))
    tracks = [
        drawn_body(rng, seconds, place, heading, gestures=script.kind == "gestures", face=drawn_face(rng, seconds))
        for place, heading in zip(places, headings, strict=True)
    ]
    return scene_of([person.character for person in people], skeleton(), tracks)
