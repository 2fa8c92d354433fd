"""Flow and the carried picture: a quad in closed form, people by what they carry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from duologue.passes import Camera, Moment, Painter, merge, paint
from duologue.passes.contract import BODY, HAIR, HAND, HEAD
from duologue.passes.raster import rasterise
from duologue.passes.reprojection import flow, view
from duologue.passes.shading import track
from duologue.passes.surface import moved_next
from shapes import FRONT, character, quad

N = 128
CAMERA = Camera.looking((0.3, 1.5, 2.6), (0, 1.15, 0))


def turned(mesh, angle: float):
    """A person who twists, the more the higher up."""
    centre = mesh.vertices.mean(axis=0)
    turn = np.clip((mesh.vertices[:, 1] - 0.9) / 0.6, 0, 1) * angle
    x, z = mesh.vertices[:, 0] - centre[0], mesh.vertices[:, 2] - centre[2]
    moved = np.stack([centre[0] + x * np.cos(turn) + z * np.sin(turn), mesh.vertices[:, 1],
                      centre[2] - x * np.sin(turn) + z * np.cos(turn)], axis=1)  # fmt: skip
    return replace(mesh, vertices=moved)


def pair(angle: float = 0.0):
    ada, ben = character("ada", 1, -0.5, 1.2), character("ben", 2, 0.5, -1.2)
    return merge([turned(ada, angle), turned(ben, -1.5 * angle)])


def test_a_square_that_moves_flows_as_it_is_projected():
    step = (0.05, -0.03, 0.0)
    now, after = merge([quad()]), merge([quad(step)])
    hits, ahead = (rasterise(one.vertices, one.triangles, FRONT, (N, N)) for one in (now, after))
    moved, visible = flow(moved_next(now, after), hits, FRONT, view(after, ahead, FRONT))
    scale = 100 / 36 / 2.0 * N / 2  # pixels a metre, two metres away
    np.testing.assert_allclose(
        moved[hits.found], np.tile([step[0] * scale, -step[1] * scale], (hits.found.sum(), 1)), atol=1e-9
    )
    assert not moved[~hits.found].any()
    assert visible[hits.found].mean() > 0.85, "all but its outline"
    assert not visible[~hits.found].any()


def test_what_is_hidden_in_the_next_frame_or_leaves_the_picture_is_not_visible():
    back = quad((0, 0, -0.5), 0.5)
    now = merge([back, quad((0.6, 0, 0.3), 0.12, person=2, name="front")])
    after = merge([back, quad((0.0, 0, 0.3), 0.12, person=2, name="front")])
    hits, ahead = (rasterise(one.vertices, one.triangles, FRONT, (N, N)) for one in (now, after))
    moved, visible = flow(moved_next(now, after), hits, FRONT, view(after, ahead, FRONT))
    covered = hits.found & (ahead.triangle >= 2)
    assert covered.sum() > 100
    assert not visible[covered].any(), "the front square has come over it"
    aside = merge([quad((5.0, 0, 0))])
    hits = rasterise(merge([quad()]).vertices, quad().triangles, FRONT, (N, N))
    ahead = rasterise(aside.vertices, aside.triangles, FRONT, (N, N))
    moved, visible = flow(moved_next(merge([quad()]), aside), hits, FRONT, view(aside, ahead, FRONT))
    assert moved[hits.found][:, 0].min() > N
    assert not visible.any()


def test_warping_the_places_of_skin_by_the_flow_is_exact():
    now, after = pair(), pair(0.12)
    hits, ahead = (rasterise(one.vertices, one.triangles, CAMERA, (N, N)) for one in (now, after))
    moved, visible = flow(moved_next(now, after), hits, CAMERA, view(after, ahead, CAMERA))
    places, there = track(now, hits), track(after, ahead)
    rows, columns = np.nonzero(visible)
    at = np.stack([columns, rows], axis=1) + moved[rows, columns]
    low = np.floor(at).astype(int)
    share = at - low
    high = np.minimum(low + 1, N - 1)
    warped = sum(
        there[y, x] * (wy * wx)[:, None]
        for y, wy in ((low[:, 1], 1 - share[:, 1]), (high[:, 1], share[:, 1]))
        for x, wx in ((low[:, 0], 1 - share[:, 0]), (high[:, 0], share[:, 0]))
    )
    error = np.abs(warped - places[rows, columns]).max(axis=1)
    assert np.percentile(error, 99.5) < 0.01
    assert error.mean() < 0.0005
    assert visible.sum() > 0.75 * hits.found.sum()
    assert np.abs(moved).max() > 4, "they did move"


def test_the_carried_picture_is_what_is_seen_but_for_its_holes():
    first, later = pair(), pair(0.15)
    picture = paint([Moment(first, CAMERA)], (N, N), ("beauty", "track"))
    painter = Painter((N, N), Moment(first, CAMERA), picture.track[0], ("carried", "hole", "track"))
    drawn = painter.draw(Moment(later, CAMERA))
    known = (drawn["hole"] == 0) & (drawn["track"].max(axis=2) > 0)
    # The colours that are carried here are places at rest, so they must be those that are there now.
    error = np.abs(drawn["carried"][known].astype(int) - drawn["track"][known]).max(axis=1)
    assert np.percentile(error, 99) <= 6
    assert np.median(error) <= 1
    moved = np.abs(picture.track[0].astype(int) - drawn["track"])[known].max(axis=1)
    assert np.percentile(moved, 90) > 8
    assert 0 < drawn["hole"].mean() < 0.1


def test_the_first_frame_carries_itself():
    clip = paint([Moment(pair(), CAMERA)], (N, N), ("beauty", "carried", "hole", "part"))
    same = clip.hole[0] == 0
    np.testing.assert_array_equal(clip.carried[0][same], clip.beauty[0][same])
    assert same.mean() > 0.99


def test_what_was_not_there_is_a_hole_of_its_persons_colour():
    first = merge([quad((0, 0.2, 0), 0.1, part=HEAD, colour=(10, 200, 30))])
    later = merge([quad((0, 0.2, 0), 0.1, part=HEAD), quad((0, -0.2, 0), 0.1, part=HEAD, name="new")])
    picture = np.full((N, N, 3), (5, 5, 5), np.uint8)
    picture[view(first, rasterise(first.vertices, first.triangles, FRONT, (N, N)), FRONT).labels > 0] = (10, 200, 30)
    painter = Painter((N, N), Moment(first, FRONT), picture, ("carried", "hole", "part"))
    drawn = painter.draw(Moment(later, FRONT))
    below = drawn["part"] > 0
    below[: N // 2] = False
    assert drawn["hole"][below].all()
    np.testing.assert_array_equal(np.unique(drawn["carried"][below], axis=0), [(10, 200, 30)])
    gone = (drawn["part"] == 0) & (drawn["hole"] == 0)
    assert gone.mean() > 0.8, "the still camera sees the same behind"


def test_a_hand_that_comes_into_the_picture_has_its_faces_colour():
    """Not the mean of a dark face and a bright shirt, as a body does of which nothing was seen."""
    head, shirt = quad((0, 0.2, 0), 0.1, part=HEAD), quad((0.3, 0.2, 0), 0.1, part=BODY)
    first = merge([head, shirt])
    later = merge([head, shirt, quad((0, -0.2, 0), 0.1, part=HAND), quad((0.3, -0.2, 0), 0.1, part=HAIR)])
    labels = view(first, rasterise(first.vertices, first.triangles, FRONT, (N, N)), FRONT).labels
    picture = np.full((N, N, 3), 255, np.uint8)
    picture[labels % 8 == HEAD] = (60, 40, 30)
    picture[labels % 8 == BODY] = (200, 220, 240)
    drawn = Painter((N, N), Moment(first, FRONT), picture, ("carried", "hole", "part")).draw(Moment(later, FRONT))
    hand, hair = (drawn["part"] % 8 == part for part in (HAND, HAIR))
    assert drawn["hole"][hand].all()
    np.testing.assert_array_equal(np.unique(drawn["carried"][hand], axis=0), [(60, 40, 30)])
    assert np.abs(drawn["carried"][hair].astype(int) - (130, 130, 135)).max() < 12, (
        "of hair nothing was seen: its person's"
    )


def test_a_camera_that_moves_carries_too():
    other = Camera.looking((0.5, 1.5, 2.5), (0, 1.15, 0))
    painter = Painter((N, N), Moment(pair(), CAMERA), None, ("carried", "hole", "beauty", "part"))
    drawn = painter.draw(Moment(pair(), other))
    known = (drawn["hole"] == 0) & (drawn["part"] > 0)
    assert known.sum() > 0.7 * (drawn["part"] > 0).sum()
    behind = (drawn["hole"] == 0) & (drawn["part"] == 0)
    assert behind.any()
    behind &= (drawn["beauty"] == (96, 100, 108)).all(axis=-1)
    error = np.abs(drawn["carried"][behind].astype(float) - (96, 100, 108)).max(axis=1)
    assert np.quantile(error, 0.98) <= 1, "the background is of one colour, and nobody's outline is mixed into it"
    error = np.abs(drawn["carried"][known].astype(float) - drawn["beauty"][known]).mean()
    assert error < 8, "the light moves with the camera, the colours don't"


@pytest.mark.parametrize("count", [1, 5])
def test_the_last_frame_of_a_clip_flows_nowhere(count):
    clip = paint([Moment(pair(0.02 * i), CAMERA) for i in range(count)], (32, 32), ("flow", "visible"))
    assert not clip.flow[-1].any()
    assert not clip.visible[-1].any()
    assert clip.visible[:-1].any() == (count > 1)


def test_what_is_far_behind_everybody_moves_as_the_camera_turns_not_as_it_goes():
    """The picture behind is one colour to the left of a world direction and another to the right of it."""
    size = (N, N)
    picture = np.zeros((N, N, 3), np.uint8)
    picture[:, N // 2 :] = 200  # the edge lies straight ahead
    empty = merge([quad((0, 0, 50.0))])  # behind the camera
    painter = Painter(size, Moment(empty, FRONT), picture, ("carried", "hole", "part"))
    angle = np.radians(5.0)
    aside = replace(FRONT, position=FRONT.position + np.array((0.7, 0.2, -0.4)))
    gone = painter.draw(Moment(empty, aside), None)
    np.testing.assert_array_equal(gone["carried"], picture, "a step aside shows the same of what is far")
    assert not gone["hole"].any()
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])  # to the left, so that what is ahead goes right
    drawn = painter.draw(Moment(empty, replace(FRONT, axes=turn @ FRONT.axes)), None)
    edge = N / 2 + np.tan(angle) * FRONT.focal[0] * N / 2
    row, hole = drawn["carried"][N // 2, :, 0], drawn["hole"][N // 2]
    assert abs(np.argmax(row > 100) - edge) <= 1
    assert not hole[int(edge)], "it was seen"
    assert hole[0], "what comes in at the left was not in the first picture"


def test_no_background_is_carried_from_outlines_into_what_turns():
    """What is black in front of white comes nearer: what its outline mixed must not be strewn over it."""
    size = (N, N)
    picture = np.full((N, N, 3), 255, np.uint8)
    now = merge([quad(half=0.2)])
    first = rasterise(now.vertices, now.triangles, FRONT, size).found
    picture[first] = 0
    inner = first.copy()
    for axis in (0, 1):
        inner &= np.roll(first, 1, axis) & np.roll(first, -1, axis)
    picture[first & ~inner] = 128
    painter = Painter(size, Moment(now, FRONT), picture, ("carried", "hole", "part"))
    shown = painter.draw(Moment(merge([quad((0, 0, 0.9), half=0.2)]), FRONT), None)
    inside = shown["part"] > 0
    assert inside.sum() > 3 * first.sum()
    known = inside & (shown["hole"] == 0)
    grey = known & (shown["carried"][..., 0] > 64)
    # Twice as near, an outline's pixel is two wide; what can be taken from what is surely black is taken from there.
    ring = 4 * np.sqrt(inside.sum())
    assert grey.sum() < 1.1 * ring
