"""The user's own SMPL-H or SMPL-X file: joints from shape, joints and surface from pose. Nothing in it is unpickled.

With V vertices, J joints, shape ``b``, expression ``e`` and pose ``q`` (SMPL-X, Pavlakos et al. 2019, equations 1 to 3)::

    T(b, e, q) = T̄ + S b + E e + P (R(q) - I)      the template, with blend shapes on it
    J(b)       = Jr (T̄ + S b)                       joints, by a sparse regressor
    M          = W(T, J, q, w)                      linear blend skinning
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError, invalid
from duologue.files.reading import check_file, read_head
from duologue.motion.rotations import exp_to_matrix
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.smpl.joints import COUNTS, Kind, adult, with_offsets
from duologue.smpl.parameters import BodyParameters

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

_KEYS: Final = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")
_HANDS: Final = ("hands_meanl", "hands_meanr")
_SHAPES, _EXPRESSIONS = 300, 100
"""Columns of SMPL-X 1.1's ``shapedirs``; 1.0's has ten of each."""
_FEW: Final = 10
_LANDMARKS: Final = 51
_CHUNK: Final = 32
"""Frames that are posed at once: bounds the memory."""


@dataclass(frozen=True, eq=False)
class BodyModel:
    """One body model: V vertices, J joints, F triangles, S shape and E expression directions. Metres, Y up, facing +Z."""

    kind: Kind
    template: Floats
    """(V, 3)."""
    shape_directions: Floats
    """(V, 3, S)."""
    expression_directions: Floats
    """(V, 3, E); SMPL-H has none."""
    pose_directions: Floats
    """(V, 3, 9 (J - 1))."""
    regressor: Array
    """(J, V)."""
    weights: Floats
    """(V, J)."""
    triangles: NDArray[np.int64]
    """(F, 3), counter-clockwise from outside."""
    mean_hands: Array
    """(2, 45): left and right, axis-angle from the flat hand."""
    landmarks: tuple[NDArray[np.int64], Array] | None = None
    """Of SMPL-X: triangles (51,) and barycentric shares (51, 3) of iBUG's landmarks 18 to 68 (``lmk_*``)."""

    @classmethod
    def load(cls, path: Path) -> BodyModel:
        """Read an NPZ as its authors release it. Only the arrays that are needed are read; none may be pickled.

        Raises:
            DuologueError: INVALID_ARGUMENT ``smpl-pickle`` for a PKL, ``smpl-model`` for another file (the message says which
                key); what ``check_file`` raises.
        """
        check_file(path, "--model")
        if path.suffix.lower() in {".pkl", ".pickle"} or not read_head(path, 4).startswith(b"PK"):
            raise invalid(
                "smpl-pickle",
                f"{path} is no NPZ. A PKL can run any code as it is opened, so it never is here; download the .npz of the same "
                "model (SMPLX_NEUTRAL.npz, or AMASS' smplh/neutral/model.npz).",
                field="--model",
            )
        try:
            with np.load(path, allow_pickle=False) as file:
                wanted = [*_KEYS, *_HANDS, "lmk_faces_idx", "lmk_bary_coords"]
                return _parse({key: np.asarray(file[key]) for key in wanted if key in file.files})
        except DuologueError as error:
            raise invalid(error.reason, f"{path}: {error.message}", field="--model") from error
        except (ValueError, KeyError, OSError, EOFError, IndexError, TypeError, ImportError) as error:
            raise invalid(
                "smpl-model", f"{path} is no body model that can be read: {error}", field="--model"
            ) from error
        except Exception as error:  # zipfile and zlib have errors of their own
            raise invalid("smpl-model", f"{path} is damaged: {error}; download it again", field="--model") from error

    @cached_property
    def tree(self) -> Skeleton:
        """Names and parents of the J joints."""
        return adult(self.kind)

    def shaped(self, betas: NDArray[np.floating[Any]]) -> Array:
        """Return the rest surface (V, 3) of a person, without expression.

        Raises:
            DuologueError: INVALID_ARGUMENT ``smpl-betas`` for more coefficients than the file has directions.
        """
        known = self.shape_directions.shape[-1]
        if np.any(betas[known:]):
            raise invalid(
                "smpl-betas", f"the motion has {len(betas)} betas, the model file only {known}; take a file with more"
            )
        used = np.asarray(betas[:known], np.float64)
        return self.template + self.shape_directions[..., : len(used)] @ used

    def rest_joints(self, betas: NDArray[np.floating[Any]]) -> Array:
        """Return where a person's joints rest (J, 3). Raises what :meth:`shaped` does."""
        return self.regressor @ self.shaped(betas)

    def skeleton(self, betas: NDArray[np.floating[Any]]) -> Skeleton:
        """Return a person's skeleton, joints by the model's names, soles at y = 0. Raises what :meth:`shaped` does."""
        surface = self.shaped(betas)
        return with_offsets(self.kind, self.regressor @ surface, float(surface[:, 1].min()))

    def joints(self, parameters: BodyParameters) -> Array:
        """Return where joints (T, J, 3) are, in the parameters' own world. Raises what :meth:`shaped` does."""
        rest = self.rest_joints(parameters.betas)
        return self._place(parameters.flat(self.mean_hands), rest)[1]

    def vertices(self, parameters: BodyParameters) -> Array:
        """Return the surface (T, V, 3), in the parameters' own world. Raises what :meth:`shaped` does."""
        parameters = parameters.flat(self.mean_hands)
        shaped = self.shaped(parameters.betas)
        parts = [
            self._skinned(parameters, shaped, slice(first, first + _CHUNK))
            for first in range(0, len(parameters), _CHUNK)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, len(shaped), 3))

    def _skinned(self, parameters: BodyParameters, shaped: Array, frames: slice) -> Array:
        poses = parameters.poses[frames]
        count = len(poses)
        surface = np.repeat(shaped[None], count, axis=0)
        if parameters.expression is not None:
            used = parameters.expression[frames, : self.expression_directions.shape[-1]]
            flat = self.expression_directions[..., : used.shape[1]].reshape(-1, used.shape[1])
            surface += (used @ flat.T).reshape(surface.shape)
        rest = (
            self.regressor @ surface
        )  # as its authors have it: an expression moves joints, by fractions of a millimetre
        bends = (exp_to_matrix(poses[:, 1:]) - np.eye(3)).reshape(count, -1).astype(np.float32)
        directions = self.pose_directions.reshape(-1, self.pose_directions.shape[-1])
        surface += (bends @ directions.T).reshape(surface.shape)
        tree = self.tree
        offsets = rest - rest[:, list(tree.parents)]
        root = rest[:, 0] + parameters.trans[frames]
        turns, places = forward_kinematics(tree, poses, root, offsets)
        # From rest to posed: x -> R_j (x - r_j) + p_j, blended over the joints.
        moves = np.concatenate([turns, (places - (turns @ rest[..., None])[..., 0])[..., None]], axis=-1)
        blended = (self.weights @ moves.reshape(count, len(tree), 12)).reshape(count, -1, 3, 4)
        return (blended[..., :3] @ surface[..., None])[..., 0] + blended[..., 3]

    def _place(self, parameters: BodyParameters, rest: Array) -> tuple[Array, Array]:
        offsets = rest - rest[list(self.tree.parents)]
        turns, places = forward_kinematics(self.tree, parameters.poses, rest[0] + parameters.trans, offsets)
        return np.asarray(turns, np.float64), np.asarray(places, np.float64)


