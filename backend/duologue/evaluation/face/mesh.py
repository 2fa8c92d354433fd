"""Faces in millimetres: ICT-FaceKit's mesh under ARKit weights, and how far the lips of any face are apart.

ICT-FaceKit (Li et al. 2020, "Learning Formation of Physically-Based Face Attributes"; MIT) is modelled in centimetres, so every
length is taken times ten and nothing is fitted: its lids' centres then lie 65 mm apart, where adults' eyes do (63 ± 4 mm, Dodgson
2004). Of its 26,719 vertices the first 14,062 are skin, mouth socket and eye sockets; the first 9,409 of those the face itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.spatial import Delaunay, KDTree
from scipy.spatial.distance import cdist

from duologue.arkit import INDEX as SHAPE
from duologue.arkit import NAMES
from duologue.errors import DuologueError
from duologue.files.folders import rigs_folder
from duologue.rigs.shape_map import ShapeMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Points = NDArray[np.float32]

CHARACTERS: Final = ("ada", "ben")
_MM: Final = 10.0
_SKIN: Final = 14_062
_FACE: Final = 9_409
_TEETH: Final = slice(17_039, 21_451)
_MOVED: Final = 0.25
"""Share of the largest movement from which a vertex belongs to a region."""
_BESIDE_MIDDLE: Final = 12.0
"""mm: lip gaps are taken this near to the middle of the mouth, where a closure is seen."""


@dataclass(frozen=True, eq=False)
class FaceMesh:
    """Some vertices of a face: ``neutral`` (V, 3) and ``deltas`` (52, V, 3), in mm, y up, z forward, by ``arkit.NAMES``."""

    neutral: Points
    deltas: Points

    def part(self, vertices: NDArray[np.integer]) -> FaceMesh:
        """Return only these vertices."""
        return FaceMesh(self.neutral[vertices], self.deltas[:, vertices])

    def displacement(self, weights: NDArray[np.floating], chunk: int = 256) -> Iterator[Points]:
        """Yield the displacements from neutral, (n, V, 3), of weights (T, 52), at most ``chunk`` frames at a time."""
        flat = self.deltas.reshape(len(NAMES), -1)
        for first in range(0, len(weights), chunk):  # blocks bound the memory; a block is one product
            block = weights[first : first + chunk].astype(np.float32) @ flat
            yield block.reshape(-1, *self.neutral.shape)


@dataclass(frozen=True, eq=False)
class LipGap:
    """Height between the lips near the middle of the mouth; linear, as blendshapes are. Negative is pressed together."""

    rest: float
    per_unit: NDArray[np.float32]
    """(52,) mm a unit of each weight."""

    def __call__(self, weights: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the gap in mm (...,) of weights (..., 52)."""
        return weights.astype(np.float32) @ self.per_unit + np.float32(self.rest)

    @classmethod
    def between(cls, mesh: FaceMesh, upper: NDArray[np.integer], lower: NDArray[np.integer]) -> LipGap:
        """Return the mean gap of pairs of facing vertices."""
        return cls(
            float((mesh.neutral[upper, 1] - mesh.neutral[lower, 1]).mean()),
            (mesh.deltas[:, upper, 1] - mesh.deltas[:, lower, 1]).mean(1),
        )


