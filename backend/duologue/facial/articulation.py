"""Lips that must meet, and teeth that must be reached: finishing what the model nearly did, and doing what the words say.

From sound alone a model guesses p, b, m, f and v, and misses some of a voice unlike those it has heard. A transcript doesn't
guess: ``SpokenLips`` makes each of its phones that the model left out, with the same constraints and timing as the composing
rules (``facial.coarticulation``, after JALI's hard constraints, Edwards et al. 2016), parts lips that are shut amid an open
vowel, and leaves alone what is there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.arkit import INDEX as SHAPE
from duologue.easing import smoothstep
from duologue.facial.coarticulation import constriction
from duologue.facial.lips import JAW_OPEN_MM, MOUTH_CLOSE_MM, closing, lip_gap, shut
from duologue.speech.phones import BILABIALS, LABIODENTALS, ON_LIPS, OPEN_VOWELS, SILENCE, Phone
from duologue.units import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Weights = NDArray[np.float32]

SNAP: Final = 0.08
"""Seconds: a closure or bite of the model's own this near to an aligned phone is taken to be that phone."""
_AROUND: Final = SNAP + 0.1
"""Seconds before and after a phone within which it can change a frame: the way it may be moved, and the lips' own way."""
_SHUT_MM, _APART_MM = 0.0, 0.8
"""Lips nearer than the first need nothing, further than the second all that the words ask."""
_PRESSED_MM: Final = -1.8
"""How far lips are pressed into each other. At -1, as in training, one in twenty left a slit of teeth on the sample Ada."""
_PARTED_MM: Final = 2.5
"""How far lips are apart at least amid an open vowel: what was taken for a p."""
_PARTING: Final = 0.04
"""Seconds in which they part there."""
_SIGN: Final = 0.3
"""``closing`` or ``biting`` from which the model seems to mean it."""
_ROLLED: Final = 0.42
"""``mouthRollLower`` of a full f, as in the composing rules."""

_JAW, _CLOSE, _ROLL = SHAPE["jawOpen"], SHAPE["mouthClose"], SHAPE["mouthRollLower"]
_LOWER_DOWN: Final = [SHAPE["mouthLowerDown" + side] for side in ("Left", "Right")]
_APART: Final = [*_LOWER_DOWN, *(SHAPE[name] for name in ("mouthFunnel", "mouthUpperUpLeft", "mouthUpperUpRight"))]
_PROTRUDED: Final = [SHAPE[name] for name in ("mouthPucker", "mouthFunnel")]


def biting(weights: Weights) -> Weights:
    """Return (...,) how far the lower lip is drawn in under the teeth in weights (..., 52), 1 in a full f, 0 with lips shut."""
    return (weights[..., _ROLL] / np.float32(_ROLLED)).clip(0, 1) * (1 - closing(weights).clip(0, 1))


def finish(weights: Weights, strength: Weights) -> None:
    """Finish closures in place: a model that is fairly sure of a p, b or m stops a millimetre short, and that shows.

    Where ``mouthClose`` takes back more than about half of what the jaw opens, it is raised until the lips meet. ``weights``
    (P, n, 52); ``strength`` (P, 1) goes from 0 to 1. (The same for f and v was tried: one more in fifty, and a larger error.)
    """
    sure = (closing(weights) - 0.4) / 0.35
    short = (lip_gap(weights) + 0.5).clip(0) / MOUTH_CLOSE_MM
    weights[..., _CLOSE] += strength * smoothstep(sure) * short


def close(weights: Weights, amount: Weights) -> None:
    """Bring lips together in place: in weights (n, 52) by ``amount`` (n,) of the way, the jaw nearly shut with them."""
    way = amount[:, None]
    weights[:, _JAW] = np.minimum(weights[:, _JAW], (1 - 0.85 * amount) * weights[:, _JAW] + 0.03 * amount)
    weights[:, _APART] *= 1 - way
    weights[:] = shut(weights, amount, _PRESSED_MM)


