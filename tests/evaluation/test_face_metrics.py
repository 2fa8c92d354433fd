"""The face's metrics on faces of a vertex or two, whose figures can be worked out on paper."""

import numpy as np
import pytest
from duologue.arkit import INDEX, NAMES
from duologue.datasets.corpus.face import Dialogue
from duologue.evaluation.face.mesh import FaceMesh, Faces, IctFace, LipGap
from duologue.evaluation.face.metrics import fdd, tally, worst_lip_errors
from duologue.evaluation.face.phonetics import closures, frames_near
from duologue.evaluation.face.timing import lag, voice_level
from duologue.evaluation.face.validation import measure
from duologue.evaluation.intervals import quotient
from duologue.facial.lips import lip_gap
from duologue.speech.phones import Phone

JAW, CLOSE, BROW = INDEX["jawOpen"], INDEX["mouthClose"], INDEX["browInnerUp"]


def mesh(*moves: tuple[int, tuple[float, float, float]]) -> FaceMesh:
    """A vertex for each move: which shape moves it where, in mm at weight 1."""
    deltas = np.zeros((len(NAMES), len(moves), 3), np.float32)
    for vertex, (shape, way) in enumerate(moves):
        deltas[shape, vertex] = way
    return FaceMesh(np.zeros((len(moves), 3), np.float32), deltas)


def curve(frames: int, **shapes: np.ndarray | float) -> np.ndarray:
    weights = np.zeros((frames, len(NAMES)), np.float32)
    for name, values in shapes.items():
        weights[:, INDEX[name]] = values
    return weights


