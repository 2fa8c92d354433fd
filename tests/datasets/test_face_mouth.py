"""Phones to mouths: every closure is made, vowels open, rounding comes early; and the tables that phones come from."""

import math
from pathlib import Path

import numpy as np
import pytest
from duologue.arkit import INDEX, NAMES
from duologue.datasets.labels.phones import frame_labels, from_espeak, read_phones_csv
from duologue.datasets.readers.live_link import read_face_csv
from duologue.errors import DuologueError
from duologue.facial.coarticulation import SpeakingStyle, mouth_curves
from duologue.facial.lips import lip_gap
from duologue.speech.phones import PHONES, Phone

KIT = Path(__file__).resolve().parents[2].parent / "shared" / "kit"


def said(*names: str, each: float = 0.08) -> list[Phone]:
    return [Phone(0.3 + i * each, 0.3 + (i + 1) * each, name) for i, name in enumerate(names)]


@pytest.mark.parametrize("plosive", ["P", "B", "M"])
@pytest.mark.parametrize("vowel", ["AA", "AE", "UW", "IY", "AO"])
@pytest.mark.parametrize("seconds", [0.03, 0.06, 0.15])
def test_lips_meet_at_every_bilabial_however_short_and_whatever_surrounds_it(
    plosive: str, vowel: str, seconds: float
) -> None:
    for shift in np.linspace(0, 1 / 30, 5):  # wherever the frames fall
        phones = [
            Phone(0.3 + shift, 0.5 + shift, vowel),
            Phone(0.5 + shift, 0.5 + seconds + shift, plosive),
            Phone(0.5 + seconds + shift, 0.8 + seconds + shift, vowel),
        ]
        gap = lip_gap(mouth_curves(phones, 40, style=SpeakingStyle(jaw=1.2, press=0.8)))
        near = slice(math.ceil((0.44 + shift) * 30), int((0.56 + seconds + shift) * 30) + 1)
        assert gap[near].min() < 0.0
        vowels = [math.ceil((0.36 + shift) * 30), int((0.72 + seconds + shift) * 30)]
        assert gap[vowels].min() > 1.0


def test_ah_opens_the_jaw_more_than_three_times_as_far_as_ee() -> None:
    def jaw(vowel: str) -> float:
        return float(mouth_curves(said("SIL", vowel, "SIL", each=0.3), 45)[:, INDEX["jawOpen"]].max())

    assert jaw("AA") > 3 * jaw("IY") > 0.1


def test_rounding_reaches_the_consonant_before_its_vowel_but_hardly_the_vowel_before_that() -> None:
    rounded = mouth_curves(said("IY", "T", "UW", each=0.12), 40)[:, INDEX["mouthPucker"]]
    t_frame, iy_frame = round(0.48 * 30), round(0.34 * 30)
    assert rounded[t_frame] > 0.3 * rounded.max()
    assert rounded[iy_frame] < 0.25 * rounded.max()


def test_f_rolls_the_lower_lip_in_without_closing_the_mouth() -> None:
    weights = mouth_curves(said("AA", "F", "AA", each=0.15), 40)
    middle = round((0.3 + 0.225) * 30)
    assert weights[middle, INDEX["mouthRollLower"]] > 0.3
    assert lip_gap(weights)[middle] > 1.0


def test_silence_and_nothing_at_all_leave_the_mouth_shut() -> None:
    assert not mouth_curves([], 30).any()
    after = mouth_curves(said("AA", each=0.2), 120)
    assert after[60:, INDEX["jawOpen"]].max() < 0.01
    assert after[0, INDEX["jawOpen"]] < 0.05


def test_weights_stay_in_range_for_every_phone_and_every_style() -> None:
    for style in (SpeakingStyle(1.5, 1.5, 1.5, 1.5, 0.3), SpeakingStyle(0.3, 0.3, 0.3, 0.3, -0.3)):
        weights = mouth_curves(said(*PHONES), 200, style=style)
        assert weights.shape == (200, 52)
        assert weights.min() >= 0
        assert weights.max() <= 1
        assert not weights[:, INDEX["tongueOut"]].any()


def test_labels_of_frames_fall_where_the_phones_lie() -> None:
    labels = frame_labels([Phone(0.1, 0.2, "P"), Phone(0.2, 0.3, "?"), Phone(0.4, 0.5, "AA")], 6, 10, offset=0.5)
    assert [PHONES[i] if i >= 0 else "?" for i in labels] == ["SIL", "P", "?", "SIL", "AA", "SIL"]


@pytest.mark.parametrize(
    ("espeak", "cmu"),
    [
        ("p", "P"),
        ("tS", "CH"),
        ("A:", "AA"),
        ("i:", "IY"),
        ("oU", "OW"),
        ("_:", "SIL"),
        ("v", "V"),
        ("m-", "M"),
        ("3:", "ER"),
    ],
)
def test_espeaks_mnemonics_fold_onto_cmu_phones(espeak: str, cmu: str) -> None:
    assert from_espeak(espeak) == cmu


@pytest.mark.skipif(not KIT.is_dir(), reason="the kit is not beside the repository")
def test_the_kits_tables_are_read() -> None:
    phones = read_phones_csv(next(iter(sorted((KIT / "speech_matthes").glob("*.phones.csv")))))
    assert phones[0].name == "SIL"
    assert phones[-1].end > 1
    assert all(phone.name in PHONES for phone in phones)
    face = read_face_csv(next(iter(sorted((KIT / "face_speech_grid").rglob("*.csv")))))
    assert face.missing == ("tongueOut",)
    assert face.weights.shape[1] == 52
    assert 85 <= len(face.weights) <= 95, "three seconds at 30 fps"


def test_live_links_columns_are_matched_by_name_and_its_timecodes_counted(tmp_path: Path) -> None:
    path = tmp_path / "take.csv"
    shapes = ["JawOpen", "EyeBlink_L", "MouthSmileRight"]
    rows = [f"10:00:0{i // 60}:{i % 60:02d}.000,61,{i / 60},0.5,0.25" for i in range(61)]
    path.write_text("\n".join(["Timecode,BlendShapeCount," + ",".join(shapes), *rows]))
    face = read_face_csv(path)
    np.testing.assert_allclose(face.weights[:, INDEX["jawOpen"]], np.arange(31) / 30, atol=1e-5)
    assert face.weights[0, INDEX["eyeBlinkLeft"]] == 0.5
    assert len(face.missing) == len(NAMES) - 3
    path.write_text("time,a\n0,1\n")
    with pytest.raises(DuologueError, match="jawOpen"):
        read_face_csv(path)
