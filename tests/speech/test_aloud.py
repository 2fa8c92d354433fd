"""Figures and signs as they are read aloud. What must come is what people say, not what this code says."""

from __future__ import annotations

import time

import numpy as np
import pytest
from duologue.brief import Transcript
from duologue.brief.transcript import Word
from duologue.speech.aloud import spoken
from duologue.speech.words import read_aloud, timed_words
from examples_spoken import synthesised


def said(text: str) -> str:
    return " ".join(word for words in spoken(text.split()).words for word in words)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        # money
        ("It was $3.50.", "It was three dollars and fifty cents"),
        ("$1 or $1.01", "one dollar or one dollar and one cent"),
        ("€5, 5€, 5 € and € 5", "five euros five euros five euros and five euros"),
        ("£0.99 but £2", "ninety nine pence but two pounds"),
        ("$5 million, $2bn, $5k", "five million dollars two billion dollars five thousand dollars"),
        ("a -$5 change", "a minus five dollars change"),
        ("¥500", "five hundred yen"),
        # per cent, signs
        ("50% of 20 %", "fifty percent of twenty percent"),
        ("R&D & more", "R and D and more"),
        ("1+1=2", "one plus one equals two"),
        ("C++ or C#", "C plus plus or C sharp"),
        ("#5, #tag", "number five hashtag tag"),
        ("me@example.com", "me at example dot com"),
        ("and/or", "and or"),
        ("~5 ±2", "about five plus or minus two"),
        # times and dates
        ("open 24/7 at 10:30", "open twenty four seven at ten thirty"),
        ("10:05, 9:00, 17:00", "ten oh five nine o'clock seventeen hundred"),
        ("9:00 am, 5pm", "nine am, five p m"),
        ("2026-03-05", "march fifth twenty twenty six"),
        ("3/14/2026", "march fourteenth twenty twenty six"),
        ("14.3.2026", "march fourteenth twenty twenty six"),
        ("in 1066, 1999 and 2005", "in ten sixty six nineteen ninety nine and two thousand five"),
        ("1500 people", "one thousand five hundred people"),
        ("the 1980s and '90s", "the nineteen eighties and nineties"),
        ("1990–1995", "nineteen ninety to nineteen ninety five"),
        # ordinals, fractions
        ("1st, 22nd, 3rd and 112th", "first twenty second third and one hundred twelfth"),
        ("1/2, 3/4, 5/8", "one half three quarters five eighths"),
        ("½ or 2½", "one half or two and a half"),
        ("x²", "x squared"),
        # numbers
        ("1,234 and 1.000.000", "one thousand two hundred thirty four and one million"),
        ("3.14 and 3,5", "three point one four and three point five"),
        ("0.5 or .5", "zero point five or point five"),
        ("-3 degrees", "minus three degrees"),
        ("5-10 minutes", "five to ten minutes"),
        ("won 3:1", "won three to one"),
        ("version 2.0.1", "version two point zero point one"),
        ("agent 007", "agent oh oh seven"),
        ("call 911", "call nine one one"),
        # telephones
        ("555-0199", "five five five oh one nine nine"),
        ("(555) 123-4567", "five five five one two three four five six seven"),
        ("+1-555-0100", "plus one five five five oh one oh oh"),
        # units
        ("3.5 km, 1 km", "three point five kilometers one kilometer"),
        ("60km/h and 5 mph", "sixty kilometers per hour and five miles per hour"),
        ("20°C, 6ft, 5'10\"", "twenty degrees celsius six feet five foot ten"),
        ("60fps at 48 kHz", "sixty frames per second at forty eight kilohertz"),
        # numbers that are named
        ("No. 5 is alive", "number five is alive"),
        ("No. 5 No.", "number five No."),
        ("No. We won't.", "No. We won't."),
        ("№ 5", "number five"),
        # among letters
        ("B2B MP3 3D F16", "B two B MP three three D F sixteen"),
        ("COVID-19", "COVID nineteen"),
        ("a 20-year-old", "a twenty year old"),
        ("５ people", "five people"),
        # and what has neither stays as it is
        ("Well, don't – it's twenty-six “years”…", "Well, don't – it's twenty-six “years”…"),
        ("m s l h a I", "m s l h a I"),
    ],
)
def test_it_is_read_as_people_say_it(written: str, read: str) -> None:
    assert said(written) == read


