"""Transcripts as strangers' tools write them: subtitles with notes and names, aligners' gaps, encodings of long ago."""

# ruff: noqa: E501 (documents as tools write them)

from __future__ import annotations

import json
from pathlib import Path

import pytest
from duologue.brief import Transcript, TranscriptFormat
from duologue.brief.formats import guess_format
from duologue.brief.speech import read_transcript
from duologue.brief.transcript import Word, parse, read
from duologue.errors import DuologueError
from duologue.files.document import Table
from duologue.files.encodings import read_foreign_text


def timed(content: str | object, form: TranscriptFormat = "json", tier: str = "") -> list[tuple[float, float, str]]:
    text = content if isinstance(content, str) else json.dumps(content)
    words = parse(Transcript(text, form, tier))
    assert not isinstance(words, str)
    return [(round(word.start, 3), round(word.end, 3), word.text) for word in words]


def said(content: str | object, form: TranscriptFormat = "json") -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    words = parse(Transcript(text, form))
    return words if isinstance(words, str) else " ".join(word.text for word in words)


def lines(content: str, form: TranscriptFormat = "srt") -> list[tuple[float, float]]:
    words = parse(Transcript(content, form))
    assert not isinstance(words, str)
    return list(dict.fromkeys(word.line or (word.start, word.end) for word in words))


