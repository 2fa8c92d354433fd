"""What a brief asks of the hands, beside the take of a performance."""

import math
from dataclasses import replace

import numpy as np
from duologue.brief import Brief, HandTarget, Interaction, PerformerBrief, Speech, Start
from duologue.brief.constraints import Side
from duologue.interactions.track import FILE, InteractionTrack
from duologue.motion.skeleton import Skeleton
from duologue.shots.touch import Wanted, solve_on_samples, write_asked, write_interactions
from duologue.take import Take, Track
from duologue.units import Sound


def take(frames: int) -> Take:
    skeleton = Skeleton.builtin("duologue60")
    tracks = []
    for x, heading in ((-0.26, math.pi / 2), (0.26, -math.pi / 2)):
        rotations = np.zeros((frames, len(skeleton), 3), np.float32)
        rotations[:, 0, 1] = heading
        rotations[:, skeleton.index("LeftArm"), 2], rotations[:, skeleton.index("RightArm"), 2] = -1.3, 1.3
        root = np.tile(np.array([x, skeleton.offsets[0][1], 0], np.float32), (frames, 1))
        still = np.zeros((frames, 52), np.float32)
        tracks.append(Track(root, rotations, still, np.ones(frames, bool), np.zeros(frames, np.uint8)))
    return Take(skeleton, (tracks[0], tracks[1]))


def brief(*interactions: Interaction) -> Brief:
    sound = Speech(sound=Sound(np.zeros(16000, np.float32), 16000))
    a = PerformerBrief(sound, start=Start(-0.26, 0, math.pi / 2))
    return Brief(a, PerformerBrief(sound, start=Start(0.26, 0, -math.pi / 2)), interactions=interactions)


def test_interactions_lie_beside_the_take(tmp_path):
    poke = Interaction("poke-nose", "A", 1.0, 1.6, target="B")
    files, notes = write_interactions(tmp_path, brief(poke), take(75))
    assert (files, notes) == ([FILE], [])
    track = InteractionTrack.load(tmp_path / FILE)
    assert [touch.pattern for touch in track.touches] == ["poke-nose"]


def test_a_hand_that_a_constraint_holds_is_left_there():
    poke = Interaction("poke-nose", "A", 1.0, 1.6, target="B")
    free: Side = "left" if solve_on_samples(brief(poke), take(75)).touches[0].hand == "left" else "right"
    held = HandTarget("A", free, 0.8, 1.8, 0.0, 1.0, 0.2)
    assert solve_on_samples(replace(brief(poke), constraints=(held,)), take(75)).touches[0].hand != free


def test_what_comes_after_a_take_that_was_stopped_is_left_out_and_noted(tmp_path):
    poke = Interaction("poke-nose", "A", 1.0, 1.6, target="B")
    _, notes = write_interactions(tmp_path, brief(poke), take(40))
    assert "left out" in notes[0]
    assert InteractionTrack.load(tmp_path / FILE).touches == ()


def test_without_interactions_there_is_no_file(tmp_path):
    assert write_interactions(tmp_path, brief(), take(10)) == ([], [])
    assert not (tmp_path / FILE).exists()


def test_what_is_asked_lies_beside_the_take_for_whoever_renders_it(tmp_path):
    poke = Interaction("poke-nose", "A", 1.0, 1.6, target="B", offset=(3.0, -1.5), name="nose")
    own = Interaction("rest-chin", "B", 0.5, 1.0)
    held = HandTarget("A", "left", 0.8, 1.8, 0.0, 1.0, 0.2)
    assert write_asked(tmp_path, replace(brief(poke, own), constraints=(held,))) == ["interactions.json"]
    wanted = Wanted.load(tmp_path)
    assert wanted is not None
    assert wanted.interactions == (poke, own)
    assert wanted.held == (held,)
    assert wanted.yields[0] > 0
    assert wanted.yields[1] < 0, "a head leans on the own hand"
    assert wanted.within(1.5).interactions == (own,)
    assert write_asked(tmp_path / "none", brief()) == []
    assert Wanted.load(tmp_path / "none") is None