def bite(weights: Weights, amount: Weights) -> None:
    """Draw the lower lip to the upper teeth in place: in weights (..., 52) by ``amount`` (...,) of the way, lips parted."""
    way = amount[..., None]
    jaw = weights[..., _JAW]
    weights[..., _JAW] = np.minimum(jaw, (1 - 0.7 * amount) * jaw + 0.05 * amount)
    weights[..., _LOWER_DOWN] *= 1 - way
    weights[..., _PROTRUDED] *= 1 - 0.7 * way
    weights[..., _CLOSE] *= 1 - amount
    weights[..., _ROLL] += amount * (_ROLLED - weights[..., _ROLL]).clip(0)


def part(weights: Weights, amount: Weights) -> None:
    """Part lips that are shut in place: in weights (..., 52) by ``amount`` (...,) of the way to ``_PARTED_MM``."""
    missing = amount * (np.float32(_PARTED_MM) - lip_gap(weights)).clip(0)
    let_go = np.minimum(weights[..., _CLOSE].clip(0), missing / MOUTH_CLOSE_MM)
    weights[..., _CLOSE] -= let_go
    weights[..., _JAW] += (missing - MOUTH_CLOSE_MM * let_go) / JAW_OPEN_MM


class SpokenLips:
    """Lips that know the words: follows one clip of P performers from its first frame to its last.

    A phone is decided on once all frames near it are there, so frames whose phones are not complete wait for the next window
    (at most half a second's), and how the clip is cut into windows makes no difference.

    Args:
        phones: each performer's, in the order of time, asked for no earlier than their frames are made; all but ``ON_LIPS`` are
            passed over, but a silence also says that there are no more before it.
        frames: how long the clip is.
        seal: (P,) 0 to 1, how far lips are brought together; with 0 for all nothing is changed and nothing waits.
    """

    def __init__(self, phones: Sequence[Iterable[Phone]], frames: int, seal: Sequence[float]) -> None:
        self._frames = frames
        self._times = np.arange(frames) / FPS
        self._close, self._bite, self._part, self._meant = np.zeros((4, len(phones), frames), np.float32)
        self._seal = [float(strength) for strength in seal]
        # Who is not to be changed is not asked, so that nothing is aligned in vain.
        self._coming = [iter(spoken) if seal > 0 else iter(()) for spoken, seal in zip(phones, self._seal, strict=True)]
        self._known: list[list[Phone]] = [[] for _ in phones]
        self._clear = [-np.inf] * len(phones)
        """Up to when each one's phones are all known, where one said so that no lips make."""
        self._waiting: list[tuple[int, Phone]] = []

    def follow(self, windows: Iterable[Weights]) -> Iterator[Weights]:
        """Yield the model's consecutive ``windows`` (P, n, 52) with the phones made, cut anew; as many frames as came."""
        held: Weights | None = None
        start = 0
        for window in windows:
            held = window if held is None else np.concatenate([held, window], axis=1)
            stop = self._decide(held, start)
            if stop > start:
                yield self._spoken(held[:, : stop - start], start)
                held, start = held[:, stop - start :], stop
        if held is not None and held.shape[1]:  # stopped early
            yield self._spoken(held, start)

    def _decide(self, held: Weights, start: int) -> int:
        """Decide on the phones all of whose frames are in ``held``, which begins at ``start``; return up to where that is all."""
        until = settled = start + held.shape[1]
        self._ask(until)
        later: list[tuple[int, Phone]] = []
        for who, phone in self._waiting:
            low = max(int((phone.start - _AROUND) * FPS), 0)
            if min(int(np.ceil((phone.end + _AROUND) * FPS)) + 1, self._frames) > until:
                later.append((who, phone))
                settled = min(settled, max(low, start))
            else:
                curves = self._close if phone.name in BILABIALS else self._bite
                at = slice(*np.searchsorted(self._times, _room(phone, self._known[who])).tolist())
                moved, amount = _wanted(phone, held[who, at.start - start : at.stop - start], self._times[at])
                around = slice(low, int((phone.end + _AROUND) * FPS) + 2)
                curve = amount * self._seal[who] * constriction([moved], self._times[around], FPS)
                curves[who, around] = np.maximum(curves[who, around], curve)
        self._waiting = later
        return settled

    def _ask(self, until: int) -> None:
        """Ask for the phones that can change a frame before ``until``, and each performer's next one after those."""
        needed = until / FPS + 2 * _AROUND
        for who, coming in enumerate(self._coming):
            known = self._known[who]
            while self._clear[who] < needed and (not known or known[-1].start < needed):
                phone = next(coming, None)
                if phone is None:
                    break
                self._clear[who] = phone.start if phone.name == SILENCE else -np.inf
                if phone.name in ON_LIPS and phone.end > phone.start:
                    known.append(phone)
                    if phone.start < self._frames / FPS:
                        self._take(who, phone)

    def _take(self, who: int, phone: Phone) -> None:
        """Note a phone. A vowel parts lips whatever the model does there, but not those of the p beside it."""
        around = slice(max(int((phone.start - _AROUND) * FPS), 0), int((phone.end + _AROUND) * FPS) + 2)
        times = self._times[around]
        if phone.name in OPEN_VOWELS:
            curve, wish = self._part, self._seal[who] * _amid(phone, times)
        else:
            self._waiting.append((who, phone))
            curve, wish = self._meant, constriction([phone], times, FPS)
        curve[who, around] = np.maximum(curve[who, around], wish)

    def _spoken(self, weights: Weights, start: int) -> Weights:
        spoken = weights.astype(np.float32)
        at = slice(start, start + weights.shape[1])
        for who, face in enumerate(spoken):
            part(face, self._part[who, at] * (1 - self._meant[who, at]))
            bite(face, self._bite[who, at] * (1 - self._close[who, at]))
            close(face, self._close[who, at])
        return spoken


