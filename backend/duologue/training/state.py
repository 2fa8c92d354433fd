"""What a run resumes from: the module, its moving average, the optimiser's moments and the step, in one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from duologue.errors import DuologueError

STATE: Final = "training.safetensors"
FORMAT: Final = "2"
"""Version 1 of the body's states had no number, and the face's were called ``state.safetensors``; neither is read any more."""
_OLD: Final = "state.safetensors"


def save_state(  # noqa: PLR0917
    out: Path,
    identity: Mapping[str, Any],
    step: int,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: AveragedModel | None,
) -> None:
    """Write ``out/training.safetensors``; it is replaced whole."""
    tensors = {f"module/{name}": value for name, value in module.state_dict().items()}
    if average is not None:
        tensors |= {f"average/{name}": value for name, value in average.module.state_dict().items()}
    for index, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser/{index}/{name}": value for name, value in moments.items()}
    stored = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    temporary = out / f"{STATE}.tmp"
    save_file(stored, temporary, {"format": FORMAT, "step": str(step), "identity": json.dumps(identity)})
    temporary.replace(out / STATE)


def load_state(
    out: Path,
    identity: Mapping[str, Any],
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: AveragedModel | None,
) -> int:
    """Put a run back where it stopped, in place; return its step, 0 where there is nothing to go on from.

    Raises:
        DuologueError: FAILED_PRECONDITION ``training-differs`` for a run with another ``identity``, ``training-format`` for one
            that another version began.
    """
    if (out / _OLD).exists():
        raise _other_version(out / _OLD)
    path = out / STATE
    if not path.exists():
        return 0
    with safe_open(path, "pt") as file:
        about = file.metadata() or {}
        if about.get("format") != FORMAT:
            raise _other_version(path)
        _check_identity(out, json.loads(about["identity"]), json.loads(json.dumps(identity)))
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no dict)
    module.load_state_dict(_under("module/", tensors))
    step = int(about["step"])
    if average is not None:
        average.module.load_state_dict(_under("average/", tensors))
        average.n_averaged.fill_(step + 1)
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in _under("optimiser/", tensors).items():
        index, _, name = key.partition("/")
        moments.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict({"state": moments, "param_groups": optimiser.state_dict()["param_groups"]})
    return step


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _check_identity(out: Path, began: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with a run under other settings, and name them."""
    before, after = _flat(began), _flat(now)
    differing = [
        f"{name} was {before.get(name)!r} and is {after.get(name)!r}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    if differing:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "training-differs",
            f"{out} holds a run with other settings ({'; '.join(differing[:4])}); give the same ones to go on with it, "
            "or another --out to begin anew.",
            field="--out",
        )


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings as one level of dotted names."""
    flat: dict[str, Any] = {}
    for name, item in value.items():
        flat |= _flat(item, f"{prefix}{name}.") if isinstance(item, dict) else {f"{prefix}{name}": item}
    return flat


def _other_version(path: Path) -> DuologueError:
    return DuologueError(
        "FAILED_PRECONDITION",
        "training-format",
        f"{path} is the state of a run that another version began; finish it with that one, or give another --out.",
        field="--out",
    )
