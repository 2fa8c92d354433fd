"""The viseme basis: non-negative least squares against scipy's, and against the head it was fitted on."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from duologue import arkit
from duologue.rigs.shape_map import ShapeMap
from duologue.rigs.visemes import VisemeBasis
from scipy.optimize import nnls

TARGETS = Path(__file__).parents[3] / "shared" / "kit" / "character_mpfb" / "talkinghead-targets.zip"


@pytest.fixture
def basis() -> VisemeBasis:
    basis = ShapeMap.builtin("oculus_visemes").basis
    assert basis is not None
    return basis


def members(group: str) -> list[str]:
    return [group] if group in arkit.INDEX else [group + "Left", group + "Right"]


def as_weights(basis: VisemeBasis, groups: np.ndarray) -> np.ndarray:
    weights = np.zeros((len(groups), 52))
    for column, group in enumerate(basis.groups):
        for name in members(group):
            weights[:, arkit.INDEX[name]] = groups[:, column]
    return weights


def test_the_mixture_is_scipys_nearest_one(basis: VisemeBasis):
    groups = np.random.default_rng(5).uniform(0, 0.6, (40, len(basis.groups)))
    # Lips that shut and teeth that bite are constraints, and no question of what is nearest.
    groups[:, basis.groups.index("mouthClose")] = 0.0
    groups[:, basis.groups.index("mouthRollLower")] *= 0.2
    mixture = basis.project(as_weights(basis, groups), iterations=3000)
    # Smiles are not said, and where the tongue is isn't known.
    importance = np.where([group == "mouthSmile" for group in basis.groups], 0.0, basis.importance)
    scaled = np.where([viseme in ("TH", "nn") for viseme in basis.visemes], 0.0, basis.matrix) * importance[:, None]
    for row, wanted in zip(mixture, groups * importance, strict=True):
        best, distance = nnls(scaled, wanted)
        if best.max() < 1:  # scipy's knows no upper bound
            assert np.linalg.norm(scaled @ row - wanted) < distance + 1e-3


def test_lips_meet_for_p_and_b(basis: VisemeBasis):
    weights = np.zeros((1, 52))
    for name, value in {"jawOpen": 0.2, "mouthClose": 0.25, "mouthRollLower": 0.25, "mouthRollUpper": 0.4}.items():
        weights[0, arkit.INDEX[name]] = value
    assert basis.visemes[int(basis.project(weights).argmax())] == "PP"


@pytest.mark.parametrize("visemes", [("aa", "E", "I", "O", "U"), ("PP", "FF", "aa", "E", "I", "O", "U")])
def test_a_rounded_vowel_leaves_no_gap_where_lips_shut(basis: VisemeBasis, visemes: tuple[str, ...]):
    """Rounded and half shut: the nearest mixture alone would keep the mouth at two fifths of a U."""
    own = basis.only(visemes)
    weights = np.zeros((2, 52))
    for name in ("jawOpen", "mouthPucker", "mouthFunnel"):
        weights[:, arkit.INDEX[name]] = 0.3
    weights[1, arkit.INDEX["mouthClose"]] = 0.33
    spoken, shut = own.project(weights)
    assert spoken.sum() > 0.3
    assert [viseme for viseme, value in zip(own.visemes, shut, strict=True) if value > 1e-6] == [
        viseme for viseme in visemes if viseme == "PP"
    ]


def test_a_quiet_smile_bares_no_teeth_and_a_vowel_shows_no_tongue(basis: VisemeBasis):
    """Seen on a Ready Player Me avatar with visemes alone: kk and SS for a smile, the tongue out for an open vowel."""
    weights = np.zeros((2, 52))
    for name in ("mouthSmileLeft", "mouthSmileRight"):
        weights[0, arkit.INDEX[name]] = 0.8
    weights[1, arkit.INDEX["jawOpen"]] = 0.5
    for name, value in {"mouthLowerDown": 0.35, "mouthUpperUp": 0.1}.items():
        weights[1, [arkit.INDEX[name + side] for side in ("Left", "Right")]] = value
    smiling, spoken = (dict(zip(basis.visemes, row, strict=True)) for row in basis.project(weights))
    assert max(smiling.values()) < 1e-6
    assert spoken["aa"] > 0.8
    assert spoken["TH"] == spoken["nn"] == 0.0


def test_a_face_at_rest_stays_at_rest(basis: VisemeBasis):
    np.testing.assert_array_equal(basis.project(np.zeros((2, 52))), 0)


@pytest.mark.skipif(not TARGETS.exists(), reason="the kit is not here")
def test_the_shipped_basis_is_what_the_head_says(basis: VisemeBasis):
    deltas: dict[str, dict[int, list[float]]] = {}
    with zipfile.ZipFile(TARGETS) as archive:
        for name in archive.namelist():
            if name.startswith("final-talkinghead/") and name.endswith(".target"):
                rows = [line.split() for line in archive.read(name).decode().splitlines()]
                deltas[Path(name).stem] = {
                    int(row[0]): [float(x) for x in row[1:]] for row in rows if len(row) == 4 and row[0].isdigit()
                }
    vertices = {vertex: i for i, vertex in enumerate(sorted({v for rows in deltas.values() for v in rows}))}

    def flat(name: str) -> np.ndarray:
        values = np.zeros((len(vertices), 3))
        for vertex, delta in deltas[name].items():
            values[vertices[vertex]] = delta
        return values.ravel()

    shapes = np.stack([sum(flat(name) for name in members(group)) for group in basis.groups], axis=1)
    lengths = np.linalg.norm(shapes, axis=0)
    np.testing.assert_allclose(basis.importance, np.sqrt(lengths / lengths[0]), atol=0.006)
    for column, viseme in enumerate(basis.visemes):
        fitted, _ = nnls(shapes, flat(f"viseme_{viseme}"))
        np.testing.assert_allclose(
            basis.matrix[:, column], np.where(fitted > 0.04, fitted, 0), atol=0.006, err_msg=viseme
        )
