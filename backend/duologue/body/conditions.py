"""What the motion is conditioned on, per frame and performer: as a performance gives it, and as the networks take it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from duologue.body.config import BodyConfig
from duologue.errors import invalid
from duologue.features.modes import mode_weights
from duologue.features.statistics import Scaler
from duologue.labels import ACTION_MODES, EMOTIONS, PERFORMERS, check

WordFrames = Callable[[int, int], NDArray[np.float32]]
"""``frames(start, stop) -> (2, stop - start, ...)``: what is known of the words, found as it is asked for."""


@dataclass(frozen=True)
class BodyConditions:
    """What two performers say and are asked to do, T frames at 30 fps; A comes first everywhere.

    Raises:
        DuologueError: INVALID_ARGUMENT ``conditions-shape`` or ``conditions-not-finite``.
    """

    mel: NDArray[np.float32]
    """(2, T, mel bands): log mel, natural logarithm, as ``speech.mel`` makes it."""
    text: NDArray[np.float32] | WordFrames
    """(2, T, text width): text features of the word being said, zero between words and where there is no transcript."""
    activity: NDArray[np.float32]
    """(2, T): voice activity, 0 to 1."""
    actions: NDArray[np.integer]
    """(2, T): indices into ``labels.ACTION_MODES``."""
    emotion: NDArray[np.integer]
    """(2, T): indices into ``labels.EMOTIONS``."""
    roles: tuple[str, str]
    """Each one's half of the relationship."""
    style: tuple[int, int]
    """Speaker ids."""
    starts: NDArray[np.float32]
    """(2, 3): x, z (metres) and heading (radians) of the hips at the first frame."""
    prominence: NDArray[np.float32] | WordFrames | None = None
    """(2, T): how far each speaker leans on the word being said, 0 to 1; 0 between words and throughout where none is known."""
    mirrored: tuple[bool, bool] = (False, False)
    """Who is performed in a mirror: somebody else's handedness, facing the same partner on the same way."""

    def __post_init__(self) -> None:
        pair = len(PERFORMERS)
        by_frame = (pair, self.mel.shape[1] if self.mel.ndim == 3 else 0)
        shapes = {"mel": (*by_frame, self.mel.shape[-1]), "activity": by_frame, "actions": by_frame, "emotion": by_frame,
                  "starts": (pair, 3)}  # fmt: skip
        if not callable(self.text):
            shapes["text"] = (*by_frame, self.text.shape[-1])
        if self.prominence is not None and not callable(self.prominence):
            shapes["prominence"] = by_frame
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise _misshapen(name, array, shape)
            if not np.isfinite(array).all():
                raise invalid("conditions-not-finite", f"{name} holds NaN or infinity.", field=name)

    @property
    def frames(self) -> int:
        """T."""
        return self.mel.shape[1]


@dataclass(frozen=True)
class Conditions:
    """Both performers' conditions as the networks take them, batched. P = 2, T frames, all at 30 fps.

    ``mel`` (B, P, T, mel bands) standardised log mel; ``activity`` (B, P, T) voice activity 0..1; ``text`` (B, P, T, text width)
    and ``prominence`` (B, P, T) of the word that is said, zero where none is; ``action`` and ``emotion`` (B, P, T) long;
    ``role`` and ``style`` (B, P) long; ``placement`` (B, P, T, 4), ``features.pose.placement``; ``route`` (B, P, T, 3): the way
    asked for, ``features.pose.route``, which counts where ``routed`` (B, P, T) is 1. ``modes`` (B, P, T, M):
    ``features.modes.mode_weights`` of the actions, by which what the networks make is standardised.
    """

    mel: Tensor
    activity: Tensor
    text: Tensor
    prominence: Tensor
    action: Tensor
    emotion: Tensor
    role: Tensor
    style: Tensor
    placement: Tensor
    route: Tensor
    routed: Tensor
    modes: Tensor

    def at_first(self) -> Conditions:
        """Return what the legs are told: where the partner stands as the window begins, instead of at each frame."""
        return replace(self, placement=self.placement[:, :, :1].expand_as(self.placement))

    def repeat(self, copies: int) -> Conditions:
        """Return ``copies`` of the batch behind one another."""
        if copies == 1:
            return self
        return Conditions(**{f.name: torch.cat([getattr(self, f.name)] * copies) for f in fields(self)})


