"""What parentheticals ask for: an emotion, a posture, pace, loudness, a pause, a laugh."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from duologue.labels import EMOTIONS

_T = TypeVar("_T")

_STEMS: Final = {
    "surprise": "surpris startl stunned shocked astonish amaze",
    "awe": "awed awestruck reveren wonder",
    "confusion": "confus puzzl baffl bewilder lost uncomprehend",
    "excitement": "excite thrill eager enthusias breathless",
    "anxiety": "anxi nervous worri tense tensely uneas restless stressed",
    "fear": "afraid scared frighten terrif fearful panic",
    "horror": "horrif aghast appal",
    "disgust": "disgust repel contempt revolt",
    "admiration": "admir impressed",
    "adoration": "ador fond fondly tender loving affection warmly",
    "romance": "romantic flirt seduct",
    "interest": "interested curious intrigu attentive",
    "awkwardness": "awkward embarrass sheepish uncomfortabl shy shyly hesita",
    "boredom": "bored flat flatly indifferen unimpressed deadpan wear",
    "satisfaction": "satisf proud smug content triumph",
    "relief": "relieved exhal",
    "craving": "longing hungr wanting crav",
    "nostalgia": "nostalg wistful rememb",
    "entrancement": "entranc captivat mesmeri dreamy dreamily",
    "calmness": "calm quiet relaxed neutral evenly gentl",
    "joy": "happ joy delight cheer beam glad",
    "amusement": "amus laugh chuckl giggl smil smirk grin joking teas dry dryly drily ironic",
    "pain": "pain hurt winc groan",
    "anger": "angr furious annoy irritat mad madly shout yell snap bitter hiss",
    "sadness": "sad sadly cry cries sob sobs sobbing tearful mournful heartbroken defeated",
}
"""How words for each emotion begin; those of up to three letters are the whole word."""
_LABELS: Final = tuple(
    (
        label,
        re.compile("|".join(rf"\b{stem}\b" if len(stem) <= 3 else rf"\b{stem}" for stem in [*stems.split(), label])),
    )
    for label, stems in {**dict.fromkeys(EMOTIONS, ""), **_STEMS}.items()
)
_ACTIONS: Final = (
    ("sit", r"\b(sits?|sitting|seated|takes? a seat)\b"),
    ("stand", r"\b(stands?|standing|gets? up|rises?|rising|stops?)\b"),
    ("walk", r"\b(walks?|walking|paces|pacing|crosses|crossing|goes|approaches|approaching|comes? closer)\b"),
)
_PACES: Final = (
    (1.2, r"\b(quick(ly)?|fast|hurried(ly)?|rush(ed|ing)|rapid(ly)?)\b"),
    (0.85, r"\b(slow(ly)?|drawn out|hesitant(ly)?)\b"),
)
_LEVELS: Final = (
    (0.45, r"\b(whisper(s|ing|ed)?|under (his|her|their) breath|sotto voce|mutter(s|ing)?|mumbl(es|ing))\b"),
    (0.7, r"\b(quiet(ly)?|soft(ly)?|low|gently)\b"),
    (1.35, r"\b(shout(s|ing)?|yell(s|ing)?|scream(s|ing)?|loud(ly)?|calling)\b"),
)
_PAUSES: Final = (
    (3.0, r"\b(long (pause|silence|beat))\b"),
    (1.4, r"\b(pauses?|pausing|silence)\b"),
    (0.8, r"\b(a? ?beat|then)\b"),
)
_LAUGH: Final = re.compile(r"\b(laughs?|laughing|chuckles?|chuckling|giggles?|giggling)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Direction:
    """What the parentheticals before a speech say; None and 1 where they say nothing."""

    emotion: str | None = None
    action: str | None = None
    pace: float = 1.0
    level: float = 1.0
    """Loudness against the voice's own."""
    pause: float = 0.0
    """Seconds of silence before the speech."""
    laughs: bool = False
    unknown: tuple[str, ...] = field(default=(), compare=False)
    """Parentheticals that say nothing Duologue could do."""


def direction_of(parentheticals: Sequence[str]) -> Direction:
    """Return what parentheticals ask for; a later one wins."""
    emotion = action = None
    pace, level, pause, laughs = 1.0, 1.0, 0.0, False
    unknown: list[str] = []
    for text in parentheticals:
        lower = text.lower()
        new = next((label for label, words in _LABELS if words.search(lower)), None)
        asked = [new, *(_first(table, lower) for table in (_ACTIONS, _PACES, _LEVELS, _PAUSES)), _LAUGH.search(lower)]
        emotion, action = new or emotion, asked[1] or action
        pace, level = asked[2] or pace, asked[3] or level
        pause += asked[4] or 0.0
        laughs = laughs or asked[5] is not None
        if not any(asked):
            unknown.append(text)
    return Direction(emotion, action, pace, level, pause, laughs, tuple(unknown))


def _first(table: Sequence[tuple[_T, str]], text: str) -> _T | None:
    return next((value for value, pattern in table if re.search(pattern, text)), None)
