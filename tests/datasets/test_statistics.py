"""``duologue dataset statistics``: InterAct's figures, on cases whose answers are known."""

import csv
import json
from xml.etree import ElementTree

import numpy as np
import pytest
from duologue.arkit import INDEX, NAMES
from duologue.cli import app
from duologue.datasets.corpus.body import Corpus
from duologue.datasets.readers.bvh import read_motion
from duologue.datasets.scene import Person, Scene
from duologue.datasets.statistics import balance, measuring, placement
from duologue.datasets.statistics.contacts import DURATION, FAR, NEAR, PARTS, contacts, gaps, shapes, touches
from duologue.datasets.statistics.entropy import angular_speeds, bits, body_entropy
from duologue.datasets.statistics.expression import FACE, vertex_variance
from duologue.datasets.statistics.groups import META_EMOTION, META_RELATIONSHIP, relationship_of
from duologue.datasets.statistics.measuring import BODIES, ENTROPY, FACING, PAIRS, SECONDS, measure, measure_folder
from duologue.datasets.statistics.placed import Body
from duologue.datasets.statistics.plots import bars, histogram
from duologue.datasets.statistics.tally import EVERYBODY, Covariance, Histogram
from duologue.datasets.synthesis.layouts.writers import write
from duologue.executors.processes import Processes
from duologue.features import pose as poses
from duologue.labels import EMOTIONS, RELATIONSHIPS, roles
from duologue.motion.capsules import Capsules
from examples_data import SKELETON, some_pair
from typer.testing import CliRunner


