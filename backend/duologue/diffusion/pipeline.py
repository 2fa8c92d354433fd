"""What the models of a performance have in common: a checkpoint that turns conditions into windows of motion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol, Self, TypeVar

from duologue.checkpoints.store import Checkpoint

Conditions_contra = TypeVar("Conditions_contra", contravariant=True)
Window_co = TypeVar("Window_co", covariant=True)


class StoppedError(Exception):
    """The caller asked to stop between two diffusion steps."""


class Pipeline(Protocol[Conditions_contra, Window_co]):
    """A loaded checkpoint, ready to perform any number of takes one after the other.

    ``Conditions`` is all that one model's motion depends on, for both performers and the whole take, as numpy arrays; ``Window``
    a stretch of both, A first. A pipeline inherits this, so that a type checker holds it to it, and may ask for more by arguments
    that have defaults.
    """

    @classmethod
    def load(cls, checkpoint: str | Path | Checkpoint, device: str = "cpu") -> Self:
        """Load a checkpoint, given open, by name or by folder, onto a device.

        Raises:
            DuologueError: what ``checkpoints.store.open_checkpoint`` raises; FAILED_PRECONDITION ``checkpoint-foreign`` for one
                of another model or that doesn't fit its own config.
        """
        ...

    def stream(
        self,
        conditions: Conditions_contra,
        seed: int,
        steps: int,
        strengths: Mapping[str, float] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Iterator[Window_co]:
        """Yield consecutive windows from frame 0 to the last, without overlap.

        The same arguments on the same device give the same windows, bit for bit.

        Args:
            conditions: what is performed.
            seed: of the noise that motion is made from.
            steps: of the diffusion, for each window.
            strengths: classifier-free guidance by condition; 1, or one not given, is as the model does best.
            should_stop: polled before or after every step of the diffusion; the stream ends early once it says so.

        Raises:
            DuologueError: INVALID_ARGUMENT for conditions and strengths that the checkpoint does not know.
        """
        ...
