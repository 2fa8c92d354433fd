"""The one loop, on a straight line: y = 2 x + 1, learned from points that a step's own random numbers choose."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from duologue.errors import DuologueError
from duologue.training.loop import LOG, Losses, Optimisation, moving_average, train
from duologue.training.state import STATE
from safetensors.torch import save_file
from torch import Tensor, nn


@dataclass
class Line:
    """A trainer: all that a model has to bring."""

    module: nn.Sequential = field(default_factory=lambda: nn.Sequential(nn.Dropout(0.1), nn.Linear(1, 1)))
    diverges_at: int = -1

    @property
    def clipped(self) -> tuple[nn.Module]:
        return (self.module,)

    def batch(self, rng: np.random.Generator, step: int) -> Tensor:
        x = torch.from_numpy(rng.normal(size=(8, 1)).astype(np.float32))
        return x * np.nan if step == self.diverges_at else x

    def losses(self, batch: Tensor) -> Losses:
        error = (self.module(batch) - (2 * batch + 1)).square()
        return Losses({"error": error.mean(), "worst": 0.1 * error.max()}, {"points": float(len(batch))})


SETTINGS = Optimisation(steps=12, learning_rate=0.05, batch=8, warm_up=2, average=0.9, log_every=4, save_every=6)


def line(**changes: object) -> Line:
    torch.manual_seed(0)
    return Line(**changes)  # type: ignore[arg-type]


def weights(module: nn.Module) -> list[float]:
    return [value.item() for value in module.parameters()]


def stop_after(steps: int) -> Iterator[bool]:
    yield from [False] * steps
    yield True


def test_it_learns_logs_what_was_learned_and_what_was_judged(tmp_path: Path) -> None:
    seen: list[dict] = []
    settings = replace(SETTINGS, steps=200, log_every=100, save_every=200)
    stored = train(
        line(),
        settings,
        tmp_path,
        judge=lambda m: {"slope": m[1].weight.item()},
        report=lambda at: seen.append(dict(at)),
    )
    # Dropping a tenth of x and making the rest up for it, the slope that errs least is 0.9 of the true one.
    assert weights(stored) == pytest.approx([0.9 * 2, 1], abs=0.1)
    assert not stored.training
    log = [json.loads(row) for row in (tmp_path / LOG).read_text().splitlines()]
    assert log == seen
    assert [row["step"] for row in log] == [100, 200, 200]
    assert log[0]["loss"] == pytest.approx(log[0]["error"] + log[0]["worst"], rel=1e-5)
    assert log[0]["points"] == 8
    assert log[-1]["judged"]["slope"] == pytest.approx(stored[1].weight.item(), rel=1e-5)


def test_a_run_that_stops_anywhere_and_goes_on_ends_where_an_unbroken_one_does(tmp_path: Path) -> None:
    whole = train(line(), SETTINGS, tmp_path / "whole")
    for stop in (1, 6, 9):
        halt = stop_after(stop)
        train(line(), SETTINGS, tmp_path / str(stop), should_stop=lambda halt=halt: next(halt))
        torch.manual_seed(99)  # nothing may depend on what happened in between
        parts = train(Line(), SETTINGS, tmp_path / str(stop))
        assert weights(parts) == weights(whole)


def test_what_is_stored_is_given_at_every_save_and_at_the_end(tmp_path: Path) -> None:
    steps: list[int] = []
    halt = stop_after(8)
    train(line(), SETTINGS, tmp_path, saved=lambda _, step: steps.append(step), should_stop=lambda: next(halt))
    assert steps == [6, 8]


def test_a_state_of_other_settings_or_another_recipe_is_refused_and_says_what_differs(tmp_path: Path) -> None:
    train(line(), SETTINGS, tmp_path, recipe={"data": {"pairs": 3}})
    train(line(), replace(SETTINGS, log_every=1), tmp_path, recipe={"data": {"pairs": 3}})  # how often it logs is free
    for settings, pairs, says in (
        (replace(SETTINGS, clip=2.0), 3, "clip was 1.0 and is 2.0"),
        (SETTINGS, 4, "pairs was 3"),
    ):
        with pytest.raises(DuologueError, match=says) as error:
            train(line(), settings, tmp_path, recipe={"data": {"pairs": pairs}})
        assert error.value.reason == "training-differs"


@pytest.mark.parametrize("name", [STATE, "state.safetensors"])
def test_a_state_of_an_earlier_version_is_refused_by_name(tmp_path: Path, name: str) -> None:
    save_file({"model/weight": torch.zeros(1)}, tmp_path / name, {"step": "3", "settings": "{}"})
    with pytest.raises(DuologueError, match=name) as error:
        train(line(), SETTINGS, tmp_path)
    assert error.value.reason == "training-format"


def test_a_loss_that_is_no_number_ends_the_run_before_it_touches_the_weights(tmp_path: Path) -> None:
    trainer = line(diverges_at=7)
    with pytest.raises(DuologueError, match="step 7") as error:
        train(trainer, SETTINGS, tmp_path)
    assert (error.value.code, error.value.reason) == ("INTERNAL", "training-diverged")
    assert np.isfinite(weights(trainer.module)).all()


def test_the_rate_warms_up_and_falls_along_half_a_cosine_to_a_fiftieth() -> None:
    rates = [Optimisation(110, 1.0, 1, warm_up=10).rate_at(step) for step in range(111)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert rates[60] == pytest.approx(0.51)  # half way
    assert rates[110] == pytest.approx(0.02)
    early = Optimisation(100, 1.0, 1, warm_up=10, anneal_from="start")
    assert early.rate_at(50) == pytest.approx(0.51)
    assert early.rate_at(4) == pytest.approx(0.5 * (0.02 + 0.49 * (1 + np.cos(np.pi * 0.04))))


def test_the_moving_average_by_hand() -> None:
    module = nn.Linear(1, 1, bias=False)
    module.weight.data.fill_(1.0)
    average = moving_average(module, decay=0.25)
    module.weight.data.fill_(2.0)
    average.update_parameters(module)
    first = 1 + (1 - 2 / 11) * (2 - 1)  # after step 1 the decay is (1 + 1) / (10 + 1)
    assert average.module.weight.item() == pytest.approx(first)
    module.weight.data.fill_(5.0)
    for step in range(2, 9):
        before = average.module.weight.item()
        average.update_parameters(module)
        decay = min(0.25, (1 + step) / (10 + step))
        assert average.module.weight.item() == pytest.approx(decay * before + (1 - decay) * 5)
