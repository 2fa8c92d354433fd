"""How an emotion and a role show in a composed performer: rate, size and speed of gestures, posture, gaze, nods and distance.

The *directions* come from research; **the numbers are ours**, chosen so that a small network can tell them from the captured
variation (20 to 40 % in size and speed, 5 to 12 degrees in posture between extremes), and no paper gives them.

Emotions:
- Wallbott, "Bodily expression of emotion" (European Journal of Social Psychology, 1998): movement activity, expansiveness and
  dynamics are high in elated joy, hot anger and terror, low in sadness, boredom, shame and contempt; shoulders are up in elated
  joy and hot anger, forward in disgust, despair and fear; the upper body collapses in sadness, boredom and shame.
- Gross, Crane and Fredrickson, "Effort-Shape and kinematic assessment of bodily expression of emotion during gait" (Human
  Movement Science, 2012): gait is fast and the trunk extends in joy, fast in anger; in sadness it is slow, neck and trunk flex.
- Castillo and Neff, "What do we express without knowing?: Emotion in gesture" (AAMAS 2019): viewers read arousal and valence
  from changes in how a gesture is performed, not only from which it is.
Those papers cover a dozen emotions; the others of InterAct's 26 are set beside their neighbours in arousal and valence by us.

Roles:
- Burgoon and Dunbar in "The SAGE Handbook of Nonverbal Communication" (2006), Carney, Hall and Smith LeBeau, "Beliefs about the
  nonverbal expression of social power" (Journal of Nonverbal Behavior, 2005), Hall, Coats and Smith LeBeau's meta-analysis
  (Psychological Bulletin, 2005): the powerful are (and more so: are believed to be) more expansive, open, gesturing, with the
  head up, and touch themselves less; real differences are smaller than believed ones, of which ours are a picture.
- Dovidio and Ellyson in "Power, Dominance, and Nonverbal Behavior" (1985): they look more while speaking, less while listening.
- Hall, "The Hidden Dimension" (1966): 0.45 to 1.2 m between people who are close, 1.2 to 3.6 m between those who are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from duologue.labels import EMOTIONS, RELATIONSHIPS, check


@dataclass(frozen=True)
class Manner:
    """What is changed of how the clips were captured; the defaults change nothing.

    Factors: ``rate`` of gestures while speaking, ``size`` of their strokes, ``tempo`` of all motion, ``nods`` while listening.
    Degrees: ``lean`` of the trunk forward, ``open``: chest out, shoulders back and arms away from the trunk, ``lift`` of the
    shoulders, ``head`` up. Shares of time, added to what is usual: ``gaze`` at the partner, ``speaking_gaze`` while speaking (and
    taken off while listening). ``fidgets``: the share of idle clips in which somebody touches themselves or shifts.
    """

    rate: float = 1.0
    size: float = 1.0
    tempo: float = 1.0
    lean: float = 0.0
    open: float = 0.0
    lift: float = 0.0
    head: float = 0.0
    gaze: float = 0.0
    speaking_gaze: float = 0.0
    nods: float = 1.0
    fidgets: float = 0.08

    def over(self, other: Manner) -> Manner:
        """Return both together: factors multiply, degrees and shares add, within what captured clips bear."""
        return Manner(
            max(0.5, self.rate * other.rate),
            float(np.clip(self.size * other.size, 0.65, 1.35)),
            float(np.clip(self.tempo * other.tempo, 0.68, 1.35)),
            float(np.clip(self.lean + other.lean, -9, 11)),
            float(np.clip(self.open + other.open, -11, 11)),
            self.lift + other.lift,
            float(np.clip(self.head + other.head, -11, 10)),
            self.gaze + other.gaze,
            self.speaking_gaze + other.speaking_gaze,
            self.nods * other.nods,
            self.fidgets + other.fidgets,
        )


OF_EMOTIONS: Final = {
    #                          rate  size  tempo lean open lift head  gaze
    "surprise":        Manner(1.10, 1.20, 1.15, -5, 4, 3, 4, 0.10),
    "awe":             Manner(0.60, 0.80, 0.75, -3, 4, 1, 8, 0.10),
    "confusion":       Manner(0.80, 0.85, 0.90, 2, -1, 4, -1, -0.05),
    "excitement":      Manner(1.50, 1.30, 1.25, 4, 6, 1, 6, 0.10),
    "anxiety":         Manner(0.90, 0.75, 1.12, 2, -5, 6, -4, -0.15, fidgets=0.3),
    "fear":            Manner(0.70, 0.70, 1.15, -5, -6, 7, -2, 0.05),
    "horror":          Manner(0.90, 0.95, 1.20, -8, -4, 8, 1, 0.10),
    "disgust":         Manner(0.75, 0.85, 0.95, -6, -4, 3, -3, -0.15),
    "admiration":      Manner(0.95, 1.00, 0.95, 3, 3, 0, 5, 0.15),
    "adoration":       Manner(1.10, 1.05, 0.90, 6, 3, 0, 3, 0.15),
    "romance":         Manner(0.80, 0.85, 0.78, 6, 1, -1, 1, 0.15),
    "interest":        Manner(1.00, 1.00, 1.00, 6, 1, 0, 2, 0.15, nods=1.4),
    "awkwardness":     Manner(0.60, 0.70, 0.90, 1, -6, 5, -8, -0.25, fidgets=0.3),
    "boredom":         Manner(0.45, 0.70, 0.72, -4, -5, -2, 3, -0.30, nods=0.4, fidgets=0.25),
    "satisfaction":    Manner(0.85, 1.00, 0.85, -4, 5, -2, 4),
    "relief":          Manner(0.75, 0.90, 0.80, -2, 1, -4, 1),
    "craving":         Manner(1.00, 1.05, 1.08, 7, 0, 1, 1, 0.10),
    "nostalgia":       Manner(0.60, 0.80, 0.75, -1, -2, 0, 2, -0.20),
    "entrancement":    Manner(0.45, 0.72, 0.70, 3, 1, -1, 4, 0.20, nods=0.5),
    "calmness":        Manner(0.75, 0.85, 0.80, 0, 1, -2, 1),
    "aesthetic appreciation": Manner(0.65, 0.85, 0.75, 0, 4, -1, 6, -0.05),
    "joy":             Manner(1.35, 1.25, 1.20, 0, 7, 1, 8, 0.10),
    "amusement":       Manner(1.20, 1.12, 1.15, -3, 4, 2, 5, 0.05),
    "pain":            Manner(0.60, 0.75, 0.88, 8, -6, 5, -7, -0.20),
    "anger":           Manner(1.40, 1.30, 1.25, 7, 5, 3, -1, 0.20, nods=0.4),
    "sadness":         Manner(0.45, 0.70, 0.70, 5, -7, -2, -9, -0.25, nods=0.8),
}  # fmt: skip
"""One row an emotion; the numbers are in the order of ``Manner``'s fields."""