def still(frames: int, x: float = 0.0, yaw: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Somebody in the rest pose (arms out, along X), at ``x`` metres."""
    rotations = np.zeros((frames, 60, 3))
    rotations[:, 0, 1] = yaw
    return np.tile([x, SKELETON.offsets[0, 1], 0.0], (frames, 1)), rotations


def body(root: np.ndarray, rotations: np.ndarray) -> Body:
    found = Body.of(Person("a", (root, rotations)), len(root))
    assert found is not None
    return found


def of_all(totals, figure: str) -> Histogram:
    return totals.histograms[figure, *EVERYBODY]


def test_a_histogram_knows_its_values():
    values = np.random.default_rng(0).normal(1.0, 0.3, 20_000)
    edges = np.linspace(-1, 3, 401)
    whole = Histogram.of(values[:5000], edges) + Histogram.of(values[5000:], edges)
    assert whole.count == 20_000
    assert (whole.mean, whole.deviation) == pytest.approx((values.mean(), values.std()))
    for share in (0.05, 0.5, 0.95):
        assert whole.quantile(share) == pytest.approx(np.quantile(values, share), abs=0.01)
    assert Histogram.of(np.array([7.0]), edges).counts[-1] == 1, "what is beyond counts beside the edge"
    assert np.isnan(Histogram.of(np.zeros(0), edges).quantile(0.5))


def test_a_covariance_of_parts_is_that_of_the_whole():
    rows = np.random.default_rng(1).normal(size=(500, 4))
    parts = Covariance.of(rows[:123]) + Covariance.of(rows[123:])
    np.testing.assert_allclose(parts.matrix, np.cov(rows.T, bias=True), atol=1e-12)


def test_entropy_of_speeds():
    assert bits(np.full((50, 20), 3.33)) == 0, "one speed"
    assert bits(np.linspace(0.05, 9.95, 100)) == pytest.approx(np.log2(100)), "every bin as often"
    assert bits(np.array([0.5, 0.5, 7.0, 7.0])) == pytest.approx(1.0)
    # A quarter, a quarter, a half: 1.5 bits; and what is faster than 10 rad/s is in the last bin.
    assert bits(np.array([0.5, 2.5, 15.0, 99.0])) == pytest.approx(1.5)


def test_joints_turn_as_fast_as_they_are_turned():
    rotations = np.zeros((40, 60, 3))
    rotations[:, 5, 1] = np.arange(40) * 2.0 / 30  # 2 rad/s, over more than half a turn
    rotations[:, 9, 0] = 1.0
    speeds = angular_speeds(rotations)
    np.testing.assert_allclose(speeds[:, 5], 2.0, atol=1e-9)
    np.testing.assert_allclose(np.delete(speeds, 5, axis=1), 0, atol=1e-9)


def test_entropy_of_a_body_is_that_of_its_twenty_fastest_joints():
    root, rotations = still(91)
    # Twenty joints: ten turn at 1.05 rad/s throughout, ten at 3.05; the other forty are still and don't count.
    for k in range(20):
        rotations[:, 40 + k, 0] = np.arange(91) * (1.05 if k % 2 else 3.05) / 30
    assert body_entropy(body(root, rotations)) == pytest.approx(1.0)
    assert body_entropy(body(*still(20))) is None, "less than a second says nothing"


def test_how_far_people_go_and_turn():
    root, rotations = still(61)
    root[:, 2] = np.arange(61) * 2.0 / 60  # two metres ahead
    rotations[:, 0, 1] = np.radians(np.arange(61) * 1.5)  # a quarter turn
    values = placement.of_one(body(root, rotations))
    assert values[placement.GONE][0][-1] == pytest.approx(2.0)
    assert values[placement.TURNED][0][-1] == pytest.approx(90.0)
    assert len(values[placement.GONE][0]) == 60


@pytest.mark.parametrize(("yaw", "angle"), [(0.0, 0.0), (np.pi, 180.0), (-np.pi / 2, 90.0), (3.5 * np.pi, 90.0)])
def test_how_two_stand_to_each_other(yaw, angle):
    values = placement.of_two(body(*still(30)), body(*still(30, 1.5, yaw)))
    np.testing.assert_allclose(values[placement.APART][0], 1.5)
    np.testing.assert_allclose(values[placement.BETWEEN][0], angle, atol=1e-6)


def arm() -> float:
    """How far a hand's capsules reach from the hips in the rest pose, its arms along X."""
    capsules = Capsules.of(SKELETON)
    placed = body(*still(1))
    lines = capsules.place(placed.matrices, placed.positions)[0]
    chosen = capsules.indices("LeftHand", "LeftFingers")
    return float((lines[chosen, :, 0].max(-1) + capsules.radii[chosen]).max())


def test_hands_are_as_far_from_each_other_as_two_are_apart():
    """Two side by side in the rest pose: one's left hand ends ``arm`` metres on the way to the other's right one."""
    for between in (0.3, 0.02):
        a, b = (
            shapes(p.skeleton, p.matrices, p.positions) for p in (body(*still(3)), body(*still(3, 2 * arm() + between)))
        )
        np.testing.assert_allclose(gaps(a, b, own=False)["hand"], between, atol=5e-3)
        assert (gaps(a, b, own=False)["head"] > 0.5).all()


def test_a_touch_lasts_as_long_as_two_are_near():
    """She comes to him at 0.3 m/s until hands are 2 cm apart, waits, and goes: from 5 cm on the way in to 6 on the way out."""
    begin, least = 0.35, 0.02
    way = np.concatenate([np.arange(begin, least, -0.01), np.full(30, least), np.arange(least, begin, 0.01)])
    root, rotations = still(len(way))
    exact = float(gaps(*(
        shapes(p.skeleton, p.matrices, p.positions) for p in (body(*still(1)), body(*still(1, 2 * arm() + begin)))
    ), own=False)["hand"][0])  # fmt: skip
    root[:, 0] += 2 * arm() + way + begin - exact
    found = contacts(body(*still(len(way))), body(root, rotations))
    holds = (way < NEAR) | ((way <= FAR) & (np.arange(len(way)) > len(way) // 2))
    assert len(found["hand"]) == 1
    assert found["hand"][0] == pytest.approx(holds.sum() / 30, abs=1.5 / 30)
    assert {part: len(found[part]) for part in PARTS if part != "hand"} == {"head": 0, "shoulder": 0, "elbow": 0}


def test_touches_that_flicker_or_were_not_seen():
    gap = np.full(60, 0.5)
    gap[10:40] = 0.01
    gap[20] = 0.055  # over NEAR, not over FAR: it goes on
    gap[50:52] = 0.01  # too short
    seen = np.ones(60, bool)
    assert touches(gap, seen) == [(10, 40)]
    seen[30:35] = False
    assert touches(gap, seen) == [(10, 30), (35, 40)]


def test_captured_hands_touch_what_their_clips_are_named_for(kit_bvhs):
    clips = {path.stem: path for path in (*kit_bvhs("body_rocketbox"), *kit_bvhs("body_quaternius"))}
    wanted = {
        "m_sit_chair_idle_touch_face": {"head"}, "m_sit_chair_idle_scratch_head": {"head"},
        "f_sit_chair_idle_touch_hair": {"head"}, "Idle_FoldArms_Loop": {"elbow"}, "f_idle_neutral_02": set(),
        "m_idle_neutral_01": set(), "m_sit_chair_breathe_01": set(), "m_sit_chair_idle_look_around": set(),
    }  # fmt: skip
    for name, parts in wanted.items():
        placed = body(*read_motion(clips[name], SKELETON))
        touched = {part for part, seconds in contacts(placed, placed).items() if len(seconds)}
        assert touched - {"shoulder"} == parts, f"{name} (a hand at the face passes the shoulder)"


def test_minutes_per_hour_go_by_the_toucher():
    """Of two minutes of her, one with a hand on his: he has his own minute of it, each by gender."""
    frames = 1800
    near, far = 2 * arm() - 0.05, 2 * arm() + 1.0
    root, rotations = still(frames, far)
    root[: frames // 2, 0] = near
    people = (
        Person("a", still(frames), gender="female", emotion=np.full(frames, EMOTIONS.index("joy"), np.uint8)),
        Person("b", (root, rotations), gender="male", emotion=np.full(frames, EMOTIONS.index("anger"), np.uint8)),
    )
    totals = measure(Scene("one", people, "siblings"))
    touched = totals.histograms["partner's hand-hand", "gender", "female"]
    assert (touched.count, touched.total) == (1, pytest.approx(30.0, abs=0.1))
    assert touched.edges is DURATION or np.array_equal(touched.edges, DURATION)
    assert totals.sums[PAIRS, "gender", "female"] == 60.0
    assert totals.histograms["partner's hand-hand", "meta-emotion", "primitive, negative"].total == pytest.approx(
        30, abs=0.1
    )
    assert totals.histograms["partner's hand-hand", "meta-relationship", "family"].count == 2
    assert ("own hand-hand", *EVERYBODY) not in totals.histograms
    assert totals.sums[FACING, *EVERYBODY] == 0, "side by side, both look ahead"


def test_who_stands_is_balanced_and_who_is_carried_sways():
    totals = measure(Scene("one", (Person("a", still(90)),)))
    assert of_all(totals, balance.OUTSIDE).mean == 0
    assert of_all(totals, balance.SWAY).mean == 0
    root, rotations = still(90)
    root[:, 0] = np.arange(90) * 0.2 / 30  # slid over the floor at 20 cm/s, which is no walk yet
    assert of_all(measure(Scene("one", (Person("a", (root, rotations)),))), balance.SWAY).mean == pytest.approx(20.0)


def test_faces_vary_as_their_weights_do():
    face = np.zeros((400, len(NAMES)), np.float32)
    face[::2, INDEX["jawOpen"]] = 1.0  # variance 1/4
    joy, fear = EMOTIONS.index("joy"), EMOTIONS.index("fear")
    emotion = np.repeat([joy, fear], 200).astype(np.uint8)
    face[200:, INDEX["jawOpen"]] = 0.5
    totals = measure(Scene("one", (Person("a", still(400), face=face, emotion=emotion),)))
    at = INDEX["jawOpen"]
    assert totals.faces[FACE, "emotion", "joy"].matrix[at, at] == pytest.approx(0.25)
    assert totals.faces[FACE, "meta-emotion", "fear-related"].matrix[at, at] == pytest.approx(0.0)
    assert totals.faces[FACE, *EVERYBODY].matrix[at, at] == pytest.approx(0.125)
    deltas = np.zeros((len(NAMES), 2, 3))
    deltas[at, 1] = (0.0, -3.0, 4.0)  # five units at a weight of one
    variance = vertex_variance(totals.faces[FACE, "emotion", "joy"].matrix, deltas)
    np.testing.assert_allclose(variance, [0.0, 25 * 0.25])


def test_faces_by_facing():
    face = np.zeros((60, len(NAMES)), np.float32)
    people = (Person("a", still(60, 0.0, np.pi / 2), face=face), Person("b", still(60, 1.0, np.pi / 2), face=face))
    totals = measure(Scene("one", people))
    assert totals.faces[FACE, "facing", "turned to the partner"].count == 60, "A looks along X at B"
    assert totals.faces[FACE, "facing", "turned away"].count == 60, "B turns the back"


def test_every_label_is_of_a_kind():
    assert set(META_EMOTION) == set(EMOTIONS)
    assert set(META_RELATIONSHIP) == set(RELATIONSHIPS)
    for relationship in RELATIONSHIPS:
        assert relationship_of(*roles(relationship)) == relationship_of(*roles(relationship)[::-1]) == relationship


def test_a_corpus_is_measured_as_its_pairs_are(tmp_path, monkeypatch):
    pair = some_pair(120)
    features, path = poses.from_world(*still(120))
    pair.features[:], pair.path[:] = features[:, None], path[:, None]
    pair.path[:, 1, 0] += 1.0
    Corpus.write(tmp_path, [pair, pair], {"recipe": "composed"})
    totals = measure_folder(tmp_path).totals
    assert of_all(totals, placement.APART).mean == pytest.approx(1.0, abs=1e-3)
    assert totals.sums[SECONDS, "meta-relationship", "work"] == 16.0  # boss and subordinate
    assert of_all(totals, ENTROPY).count == 4
    monkeypatch.setattr(measuring, "_BLOCK", 1)
    assert measure_folder(tmp_path).totals.sums == totals.sums, "however many are read at a time"
    Corpus.write(tmp_path, [pair], {"recipe": "AMASS"})
    assert (placement.APART, *EVERYBODY) not in measure_folder(tmp_path).totals.histograms, "placed by us"


def test_parts_in_processes_are_the_whole(tmp_path, material):
    write("interact", material, tmp_path, 3, 6.0, lambda done, total: None)
    one, two = (measure_folder(tmp_path, executor=Processes(workers)).totals for workers in (1, 2))
    assert one.sums == two.sums
    assert one.histograms.keys() == two.histograms.keys()
    assert all(np.array_equal(one.histograms[key].counts, two.histograms[key].counts) for key in one.histograms)


@pytest.mark.parametrize("layout", ["interact", "seamless", "beat2", "amass", "plain", "captures"])
def test_a_page_of_every_layout(tmp_path, material, layout):
    write(layout, material, tmp_path / "data", 2, 6.0, lambda done, total: None)
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["dataset", "statistics", str(tmp_path / "data"), "--out", str(out), "--json"])
    assert result.exit_code == 0, result.exception
    told = json.loads(result.stdout)
    overview = {row["what"]: row["value"] for row in told["What it holds"]["overview"]}
    assert (overview["sequences"], overview["files left out"]) == (2, 0)
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "{{" not in page
    assert "<script" not in page
    assert 'src="' not in page, "it needs nothing but itself"
    drawings = sorted(out.glob("*.svg"))
    assert len(drawings) == page.count("<svg")
    for drawing in drawings:
        ElementTree.fromstring(drawing.read_text(encoding="utf-8"))
    for table in out.glob("*.csv"):
        with table.open(newline="", encoding="utf-8") as file:
            assert list(csv.reader(file))[1:] or layout == "captures", table.name
    with (out / "histograms.csv").open(newline="", encoding="utf-8") as file:
        counted = [int(row["values"]) for row in csv.DictReader(file) if row["figure"] == placement.GONE]
    assert sum(counted) == 0 if layout == "captures" else sum(counted) > 300
    assert ("How much faces move" in told) == (layout in {"interact", "plain", "captures"})
    assert ("Where people stand" in told) == (layout != "captures")


def test_what_is_left_out_is_counted(tmp_path, material):
    write("interact", material, tmp_path, 2, 6.0, lambda done, total: None)
    next((tmp_path / "wav").glob("*.wav")).unlink()
    measured = measure_folder(tmp_path)
    assert [problem.reason for problem in measured.problems] == ["speech-not-found"]
    assert measured.totals.sums[BODIES, *EVERYBODY] == 12.0


def test_faces_are_drawn_on_a_template(tmp_path, material):
    write("captures", material, tmp_path / "data", 1, 4.0, lambda done, total: None)
    rng = np.random.default_rng(0)
    neutral, deltas = rng.normal(size=(30, 3)), rng.normal(size=(2, 30, 3))
    np.savez(tmp_path / "head.npz", neutral=neutral, deltas=deltas, names=np.array(["jawOpen", "eyeBlinkLeft"]))
    command = ["dataset", "statistics", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    assert CliRunner().invoke(app, [*command, "--template", str(tmp_path / "head.npz")]).exit_code == 0
    assert (tmp_path / "out" / "face_0.svg").read_text().count("<circle") == 30


def test_plots_hold_what_they_are_given():
    drawn = ElementTree.fromstring(bars([("a & b", 2.0, ""), ("c", 1.0, "of 3"), ("d", float("nan"), "")], "cm"))
    widths = [float(rect.get("width", "nan")) for rect in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    assert widths[1] / widths[0] == pytest.approx(0.5, abs=0.01)
    assert widths[2] == 0
    edges = np.linspace(0, 10, 101)
    shares = np.zeros(100)
    shares[40:60] = 0.05
    (polygon,) = ElementTree.fromstring(histogram({"": (edges, shares)}, "m")).iter(
        "{http://www.w3.org/2000/svg}polygon"
    )
    assert len((polygon.get("points") or "").split()) == 42, "only the bins that are filled"
