"""ARKit's weights as SMPL-X's jaw, eyes and expression.

Jaw and eyes turn as our sample character's do. What the jaw does not explain of each shape is fitted to the model's expression
directions at the 51 landmarks that its file names: ridge regression, the prior being the unit variance that coefficients have by
construction (SMPL-X, Pavlakos et al. 2019, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from duologue import arkit
from duologue.motion.rotations import quat_to_exp
from duologue.rigs.eyes import eye_turns
from duologue.rigs.samples import load_sample
from duologue.smpl.model import BodyModel

Array = NDArray[np.float64]

_CHARACTER: Final = "ada"
_CHIN: Final = 0.75
"""Of the largest movement of a shape of the jaw: what moves that far goes with the bone."""
_NOISE: Final = 0.001
"""Metres by which a landmark may miss: what two faces' anatomy differs by is larger than any capture's noise."""
_NEAR: Final = 8
"""Vertices that a landmark's movement is the mean of, by their nearness."""
_MOUTH: Final = slice(31, 51)
_LOWER_LIP: Final = (*range(38, 43), *range(48, 51))
"""Of the 51: iBUG's 49 to 68 (the mouth), and of those the lower lip's, outer and inner."""
_JAW: Final = ("jawOpen", "jawLeft", "jawRight")


@dataclass(frozen=True, eq=False)
class Face:
    """T frames: ``jaw``, ``left_eye``, ``right_eye`` (T, 3) axis-angle; ``expression`` (T, E), None without a basis to fit to."""

    jaw: Array
    left_eye: Array
    right_eye: Array
    expression: Array | None


def face_of(weights: NDArray[np.floating], model: BodyModel | None = None) -> Face:
    """Return the face of ARKit weights (T, 52), in the order of ``arkit.NAMES``."""
    values = np.asarray(weights, np.float64)
    jaw = sum((values[:, arkit.INDEX[name], None] * jaw_turn(name) for name in _JAW), np.zeros((len(values), 3)))
    eyes = eye_turns(values)
    expression = None
    if model is not None and model.landmarks is not None and model.expression_directions.shape[-1]:
        expression = values @ expression_of_shapes(model)
    left, right = (np.asarray(quat_to_exp(eyes[name]), np.float64) for name in ("LeftEye", "RightEye"))
    return Face(jaw, left, right, expression)


@cache
def jaw_turn(shape: str) -> Array:
    """Return how the jaw turns (3,), axis-angle, with a shape at weight 1: the rotation about the jaw's hinge that best takes the
    sample character's chin from rest to there (Kabsch 1976)."""
    rest, moved = _chin(shape)
    return _best_turn(rest - _hinge(), moved - _hinge())


@cache
def _hinge() -> Array:
    """Return the point (3,) of the sample character that stays where it is as the jaw opens: x = R x + t, in the middle."""
    rest, moved = _chin("jawOpen")
    turn = Rotation.from_rotvec(_best_turn(rest - rest.mean(axis=0), moved - moved.mean(axis=0))).as_matrix()
    offset = moved.mean(axis=0) - turn @ rest.mean(axis=0)
    return np.asarray(np.linalg.lstsq(np.eye(3) - turn, offset, rcond=1e-6)[0], np.float64)


def _chin(shape: str) -> tuple[Array, Array]:
    """Return where what goes with the jaw is at rest (n, 3), and with a shape at weight 1."""
    mesh = load_sample(_CHARACTER).mesh
    index, delta = mesh.shapes[shape]
    length = np.linalg.norm(delta, axis=1)
    chin = length > _CHIN * length.max()
    return mesh.vertices[index[chin]], mesh.vertices[index[chin]] + delta[chin]


def _best_turn(before: Array, after: Array) -> Array:
    return np.asarray(Rotation.align_vectors(after, before)[0].as_rotvec(), np.float64)


def expression_of_shapes(model: BodyModel) -> Array:
    """Return the expression coefficients (52, E) of each ARKit shape at weight 1: least squares at the landmarks.

    min_e |B e - d|² / s² + |e|², with B the landmarks' directions, d where the shape moves them and s = 1 mm.
    """
    triangles, shares = landmarks_of(model)
    basis = np.einsum("lk,lkce->lce", shares, model.expression_directions[triangles].astype(np.float64))
    basis = basis.reshape(-1, basis.shape[-1])
    wanted = landmark_movements(model) - _jaw_movements(model)
    normal = basis.T @ basis / _NOISE**2 + np.eye(basis.shape[1])
    return np.linalg.solve(normal, basis.T @ wanted.reshape(len(arkit.NAMES), -1).T / _NOISE**2).T