STATUS: Final = {
    "boss": 0.9, "subordinate": -0.8, "principal": 1.0, "student": -0.7, "teacher": 0.7, "bully": 1.0, "classmate": -0.8,
    "mentor": 0.5, "mentee": -0.4, "doctor": 0.7, "patient": -0.5, "waiter": -0.6, "diner": 0.5, "parent": 0.5,
    "grandparent": 0.3, "child": -0.5, "senior student": 0.5, "junior student": -0.5, "business partners": 0.3,
    "sports teammates": 0.3, "strangers": -0.2, "in-laws": -0.1,
}  # fmt: skip
"""Dominance from -1 to 1 by role; roles that are not here are equals, 0. "classmate" is the bully's."""

AGE: Final = {
    "grandparent": Manner(0.85, 0.90, 0.78, 5, -2, 0, 0),
    "assisted living facility neighbors": Manner(0.85, 0.88, 0.75, 6, -3, 0, 0),
    "child": Manner(1.20, 1.10, 1.18, 0, 0, 0, 0, fidgets=0.15),
}
"""The old are slower and stoop, children are livelier."""

CLOSENESS: Final = {
    "romantic partners": 1.0, "siblings": 0.8, "parent / child": 0.85, "grandparent / child": 0.85, "childhood friends": 0.75,
    "cousins": 0.65, "friends with similar hobbies": 0.6, "sports teammates": 0.6, "classmates": 0.5, "churchmates": 0.45,
    "co-workers": 0.4, "interest group members": 0.4, "mentor / mentee": 0.4, "commuting buddies": 0.45, "in-laws": 0.35,
    "assisted living facility neighbors": 0.4, "senior student / junior student": 0.4, "teacher / student": 0.3,
    "bully / classmate": 0.5, "doctor / patient": 0.3, "business partners": 0.25, "boss / subordinate": 0.15,
    "waiter / diner": 0.2, "principal / student": 0.05, "strangers": 0.0,
}  # fmt: skip
"""0 to 1: how near the two of a relationship are (``distance``), and how often side by side. A bully comes near."""

_NEAR, _FAR = 0.9, 2.3


def of_emotion(emotion: str) -> Manner:
    """Return the manner of one of ``labels.EMOTIONS``.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label``.
    """
    return OF_EMOTIONS[check(emotion, EMOTIONS, field="emotion")]


def of_role(role: str) -> Manner:
    """Return the manner of a role: its ``STATUS`` and its ``AGE``."""
    status = STATUS.get(role, 0.0)
    ranked = Manner(
        rate=1 + 0.2 * status,
        size=1 + 0.2 * status,
        lean=-2.0 * status,
        open=6.0 * status,
        lift=-2.0 * status,
        head=6.0 * status,
        speaking_gaze=0.15 * status,
        nods=2.0**-status,
        fidgets=0.08 * max(0.0, -status),
    )
    return ranked.over(AGE.get(role, Manner(fidgets=0.0)))


def manner(emotion: str, role: str = "") -> Manner:
    """Return how somebody of a role behaves in an emotion."""
    return of_emotion(emotion).over(of_role(role))


def distance(relationship: str) -> float:
    """Return the usual metres between the two of a relationship, 0.9 (the closest) to 2.3 (strangers).

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label``.
    """
    return _FAR - (_FAR - _NEAR) * CLOSENESS[check(relationship, RELATIONSHIPS, field="relationship")]
