"""A model's config and tensors, read back one way for every model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from duologue.checkpoints.config import fill, read_config, under
from duologue.checkpoints.store import Checkpoint, write_checkpoint
from duologue.errors import DuologueError

torch = pytest.importorskip("torch")


@dataclass(frozen=True)
class Sizes:
    """A model's config."""

    width: int
    names: tuple[str, ...] = ("jawOpen",)


def stored(folder: Path, network: object) -> Checkpoint:
    linear = torch.nn.Linear(3, 2)
    tensors = {f"net.{name}": value for name, value in linear.state_dict().items()}
    return write_checkpoint(folder, "small", {"model": "face", "network": network}, tensors)


def test_a_config_comes_back_as_it_was_and_what_it_leaves_out_has_its_default(tmp_path: Path) -> None:
    sizes = Sizes(4, ("jawOpen", "mouthClose"))
    assert read_config(stored(tmp_path / "a", asdict(sizes)), Sizes) == sizes
    assert read_config(stored(tmp_path / "b", {"width": 5}), Sizes) == Sizes(5)


@pytest.mark.parametrize(
    ("network", "says"),
    [(None, "no 'network'"), ({"width": 1, "depth": 2, "age": 3}, "age, depth"), ({"names": []}, "width")],
)
def test_a_config_of_something_else_is_foreign(tmp_path: Path, network: object, says: str) -> None:
    with pytest.raises(DuologueError, match=says) as error:
        read_config(stored(tmp_path, network), Sizes)
    assert (error.value.code, error.value.reason) == ("FAILED_PRECONDITION", "checkpoint-foreign")
    assert str(tmp_path) in error.value.message


def test_a_module_takes_its_own_tensors_and_no_others(tmp_path: Path) -> None:
    checkpoint = stored(tmp_path, {})
    tensors = under("net.", checkpoint.tensors())
    module = torch.nn.Linear(3, 2)
    fill(module, tensors, checkpoint)
    assert torch.equal(module.weight, tensors["weight"])
    for wrong in (torch.nn.Linear(4, 2), torch.nn.Linear(3, 2, bias=False)):
        with pytest.raises(DuologueError, match="don't fit its config") as error:
            fill(wrong, tensors, checkpoint)
        assert error.value.reason == "checkpoint-foreign"
