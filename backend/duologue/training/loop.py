"""The loop that trains the speech encoder and the face: AdamW, seeded, resumable, logged as JSON lines, without pickles.

What makes a resumed run equal an unbroken one is that batch k depends on (seed, k) alone; the callers hold to that.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from duologue.errors import DuologueError


@dataclass(frozen=True)
class Optimisation:
    """What both runs share. ``steps`` at ``learning_rate`` after a warm-up, then down a cosine to a fiftieth."""

    steps: int
    learning_rate: float
    batch: int
    warm_up: int = 100
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 0
    log_every: int = 20
    save_every: int = 200

    def identity(self) -> str:
        """Return what makes a run the run it is: all but how often it logs and saves."""
        return json.dumps({key: value for key, value in asdict(self).items() if not key.endswith("_every")})

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step."""
        if step < self.warm_up:
            return self.learning_rate * (step + 1) / self.warm_up
        done = min((step - self.warm_up) / max(self.steps - self.warm_up, 1), 1.0)
        return self.learning_rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def optimise(
    module: nn.Module,
    loss_of: Callable[[int], tuple[Tensor, dict[str, float]]],
    settings: Optimisation,
    out: Path,
    *,
    judge: Callable[[], dict[str, float]] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Run AdamW from wherever ``out/state.safetensors`` stands up to ``settings.steps``; return the step reached.

    ``loss_of(step)`` returns the loss and figures to log; ``judge`` is called at every save. Log lines go to ``out/log.jsonl``.

    Raises:
        DuologueError: FAILED_PRECONDITION ``training-differs`` when ``out`` holds a run with other settings; INTERNAL
            ``training-diverged``.
    """
    out.mkdir(parents=True, exist_ok=True)
    optimiser = torch.optim.AdamW(
        module.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, betas=(0.9, 0.98)
    )
    step = load_state(module, optimiser, out / "state.safetensors", settings)
    began = time.monotonic()
    with (out / "log.jsonl").open("a") as log:

        def note(line: dict[str, Any]) -> None:
            log.write(json.dumps({"step": step, "seconds": round(time.monotonic() - began, 1), **line}) + "\n")
            log.flush()

        while step < settings.steps and not should_stop():
            module.train()
            for group in optimiser.param_groups:
                group["lr"] = settings.rate_at(step)
            loss, figures = loss_of(step)
            if not torch.isfinite(loss):
                raise DuologueError(
                    "INTERNAL", "training-diverged", f"the loss is {loss.item()} at step {step}; lower the rate"
                )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(module.parameters(), settings.clip)
            optimiser.step()
            step += 1
            if step % settings.log_every == 0:
                note({"loss": round(loss.item(), 5), **{key: round(value, 5) for key, value in figures.items()}})
            if step % settings.save_every == 0 or step == settings.steps:
                save_state(module, optimiser, step, out / "state.safetensors", settings)
                if judge is not None:
                    module.eval()
                    note({"judged": {key: round(value, 4) for key, value in judge().items()}})
    save_state(module, optimiser, step, out / "state.safetensors", settings)
    return step


def save_state(
    module: nn.Module, optimiser: torch.optim.Optimizer, step: int, path: Path, settings: Optimisation
) -> None:
    """Write all that a run needs to go on."""
    tensors = {f"module/{name}": value.contiguous().clone() for name, value in module.state_dict().items()}
    for index, entry in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser/{index}/{key}": value.contiguous() for key, value in entry.items()}
    save_file(tensors, path.with_suffix(".tmp"), metadata={"step": str(step), "settings": settings.identity()})
    path.with_suffix(".tmp").replace(path)


def load_state(module: nn.Module, optimiser: torch.optim.Optimizer, path: Path, settings: Optimisation) -> int:
    """Put a run back where it stopped; return its step, 0 where there is nothing to go on from."""
    if not path.exists():
        return 0
    with safe_open(path, "pt") as file:
        told = file.metadata()
    step, began_with = int(told["step"]), told.get("settings", settings.identity())
    if began_with != settings.identity():
        raise DuologueError(
            "FAILED_PRECONDITION",
            "training-differs",
            f"{path.parent} holds a run with {began_with}, not with {settings.identity()}; give the same settings to go on with "
            "it, or another --out to begin anew",
            field="--out",
        )
    tensors = load_file(path)
    module.load_state_dict(
        {key.partition("/")[2]: value for key, value in tensors.items() if key.startswith("module/")}
    )
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimiser/"):
            _, index, name = key.split("/")
            state.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return step
