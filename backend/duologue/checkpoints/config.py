"""From a checkpoint's config and tensors to networks: one way for every model, and one error where they don't fit.

A model's config is a frozen dataclass of numbers, words and tuples of them: ``dataclasses.asdict`` writes it, ``read_config``
reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from duologue.checkpoints.store import Checkpoint
from duologue.errors import DuologueError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from torch import Tensor, nn

    Config = TypeVar("Config", bound=DataclassInstance)

Named = TypeVar("Named")


def read_config(checkpoint: Checkpoint, kind: type[Config], key: str = "network") -> Config:
    """Return the ``kind`` that a checkpoint's config holds under ``key``. What it leaves out has its default.

    Raises:
        DuologueError: FAILED_PRECONDITION ``checkpoint-foreign`` where there is none, or one with settings that this version does
            not know; what ``kind`` itself refuses.
    """
    values = checkpoint.part(key)
    if unknown := sorted(values.keys() - {field.name for field in fields(kind)}):
        raise checkpoint.foreign(
            f"its config has {', '.join(unknown)}, which this version does not know; update Duologue"
        )
    settings: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    try:
        return kind(**settings)
    except (TypeError, ValueError) as error:
        raise checkpoint.foreign(f"its config's {key!r} can't be read: {error}") from error


def named(configs: Mapping[str, Named], name: str, model: str) -> Named:
    """Return one of a model's configurations by its name.

    Raises:
        DuologueError: NOT_FOUND ``config-unknown``.
    """
    try:
        return configs[name]
    except KeyError:
        text = f"no {model} configuration {name!r}; there are: {', '.join(configs)}."
        raise DuologueError("NOT_FOUND", "config-unknown", text) from None


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names begin with ``prefix``, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def fill(module: nn.Module, tensors: Mapping[str, Tensor], checkpoint: Checkpoint) -> None:
    """Give a module its tensors, all of them and no others.

    Raises:
        DuologueError: FAILED_PRECONDITION ``checkpoint-foreign`` for tensors that the module, built as the config says, has not.
    """
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise checkpoint.foreign(f"its tensors don't fit its config: {' '.join(str(error).split())[:400]}") from error
