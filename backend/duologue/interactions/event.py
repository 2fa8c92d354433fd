"""An interaction in time: when the hand sets out, touches, moves, lets go and is back, and how far each has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from duologue.brief.interactions import APPROACH, Interaction
from duologue.easing import minimum_jerk
from duologue.interactions.patterns import Pattern, patterns

Array = NDArray[np.float64]

CLEARANCE: Final = 0.04
"""Metres along the normal from which the hand comes onto the skin, and to which it leaves."""

_SECONDS_A_METRE: Final = 0.8
"""A hand that has far to go takes longer: about 1.1 m/s at its fastest over half a metre, as in unhurried reaching."""
_PRE_CONTACT: Final = 0.8
"""Of the approach, after which share the hand is over the place; it comes down along the normal in what is left, and before."""
_DESCENT: Final = 0.45
_LIFTED: Final = 0.55
"""Of the time from one tap to the next, how long the hand is off."""


@dataclass(frozen=True)
class Phases:
    """When an interaction does what, seconds of the take. ``leaves`` < ``touches`` < ``releases`` < ``returns``."""

    interaction: Interaction
    pattern: Pattern
    leaves: float
    touches: float
    releases: float
    returns: float

    @classmethod
    def of(cls, interaction: Interaction, distance: float, earliest: float, latest: float) -> Phases:
        """Return the phases of an interaction whose hand has ``distance`` metres to go.

        Args:
            interaction: what is asked for; checked.
            distance: from where the hand is to where it touches.
            earliest: when the hand is free to set out.
            latest: when it has to be back.
        """
        pattern = patterns(own=interaction.touched == interaction.performer)[interaction.pattern]
        releases = min(interaction.until, interaction.seconds + pattern.lasts)
        wanted = APPROACH + _SECONDS_A_METRE * distance
        leaves = max(interaction.seconds - wanted, min(earliest, interaction.begins), 0.0)
        returns = min(releases + wanted, max(latest, interaction.ends))
        return cls(interaction, pattern, leaves, interaction.seconds, releases, returns)

    def reach(self, seconds: ArrayLike) -> Array:
        """How far (T,) the hand has gone to its place: 0 as in the take, 1 over the skin."""
        t = np.asarray(seconds, np.float64)
        there = minimum_jerk((t - self.leaves) / (_PRE_CONTACT * (self.touches - self.leaves)))
        back = minimum_jerk((t - self.returns) / (_PRE_CONTACT * (self.releases - self.returns)))
        return np.minimum(there, back).astype(np.float64)

    def clearance(self, seconds: ArrayLike) -> Array:
        """How far (T,) above the skin the hand still is, metres: ``CLEARANCE`` before it comes down, 0 in contact.

        Both movements overlap, each of minimum jerk, as those of hands that turn towards a new goal do (T. Flash and E. Henis,
        "Arm trajectory modifications during reaching towards visual targets", 1991).
        """
        t = np.asarray(seconds, np.float64)
        strikes = self.pattern.strikes
        down = minimum_jerk((t - self.touches) / (_DESCENT * (self.touches - self.leaves)) + 1.0, strikes)
        up = minimum_jerk((self.releases - t) / (_DESCENT * (self.returns - self.releases)) + 1.0)
        return CLEARANCE * (1.0 - np.minimum(down, up)).astype(np.float64)

    def lift(self, seconds: ArrayLike) -> Array:
        """How far (T,) above the skin a hand that taps is between two taps, metres: up and down, each by minimum jerk."""
        often, every, height = self.pattern.taps
        t = np.asarray(seconds, np.float64) - self.touches
        if self.interaction.repeat > 1:
            often = self.interaction.repeat
        if every <= 0:
            return np.zeros(t.shape)
        # The last one stays until the hand lets go, and is no shorter than those before it.
        fits = int((self.releases - self.touches - (1.0 - _LIFTED) * every) / every + 1e-9) + 1
        number = np.floor(t / every + 1e-9)
        off = np.clip((t / every - number - (1.0 - _LIFTED)) / _LIFTED, 0.0, 1.0)
        up = minimum_jerk(2.0 * np.minimum(off, 1.0 - off))
        return np.where((number >= 0) & (number < min(often, fits) - 1), height * up, 0.0).astype(np.float64)

    def contact(self, seconds: ArrayLike) -> Array:
        """1.0 in the frames (T,) of contact, else 0: a hand that taps is off in between."""
        t = np.asarray(seconds, np.float64)
        during = (t >= self.touches - 1e-9) & (t <= self.releases + 1e-9)
        return (during & (self.lift(t) < 1e-9)).astype(np.float64)

    def share(self, seconds: ArrayLike) -> Array:
        """How much (T,) of the contact is over, 0 before and 1 after it."""
        t = np.asarray(seconds, np.float64)
        return np.clip((t - self.touches) / (self.releases - self.touches), 0.0, 1.0)

    def along(self, seconds: ArrayLike) -> Array:
        """How far (T,) along the path the hand is, in [0, 1]: to and fro where it is run through several times."""
        runs = self.interaction.repeat
        time = self.pattern.seconds * runs
        length = self.releases - self.touches
        # The path takes as long as the pattern says, in the middle of a longer contact; a shorter contact hurries it.
        begin = max(0.5 * (length - time), 0.0) if runs == 1 else 0.0
        pace = min(time, length) if runs == 1 else length
        t = np.clip((np.asarray(seconds, np.float64) - self.touches - begin) / pace, 0.0, 1.0) * runs
        run = np.minimum(np.floor(t), runs - 1)
        within = minimum_jerk(t - run)
        return np.where(run % 2 == 0, within, 1.0 - within).astype(np.float64)

    def depth(self, seconds: ArrayLike, tissue: float) -> Array:
        """How deep (T,) the skin is pressed, metres; ``tissue``: how deep it can be there."""
        curve = np.interp(self.share(seconds), self.pattern.press[:, 0], self.pattern.press[:, 1])
        return self.interaction.press * min(self.pattern.depth, tissue) * curve * self.contact(seconds)
