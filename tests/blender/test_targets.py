# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of the scene as places, seats, ways, gazes and hands: what the brief says equals what a person would have written."""

from __future__ import annotations

import math

import bpy
import pytest
from duologue.brief import GazeTarget, HandTarget, PlaceTarget, Start
from duologue.errors import DuologueError
from scripting import LONG, brief, mark, press, two_people


@pytest.fixture(autouse=True)
def settings(extension, scene):
    return two_people(scene)


@pytest.fixture
def thing(scene):
    """An empty at Blender's (2, -1, 0.8), turned by 90 degrees: its -Y looks along +X."""
    ob = bpy.data.objects.new("Thing", None)
    scene.collection.objects.link(ob)
    ob.location, ob.rotation_euler.z = (2.0, -1.0, 0.8), math.radians(90)
    return ob


def add(
    kind: str, ob: bpy.types.Object | None = None, performer: str = "A", **given: object
) -> bpy.types.PropertyGroup:
    press("add_target", performer=performer, kind=kind)
    target = getattr(bpy.context.scene.duologue, performer.lower()).targets[-1]
    target.at_partner, target.target = False, ob
    for name, value in given.items():
        setattr(target, name, value)
    return target


def test_a_place_is_above_the_object_and_faces_as_it_does(settings, thing):
    add("PLACE", thing, start=121)
    (place,) = brief(LONG).constraints
    assert place == PlaceTarget("A", 4.0, 2.0, 1.0, pytest.approx(math.pi / 2, abs=1e-5))
    settings.a.targets[0].use_facing = False
    assert brief(LONG).constraints == (PlaceTarget("A", 4.0, 2.0, 1.0),)


def test_a_seat_is_taken_whenever_a_marker_says_sit(settings, thing):
    add("SEAT", thing, use_facing=False)
    mark("A: sit", 121)
    mark("A: stand", 181)
    mark("A: sit", 241)
    mark("B: sit", 60)
    assert brief(LONG).constraints == (PlaceTarget("A", 4.0, 2.0, 1.0), PlaceTarget("A", 8.0, 2.0, 1.0))
    settings.a.targets[0].timing, settings.a.targets[0].start, settings.a.targets[0].end = "FRAMES", 200, 300
    assert brief(LONG).constraints == (PlaceTarget("A", 8.0, 2.0, 1.0),)


def test_who_begins_seated_begins_on_the_seat(settings, thing):
    add("SEAT", thing)
    settings.a.action = "sit"
    made = brief()
    assert (made.a.start.x, made.a.start.z) == (2.0, 1.0)
    assert made.a.start.heading == pytest.approx(math.pi / 2, abs=1e-5)
    assert made.constraints[0].seconds == 0


def way(scene, *points: tuple[float, float, float]) -> bpy.types.Object:
    curve = bpy.data.objects.new("Way", bpy.data.curves.new("Way", "CURVE"))
    spline = curve.data.splines.new("POLY")
    spline.points.add(len(points) - 1)
    for point, place in zip(spline.points, points, strict=True):
        point.co = (*place, 1.0)
    scene.collection.objects.link(curve)
    return curve


def test_a_path_is_walked_at_a_speed_with_the_walk_that_it_needs(scene):
    curve = way(scene, (0, 0, 0), (0, -3, 0), (4, -3, 0))
    curve.location.x = -1.0
    add("PATH", curve, start=31, speed=1.0)
    mark("A: sit", 241)
    made = brief(LONG)
    assert made.constraints == (
        PlaceTarget("A", 1.0, -1.0, 0.0),
        PlaceTarget("A", 4.0, -1.0, 3.0),
        PlaceTarget("A", 8.0, 3.0, 3.0),
    )
    assert made.a.actions == ((0.0, "stand"), (1.0, "walk"), (8.0, "sit"))


def test_a_path_between_two_markers_ends_at_the_second(scene):
    add(
        "PATH",
        way(scene, (-1, 0, 0), (-1, -4, 0)),
        timing="MARKERS",
        use_speed=False,
        start_marker="go",
        end_marker="there",
    )
    mark("go", 31)
    mark("there", 181)
    assert [(p.seconds, p.z) for p in brief(LONG).constraints] == [(1.0, 0.0), (6.0, 4.0)]


def test_a_round_curve_becomes_few_places_that_lie_on_it(scene):
    curve = bpy.data.objects.new("Round", bpy.data.curves.new("Round", "CURVE"))
    curve.data.bevel_depth = 0.2  # a pipe is walked along all the same
    spline = curve.data.splines.new("BEZIER")
    spline.bezier_points.add(1)
    handle = 4 / 3 * math.tan(math.pi / 8)  # a quarter of a circle of 3 m
    first, second = spline.bezier_points
    first.co, first.handle_right, first.handle_left = (3, 0, 0), (3, 3 * handle, 0), (3, -1, 0)
    second.co, second.handle_left, second.handle_right = (0, 3, 0), (3 * handle, 3, 0), (-1, 3, 0)
    scene.collection.objects.link(curve)
    add("PATH", curve, timing="ALWAYS")
    places = brief(LONG).constraints
    assert 3 <= len(places) <= 6
    assert [math.hypot(place.x, place.z) for place in places] == pytest.approx([3.0] * len(places), abs=0.01)
    assert places[-1].seconds == pytest.approx(3 * math.pi / 2 / 1.1, abs=0.05)


def test_gazes_and_hands_hold_from_frame_to_frame(settings, thing):
    add("GAZE", thing, start=31, end=61)
    add("HAND", thing, performer="B", side="left", start=1, end=31)
    assert brief().constraints == (
        GazeTarget("A", 1.0, 2.0, 2.0, 0.8, 1.0),
        HandTarget("B", "left", 0.0, 1.0, 2.0, 0.8, 1.0),
    )


