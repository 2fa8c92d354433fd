"""Checkpoints: what is written is what is read, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from duologue.checkpoints import store as checkpoints
from duologue.errors import DuologueError
from safetensors.torch import load_file

torch = pytest.importorskip("torch")


@pytest.fixture
def small(tmp_path: Path) -> checkpoints.Checkpoint:
    tensors = {"weight": torch.linspace(-1, 1, 7), "steps": torch.tensor([3])}
    return checkpoints.write_checkpoint(tmp_path / "small", "small", {"model": "face", "width": 7}, tensors)


def reason(error: pytest.ExceptionInfo[DuologueError]) -> str:
    return error.value.reason


def test_what_was_written_is_read_in_32_bits_from_16(small: checkpoints.Checkpoint) -> None:
    opened = checkpoints.open_checkpoint(small.folder)
    assert opened == small
    assert opened.config["width"] == 7
    tensors = opened.tensors()
    assert tensors["weight"].dtype == torch.float32
    assert torch.allclose(tensors["weight"], torch.linspace(-1, 1, 7), atol=1e-3)
    assert tensors["steps"].tolist() == [3]
    assert load_file(small.folder / checkpoints.MODEL)["weight"].dtype == torch.float16


def test_a_changed_file_is_refused(small: checkpoints.Checkpoint) -> None:
    config = small.folder / checkpoints.CONFIG
    config.write_text(config.read_text().replace("7", "8"))
    with pytest.raises(DuologueError) as error:
        checkpoints.open_checkpoint(small.folder)
    assert reason(error) == "checkpoint-hash"
    assert str(config) in str(error.value)


def test_a_newer_format_is_refused(small: checkpoints.Checkpoint) -> None:
    manifest = small.folder / checkpoints.MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 99}))
    with pytest.raises(DuologueError) as error:
        checkpoints.open_checkpoint(small.folder)
    assert reason(error) == "checkpoint-format"


def test_a_missing_one_says_what_there_is() -> None:
    with pytest.raises(DuologueError) as error:
        checkpoints.open_checkpoint("nobody")
    assert reason(error) == "checkpoint-missing"
    assert "body" in str(error.value)


def test_another_models_checkpoint_is_refused(small: checkpoints.Checkpoint) -> None:
    with pytest.raises(DuologueError) as error:
        small.require("body")
    assert reason(error) == "checkpoint-foreign"


def test_numbers_that_16_bits_cannot_hold_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(DuologueError) as error:
        checkpoints.write_checkpoint(tmp_path / "big", "big", {"model": "body"}, {"weight": torch.tensor([1e9])})
    assert reason(error) == "checkpoint-not-finite"
    assert not (tmp_path / "big" / checkpoints.MANIFEST).exists()


def test_the_shipped_checkpoints_are_whole() -> None:
    for name in ("body", "face"):
        assert checkpoints.open_checkpoint(checkpoints.checkpoints_folder() / name).require(name)