def dialogue(frames: int, a: list[Phone], b: list[Phone], true: np.ndarray | None = None) -> Dialogue:
    return Dialogue(
        np.zeros((2, frames * 16000 // 30), np.float32),
        np.zeros((2, frames, len(NAMES)), np.float32) if true is None else true,
        np.zeros((2, frames), np.int64),
        np.array([0, 1]),
        np.ones((2, frames), bool),
        (tuple(a), tuple(b)),
    )


def test_lip_error_is_the_square_of_the_worst_vertex() -> None:
    lips = mesh((JAW, (0, -10, 0)), (JAW, (3, 0, 4)), (CLOSE, (1, 0, 0)))
    true = curve(4, jawOpen=0.3)
    ours = curve(4, jawOpen=[0.3, 0.5, 0.1, 0.3], mouthClose=[0, 0, 0, 1])
    # Off by 0.2: vertex 0 by 2 mm, vertex 1 by 1 mm; the last frame is off by 1 mm at vertex 2.
    np.testing.assert_allclose(worst_lip_errors(ours, true, lips), [0, 4, 4, 1], atol=1e-5)


def test_upper_face_dynamics_deviation_by_hand() -> None:
    upper = mesh((BROW, (0, 4, 0)), (JAW, (9, 9, 9)))
    true = curve(40, browInnerUp=np.tile([0.0, 1.0], 20))
    assert fdd(true, true, upper) == 0.0
    # Squared displacement alternates between 0 and 16 mm²: its deviation is 8, and 0 at the vertex that rests.
    assert fdd(curve(40), true, upper) == pytest.approx(4.0)
    assert fdd(true, curve(40), upper) == pytest.approx(-4.0)  # too lively
    assert fdd(curve(40, browInnerUp=1.0), true, upper) == pytest.approx(
        4.0
    )  # a raised brow that never moves is dead too


def test_long_clips_are_cut_into_blocks_without_a_difference() -> None:
    upper = mesh((BROW, (0, 4, 0)), (JAW, (1, 2, 3)))
    rng = np.random.default_rng(0)
    ours, true = rng.random((2, 700, len(NAMES)), np.float32)
    squares = [np.square(np.einsum("ts,svc->tvc", w, upper.deltas)).sum(-1).std(0) for w in (true, ours)]
    assert fdd(ours, true, upper) == pytest.approx((squares[0] - squares[1]).mean(), rel=1e-4)


def test_closures_count_by_phone_and_only_within_60_ms() -> None:
    gap = np.full((2, 90), 5.0)
    gap[0, 30] = 0.9  # 1.0 s
    p = [Phone(start, start + 0.04, "P") for start in (1.0, 1.06, 1.1, 2.0)]
    counted = closures(gap, dialogue(90, p, [Phone(1.0, 1.1, "M")]))
    # Frame 30 lies within 60 ms of the first two only; B never closes.
    assert counted["closure"] == (2.0, 5)
    gap[1, 29:35] = 0.0
    assert closures(gap, dialogue(90, p, [Phone(1.0, 1.1, "M")]))["closure"] == (3.0, 5)


def test_a_vowel_said_with_shut_lips_is_counted_against_a_face_that_never_opens() -> None:
    vowels = [Phone(0.5, 0.7, "AA"), Phone(1.5, 1.7, "IY"), Phone(2.0, 2.04, "AE"), Phone(2.3, 2.5, "UW")]
    # The short one and the rounded one are left out.
    assert closures(np.zeros((2, 90)), dialogue(90, vowels, []))["false_closure"] == (2.0, 2)
    assert closures(np.full((2, 90), 3.0), dialogue(90, vowels, []))["false_closure"] == (0.0, 2)


def test_frames_near_a_phone_stay_inside_the_clip() -> None:
    assert frames_near(Phone(0.0, 0.1, "P"), 90) == slice(0, 5)  # up to 0.16 s: frame 4
    assert frames_near(Phone(1.0, 1.0, "P"), 90) == slice(29, 32)  # 0.94 s to 1.06 s
    late = frames_near(Phone(9.0, 9.1, "P"), 90)
    assert late.stop <= late.start


@pytest.mark.parametrize("late", [-4, 0, 3])
def test_lag_finds_a_shift(late: int) -> None:
    rng = np.random.default_rng(0)
    true = np.convolve(rng.standard_normal(300), np.hanning(7), "same")
    assert lag(np.roll(true, late), true) == pytest.approx(late, abs=0.1)


def test_lag_is_finer_than_a_frame() -> None:
    t = np.arange(300)
    assert lag(np.sin((t - 0.4) / 3), np.sin(t / 3)) == pytest.approx(0.4, abs=0.05)


def test_the_voice_level_stands_at_the_frame_where_the_sound_is() -> None:
    samples = np.zeros(32000, np.float32)
    samples[16000:17600] = 0.1 * np.sin(np.arange(1600))  # 1.0 s to 1.1 s
    level = voice_level(samples, 60)
    assert level.argmax() in range(30, 34)
    assert level[28] < level[30:33].min() - 20
    assert level[36] == level[5] == level.min()


def test_a_whole_tally_of_a_face_that_does_what_it_should() -> None:
    frames = 150
    a = [Phone(1.0, 1.2, "AA"), Phone(1.2, 1.3, "P"), Phone(1.3, 1.5, "IY"), Phone(1.5, 1.6, "F")]
    true = np.stack([curve(frames), curve(frames)])
    true[0, 28:37, JAW] = 0.6
    true[0, 37:39, JAW] = 0.0
    true[0, 39:44, JAW] = 0.1
    true[1, 20:25, INDEX["eyeBlinkLeft"]] = 1
    gap = LipGap(0.0, np.where(np.arange(52) == JAW, 30, 0).astype(np.float32))
    teeth = np.zeros((1, 3), np.float32)
    lip = mesh((JAW, (0, -40, 0)))  # 4 mm from the teeth at jawOpen 0.1
    ict = IctFace(mesh((JAW, (0, -10, 0))), mesh((BROW, (0, 1, 0))), gap, lip, teeth)
    sums = tally(true, dialogue(frames, a, [], true), Faces(ict, {"other": LipGap(2.0, gap.per_unit)}))
    assert sums["lve_mm2"] == (0.0, 2 * frames)
    assert sums["closure_ict"] == (1.0, 1)
    assert sums["closure_other"] == (0.0, 1)  # lips that rest 2 mm apart
    assert sums["labiodental_ict"] == (0.0, 1)  # at 0.1 the lip is far off, shut it is no f
    assert sums["blinks_per_minute"] == (1.0, pytest.approx(2 * 5 / 60))
    assert quotient(*sums["aa_over_iy"]) == pytest.approx(6.0)
    true[0, 45:47, JAW] = 0.02  # 0.8 mm below the teeth, lips 0.6 mm apart
    sums = tally(true, dialogue(frames, a, [], true), Faces(ict, {}))
    assert sums["labiodental_ict"] == (1.0, 1)


def test_a_listener_that_chews_is_found_out() -> None:
    frames = 120
    jaw = 0.3 * (np.arange(frames) % 2)
    both = np.stack([curve(frames, jawOpen=jaw), curve(frames, jawOpen=jaw)])
    talk = dialogue(frames, [Phone(1.0, 1.5, "AA")], [Phone(3.0, 3.5, "AA")], both)
    assert measure([both], [talk])["listener"] == pytest.approx(1.0)
    still = both.copy()
    still[0, 60:, JAW] = still[1, :60, JAW] = 0
    assert measure([still], [talk])["listener"] < 0.05
    assert lip_gap(still).max() > 1  # it did speak