@dataclass(frozen=True)
class EncodedConditions:
    """A take's conditions in a checkpoint's own terms, (2, T, ...) and (2,); windows are cut from them."""

    mel: NDArray[np.float32]
    activity: NDArray[np.float32]
    text: NDArray[np.float32] | WordFrames
    prominence: NDArray[np.float32] | WordFrames
    action: NDArray[np.int64]
    emotion: NDArray[np.int64]
    role: NDArray[np.int64]
    style: NDArray[np.int64]
    modes: NDArray[np.float32]

    @classmethod
    def encode(cls, c: BodyConditions, config: BodyConfig, mel: Scaler) -> EncodedConditions:
        """Standardise the mels by ``mel`` and look labels up by name, for a checkpoint may list them in another order.

        Raises:
            DuologueError: INVALID_ARGUMENT ``conditions-shape``; ``unknown-label`` for a role, emotion or action and
                ``style-unknown`` for a style that the checkpoint does not know.
        """
        for name, array, width in (("mel", c.mel, config.mel_bands), ("text", c.text, config.text_width)):
            if not callable(array) and array.shape[-1] != width:
                raise _misshapen(name, array, (*array.shape[:-1], width))
        for performer, style in zip(PERFORMERS, c.style, strict=True):
            if not 0 <= style < len(config.styles):
                raise invalid(
                    "style-unknown",
                    f"style {style} is not one of this checkpoint's {len(config.styles)} (0 to {len(config.styles) - 1}).",
                    field=f"performers.{performer}.style",
                )
        action = _translate(c.actions, ACTION_MODES, config.actions, "actions")
        return cls(
            mel=mel.standardise(c.mel),
            activity=np.asarray(c.activity, np.float32),
            text=_words(c.text),
            prominence=_words(c.prominence)
            if config.prominence and c.prominence is not None
            else np.zeros(c.activity.shape, np.float32),
            action=action,
            emotion=_translate(c.emotion, EMOTIONS, config.emotions, "emotion"),
            role=np.array([config.roles.index(check(role, config.roles, field="role")) for role in c.roles]),
            style=np.array(c.style),
            modes=mode_weights(action, config.actions),
        )

    def window(  # noqa: PLR0917
        self,
        start: int,
        stop: int,
        placement: NDArray[np.floating],
        route: NDArray[np.float32],
        routed: NDArray[np.float32],
        device: torch.device,
    ) -> Conditions:
        """Return frames ``[start, stop)`` as a batch of one; ``placement``, ``route``, ``routed`` are of these alone."""

        def tensor(array: NDArray[np.generic]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array))[None].to(device)

        return Conditions(
            mel=tensor(self.mel[:, start:stop]),
            activity=tensor(self.activity[:, start:stop]),
            text=tensor(_cut(self.text, start, stop)),
            prominence=tensor(_cut(self.prominence, start, stop)),
            action=tensor(self.action[:, start:stop]),
            emotion=tensor(self.emotion[:, start:stop]),
            role=tensor(self.role),
            style=tensor(self.style),
            placement=tensor(placement.astype(np.float32)),
            route=tensor(route),
            routed=tensor(routed),
            modes=tensor(self.modes[:, start:stop]),
        )


def _words(known: NDArray[np.float32] | WordFrames) -> NDArray[np.float32] | WordFrames:
    return known if callable(known) else np.asarray(known, np.float32)


def _cut(known: NDArray[np.float32] | WordFrames, start: int, stop: int) -> NDArray[np.float32]:
    return known(start, stop) if callable(known) else known[:, start:stop]


def _translate(
    indices: NDArray[np.integer], ours: tuple[str, ...], theirs: tuple[str, ...], field: str
) -> NDArray[np.int64]:
    """Indices into our list of labels to indices into the checkpoint's."""
    table = np.array([theirs.index(label) if label in theirs else -1 for label in ours])
    translated = table[np.asarray(indices, np.int64)]
    if (translated < 0).any():
        missing = ours[int(np.asarray(indices)[translated < 0].flat[0])]
        raise invalid(
            "unknown-label",
            f"this checkpoint was trained without {missing!r}; it knows: {', '.join(theirs)}.",
            field=field,
        )
    return translated


def _misshapen(name: str, array: NDArray[np.generic], shape: tuple[int, ...]) -> Exception:
    return invalid("conditions-shape", f"{name} has shape {array.shape}, expected {shape}.", field=name)
