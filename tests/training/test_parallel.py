"""Two processes under torchrun: one step of both is one step on the mean of their gradients, and one of them writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from duologue.training import parallel
from duologue.training.loop import Losses, Optimisation, train
from torch import nn

SETTINGS = Optimisation(steps=3, learning_rate=0.1, batch=1, warm_up=1, clip=1e9, weight_decay=0.0, seed=4)


class Sometimes(nn.Module):
    """``left`` is used by even draws and ``right`` by odd ones, ``never`` by none."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.never = (nn.Parameter(torch.ones(2)) for _ in range(3))


class Learner:
    """A trainer whose batches are a number."""

    def __init__(self) -> None:
        self.module = Sometimes()
        self.clipped = (self.module,)
        self.drawn: list[int] = []

    def batch(self, rng: np.random.Generator, step: int) -> int:
        self.drawn.append(int(rng.integers(100)))
        return self.drawn[-1]

    def losses(self, batch: int) -> Losses:
        used = self.module.right if batch % 2 else self.module.left
        return Losses({"a": (batch * used).sum()})


def main(out: Path) -> None:
    learner = Learner()
    train(learner, SETTINGS, out)
    state = {name: value.tolist() for name, value in learner.module.state_dict().items()}
    (out / f"{parallel.rank()}.json").write_text(json.dumps({"drawn": learner.drawn, "state": state}))


def test_two_are_one_with_twice_the_batch(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        __file__,
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    assert first["state"] == second["state"]
    assert first["drawn"] != second["drawn"]
    # The same by hand: AdamW on the mean of both gradients.
    module = Sometimes()
    optimiser = torch.optim.AdamW(module.parameters(), lr=0.1, weight_decay=0.0, betas=SETTINGS.betas)
    for step, pair in enumerate(zip(first["drawn"], second["drawn"], strict=True)):
        optimiser.zero_grad()
        for batch in pair:
            (0.5 * batch * (module.right if batch % 2 else module.left)).sum().backward()
        for group in optimiser.param_groups:
            group["lr"] = SETTINGS.rate_at(step)
        optimiser.step()
    for name, value in module.state_dict().items():
        np.testing.assert_allclose(first["state"][name], value, atol=1e-6)
    assert first["state"]["never"] == [1, 1]
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1


def test_alone_nothing_is_joined() -> None:
    assert parallel.alone()
    assert parallel.rank() == 0
    with parallel.leader_first():
        parallel.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
