"""SMPL parameters on disk, as AMASS and as BEAT2 lay them out. NPZ only; nothing in them is unpickled.

**AMASS** (Mahmood et al. 2019): ``poses`` (T, 156 or 165), ``trans``, ``betas``, ``gender`` and the frame rate; Z up; fingers
from a flat hand. **BEAT2** (EMAGE, Liu et al. 2024): ``poses`` (T, 165), ``trans``, ``betas`` (300), ``expressions`` (T, 100) and
``model``; Y up; fingers from the model's mean hand, since its authors' code makes the model with ``smplx``'s default.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError, invalid
from duologue.files.atomic import replacing
from duologue.files.reading import check_file, read_head
from duologue.smpl.model import BodyModel
from duologue.smpl.parameters import BodyParameters

Layout = Literal["amass", "beat2"]
LAYOUTS: Final[tuple[Layout, ...]] = ("amass", "beat2")

_RATES: Final = ("mocap_frame_rate", "mocap_framerate")
_BETAS, _EXPRESSIONS = 300, 100
"""What BEAT2's files have of each."""
_AMASS_BETAS: Final = 16


def read_parameters(path: Path) -> BodyParameters:
    """Read a file of either layout; which it is, is seen by ``expressions``, which only BEAT2 has.

    Raises:
        DuologueError: INVALID_ARGUMENT ``smpl-pickle`` (no NPZ), ``smpl-file`` (damaged, or without poses, place or frame rate),
            ``smpl-shape``, ``smpl-not-finite``; what ``check_file`` raises. The message names the file.
    """
    check_file(path)
    if not read_head(path, 4).startswith(b"PK"):
        raise invalid("smpl-pickle", f"{path} is no NPZ; a PKL is not opened, since it can run any code")
    try:
        with np.load(path, allow_pickle=False) as file:
            wanted = ("poses", "trans", "betas", "expressions", "gender", *_RATES)
            arrays = {key: np.asarray(file[key]) for key in wanted if key in file.files}
    except Exception as error:  # of zipfile, zlib and numpy: a cut-off file has many
        raise invalid("smpl-file", f"{path} can't be read ({error}); fetch a whole copy") from error
    try:
        return _parsed(arrays)
    except DuologueError as error:
        raise invalid(error.reason, f"{path}: {error.message}", field=error.field) from error
    except (TypeError, ValueError) as error:
        raise invalid("smpl-file", f"{path}: {error}") from error


def _parsed(arrays: Mapping[str, NDArray[Any]]) -> BodyParameters:
    rate = next((arrays[key] for key in _RATES if key in arrays), None)
    missing = [key for key in ("poses", "trans") if key not in arrays] + ([] if rate is not None else [_RATES[0]])
    if missing or rate is None:
        raise invalid("smpl-file", f"it has no {', '.join(missing)}; AMASS' and BEAT2's motion has")
    poses = arrays["poses"]
    if poses.ndim == 2 and poses.shape[1] % 3 == 0:
        poses = poses.reshape(len(poses), -1, 3)
    beat2 = "expressions" in arrays
    return BodyParameters(
        poses,
        arrays["trans"],
        float(rate),
        arrays.get("betas", np.zeros(0)).reshape(-1).astype(np.float64),
        up="y" if beat2 else "z",
        gender=_text(arrays.get("gender")),
        expression=arrays.get("expressions"),
        hands_from_mean=beat2,
    )


def _text(value: NDArray[Any] | None) -> str:
    if value is None or value.dtype.kind not in "US":
        return "neutral"
    text = value.reshape(-1)[0]
    return text.decode() if isinstance(text, bytes) else str(text)


def write_parameters(path: Path, parameters: BodyParameters, layout: Layout, model: BodyModel | None = None) -> None:
    """Write SMPL-X's parameters in a layout: its world, its fingers, its keys.

    ``model``: whose parameters they are. Without it fingers stay counted from what they were, and the pelvis is at ``trans``.

    Raises:
        DuologueError: what ``replacing`` raises.
    """
    pelvis = np.zeros(3) if model is None else model.rest_joints(parameters.betas)[0]
    hands = np.zeros((2, 45)) if model is None else model.mean_hands
    if layout == "amass":
        arrays = _amass(parameters.flat(hands).with_z_up(pelvis))
    else:
        arrays = _beat2(parameters.from_mean(hands).upright(pelvis))
    with replacing(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def _amass(parameters: BodyParameters) -> dict[str, Any]:
    """The keys of AMASS' SMPL-X files (``*_stageii.npz``)."""
    flat = parameters.poses.reshape(len(parameters), -1)
    return {
        "gender": np.array(parameters.gender),
        "surface_model_type": np.array("smplx"),
        "mocap_frame_rate": np.array(parameters.fps),
        "betas": _padded(parameters.betas, _AMASS_BETAS),
        "num_betas": np.array(max(_AMASS_BETAS, len(parameters.betas))),
        "trans": parameters.trans,
        "poses": flat,
        "root_orient": flat[:, :3],
        "pose_body": flat[:, 3:66],
        "pose_jaw": flat[:, 66:69],
        "pose_eye": flat[:, 69:75],
        "pose_hand": flat[:, 75:],
    }


def _beat2(parameters: BodyParameters) -> dict[str, Any]:
    count = len(parameters)
    expression = parameters.expression if parameters.expression is not None else np.zeros((count, 0))
    return {
        "betas": _padded(parameters.betas, _BETAS),
        "poses": parameters.poses.reshape(count, -1),
        "expressions": _padded(expression, _EXPRESSIONS),
        "trans": parameters.trans,
        "model": np.array("smplx2020"),
        "gender": np.array(parameters.gender),
        "mocap_frame_rate": np.array(parameters.fps),
    }


def _padded(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return values (..., n) with zeros behind, at least ``width`` long."""
    lacking = max(0, width - values.shape[-1])
    return np.concatenate([values, np.zeros((*values.shape[:-1], lacking))], axis=-1)