def _parse(arrays: Mapping[str, NDArray[Any]]) -> BodyModel:
    """Check what a file holds against each other."""
    if missing := [key for key in _KEYS if key not in arrays]:
        raise invalid("smpl-model", f"it has no {', '.join(missing)}; is it a model of another type?")
    template, weights, shapes = (arrays[key] for key in ("v_template", "weights", "shapedirs"))
    vertices, joints = len(template), weights.shape[-1]
    if joints not in COUNTS:
        raise invalid("smpl-model", f"it has {joints} joints; SMPL-H has 52 and SMPL-X 55 (SMPL's 24 have no hands)")
    kind = COUNTS[joints]
    expected = {
        "v_template": (vertices, 3),
        "weights": (vertices, joints),
        "J_regressor": (joints, vertices),
        "posedirs": (vertices, 3, 9 * (joints - 1)),
        "shapedirs": (vertices, 3, shapes.shape[-1]),
    }
    for key, shape in expected.items():
        if arrays[key].shape != shape:
            raise invalid("smpl-model", f"{key} has shape {arrays[key].shape}, expected {shape}")
    if tuple(arrays["kintree_table"][0].astype(np.int64)[1:]) != adult(kind).parents[1:]:
        raise invalid("smpl-model", f"its joints hang together in another way than {kind}'s")
    split = _split(kind, shapes.shape[-1])
    means = [arrays[key].reshape(-1) if key in arrays else np.zeros(45) for key in _HANDS]
    return BodyModel(
        kind,
        template.astype(np.float32),
        shapes[..., : split[0]].astype(np.float32),
        shapes[..., split[0] : split[1]].astype(np.float32),
        arrays["posedirs"].astype(np.float32),
        arrays["J_regressor"].astype(np.float64),
        weights.astype(np.float32),
        arrays["f"].astype(np.int64),
        np.array(means, np.float64).reshape(2, 45),
        _landmarks(arrays),
    )


def _split(kind: Kind, columns: int) -> tuple[int, int]:
    """Return where the columns of ``shapedirs`` end that are shape, and those that are expression."""
    if kind == "smplh":
        return columns, columns
    if columns >= _SHAPES + _EXPRESSIONS:
        return _SHAPES, _SHAPES + _EXPRESSIONS
    return min(_FEW, columns), min(2 * _FEW, columns)


def _landmarks(arrays: Mapping[str, NDArray[Any]]) -> tuple[NDArray[np.int64], Array] | None:
    """Return the landmarks; None where a file has none, or others than the 51 whose order is known."""
    found = arrays.get("lmk_faces_idx", np.zeros(0)), arrays.get("lmk_bary_coords", np.zeros((0, 3)))
    if found[0].shape != (_LANDMARKS,) or found[1].shape != (_LANDMARKS, 3):
        return None
    return found[0].astype(np.int64), found[1].astype(np.float64)