def test_what_moves_is_followed_by_points(thing, scene):
    thing.location = (0, 0, 1)
    thing.keyframe_insert("location", frame=1)
    thing.location = (0, -3, 1)
    thing.keyframe_insert("location", frame=91)
    for curve in _curves(thing):
        for key in curve.keyframe_points:
            key.interpolation = "LINEAR"
    scene.frame_set(17)
    add("GAZE", thing, start=1, end=91)
    points = brief(LONG).constraints
    assert len(points) == 10
    for point in points:
        assert point.z == pytest.approx(point.seconds, abs=1 / 30)
    assert [b.seconds for b in points[1:]] == [a.until for a in points[:-1]]
    assert points[-1].until == 3.0
    assert scene.frame_current == 17


def _curves(ob):
    action = ob.animation_data.action
    return action.layers[0].strips[0].channelbag(action.slots[0]).fcurves


def test_the_partners_face_is_looked_at_where_it_will_be(settings, scene):
    press("add_sample_pair")
    settings.a.start.source = settings.b.start.source = "CHARACTER"
    settings.a.armature.location.x, settings.b.armature.location.x = -1.0, 1.0
    add("GAZE", start=1, end=271, at_partner=True)
    settings.b.start.source, settings.b.start.x = "TYPED", 1.0
    target = bpy.data.objects.new("There", None)
    target.location = (1.0, -4.0, 0.0)
    scene.collection.objects.link(target)
    add("PLACE", target, performer="B", start=151)
    mark("B: sit", 211)
    made = brief(LONG)
    gazes = [gaze for gaze in made.constraints if isinstance(gaze, GazeTarget)]
    assert (gazes[0].x, gazes[0].z) == (1.0, 0.0)
    assert 1.5 < gazes[0].y < 1.8
    assert gazes[-1].z == pytest.approx(4.0, abs=0.05)
    assert gazes[-1].y < gazes[0].y - 0.3
    assert {gaze.performer for gaze in gazes} == {"A"}


def test_switched_off_targets_say_nothing(thing):
    add("GAZE", thing, enabled=False)
    add("HAND", None, enabled=False)
    assert brief().constraints == ()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"kind": "GAZE"}, "choose an object"),
        ({"kind": "PATH", "other": True}, "choose a curve"),
        ({"kind": "HAND", "thing": True, "start": 50, "end": 20}, "ends before it begins"),
        ({"kind": "PLACE", "thing": True, "timing": "MARKERS", "start_marker": "go"}, "“go” is not there"),
    ],
)
def test_incomplete_targets_are_said_and_refused_by_name(thing, settings, given, why):
    target = add(given.pop("kind"))
    if given.pop("thing", False):
        target.target = thing
    if given.pop("other", False):
        target.kind, target.target, target.kind = "GAZE", thing, "PATH"
    for name, value in given.items():
        setattr(target, name, value)
    with pytest.raises(DuologueError, match=why) as caught:
        brief()
    assert caught.value.field == f"Performer A, target “{target.name}”"


def test_a_place_that_no_walk_reaches_names_its_row(thing):
    thing.location.x = 30.0
    add("GAZE", thing)
    target = add("PLACE", thing, start=31)
    target.name = "At the window"
    with pytest.raises(DuologueError) as caught:
        brief(LONG)
    assert caught.value.reason == "place-too-far"
    assert caught.value.field == "Performer A, target “At the window”"


def test_a_curve_of_one_point_is_no_path(scene):
    add("PATH", way(scene, (0, 0, 0)))
    with pytest.raises(DuologueError, match="has no length"):
        brief(LONG)
    assert not [curve for curve in bpy.data.curves if curve.users == 0]


def test_the_active_object_is_taken_and_the_cast_is_not(settings, thing, scene):
    bpy.context.view_layer.objects.active = thing
    scene.frame_set(20)
    press("add_target", performer="A", kind="HAND")
    assert settings.a.targets[0].target == thing
    assert (settings.a.targets[0].start, settings.a.targets[0].end) == (20, 80)
    settings.a.armature = next(ob for ob in scene.objects if ob.type == "ARMATURE")
    bpy.context.view_layer.objects.active = settings.a.armature
    press("add_target", performer="A", kind="GAZE")
    assert settings.a.targets[1].target is None
    assert settings.a.targets[1].at_partner


def test_times_are_taken_from_the_current_frame_and_targets_removed(settings, scene, thing):
    add("HAND", thing, start=1, end=30)
    scene.frame_set(50)
    press("target_here", performer="A")
    assert (settings.a.targets[0].start, settings.a.targets[0].end) == (50, 50)
    scene.frame_set(20)
    press("target_here", performer="A", end=True)
    assert (settings.a.targets[0].start, settings.a.targets[0].end) == (20, 20)
    press("add_target", performer="A", kind="SEAT")
    press("remove_target", performer="A")
    assert [target.kind for target in settings.a.targets] == ["HAND"]
    press("remove_target", performer="A")
    press("remove_target", performer="A")
    assert not settings.a.targets


def test_targets_are_undone(extension, settings):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.duologue.add_target("EXEC_DEFAULT", True, performer="A", kind="GAZE")
    bpy.ops.ed.undo()
    assert not bpy.context.scene.duologue.a.targets


def test_a_start_on_the_floor_is_its_own(settings, thing):
    settings.a.start.source, settings.a.start.target = "OBJECT", thing
    assert brief().a.start == Start(pytest.approx(2.0), pytest.approx(1.0), pytest.approx(math.pi / 2, abs=1e-6))