@dataclass(frozen=True, eq=False)
class IctFace:
    """The regions of ICT-FaceKit that the metrics look at."""

    lips: FaceMesh
    """Vertices for LVE: of the face those inside the outline of the 12 outer lip landmarks (iBUG 48 to 59, seen from in front)
    that some mouth shape moves by more than 25 % of the largest movement there."""
    upper: FaceMesh
    """Vertices for FDD, forehead and region of the eyes: of the face those no more than 5 mm under the lids (landmarks 36 to 47)
    that some brow or lid shape moves by more than 25 % of its own largest movement."""
    gap: LipGap
    lower_lip: FaceMesh
    """The lower lip within 10 mm of the middle, its inner side included."""
    teeth: Points
    """(E, 3) the cutting edge of the upper front teeth, which no shape moves."""

    def lip_to_teeth(self, weights: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the mean distance in mm, (T,), from the edge of the upper front teeth to the lower lip, for weights (T, 52)."""
        blocks = [
            cdist((self.lower_lip.neutral + moved).reshape(-1, 3), self.teeth)
            .reshape(len(moved), -1, len(self.teeth))
            .min(1)
            .mean(1)
            for moved in self.lower_lip.displacement(weights)
        ]
        return np.concatenate(blocks) if blocks else np.zeros(0)


@dataclass(frozen=True, eq=False)
class Faces:
    """The faces that weights are judged on: ICT-FaceKit, and by name the lips of further ones."""

    ict: IctFace
    gaps: Mapping[str, LipGap]


def read_faces(kit: Path) -> Faces:
    """Return ICT-FaceKit, from ``face_ict`` in the kit, and the sample characters' lips.

    Raises:
        DuologueError: what ``read_ict`` and ``character_gap`` raise.
    """
    return Faces(read_ict(kit / "face_ict"), {name: character_gap(name) for name in CHARACTERS})


def read_ict(folder: Path) -> IctFace:
    """Read ``ict_expressions.npz`` (``neutral``, ``deltas``, ``names``) and ``vertex_indices.json`` of an ICT-FaceKit folder.

    Raises:
        DuologueError: NOT_FOUND ``ict-missing`` when a file is absent; FAILED_PRECONDITION ``ict-foreign`` for another mesh.
    """
    try:
        with np.load(folder / "ict_expressions.npz") as file:
            neutral = file["neutral"].astype(np.float32) * np.float32(_MM)
            keys = file["deltas"].astype(np.float32) * np.float32(_MM)
            names = [str(name) for name in file["names"]]
        indices = json.loads((folder / "vertex_indices.json").read_text(encoding="utf-8"))
        landmarks = np.array(indices["idx_to_landmark_verts"])
    except FileNotFoundError as error:
        raise DuologueError(
            "NOT_FOUND",
            "ict-missing",
            f"{error.filename} is missing; point --kit at the folder with face_ict/ in it.",
            field="--kit",
        ) from error
    except (KeyError, ValueError) as error:
        raise _foreign(folder, str(error)) from error
    match = ShapeMap.builtin("generic").bind(names)
    if match.missing != ("tongueOut",) or neutral.shape != (26_719, 3) or len(landmarks) != 68:
        raise _foreign(folder, f"{len(neutral)} vertices, without {', '.join(match.missing)}")
    driven = [names.index(name) for name in match.shapes]
    deltas = np.einsum("ak,kvc->avc", match.factors.astype(np.float32), keys[driven], optimize=True)
    whole = FaceMesh(neutral, deltas)
    upper_lip, lower_lip = facing_lips(whole.part(np.arange(_FACE)), landmarks[62], landmarks[66])
    return IctFace(
        lips=whole.part(_lip_region(whole, landmarks)),
        upper=whole.part(_upper_region(whole, landmarks)),
        gap=LipGap.between(whole, upper_lip, lower_lip),
        lower_lip=whole.part(_lower_lip(whole, landmarks)),
        teeth=_upper_edge(whole),
    )


def facing_lips(face: FaceMesh, upper: int, lower: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of facing vertices of the two lips, upper and lower, within 12 mm of the middle.

    Near the inner lips' landmarks ``upper`` and ``lower`` every vertex goes with the jaw or stays (there is nothing between);
    pairs are each other's nearest neighbours across that divide, at most 3 mm apart.
    """
    centre = (face.neutral[upper] + face.neutral[lower]) / 2
    away = np.abs(face.neutral - centre)
    near = (np.abs(face.neutral[:, 0]) < _BESIDE_MIDDLE) & (away[:, 1] < 8) & (face.neutral[:, 2] > centre[2] - 17)
    with_jaw = np.linalg.norm(face.deltas[SHAPE["jawOpen"]], axis=1)
    half = with_jaw[lower] / 2
    still, moving = np.flatnonzero(near & (with_jaw < half)), np.flatnonzero(near & (with_jaw >= half))
    distance, down = map(np.asarray, KDTree(face.neutral[moving]).query(face.neutral[still]))
    up = np.asarray(KDTree(face.neutral[still]).query(face.neutral[moving])[1])
    mutual = (up[down] == np.arange(len(still))) & (distance < 3)
    return still[mutual], moving[down[mutual]]


def character_gap(name: str) -> LipGap:
    """Return the lip gap of a sample character, ``ada`` or ``ben``: their lips meet exactly at rest, vertex on vertex.

    Raises:
        DuologueError: NOT_FOUND ``character-missing`` for another name.
    """
    from safetensors import safe_open

    path = rigs_folder() / "characters" / f"{name}.safetensors"
    if not path.is_file():
        raise DuologueError(
            "NOT_FOUND", "character-missing", f"there is no sample character {name!r}: {path} is absent."
        )
    with safe_open(path, "np") as file:
        rest = file.get_tensor("positions").astype(np.float64) * 1000
        about = json.loads(file.metadata()["character"])
        lips = [i for i, material in enumerate(about["materials"]) if material["name"] == "lips"]
        corners = file.get_tensor("faces")[np.isin(file.get_tensor("face_material"), lips)]
        vertices = np.unique(corners[corners >= 0])
        vertices = vertices[np.abs(rest[vertices, 0]) < _BESIDE_MIDDLE]
        deltas = np.zeros((len(NAMES), len(rest), 3), np.float32)
        for row, shape in enumerate(NAMES):
            deltas[row, file.get_tensor(f"shape/{shape}/index")] = file.get_tensor(f"shape/{shape}/delta") * 1000
    touching = KDTree(rest[vertices]).query_pairs(1e-4, output_type="ndarray")
    pairs = np.asarray(vertices[touching])
    # The lower lip of a pair is the one that goes down with the jaw.
    drop = deltas[SHAPE["jawOpen"]][pairs, 1]
    parted = np.ptp(drop, axis=1) > 1.0
    pairs = np.take_along_axis(pairs, drop.argsort(axis=1), axis=1)[parted]
    return LipGap.between(FaceMesh(rest.astype(np.float32), deltas), pairs[:, 1], pairs[:, 0])


def _lip_region(mesh: FaceMesh, landmarks: NDArray[np.integer]) -> NDArray[np.int64]:
    outline = Delaunay(mesh.neutral[landmarks[48:60], :2])
    inside = outline.find_simplex(mesh.neutral[:_FACE, :2]) >= 0
    shapes = [SHAPE[name] for name in NAMES if name.startswith("mouth")]
    moved = np.linalg.norm(mesh.deltas[shapes, :_FACE], axis=2).max(0)
    return np.flatnonzero(inside & (moved > _MOVED * moved[inside].max()))


def _upper_region(mesh: FaceMesh, landmarks: NDArray[np.integer]) -> NDArray[np.int64]:
    shapes = [SHAPE[name] for name in NAMES if name.startswith(("brow", "eyeBlink", "eyeSquint", "eyeWide"))]
    moved = np.linalg.norm(mesh.deltas[shapes, :_FACE], axis=2)
    above = mesh.neutral[:_FACE, 1] > mesh.neutral[landmarks[36:48], 1].min() - 5
    return np.flatnonzero(above & ((moved / moved.max(1, keepdims=True)).max(0) > _MOVED))


def _lower_lip(mesh: FaceMesh, landmarks: NDArray[np.integer]) -> NDArray[np.int64]:
    top, bottom = mesh.neutral[landmarks[66]], mesh.neutral[landmarks[57]]
    skin = mesh.neutral[:_SKIN]
    height = (skin[:, 1] > bottom[1] - 2) & (skin[:, 1] < top[1] + 2)
    with_jaw = np.linalg.norm(mesh.deltas[SHAPE["jawOpen"], :_SKIN], axis=1)
    moving = with_jaw > with_jaw[landmarks[66]] / 2
    return np.flatnonzero((np.abs(skin[:, 0]) < 10) & height & (skin[:, 2] > top[2] - 13) & moving)


def _upper_edge(mesh: FaceMesh) -> Points:
    """Return the lowest 2 mm of those teeth within 10 mm of the middle that stay when the jaw opens."""
    fixed = np.abs(mesh.deltas[:, _TEETH]).max((0, 2)) < 1e-3
    front = mesh.neutral[_TEETH][fixed & (np.abs(mesh.neutral[_TEETH, 0]) < 10)]
    if not len(front):
        raise DuologueError(
            "FAILED_PRECONDITION", "ict-foreign", "the mesh has no upper teeth that stay still.", field="--kit"
        )
    return front[front[:, 1] < front[:, 1].min() + 2.0]


def _foreign(folder: Path, why: str) -> DuologueError:
    return DuologueError(
        "FAILED_PRECONDITION",
        "ict-foreign",
        f"{folder} does not hold ICT-FaceKit's expressions as expected: {why}.",
        field="--kit",
    )