def _amid(vowel: Phone, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (T,) how far ``times`` (T,) lie amid a vowel: 0 at its ends, 1 from ``_PARTING`` within."""
    return smoothstep(np.minimum(times - vowel.start, vowel.end - times) / _PARTING)


def _room(phone: Phone, spoken: Sequence[Phone]) -> tuple[float, float]:
    """Return the seconds in which the model's own is looked for: ``SNAP`` around, no nearer to another phone of its kind."""
    low, high = phone.start - SNAP, phone.end + SNAP
    names = BILABIALS if phone.name in BILABIALS else LABIODENTALS
    near = slice(*(bisect_left(spoken, phone.start + second, key=lambda one: one.start) for second in (-1, 1)))
    for other in spoken[near]:
        if other.name in names and other is not phone:
            if other.start < phone.start:
                low = max(low, min((other.end + phone.start) / 2, phone.start))
            else:
                high = min(high, max((phone.end + other.start) / 2, phone.end))
    return low, high


def _wanted(phone: Phone, near: Weights, times: NDArray[np.float64]) -> tuple[Phone, float]:
    """Return where a phone is to be made and how much of it, given the model's weights (n, 52) at ``times`` (n,) around it."""
    if not len(near):
        return phone, 1.0
    if phone.name in BILABIALS:
        gap = float(lip_gap(near).min())
        amount = float(np.clip((gap - _SHUT_MM) / (_APART_MM - _SHUT_MM), 0, 1))
        sign = closing(near)
    else:
        amount, sign = 1.0, biting(near)
    best = int(sign.argmax())
    if sign[best] < _SIGN:
        return phone, amount
    shift = float(np.clip(times[best], phone.start, phone.end) - times[best])
    return Phone(phone.start - shift, phone.end - shift, phone.name), amount
