"""Two sample characters play a stretch of a take, touches solved, faces answering, skin pressed; posed a frame at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duologue.brief.interactions import Interaction
from duologue.interactions.actor import Actor, Array, Scene, scene_of
from duologue.interactions.contact_keys import ContactKeys
from duologue.interactions.give_way import give_way
from duologue.interactions.posed import posed
from duologue.interactions.reach import Arm
from duologue.interactions.settling import put
from duologue.interactions.solve import frames_needed, solve
from duologue.interactions.track import InteractionTrack, Touch
from duologue.labels import FACE_INTERACTIONS, PERFORMERS
from duologue.passes.options import Span
from duologue.passes.surface import Mesh, Surface, merge
from duologue.people.person import Person
from duologue.take import Take


@dataclass(frozen=True, eq=False)
class Played:
    """Two people over the frames of a take from ``begin`` on (counted from 0)."""

    people: tuple[Person, Person]
    actors: Scene
    begin: int
    fps: int
    track: InteractionTrack | None
    keys: tuple[ContactKeys | None, ContactKeys | None]
    """What A's and B's face give way by."""

    @property
    def touches(self) -> Sequence[Touch]:
        """What was solved."""
        return () if self.track is None else self.track.touches

    def mesh(self, who: int, frame: int) -> Mesh:
        """Return A (0) or B (1) in a frame of the take."""
        person, actor = self.people[who], self.actors[who]
        mesh = person.character.mesh
        row = np.array([frame - self.begin])
        vertices = posed(actor, np.arange(len(mesh.vertices)), row, self.keys[who])[0]
        owner = np.full(len(person.part), who + 1, np.uint8)
        rest = mesh.vertices
        low, high = rest.min(axis=0), rest.max(axis=0)
        return Mesh(
            vertices, mesh.triangles.astype(np.int32), person.part, owner, person.colour,
            rest=(rest - low) / (high - low), name=PERFORMERS[who],
        )  # fmt: skip

    def surface(self, frame: int) -> Surface:
        """Return both in a frame of the take."""
        return merge([self.mesh(who, frame) for who in (0, 1)])

    def point(self, touch: int, frame: int) -> Array:
        """Return where a touch is (3,), in a frame of the take or the nearest that was solved."""
        assert self.track is not None
        at = np.clip(frame - self.track.start, 0, self.track.frames - 1)
        return self.track.points[at, touch].astype(np.float64)


def play(
    take: Take,
    span: Span,
    interactions: Sequence[Interaction],
    people: tuple[Person, Person],
    yields: Sequence[float] = (),
) -> Played:
    """Let two people play frames of a take (``span`` counts from 1), touches solved.

    Raises:
        DuologueError: what :func:`duologue.interactions.solve.solve` raises where none can be solved.
    """
    needed = frames_needed(interactions, take.frames, take.fps) if interactions else slice(span.first - 1, span.last)
    begin, end = min(needed.start, span.first - 1), max(needed.stop, span.last)
    cast = [person.character for person in people]
    actors = scene_of(cast, take.skeleton, [track[begin:end] for track in take.tracks])
    if not interactions:
        return Played(people, actors, begin, take.fps, None, (None, None))
    inner = slice(needed.start - begin, needed.stop - begin)
    parts: Scene = (actors[0].part(inner), actors[1].part(inner))
    track = solve(lambda frames: parts, take.frames, interactions, yields=yields, fps=take.fps)
    for actor, part in zip(actors, parts, strict=True):
        put(actor.pose, part.pose, inner)
    both = (_answering(actors[0], track, 0, begin), _answering(actors[1], track, 1, begin))
    return Played(people, both, begin, take.fps, track, (_pressed(both, track, 0), _pressed(both, track, 1)))


def _answering(actor: Actor, track: InteractionTrack, who: int, begin: int) -> Actor:
    """Add what a face answers to touches."""
    layer, weights = track.layers[who], dict(actor.weights)
    rows = slice(track.start - begin, track.start - begin + track.frames)
    for column, name in enumerate(layer.shapes):
        whole = np.array(weights.get(name, np.zeros(len(actor))), np.float64)
        whole[rows] = np.clip(whole[rows] + layer.weights[:, column], 0.0, 1.0)
        weights[name] = whole
    return Actor(actor.character, actor.pose, weights)


def _pressed(actors: Scene, track: InteractionTrack, who: int) -> ContactKeys | None:
    """Return what somebody's face gives way by: to all hands that touch it."""
    hands = {
        (PERFORMERS.index(touch.performer), touch.hand)
        for touch in track.touches
        if touch.pattern in FACE_INTERACTIONS and PERFORMERS.index(touch.touched) == who
    }
    if not hands:
        return None
    found = [(Arm.of(actors[own].character, side.title()).hand, actors[own].pose) for own, side in sorted(hands)]
    return give_way(actors[who], found, track.fps)


def frames_of(span: Span) -> NDArray[np.int64]:
    """Return a span's frames, counted from 0."""
    return np.arange(span.count) * span.step + span.first - 1
