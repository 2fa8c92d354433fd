"""Briefs at the edge of what can be asked, the whole line with the shipped models: a take that holds, or a named error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from duologue import arkit
from duologue.brief import Brief, PerformerBrief, PlaceTarget, Speech, Start
from duologue.errors import DuologueError
from duologue.files.folders import demo_brief
from duologue.labels import ACTION_MODES
from duologue.motion.skeleton import forward_kinematics
from duologue.performance import Performance
from duologue.speech.decode import load_pair, load_speech
from duologue.take import Notice, Take, Window
from duologue.units import Sound

if TYPE_CHECKING:
    from numpy.typing import NDArray

pytestmark = pytest.mark.timeout(300)

JAW = arkit.NAMES.index("jawOpen")
VOICES = {
    name: performer.speech.path for name, performer in zip("AB", Brief.load(demo_brief()).performers, strict=True)
}


@pytest.fixture(scope="module")
def performance() -> Performance:
    return Performance.load("cpu")


@pytest.fixture(scope="module")
def voice() -> Callable[[str, float], NDArray[np.float32]]:
    """Seconds of a demo voice without its pauses, at 16 kHz: somebody who never stops talking."""

    def said(name: str, seconds: float) -> NDArray[np.float32]:
        path = VOICES[name]
        assert path is not None
        sound = load_speech(Speech(Path(path)))
        blocks = sound.samples[: len(sound.samples) // 800 * 800].reshape(-1, 800)
        loud = blocks[np.abs(blocks).max(1) > 0.05].ravel()
        return np.interp(np.arange(int(seconds * 16_000)) * sound.rate / 16_000, np.arange(len(loud)), loud).astype(
            "f4"
        )

    return said


def perform(performance: Performance, brief: Brief) -> tuple[Take, list[str]]:
    a, b, notes = load_pair(brief)
    events = list(performance.stream(brief, (a, b)))
    windows = [event for event in events if isinstance(event, Window)]
    said = [*brief.notes, *notes, *(event.message for event in events if isinstance(event, Notice))]
    return Take.from_windows(performance.skeleton, windows, {}), said


def hand_speed(take: Take, performer: int) -> float:
    """Return how fast both hands move, metres a second."""
    track = take.tracks[performer]
    _, places = forward_kinematics(take.skeleton, track.rotations, track.root_translation)
    hands = places[:, [take.skeleton.index("LeftHand"), take.skeleton.index("RightHand")]]
    return float(np.linalg.norm(np.diff(hands, axis=0), axis=-1).mean() * 30)


def test_a_fifth_of_a_second(performance, voice):
    said = [PerformerBrief(Speech(sound=Sound(voice(name, 0.2), 16_000))) for name in "AB"]
    take, _ = perform(performance, Brief(*said))
    assert take.frames == 6
    assert all(np.isfinite(track.rotations).all() and np.isfinite(track.weights).all() for track in take.tracks)
    with pytest.raises(DuologueError) as caught:
        load_speech(Speech(sound=Sound(voice("A", 0.19), 16_000)))
    assert caught.value.reason == "audio-too-short"


def test_both_talk_all_the_time_and_both_gesture_and_speak(performance, voice):
    said = [PerformerBrief(Speech(sound=Sound(voice(name, 8.0), 16_000))) for name in "AB"]
    take, _ = perform(performance, Brief(*said))
    jaw = [track.weights[:, JAW].std() for track in take.tracks]
    assert min(jaw) > 0.03
    assert min(hand_speed(take, 0), hand_speed(take, 1)) > 0.08


def test_a_silent_performer_listens_all_the_time(performance, voice):
    said = PerformerBrief(Speech(sound=Sound(voice("A", 8.0), 16_000)))
    silent = PerformerBrief(Speech(sound=Sound(np.zeros(8 * 16_000, np.float32), 16_000)))
    take, notes = perform(performance, Brief(said, silent))
    assert any("B: the track is silent" in note for note in notes)
    assert take.tracks[1].weights[:, JAW].max() < 0.3 * take.tracks[0].weights[:, JAW].max()
    assert hand_speed(take, 1) < 0.5 * hand_speed(take, 0)


def test_a_timeline_that_contradicts_a_place_is_refused_before_work(voice):
    """To be somewhere else while sitting the whole time can't be done."""
    sits = PerformerBrief(Speech(sound=Sound(voice("A", 6.0), 16_000)), actions=((0.0, "sit"),))
    other = PerformerBrief(Speech(sound=Sound(voice("B", 6.0), 16_000)))
    with pytest.raises(DuologueError) as caught:
        Brief(sits, other, constraints=(PlaceTarget("A", 4.0, x=-2.5, z=1.0),))
    assert (caught.value.reason, caught.value.field) == ("place-while-seated", "constraints[0].seconds")


def test_changing_the_mind_ten_times_a_second_is_followed_as_far_as_legs_can(performance, voice):
    """Sit, walk, stand, every tenth of a second: no error, a body that stays whole, and on the floor."""
    flicker = tuple((round(0.1 * k, 1), ACTION_MODES[k % 3]) for k in range(60))
    brief = Brief(
        PerformerBrief(Speech(sound=Sound(voice("A", 6.0), 16_000)), actions=flicker),
        PerformerBrief(Speech(sound=Sound(voice("B", 6.0), 16_000))),
    )
    take, _ = perform(performance, brief)
    track = take.tracks[0]
    _, places = forward_kinematics(take.skeleton, track.rotations, track.root_translation)
    assert places[..., 1].min() > -0.03
    assert np.abs(np.diff(track.root_translation, axis=0)).max() < 0.12  # metres a frame: no jump


def test_starts_inside_each_other_are_parted_and_said(performance, voice):
    said = [
        PerformerBrief(Speech(sound=Sound(voice(name, 3.0), 16_000)), start=Start(0.01 * k, 0.0, 0.0))
        for k, name in enumerate("AB")
    ]
    take, notes = perform(performance, Brief(*said))
    a, b = (track.root_translation for track in take.tracks)
    assert np.linalg.norm((a - b)[:, [0, 2]], axis=1).min() > 0.3
    assert any("moved back" in note for note in notes)
