"""ICT-FaceKit and the sample characters: millimetres, lips that close, teeth that the lower lip reaches."""

from pathlib import Path

import numpy as np
import pytest
from duologue.arkit import INDEX
from duologue.errors import DuologueError
from duologue.evaluation.face.mesh import IctFace, character_gap, read_ict
from duologue.facial.lips import COEFFICIENTS, REST

ICT = Path(__file__).resolve().parents[2].parent / "shared" / "kit" / "face_ict"


@pytest.fixture(scope="module")
def ict() -> IctFace:
    if not ICT.is_dir():
        pytest.skip("the kit is not beside the repository")
    return read_ict(ICT)


def weights(**shapes: float) -> np.ndarray:
    mouth = np.zeros(52, np.float32)
    for name, value in shapes.items():
        mouth[INDEX[name]] = value
    return mouth


def test_an_adult_face_in_millimetres(ict: IctFace) -> None:
    # Adults' pupils are 54 to 74 mm apart (Dodgson 2004), so a face's eyes and brows span about twice that.
    width = np.ptp(ict.upper.neutral[:, 0])
    assert 110 < width < 150
    # A mouth at rest is 45 to 55 mm wide (Farkas 1994).
    assert 43 < np.ptp(ict.lips.neutral[:, 0]) < 57
    assert len(ict.lips.neutral) > 500


def test_lips_and_upper_face_are_moved_by_their_own_shapes(ict: IctFace) -> None:
    def moved(mesh, *names: str) -> float:
        return float(np.linalg.norm(mesh.deltas[[INDEX[name] for name in names]], axis=-1).max())

    assert moved(ict.upper, "browInnerUp", "browOuterUpLeft") > 4
    assert moved(ict.upper, "jawOpen") < 1.5  # skin of the lower lids
    assert moved(ict.lips, "jawOpen") > 25
    assert moved(ict.lips, "browInnerUp", "eyeBlinkLeft") < 0.5
    assert moved(ict.lips, "tongueOut") == 0  # the mesh has no such shape


def test_the_gap_agrees_with_the_coefficients_used_for_composing(ict: IctFace) -> None:
    # Those were measured apart from this reader, and rounded to a tenth of a millimetre; small ones were left out.
    np.testing.assert_allclose(ict.gap.per_unit, COEFFICIENTS, atol=0.3)
    assert ict.gap.rest == pytest.approx(REST, abs=0.05)


def test_the_lower_lip_reaches_the_teeth_by_rolling_and_not_by_parting(ict: IctFace) -> None:
    f = weights(jawOpen=0.05, mouthRollLower=0.42, mouthUpperUpLeft=0.2, mouthUpperUpRight=0.2)
    parted = weights(jawOpen=0.05, mouthUpperUpLeft=0.2, mouthUpperUpRight=0.2)
    at_f, at_parted, at_rest, at_aa = ict.lip_to_teeth(np.stack([f, parted, weights(), weights(jawOpen=0.6)]))
    assert at_f < 2 < at_rest < at_parted
    assert at_aa > 15
    assert ict.gap(f) > 1


def test_of_no_frames_there_is_nothing_to_say(ict: IctFace) -> None:
    assert ict.lip_to_teeth(np.zeros((0, 52), np.float32)).shape == (0,)


@pytest.mark.parametrize("name", ["ada", "ben"])
def test_characters_lips_touch_at_rest_part_with_the_jaw_and_meet_again(name: str) -> None:
    gap = character_gap(name)
    assert gap.rest == pytest.approx(0, abs=1e-3)
    assert 20 < gap(weights(jawOpen=1)) < 40
    for opened in (0.2, 0.6, 1.0):
        assert abs(gap(weights(jawOpen=opened, mouthClose=opened))) < 0.1
    assert gap(weights(mouthUpperUpLeft=1, mouthUpperUpRight=1)) > 2
    assert gap(weights(browInnerUp=1, eyeBlinkLeft=1)) == pytest.approx(0, abs=1e-3)


def test_missing_and_foreign_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DuologueError) as caught:
        read_ict(tmp_path)
    assert caught.value.reason == "ict-missing"
    np.savez(tmp_path / "ict_expressions.npz", neutral=np.zeros((3, 3)), deltas=np.zeros((1, 3, 3)), names=["jawOpen"])
    (tmp_path / "vertex_indices.json").write_text('{"idx_to_landmark_verts": [0, 1, 2]}')
    with pytest.raises(DuologueError) as caught:
        read_ict(tmp_path)
    assert caught.value.reason == "ict-foreign"
    with pytest.raises(DuologueError) as caught:
        character_gap("nobody")
    assert caught.value.reason == "character-missing"