def test_it_is_said_what_was_read_and_what_could_not_be() -> None:
    notes = spoken(["In", "2026", "☺5", "and", "₹7"]).notes
    assert notes[0].startswith("3 figures and signs were read aloud, in English: '2026' as 'twenty twenty six'")
    assert notes[1] == "nobody knows how to say '☺', '₹'; write it out"
    assert spoken(["plain", "words"]).notes == ()


@pytest.mark.parametrize(
    "text", ["9" * 100_000, "1," * 50_000, "1-" * 50_000, "$" * 50_000, "(" * 50_000 + "5", "1/" * 40 + "2"]
)
def test_long_figures_take_no_time(text: str) -> None:
    began = time.perf_counter()
    spoken([text, text])
    assert time.perf_counter() - began < 1


def test_every_number_has_a_name() -> None:
    for value in (*range(0, 3000, 7), *(10**n for n in range(20)), *(10**n - 1 for n in range(20))):
        for written in (
            f"{value}",
            f"{value:,}",
            f"{value}th",
            f"${value}",
            f"{value}%",
            f"{value}:{value}",
            f"-{value}.5",
        ):
            assert not any(character.isdigit() for character in said(written)), written


def test_timed_words_share_their_time_and_signs_give_theirs_away() -> None:
    words, notes = read_aloud(
        (Word(0, 0.5, "costs"), Word(0.5, 0.6, "€"), Word(0.6, 1.0, "5"), Word(1.0, 1.8, "2026."))
    )
    assert [word.text for word in words] == ["costs", "five", "euros", "twenty", "twenty", "six"]
    assert (words[1].start, words[2].end, words[3].start, words[5].end) == (0.5, 1.0, 1.0, 1.8)
    assert words[3].line == (1.0, 1.8)
    assert len(notes) == 1


def test_a_line_is_spread_over_its_time_anew() -> None:
    line = (1.0, 3.0)
    given = tuple(Word(1.0 + k, 2.0 + k, text, line) for k, text in enumerate(("call", "555-0199")))
    words, _ = read_aloud(given)
    assert [word.text for word in words] == ["call", "five", "five", "five", "oh", "one", "nine", "nine"]
    assert (words[0].start, words[-1].end) == pytest.approx(line)
    assert {word.line for word in words} == {line}
    plain = tuple(Word(1.0 + k, 2.0 + k, text, line) for k, text in enumerate(("as", "written")))
    assert read_aloud(plain) == (plain, ())


def test_a_word_whose_phones_are_known_stays_as_it_is() -> None:
    word = Word(0.0, 0.5, "5", phones=((0.0, 0.2, "F"), (0.2, 0.4, "AY"), (0.4, 0.5, "V")))
    assert read_aloud((word,))[0] == (word,)


def test_phones_for_training_are_of_what_is_said() -> None:
    pytest.importorskip("pocketsphinx")
    from duologue.speech.resample import resample
    from duologue.speech.sphinx import align_phones

    text = "Well, I don't believe you brought two billion dollars. Peter picked a problem, but Mabel bought bananas before lunch."
    voice = synthesised(text, "en-us")
    samples = resample(voice.samples, voice.rate, 16_000)
    samples += (
        np.random.default_rng(0).normal(0, 1e-3, len(samples)).astype(np.float32)
    )  # digital silence breaks the search
    written, said = (
        [phone.name for phone in align_phones(samples, words)]
        for words in (text.replace("two billion dollars", "$2bn"), text)
    )
    assert written == said
    assert "B" in said


def test_lips_close_for_what_is_read_aloud() -> None:
    """The b and m of "a number in billions": $2bn says dollars, and two, and billion."""
    pytest.importorskip("pocketsphinx")
    silence = np.zeros(16_000 * 3, np.float32)
    timed = timed_words(
        Transcript("1\n00:00:00,000 --> 00:00:03,000\nIt made $2bn.", "srt"), silence, np.ones(90, bool)
    )
    assert [word.text for word in timed.words] == ["It", "made", "two", "billion", "dollars"]
    assert any("$2bn" in note for note in timed.notes)
    bare = timed_words(Transcript("It made $2bn."), silence, np.ones(90, bool))
    assert [word.text for word in bare.words] == ["It", "made", "two", "billion", "dollars"]
