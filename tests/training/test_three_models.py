"""Body, face and video under torchrun: two processes learn what one learns from both their batches; killed at any
moment and started again, they go on along the same curve to the same bits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).parent))

from duologue.training.loop import Losses, train
from examples_models import KINDS, make_data, trainer_of

STEPS = 10
STATE = "training.safetensors"


@pytest.fixture(scope="module", params=KINDS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Path]:
    """A kind of model, its data, and where two processes have trained it."""
    data, out = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("two")
    make_data(request.param, data)
    process = start(request.param, data, out)
    _, told = process.communicate(timeout=200)
    assert process.returncode == 0, told[-2000:]
    return request.param, data, out


def start(kind: str, data: Path, out: Path) -> subprocess.Popen[str]:
    program = Path(__file__).with_name("examples_models.py")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, str(program), kind, str(data), str(out), str(STEPS)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ), start_new_session=True)


def curve(out: Path) -> list[tuple[int, float]]:
    lines = (json.loads(line) for line in (out / "log.jsonl").read_text().splitlines())
    return [(line["step"], line["loss"]) for line in lines]


class Both:
    """A trainer that draws what both processes draw, and learns from the mean of their losses."""

    def __init__(self, trainer: Any, seed: int) -> None:
        self._trainer, self._seed = trainer, seed
        self.module, self.clipped = trainer.module, trainer.clipped

    def batch(self, rng: np.random.Generator, step: int) -> list[tuple[int, Any]]:
        drawn = []
        for rank in range(2):
            own = np.random.default_rng([self._seed, step, rank])
            drawn.append((int(own.spawn(1)[0].integers(2**62)), self._trainer.batch(own, step)))
        return drawn

    def losses(self, batch: list[tuple[int, Any]]) -> Losses:
        totals = []
        for seed, each in batch:
            torch.manual_seed(seed)
            totals.append(self._trainer.losses(each).total)
        return Losses({"loss": torch.stack(totals).mean()})


def test_two_processes_go_along_the_curve_of_one_with_both_batches(run: tuple[str, Path, Path], tmp_path: Path) -> None:
    kind, data, two = run
    trainer, settings = trainer_of(kind, data, STEPS)
    train(Both(trainer, settings.seed), settings, tmp_path)
    joined, one = np.array(curve(two)), np.array(curve(tmp_path))
    np.testing.assert_array_equal(joined[:, 0], np.arange(1, STEPS + 1))
    # Gradients are added up in another order, and bfloat16 has three digits.
    np.testing.assert_allclose(joined[:, 1], one[:, 1], rtol=2e-2)
    np.testing.assert_allclose(joined[0, 1], one[0, 1], rtol=1e-4)
    there, here = load_file(two / STATE), load_file(tmp_path / STATE)
    assert there.keys() == here.keys()
    moved = 0.0
    begun = trainer_of(kind, data, STEPS)[0].module.state_dict()
    for name, value in begun.items():
        apart = (there[f"module/{name}"].float() - here[f"module/{name}"].float()).abs().sum()
        way = (here[f"module/{name}"].float() - value.float()).abs().sum()
        moved += float(way)
        assert apart <= 0.25 * way + 1e-4, name
    assert moved > 0


def test_killed_it_goes_on_to_the_same_bits(run: tuple[str, Path, Path], tmp_path: Path) -> None:
    kind, data, two = run
    process = start(kind, data, tmp_path)
    while not (tmp_path / STATE).exists() or len(curve(tmp_path)) < 6:
        assert process.poll() is None or len(curve(tmp_path)) >= 6
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    # Workers of torchrun have a session of their own; they end when it is gone. What a kill tore off is no line.
    time.sleep(1)
    log = tmp_path / "log.jsonl"
    log.write_text("".join(line for line in log.read_text().splitlines(keepends=True) if line.endswith("}\n")))
    again = start(kind, data, tmp_path)
    _, told = again.communicate(timeout=200)
    assert again.returncode == 0, told[-2000:]
    unbroken = dict(curve(two))
    assert all(unbroken[step] == loss for step, loss in curve(tmp_path))
    assert {step for step, _ in curve(tmp_path)} == set(unbroken)
    there, here = load_file(two / STATE), load_file(tmp_path / STATE)
    for name, value in there.items():
        torch.testing.assert_close(here[name], value, rtol=0, atol=0)
