"""Recognised words on their way beside a take, and as subtitles that can be given back."""

from __future__ import annotations

import json

import pytest
from duologue.brief import Transcript
from duologue.brief.transcript import parse
from duologue.errors import DuologueError
from duologue.take import Notice
from duologue.take.heard import HeardWord, HeardWords, Listener, from_notice, subtitles, to_notices
from duologue.wire.fields import MAX_TEXT

WORDS = tuple(HeardWord(t * 0.4, t * 0.4 + 0.3, f"wörd{t}" + "." * (t % 9 == 8), t % 7 > 0) for t in range(200))


def test_words_travel_whole_in_texts_the_wire_takes() -> None:
    listener = Listener()
    notices = list(to_notices(HeardWords("B", WORDS)))
    assert all(len(json.dumps(notice.message)) < MAX_TEXT for notice in notices)
    assert all(listener.take(notice) for notice in notices)
    got = listener.words("B")
    assert [(word.text, word.sure) for word in got] == [(word.text, word.sure) for word in WORDS]
    assert all(abs(a.start - b.start) < 0.006 for a, b in zip(got, WORDS, strict=True))
    assert listener.words("A") == ()
    assert not listener.take(Notice("speech", "something else"))


@pytest.mark.parametrize("message", ["", "[]", '["C",[]]', '["A",[[1]]]', '["A",[["x",1,"a",1]]]', "[1,2]"])
def test_words_that_are_none_are_refused(message: str) -> None:
    with pytest.raises(DuologueError):
        from_notice(Notice("words", message))


def test_subtitles_can_be_corrected_and_read_back() -> None:
    text = subtitles(WORDS)
    words = parse(Transcript(text, "srt"))
    assert not isinstance(words, str)
    assert [word.text for word in words] == [word.text for word in WORDS]
    assert all(abs(a.start - b.start) < 0.6 for a, b in zip(words, WORDS, strict=True))
    assert max(len(line) for line in text.splitlines()) < 100
    assert subtitles(()) == ""
    assert subtitles([HeardWord(3661.5, 3661.5, "late")]).splitlines()[1] == "01:01:01,500 --> 01:01:01,520"
