"""What a brief asks of the faces, seen in the take: through both real models, as the server runs them."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from duologue.arkit import INDEX, LOWER_FACE
from duologue.brief import Brief, Expression, PerformerBrief, Speech, Transcript
from duologue.facial.lips import lip_gap
from duologue.files.folders import demo_brief
from duologue.motion.placement import partner_from_head
from duologue.motion.skeleton import forward_kinematics
from duologue.performance import Performance
from duologue.speech.decode import load_pair
from duologue.take import Take, Window
from duologue.units import Sound

SECONDS = 7.0
Maker = Callable[..., Take]


@pytest.fixture(scope="module")
def perform() -> Maker:
    """Perform a few seconds of the demo's voices with the given faces; the same brief is performed once."""
    performance = Performance.load("cpu")
    a, b, _ = load_pair(Brief.load(demo_brief()))
    audio = tuple(
        Sound(sound.samples[4 * sound.rate : int((4 + SECONDS) * sound.rate)], sound.rate) for sound in (a, b)
    )
    takes: dict[str, Take] = {}

    def perform(
        a: Expression | None = None,
        b: Expression | None = None,
        emotion: tuple = ((0.0, "joy"),),
        again: bool = False,
        words: Transcript | None = None,
    ) -> Take:
        performers = [
            PerformerBrief(Speech(sound=sound), said, emotion=emotion, face=face or Expression())
            for sound, face, said in zip(audio, (a, b), (words, None), strict=True)
        ]
        brief = Brief(*performers, seed=5, steps=4)
        if again or brief.digest() not in takes:
            windows = [item for item in performance.stream(brief, audio) if isinstance(item, Window)]
            takes[brief.digest()] = Take.from_windows(performance.skeleton, windows, {})
        return takes[brief.digest()]

    return perform


def heads(take: Take) -> tuple[np.ndarray, np.ndarray]:
    """World positions (2, n, 3) and rotations (2, n, 3, 3) of both heads."""
    roots = np.stack([track.root_translation for track in take.tracks])
    matrices, positions = forward_kinematics(take.skeleton, np.stack([t.rotations for t in take.tracks]), roots)
    head = take.skeleton.index("Head")
    return positions[:, :, head], matrices[:, :, head]


def test_eyes_meet_the_partner_where_the_heads_really_are(perform: Maker) -> None:
    take = perform(Expression(gaze_at_partner=2.0), Expression(gaze_at_partner=2.0))
    wanted = partner_from_head(*heads(take))
    for track, degrees in zip(take.tracks, wanted, strict=True):
        seen = [
            30 * (track.weights[:, INDEX[one]] - track.weights[:, INDEX[other]])
            for one, other in (("eyeLookOutRight", "eyeLookInRight"), ("eyeLookUpRight", "eyeLookDownRight"))
        ]
        reached = np.abs(degrees) <= (24, 19)
        there = track.facing & reached.all(axis=1)
        off = np.abs(np.stack(seen, axis=1) - degrees)
        assert there.sum() > 10
        assert np.percentile(off[there], 95) < 5, "on the face: eyes, mouth and back"
        sideways = np.sign(degrees[:, 0]) == np.sign(seen[0])
        assert sideways[track.facing & (np.abs(degrees[:, 0]) > 8)].mean() > 0.95


def test_a_head_is_held_and_everybody_else_moves_as_before(perform: Maker) -> None:
    free, held = perform(), perform(Expression(head_still=1.0))
    columns = free.skeleton.indices("Neck", "Head")

    def speed(take: Take, performer: int) -> float:
        return float(np.abs(np.diff(take.tracks[performer].rotations[:, columns], axis=0)).mean())

    assert speed(held, 0) < 0.35 * speed(free, 0)
    np.testing.assert_array_equal(held.tracks[1].rotations, free.tracks[1].rotations)
    others = np.setdiff1d(np.arange(len(free.skeleton)), free.skeleton.indices("Neck", "Neck1", "Head"))
    np.testing.assert_array_equal(held.tracks[0].rotations[:, others], free.tracks[0].rotations[:, others])
    jumps = np.abs(np.diff(held.tracks[0].rotations[:, columns], n=2, axis=0)).max()
    assert jumps <= np.abs(np.diff(free.tracks[0].rotations[:, columns], n=2, axis=0)).max(), "no jump at a window"


def test_masks_and_raw_weights_come_out_for_the_one_who_asked(perform: Maker) -> None:
    plain, shaped = perform(), perform(Expression(part="upper"), Expression(raw=True, gain={"jawOpen": 5.0}))
    lower = [INDEX[name] for name in LOWER_FACE]
    assert plain.tracks[0].weights[:, lower].any()
    assert not shaped.tracks[0].weights[:, lower].any()
    assert shaped.tracks[0].raw is None
    raw, cut = shaped.tracks[1].raw, shaped.tracks[1].weights
    assert raw is not None
    np.testing.assert_array_equal(raw.clip(0, 1), cut)
    assert raw[:, INDEX["jawOpen"]].max() > 1
    upper = [column for name, column in INDEX.items() if name.startswith("brow")]
    np.testing.assert_array_equal(cut[:, upper], plain.tracks[1].weights[:, upper])


def test_an_emotion_at_no_strength_is_no_emotion_and_a_strong_one_is_more(perform: Maker) -> None:
    def smile(*entry: object) -> float:
        take = perform(emotion=((0.0, *entry),))
        return float(np.mean([track.weights[:, INDEX["mouthSmileLeft"]].mean() for track in take.tracks]))

    none, half, joy, more = smile("joy", 0.0), smile("joy", 0.5), smile("joy"), smile("joy", 2.0)
    assert none < half < joy < more
    assert joy - none > 0.05
    # Where no emotion is asked for it makes no difference which one that is.
    faces = [perform(emotion=((0.0, label, 0.0),)).tracks[0].weights for label in ("joy", "anger")]
    brows = [INDEX["browDownLeft"], INDEX["mouthSmileLeft"]]
    np.testing.assert_allclose(faces[0][:, brows].mean(axis=0), faces[1][:, brows].mean(axis=0), atol=0.03)


def test_lips_follow_the_words_and_nothing_else_does(perform: Maker) -> None:
    pytest.importorskip("pocketsphinx")
    said = json.loads(Brief.load(demo_brief()).a.transcript.content)["words"]
    ours = [word | {"start": word["start"] - 4, "end": word["end"] - 4} for word in said]
    words = Transcript(json.dumps([word for word in ours if word["start"] >= 0 and word["end"] < SECONDS]), "json")
    without, worded = perform(Expression(seal=0.0), words=words), perform(words=words)
    plosives = [word for word in json.loads(words.content) if word["text"].lower().strip(",.")[0] in "pb"]
    assert len(plosives) >= 3
    for word in plosives:
        at = slice(int((word["start"] - 0.1) * 30), int((word["start"] + 0.15) * 30) + 1)
        assert lip_gap(worded.tracks[0].weights[at]).min() < 0.2, word
    upper = [column for name, column in INDEX.items() if name not in LOWER_FACE]
    np.testing.assert_array_equal(worded.tracks[0].weights[:, upper], without.tracks[0].weights[:, upper])
    assert len(worded.tracks[0].weights) == len(without.tracks[0].weights)


def test_the_same_brief_gives_the_same_take(perform: Maker) -> None:
    settings = Expression(head_still=0.5, blinks_per_minute=30)
    assert perform(settings).digest() == perform(settings, again=True).digest()