# --- what is not said -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[door slams shut] NARRATOR: Chapter one.", "Chapter one."),
        ("(sighing) Missus Rachel is surprised.", "Missus Rachel is surprised."),
        ("ANNA: Printing (laughs) with which we are. [pause] at present", "Printing with which we are. at present"),
        ("ANNA (V.O.): Good evening.", "Good evening."),
        ("SPEAKER_00: well\nSpeaker 2: no", "well no"),
        ("[SPEAKER_01]: well", "well"),
        ("♪ La la la ♪", "La la la"),
        (">> JOHN: Hello.\n>> Hi.", "Hello. Hi."),
        ("- You?\n– Me.", "You? Me."),
        ("Anna: Good evening.\nBen: To you.\nAnna: Sit down.\nBen: No.", "Good evening. To you. Sit down. No."),
        ("[music\nswells] Go", "Go"),
        ("（笑）はい 【音楽】", "はい"),
        ("{laughs} Go", "Go"),
        ("0:03\nGood evening.\n0:07\nTo you.", "Good evening. To you."),
        ("ANNA (00:03): Good evening.", "Good evening."),
    ],
)
def test_notes_names_and_marks_are_not_said(text: str, words: str) -> None:
    assert said(text, "text") == words
    assert said(f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n", "srt") == words


def test_headings_of_meetings_with_names_and_times_are_not_said() -> None:
    text = "Anna  0:03\nGood evening.\n\nBen Smith\t1:00:10\nTo you."
    assert said(text, "text") == "Good evening. To you."
    assert "'Anna  0:03'" in read(Transcript(text)).notes[0]


@pytest.mark.parametrize(
    "text",
    [
        "Listen: I was there at 12:30.",
        "Call (555) 123 4567 & say 5% + 2 = x",
        "AND HE SAID: COME",
        "a) first b) second",
        "10:30",
        "When? At 10:30",
        "Twenty-five, she's 3.5 — not 4",
    ],
)
def test_what_is_said_stays(text: str) -> None:
    assert said(text, "text") == text.replace(" — ", " ")
    assert read(Transcript(text)).notes == ()


def test_what_was_left_out_is_told() -> None:
    (note,) = read(Transcript("ANNA: well (laughs) no [pause]")).notes
    assert all(part in note for part in ("ANNA:", "(laughs)", "[pause]"))


def test_notes_among_words_with_times() -> None:
    words = [
        {"start": i, "end": i + 1, "word": word}
        for i, word in enumerate(["[door", "slams]", "go", "<unk>", "now", "♪"])
    ]
    assert said(words) == "go now"


# --- subtitles ------------------------------------------------------------------------------------------------------

VTT = """WEBVTT - a title
Kind: captions

NOTE
not said
either

STYLE
::cue { color: lime }

intro
00:00.300 --> 00:02.400 align:start position:0%
<v Anna>Printing in the <c.yellow>only</c> sense

NOTE not said

second name
1:00:02.400 --> 1:00:04.700
with&nbsp;which <i>we</i> are
42
"""


def test_webvtt_gives_its_cues_alone() -> None:
    assert said(VTT, "vtt") == "Printing in the only sense with which we are 42"
    assert lines(VTT, "vtt") == [(0.3, 2.4), (3602.4, 3604.7)]


def test_a_file_is_read_as_what_it_holds() -> None:
    assert said(VTT, "srt") == said(VTT, "vtt")
    assert [guess_format(text) for text in (VTT, ASS, "00:01,5 --> 00:02,0\nx", "a --> b", '{"a": 1}')] == [
        "vtt", "ass", "srt", "text", "json",
    ]  # fmt: skip


def test_youtubes_rolling_lines_are_said_once() -> None:
    rolling = """WEBVTT

00:00:00.000 --> 00:00:02.000
 
good<00:00:00.500><c> evening</c>

00:00:02.000 --> 00:00:02.010
good evening
 

00:00:02.010 --> 00:00:04.000
good evening
sit<00:00:03.000><c> down</c>
"""
    assert said(rolling, "vtt") == "good evening sit down"


def test_an_empty_line_in_a_cue_and_numbers_that_are_said() -> None:
    srt = "1\n00:00:00,200 --> 00:00:01,400\nI am\n\n42\n\n2\n00:00:01,600 --> 00:00:03,000\n7\n3\n00:00:03,000 --> 00:00:04,000\nend\n"
    assert said(srt, "srt") == "I am 42 7 end"


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_byte_order_marks_and_line_ends(ends: str) -> None:
    srt = "\ufeff1\n00:00:01.0 --> 00:00:02.5\n{\\an8}<font color=red>x</font>\n".replace("\n", ends)
    assert timed(srt, "srt") == [(1.0, 2.5, "x")]
    assert timed("00:01,500 --> 00:02,000\ny", "srt") == [(1.5, 2.0, "y")]


ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname
Style: Default,Arial,bad,numbers

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,not said
Dialogue: 0,0:00:01.00,0:00:02.50,Default,ANNA,0,0,0,,{\\k20}Good{\\k30} evening,\\Nyou
Dialogue: 0,0:00:02.50,0:00:03.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0{\\p0}
"""


def test_substation_gives_its_dialogue_alone() -> None:
    assert said(ASS, "ass") == "Good evening, you"
    assert lines(ASS, "ass") == [(1.0, 2.5)]
    with pytest.raises(DuologueError, match="can't be read"):
        said(ASS.replace("0:00:02.50,Default,ANNA", "later,Default,ANNA"), "ass")


@pytest.mark.parametrize(
    "times",
    [
        "00:00:01 --> 00:00:02",
        "00:00:01,0 -> 00:00:02,0",
        "0:0:01, 000 --> 0:0:02, 000",
        "00:00:01:000 --> 00:00:02:000",
        "0:00:01.000,0:00:02.000",
        "00:01,000 → 00:02,000",
        "  00:00:01.000 -->00:00:02.000  X1:10 X2:20",
    ],
)
def test_times_as_people_also_write_them_are_not_said(times: str) -> None:
    text = f"{times}\nGo\n\n{times.replace('1', '3').replace('2', '4')}\nnow at 10:30\n"
    assert guess_format(text) == "srt"
    assert lines(text)[0] == (1.0, 2.0)
    assert said(text, "srt") == "Go now at 10:30"


@pytest.mark.parametrize("text", ["10:30, 11:45", "from 9:00:00, 10:00 is far", "12:30 -> 13:00 lunch"])
def test_times_that_somebody_lists_are_no_cue(text: str) -> None:
    assert guess_format(text) == "text"


def test_a_line_of_times_that_is_none_is_named() -> None:
    with pytest.raises(DuologueError, match="line 4 is '00:00:0x"):
        said("00:00:01,000 --> 00:00:02,000\nx\n\n00:00:0x,0 --> 00:00:04,0\ny", "srt")


# --- TextGrid -------------------------------------------------------------------------------------------------------

COMMENTED = """"ooTextFile"
"TextGrid"
0 2.3 ! time domain of TextGrid
<exists>
2 tiers
"IntervalTier" "words" ! type and name of tier 1
0 2.3 ! time domain of tier 1
2 intervals coming
0 1.1 "good!" ! interval 1 on tier 1
1.1 2.3 "evening
! yes" ! interval 2 on tier 1
"TextTier" "bell" ! type and name of tier 2
0 2.3 ! time domain of tier 2
1 point coming
1.5 "ding"
"""


def test_a_textgrid_with_comments_as_in_praats_manual(tmp_path: Path) -> None:
    assert timed(COMMENTED, "textgrid")[0] == (0.0, 1.1, "good!")
    assert said(COMMENTED, "textgrid") == "good! evening yes"
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        (tmp_path / "a.TextGrid").write_bytes(COMMENTED.encode(encoding))
        assert read_foreign_text(tmp_path / "a.TextGrid") == COMMENTED


# --- JSON -----------------------------------------------------------------------------------------------------------

HI = {"start": 0.5, "end": 1.0}


@pytest.mark.parametrize(
    "document",
    [
        {"text": "hi", "words": None, "segments": [{**HI, "text": " hi"}]},
        {"text": "hi", "words": [], "segments": [{**HI, "text": " hi", "words": []}]},
        {"segments": [{**HI, "text": " hi", "words": [{**HI, "word": "hi", "score": 1}]}], "word_segments": [{**HI, "word": "hi"}]},
        {"transcription": [{"timestamps": {"from": "00:00:00,500", "to": "00:00:01,000"}, "offsets": {"from": 500, "to": 1000}, "text": " hi"}]},
        {"fragments": [{"begin": "0.500", "end": "1.000", "id": "f1", "children": [], "lines": ["hi"]}]},
        {"tiers": {"words": {"type": "interval", "entries": [[0, 0.5, ""], [0.5, 1, "hi"]]}, "phones": {"type": "interval", "entries": [[0.5, 1, "HH"]]}}},
        {"xmin": 0, "tiers": [{"class": "IntervalTier", "name": "words", "entries": [[0.5, 1, "hi"]]}, {"class": "TextTier", "name": "x", "entries": [[1, "y"]]}]},
        {"transcript": "hi", "words": [{**HI, "case": "success", "word": "hi", "alignedWord": "hi", "phones": []}]},
        {"result": [{**HI, "conf": 1.0, "word": "hi"}], "text": "hi"},
        {"results": {"channels": [{"alternatives": [{"transcript": "hi", "words": [{**HI, "word": "hi"}]}]}]}},
        {"text": "hi", "chunks": [{"text": " hi", "timestamp": [0.5, 1.0]}]},
        [{**HI, "text": " hi", "words": [{**HI, "word": " hi", "probability": 0.9}]}],
    ],
)  # fmt: skip
def test_every_tools_layout(document: object) -> None:
    assert timed(document) == [(0.5, 1.0, "hi")]


def test_vosks_results_one_after_the_other() -> None:
    documents = [{"partial": "h"}, {"result": [{**HI, "word": "hi"}], "text": "hi"}, {"text": ""}]
    assert timed("\n".join(json.dumps(document, indent=2) for document in documents)) == [(0.5, 1.0, "hi")]
    assert timed(documents) == [(0.5, 1.0, "hi")]


def test_words_without_times_lie_between_their_neighbours() -> None:
    whisperx = {"segments": [{"start": 0.2, "end": 2.4, "text": " Gate 12 opens at 9.", "words": [
        {"word": "Gate", "start": 0.2, "end": 0.6}, {"word": "12"}, {"word": "opens", "start": 1.2, "end": 1.6},
        {"word": "at", "start": 1.62, "end": 1.7}, {"word": "9."},
    ]}]}  # fmt: skip
    assert timed(whisperx) == [
        (0.2, 0.6, "Gate"), (0.6, 1.2, "12"), (1.2, 1.6, "opens"), (1.62, 1.7, "at"), (1.7, 2.4, "9."),
    ]  # fmt: skip
    assert read(Transcript(json.dumps(whisperx), "json")).notes[0].startswith("2 of 5 entries had no times")


def test_a_word_that_ends_before_it_begins() -> None:
    words = [
        {"start": 0.3, "end": 0.8, "word": "a"},
        {"start": 1.0, "end": 0.98, "word": "b"},
        {"start": 1.1, "end": 1.5, "word": "c"},
    ]
    assert timed(words) == [(0.3, 0.8, "a"), (0.8, 1.1, "b"), (1.1, 1.5, "c")]


def test_the_last_word_does_not_last_until_the_end() -> None:
    gentle = {
        "words": [
            {"case": "success", "start": 0.1, "end": 0.4, "word": "go"},
            {"case": "not-found-in-audio", "word": "now"},
        ]
    }
    (_, (start, end, word)) = timed(gentle)
    assert (start, word) == (0.4, "now")
    assert 0.1 < end - start < 0.5


def test_nor_does_one_in_a_long_pause_fill_it() -> None:
    words = [{"start": 0, "end": 1, "word": "a"}, {"word": "b"}, {"start": 60, "end": 61, "word": "c"}]
    assert timed(words)[1][1] <= 2.0


def test_a_word_without_a_gap_shares_with_the_one_before() -> None:
    words = [{"start": 0, "end": 1, "word": "a"}, {"word": "b"}, {"start": 1, "end": 2, "word": "c"}]
    assert timed(words) == [(0.0, 0.5, "a"), (0.5, 1.0, "b"), (1.0, 2.0, "c")]
    assert timed(words[1:])[0][0] == pytest.approx(1 - 2 * 0.07)


@pytest.mark.parametrize(
    "document",
    [{"tiers": 3}, {"tiers": [3]}, {"tiers": {"words": {"entries": [[1]]}}}, {"results": {}}, [{"words": [3]}]],
)
def test_a_layout_with_something_else_in_it_is_named(document: object) -> None:
    with pytest.raises(DuologueError) as caught:
        timed(document)
    assert caught.value.reason in {"transcript-malformed", "transcript-tier"}


# --- encodings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Printing café naïve “quotes” the only sense"),
        ("cp1252", "Schön, dass Sie da sind. Möchten Sie etwas trinken? Größe"),
        ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy. Dobrý den, jak se máte dnes večer?"),
        ("cp1251", "Добрый вечер, как у вас дела? Садитесь, пожалуйста."),
        ("cp932", "こんばんは、お元気ですか。どうぞ座ってください。"),
        ("gb18030", "晚上好，请坐。今天过得怎么样？"),
        ("utf-8-sig", "naïve"),
        ("utf-16", "naïve"),
    ],
)
def test_an_encoding_that_nobody_wrote_down(tmp_path: Path, encoding: str, text: str) -> None:
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    assert read_foreign_text(tmp_path / "a.txt") == text


def test_a_text_file_that_holds_subtitles_is_read_as_subtitles(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(VTT)
    for name in ("a.txt", "a.vtt"):
        (tmp_path / name).write_text(VTT)
        transcript = read_transcript(Table({"transcript": name}, "", ("transcript",)), tmp_path)
        assert transcript is not None
        assert parse(transcript)[0] == Word(0.3, pytest.approx(1.0, abs=0.1), "Printing")


def test_what_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(bytes(100))
    with pytest.raises(DuologueError) as caught:
        read_foreign_text(tmp_path / "a.txt")
    assert caught.value.reason == "document-malformed"


MORE_LAYOUTS = {
    "Amazon Transcribe": {
        "results": {
            "items": [
                {
                    "start_time": "0.04",
                    "end_time": "0.36",
                    "type": "pronunciation",
                    "alternatives": [{"content": "Hello"}],
                },
                {"type": "punctuation", "alternatives": [{"content": ","}]},
                {"start_time": "0.5", "end_time": "0.9", "type": "pronunciation", "alternatives": [{"content": "you"}]},
            ]
        }
    },
    "Google": {
        "results": [
            {"alternatives": [{"words": [{"startTime": "0.040s", "endTime": "0.360s", "word": "Hello"}]}]},
            {"alternatives": [{"words": [{"startTime": "0.5s", "endTime": "0.900s", "word": "you"}]}]},
        ]
    },
    "AssemblyAI": {
        "audio_duration": 1,
        "words": [
            {"text": "Hello", "start": 40, "end": 360, "confidence": 0.9},
            {"text": "you", "start": 500, "end": 900, "confidence": 0.9},
        ],
    },
}


@pytest.mark.parametrize("layout", MORE_LAYOUTS)
def test_layouts_of_services(layout: str) -> None:
    reading = read(Transcript(json.dumps(MORE_LAYOUTS[layout]), "json"))
    assert [(word.start, word.end, word.text) for word in reading.words] == [(0.04, 0.36, "Hello"), (0.5, 0.9, "you")]
    assert [("milliseconds" in note) for note in reading.notes] == [True] * (layout == "AssemblyAI")
