"""Two people on one track are told by the words that both tracks share."""

from __future__ import annotations

from duologue.brief.transcript import Word
from duologue.speech.crosstalk import note_of, shared_stretches


def said(text: str, start: float, pace: float = 0.3) -> list[Word]:
    return [Word(start + i * pace, start + (i + 1) * pace, word) for i, word in enumerate(text.split())]


ANNA = (
    said("Where were you last night, Ben?", 1.0)
    + said("I know. I know.", 8.0)
    + said("The keys are on the table.", 12.0)
)
BEN = said("I was at the station.", 4.0) + said("I know!", 8.1)


def test_a_voice_that_leaked_is_found_with_its_seconds() -> None:
    leaked = sorted(
        [*BEN, *said("Where were you last night Ben", 1.1), *said("keys are on the table", 12.4)], key=lambda w: w.start
    )
    found = shared_stretches(ANNA, leaked)
    assert [(round(start), round(end)) for start, end in found] == [(1, 3), (12, 14)]
    assert "1 to 3 s, 12 to 14 s" in note_of(found)
    assert shared_stretches(leaked, ANNA)


def test_two_who_answer_or_agree_at_once_are_no_mistake() -> None:
    assert shared_stretches(ANNA, BEN) == []
    assert shared_stretches(ANNA, said("Where were you last night, Ben?", 2.0)) == []
    assert shared_stretches(ANNA, []) == shared_stretches([], BEN) == []
