"""Transcripts in every form people have them, read to words with times."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from duologue.brief import Transcript, TranscriptFormat
from duologue.brief.transcript import Word, parse
from duologue.errors import DuologueError

SRT = """1
00:00:01,000 --> 00:00:02,000
<i>Hello</i> there

2
00:01:00,500 --> 01:00:00,000
Bye!
"""

LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "TextTier"
        name = "beats 2"
        xmin = 0
        xmax = 2
        points: size = 1
        points [1]:
            number = 0.7
            mark = "x"
    item [2]:
        class = "IntervalTier"
        name = "ben - phones"
        xmin = 0
        xmax = 2
        intervals: size = 1
        intervals [1]:
            xmin = 0
            xmax = 2
            text = "HH"
    item [3]:
        class = "IntervalTier"
        name = "ben - words"
        xmin = 0
        xmax = 2
        intervals: size = 4
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = ""
        intervals [2]:
            xmin = 0.5
            xmax = 1e0
            text = "say ""hi"" 3 times"
        intervals [3]:
            xmin = 1
            xmax = 1.25
            text = "sil"
        intervals [4]:
            xmin = 1.25
            xmax = 2
            text = "hi"
"""

SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
1.5
<exists>
2
"IntervalTier"
"anna"
0
1.5
2
0
0.5
"well"
0.5
1.5
"no"
"IntervalTier"
"ben"
0
1.5
1
0
1.5
"yes"
"""


def read(content: str, form: TranscriptFormat, tier: str = "") -> list[tuple[float, float, str]]:
    words = parse(Transcript(content, form, tier))
    assert not isinstance(words, str)
    return [(round(word.start, 3), round(word.end, 3), word.text) for word in words]


def test_subtitles_share_a_cues_time_by_letters() -> None:
    assert read(SRT, "srt") == [(1.0, 1.5, "Hello"), (1.5, 2.0, "there"), (60.5, 3600.0, "Bye!")]
    assert read(SRT.replace("\n", "\r\n"), "srt") == read(SRT, "srt")


def test_a_long_textgrid_gives_its_words_tier() -> None:
    assert [word for *_, word in read(LONG, "textgrid")] == ["say", '"hi"', "3", "times", "hi"]
    assert read(LONG, "textgrid")[-1] == (1.25, 2.0, "hi")


def test_a_short_textgrid_gives_the_tier_asked_for() -> None:
    assert read(SHORT, "textgrid") == [(0.0, 0.5, "well"), (0.5, 1.5, "no")]
    assert read(SHORT, "textgrid", "ben") == [(0.0, 1.5, "yes")]
    with pytest.raises(DuologueError, match="no interval tier 'bob'; its interval tiers: 'anna', 'ben'"):
        read(SHORT, "textgrid", "bob")


@pytest.mark.parametrize(
    "document",
    [
        [{"start": 0.5, "end": 1, "text": "hi"}],
        {"words": [{"start": 0.5, "end": 1, "word": " hi"}]},
        {"segments": [{"start": 0, "end": 2, "text": "hi", "words": [{"start": 0.5, "end": 1, "word": "hi"}]}]},
        {"segments": [{"start": 0.5, "end": 1, "text": "hi"}], "language": "en"},
    ],
)
def test_word_timed_json_as_tools_write_it(document: object) -> None:
    assert read(json.dumps(document), "json") == [(0.5, 1.0, "hi")]


def test_times_that_somebody_says_are_no_cue() -> None:
    content = "00:00:01,000 --> 00:00:02,000\nfine\n\n2\n00:00:03,000 -- 00:00:04,000\nso\n"
    assert [word for *_, word in read(content, "srt")] == ["fine", "2", "00:00:03,000", "00:00:04,000", "so"]


def test_words_come_in_the_order_of_time() -> None:
    rows = [{"start": start, "end": start + 1, "text": str(start)} for start in (3, 1, 2)]
    assert [word for *_, word in read(json.dumps(rows), "json")] == ["1", "2", "3"]


def test_plain_text_has_no_times() -> None:
    assert parse(Transcript("  Hello,\n there. ")) == "Hello, there."


@pytest.mark.parametrize(
    ("content", "form", "reason", "says"),
    [
        ("hello\n", "srt", "transcript-malformed", "line 1 is 'hello'"),
        ("1\n00:00:02,000 --> 00:00:01,000\nx\n", "srt", "transcript-times", "line 2"),
        ("dear diary", "textgrid", "transcript-malformed", "TextGrid"),
        (SHORT[:-20], "textgrid", "transcript-malformed", "ends early"),
        (SHORT.replace('"yes"', "7"), "textgrid", "transcript-malformed", ""),
        (SHORT.replace("1.5\n2\n0", "1.5\nnan\n0"), "textgrid", "transcript-malformed", ""),
        ('File type = "ooTextFile"\nObject class = "TextGrid"\n0\n1\n<exists>\n0\n', "textgrid", "transcript-tier", "none"),
        ("{", "json", "transcript-malformed", "JSON"),
        ("7", "json", "transcript-malformed", "list of words"),
        ('{"words": 3}', "json", "transcript-malformed", "list of words"),
        ('[{"start": 0}]', "json", "transcript-malformed", "entry 0"),
        ("[3]", "json", "transcript-malformed", "entry 0"),
        ('[{"start": 1, "end": 0, "text": "x"}]', "json", "transcript-times", "from 1 s to 0 s"),
        ('[{"start": NaN, "end": 0, "text": "x"}]', "json", "transcript-times", "finite"),
        ('[{"start": -1, "end": 0, "text": "x"}]', "json", "transcript-times", ""),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_named(content: str, form: TranscriptFormat, reason: str, says: str) -> None:
    with pytest.raises(DuologueError) as caught:
        parse(Transcript(content, form), "performers.A.transcript")
    assert caught.value.reason == reason
    assert caught.value.field == "performers.A.transcript"
    assert says in str(caught.value)


KIT = Path(__file__).parents[2].parent / "shared" / "kit" / "speech_mfa"


@pytest.mark.skipif(not KIT.is_dir(), reason="the kit's recordings are not here")
def test_the_kits_textgrids_long_and_short() -> None:
    first: dict[str, Word] = {}
    for path in sorted(KIT.glob("*.TextGrid")):
        words = parse(Transcript(path.read_text(), "textgrid"))
        assert not isinstance(words, str)
        first[path.stem] = words[0]
        assert all(a.start <= b.start for a, b in pairwise(words))
    # As the files say, read by eye.
    assert first["acoustic_corpus"] == Word(1.05, 1.2, "this")
    assert first["61-70968-0000"].text == "HE"


def test_a_transcript_is_read_once() -> None:
    transcript = Transcript(SRT, "srt")
    assert parse(transcript) is parse(transcript)


def test_what_nobody_wrote_down_has_no_words_yet() -> None:
    assert parse(Transcript("", "recognise")) == ""


def test_a_synthesisers_phones_stay_with_their_word() -> None:
    rows = [
        {"start": 0.1, "end": 0.4, "text": "Bob,", "phones": [[0.1, 0.2, "B"], [0.2, 0.3, "AA"], [0.3, 0.4, "B"]]},
        {"start": 0.5, "end": 0.8, "text": "hi", "phones": []},
    ]
    bob, hi = parse(Transcript(json.dumps({"words": rows}), "json"))
    assert isinstance(bob, Word)
    assert bob.phones == ((0.1, 0.2, "B"), (0.2, 0.3, "AA"), (0.3, 0.4, "B"))
    assert isinstance(hi, Word)
    assert hi.phones == ()


@pytest.mark.parametrize(
    "phones", [[["B"]], [[0.2, 0.1, "B"]], [[-1, 0.1, "B"]], [[0, float("inf"), "B"]], [["a", 1, "B"]]]
)
def test_phones_that_cannot_be_are_named(phones: list[list[object]]) -> None:
    with pytest.raises(DuologueError, match="entry 0 has phones"):
        parse(Transcript(json.dumps([{"start": 0, "end": 1, "text": "b", "phones": phones}]), "json"))