def landmarks_of(model: BodyModel) -> tuple[NDArray[np.int64], Array]:
    """Return the vertices (51, 3) and shares (51, 3) of the model's landmarks."""
    assert model.landmarks is not None  # asked by face_of
    return model.triangles[model.landmarks[0]], model.landmarks[1]


def landmark_movements(model: BodyModel) -> Array:
    """Return how far (52, 51, 3) each ARKit shape moves the model's landmarks, metres, from the nearest of the sample character's
    skin, which is laid over the model's face by its eyes and its mouth."""
    corners, shares = landmarks_of(model)
    places = np.einsum("lk,lkc->lc", shares, model.template[corners].astype(np.float64))
    skin, deltas = _sample_face()
    scale, offset = _laid_over(model, places)
    lower = np.linalg.norm(deltas[arkit.INDEX["jawOpen"]], axis=1)
    lower = lower > 0.5 * lower.max()
    result = np.zeros((len(arkit.NAMES), len(places), 3))
    for landmark, place in enumerate(places):
        there = np.ones(len(skin), np.bool_)
        if landmark >= _MOUTH.start:  # lips touch at rest: the nearest may be the other one's
            there = lower == (landmark in _LOWER_LIP)
        distance, nearest = KDTree(skin[there] * scale + offset).query(place, k=_NEAR)
        near = 1.0 / np.maximum(distance, 1e-6)
        result[:, landmark] = np.einsum("k,akc->ac", near / near.sum(), deltas[:, there][:, nearest]) * scale
    return result


def _jaw_movements(model: BodyModel) -> Array:
    """Return how far (52, 51, 3) the jaw's turn alone moves the model's landmarks."""
    corners, shares = landmarks_of(model)
    places = np.einsum("lk,lkc->lc", shares, model.template[corners].astype(np.float64))
    jaw = model.tree.index("jaw")
    goes = np.einsum("lk,lk->l", shares, model.weights[corners, jaw].astype(np.float64))
    arm = places - model.rest_joints(np.zeros(0))[jaw]
    moved = np.zeros((len(arkit.NAMES), len(places), 3))
    for name in _JAW:
        moved[arkit.INDEX[name]] = goes[:, None] * (Rotation.from_rotvec(jaw_turn(name)).apply(arm) - arm)
    return moved


@cache
def _sample_face() -> tuple[Array, Array]:
    """Return the sample character's skin (n, 3) that any shape moves, lips included, and by how much (52, n, 3)."""
    mesh = load_sample(_CHARACTER).mesh
    wanted = [number for number, name in enumerate(mesh.materials) if name in {"skin", "lips"}]
    moved = np.unique(np.concatenate([index for index, _ in mesh.shapes.values()]))
    chosen = moved[np.isin(mesh.vertex_material[moved], wanted)]
    place = np.full(len(mesh.vertices), -1)
    place[chosen] = np.arange(len(chosen))
    deltas = np.zeros((len(arkit.NAMES), len(chosen), 3))
    for row, name in enumerate(arkit.NAMES):
        index, delta = mesh.shapes[name]
        there = place[index] >= 0
        deltas[row, place[index[there]]] = delta[there]
    return mesh.vertices[chosen], deltas


def _laid_over(model: BodyModel, places: Array) -> tuple[Array, Array]:
    """Return scale (3,) and offset (3,) that take the sample character's face onto the model's: the eyes as far apart, the mouth
    as far under them and as far in front."""
    mesh = load_sample(_CHARACTER).mesh

    def centre(*materials: str) -> Array:
        wanted = [number for number, name in enumerate(mesh.materials) if name in materials]
        return mesh.vertices[np.isin(mesh.vertex_material, wanted)]

    irises, lips = centre("iris"), centre("lips").mean(axis=0)
    own = np.array([irises[irises[:, 0] > 0].mean(axis=0), irises[irises[:, 0] < 0].mean(axis=0)])
    rest = model.rest_joints(np.zeros(0))
    eyes, mouth = rest[model.tree.indices("left_eye", "right_eye")], places[_MOUTH].mean(axis=0)
    across = (eyes[0, 0] - eyes[1, 0]) / (own[0, 0] - own[1, 0])
    down = (eyes[:, 1].mean() - mouth[1]) / (own[:, 1].mean() - lips[1])
    scale = np.array([across, down, across])
    anchor_own = np.array([own[:, 0].mean(), own[:, 1].mean(), lips[2]])
    anchor = np.array([eyes[:, 0].mean(), eyes[:, 1].mean(), mouth[2]])
    return scale, anchor - scale * anchor_own
