"""The relit picture: a light in closed form is found again, people who move are lit as they are drawn, and shadows go along."""

from __future__ import annotations

import numpy as np
import pytest
from duologue.passes import Camera, Moment, Painter, merge
from duologue.passes.contract import BODY, HAIR, HAND, HEAD
from duologue.passes.irradiance import Light
from duologue.passes.lighting import Look
from duologue.passes.shading import falloff, from_linear, to_linear
from shapes import FRONT, quad
from test_reprojection import N, pair

LAMPS = np.array([(-0.45, 0.55, 0.70, 0.6), (0.75, 0.1, 0.55, 0.2)])
SIDEWAYS = Camera.looking((0.3, 1.5, 2.6), (0, 1.15, 0))
WANTED = ("beauty", "carried", "relit", "hole", "part")


def directions(rng: np.random.Generator, count: int) -> np.ndarray:
    drawn = rng.normal(size=(count, 3))
    drawn[:, 2] = np.abs(drawn[:, 2])
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def test_the_light_of_far_lamps_is_found_again() -> None:
    """They fall off as half of Lambert's cosine squared, which is a quadratic of the normal: nothing is left over."""
    rng = np.random.default_rng(1)
    normal, own = directions(rng, 4000), rng.integers(60, 200, (4000, 3)).astype(float)
    labels = np.full(4000, 8 + BODY, np.uint8)

    def lit(own: np.ndarray, normal: np.ndarray) -> np.ndarray:
        return from_linear(to_linear(own) * (falloff(normal, LAMPS[:, :3]) @ LAMPS[:, 3] + 0.08)[:, None])

    light = Light.of(lit(own, normal), own, normal, labels, lambda towards: np.zeros(4000))
    other, normal = rng.integers(60, 200, (500, 3)).astype(float), directions(rng, 500)
    shade = light.shade(normal, np.zeros(500))
    made = from_linear(light.lit(other, labels[:500], shade))
    assert np.abs(made - lit(other, normal)).max() < 4
    key = LAMPS[0, :3] / np.linalg.norm(LAMPS[0, :3])
    assert light.towards @ key > 0.95


def test_who_turns_is_lit_as_they_are_drawn() -> None:
    look = Look(lamps=LAMPS, standing=True)
    painter = Painter((N, N), Moment(pair(), SIDEWAYS), None, WANTED, look=look)
    drawn = painter.draw(Moment(pair(0.5), SIDEWAYS))
    people = drawn["part"] > 0
    off = {
        name: np.abs(drawn[name][people].astype(float) - drawn["beauty"][people]).mean()
        for name in ("carried", "relit")
    }
    assert off["relit"] < 0.4 * off["carried"]
    assert off["relit"] < 3
    holes = people & (drawn["hole"] > 0)
    assert np.abs(drawn["relit"][holes].astype(float) - drawn["beauty"][holes]).mean() < 8


def test_the_first_frame_is_the_first_picture_but_where_several_meet() -> None:
    drawn = Painter((N, N), Moment(pair(), SIDEWAYS), None, WANTED).draw(Moment(pair(), SIDEWAYS))
    off = np.abs(drawn["relit"].astype(float) - drawn["beauty"]).max(axis=-1)
    assert (off <= 1).mean() > 0.95
    assert off.mean() < 0.5


def test_who_comes_into_the_picture_has_their_own_colours() -> None:
    """A sleeve that nobody saw is as the rig has it; a hand, as the picture has its person's face."""
    wall = [quad((0.4 * k - 0.6, 0.3, 0), 0.15, part=HEAD, colour=(150, 110, 90), name=f"{k}") for k in range(4)]
    first = merge(wall)
    hand = quad((-0.4, -0.3, 0), 0.15, part=HAND, colour=(150, 110, 90), name="hand")
    sleeve = quad((0.4, -0.3, 0), 0.15, part=BODY, colour=(20, 40, 160), name="sleeve")
    look = Look(lamps=np.array([(0.0, 0.0, 1.0, 0.9)]))
    plain = Painter((N, N), Moment(first, FRONT), None, ("beauty", "part"), look=look).draw(Moment(first, FRONT))
    darker = plain["beauty"].copy()
    skin = plain["part"] % 8 == HEAD
    darker[skin] = darker[skin] // 2
    painter = Painter((N, N), Moment(first, FRONT), darker, WANTED, look=look)
    later = Moment(merge([*wall, hand, sleeve]), FRONT)
    drawn = painter.draw(later)
    faces = np.median(darker[skin], axis=0)
    assert drawn["hole"][drawn["part"] % 8 == HAND].all()
    made = np.median(drawn["relit"][drawn["part"] % 8 == HAND], axis=0)
    assert np.abs(made - faces).max() < 12, "the picture's skin, not the rig's"
    blue = drawn["part"] % 8 == BODY
    made = np.median(drawn["relit"][blue], axis=0)
    assert made[2] > 2 * made[0]
    assert made[2] > 2 * made[1]


def test_a_shadow_goes_along() -> None:
    """A board that moves before somebody darkens them somewhere else; what it darkened before is bright again."""
    lamp = np.array((0.3, 0.6, 1.0))
    people = pair()
    body = people.vertices[people.triangles[people.part == BODY].ravel()]
    chest = body.mean(axis=0) + np.array((0, 0.25, 0))
    boards = [quad(chest + 0.5 * lamp + (x, 0, 0), 0.1, part=HAIR, name="board") for x in (-0.35, 0.35)]
    look = Look(lamps=np.array([(*lamp, 0.9)]), standing=True, shadows=True)
    first, later = (merge([people, board]) for board in boards)
    painter = Painter((N, N), Moment(first, SIDEWAYS), None, WANTED, look=look)
    drawn = painter.draw(Moment(later, SIDEWAYS))
    truth = drawn["beauty"].astype(float)
    seen = (drawn["hole"] == 0) & (drawn["part"] % 8 == BODY)
    changed = seen & (np.abs(truth - drawn["carried"]).max(axis=-1) > 12)
    assert changed.sum() > 50, "the shadow has moved"
    off = {name: np.abs(truth - drawn[name])[changed].mean() for name in ("carried", "relit")}
    assert off["relit"] < 0.6 * off["carried"]


@pytest.mark.parametrize("level", [0, 255])
def test_a_picture_without_light_or_without_anything_but_light_is_drawn(level: int) -> None:
    picture = np.full((N, N, 3), level, np.uint8)
    painter = Painter((N, N), Moment(pair(), SIDEWAYS), picture, WANTED)
    drawn = painter.draw(Moment(pair(0.4), SIDEWAYS))
    seen = (drawn["hole"] == 0) & (drawn["part"] > 0)
    assert np.abs(drawn["relit"][seen].astype(float) - level).mean() < 12


def test_who_comes_into_an_empty_picture_has_the_rigs_colours() -> None:
    aside = merge([quad((5.0, 0, 0), name="aside")])
    picture = np.full((N, N, 3), (90, 120, 60), np.uint8)
    painter = Painter((N, N), Moment(aside, SIDEWAYS), picture, WANTED)
    drawn = painter.draw(Moment(pair(), SIDEWAYS))
    people = drawn["part"] > 0
    assert drawn["hole"][people].all()
    alike = np.corrcoef(drawn["relit"][people].ravel(), drawn["beauty"][people].ravel())[0, 1]
    assert alike > 0.9, "in what light, nobody can tell"
