"""What stands in a transcript and isn't said: sound notes in brackets, speakers' names, times, lyrics marks, lone punctuation.

Captions for the deaf mark these so (BBC subtitle guidelines, "Sound effects" and "Identifying speakers"; Netflix's timed text
style guide, "Dual speakers" and "SDH").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from duologue.brief.words import Entry

# All patterns here take time in proportion to the text: none runs on over another place at which it could begin.
_BRACKETS = re.compile(
    r"\[[^\[\]]{0,300}\]|\([^()]{0,300}\)|\{[^{}]{0,300}\}"
    r"|（[^（）]{0,300}）|【[^【】]{0,300}】|［[^［］]{0,300}］"
)
_CLOCK = r"\d{1,2}:\d\d(?::\d\d)?"
_BRACKETED_TIME = re.compile(rf"\({_CLOCK}\)")
_HEADING = re.compile(rf"(?:[^\W\d_][\w.'’& -]{{0,40}}(?:[ ]{{2,9}}|\t))?{_CLOCK}\s*")
_LYRICS = re.compile(r"[♩♪♫♬]+")
_LABEL = re.compile(r"[-–—>\s]{0,8}([^\W\d_][\w.'’& -]{0,40})\s{0,3}:(?=\s|$)")
_NUMBERED = re.compile(r"speaker[ _]?\w{1,3}", re.IGNORECASE)
_TOKEN_NOTE = re.compile(r"<[^<>]{0,80}>|\{[^{}]{0,80}\}|\[[^\[\]]{0,80}\]|\([^()]{0,80}\)")
_SPOKEN_SIGNS: Final = frozenset("&+%=@$€£¥°")
_CLOSING: Final = {"[": "]", "(": ")"}
_LONGEST_NOTE: Final = 12
"""Words that a note in brackets has at most where every word has times of its own."""


@dataclass
class Unspoken:
    """What is left out of a transcript's texts, gathered over all of them.

    ``names``: what stands before a colon at the beginning of at least two lines: "Anna: …" once may be a sentence.
    """

    names: frozenset[str] = frozenset()
    all_capitals: bool = False
    """Then a name's capitals say nothing."""
    is_timed: bool = False
    """Whether times stand on lines of their own, alone or behind a name: so websites and recorders of meetings show when
    somebody speaks. One such line may be an answer."""
    left_out: Counter[str] = field(default_factory=Counter[str])

    @classmethod
    def of(cls, texts: Sequence[str]) -> Unspoken:
        """Return it for the texts of one transcript, which are read for the names that recur."""
        bare = [_BRACKETS.sub(" ", text) for text in texts]
        labels = Counter(
            label[1].strip() for text in bare for line in text.split("\n") if (label := _LABEL.match(line))
        )
        names = (name for name, count in labels.items() if count > 1 and name[:1].isupper() and len(name.split()) <= 3)
        all_capitals = not any(character.islower() for text in bare for character in text)
        headings = sum(_HEADING.fullmatch(line) is not None for text in texts for line in text.split("\n"))
        return cls(frozenset(names), all_capitals, headings > 1)

    def spoken(self, text: str) -> str:
        """Return the words of a text, whose lines may each begin with a name, with one space between."""
        bare = _LYRICS.sub(" ", _BRACKETS.sub(self._note, text))
        words = [word for line in bare.split("\n") for word in self._unlabelled(line).split()]
        return " ".join(word for word in words if is_said(word))

    def spoken_entries(self, entries: Sequence[Entry], *, words: bool) -> list[Entry]:
        """Return the entries of which something is said; ``words``: each is one word, and notes may run over several."""
        if words:
            entries = self._without_notes(entries)
        texts = (replace(entry, text=self.spoken(entry.text)) for entry in entries)
        return [entry for entry in texts if entry.text]

    def notes(self) -> tuple[str, ...]:
        """Return one note, of what was left out; none where nothing was."""
        if not self.left_out:
            return ()
        shown = ", ".join(f"{text!r:.40}" for text, _ in self.left_out.most_common(4))
        more = ", …" if len(self.left_out) > 4 else ""
        return (f"{self.left_out.total()} sound notes, names and times are not said and were left out: {shown}{more}",)

    def _note(self, match: re.Match[str]) -> str:
        is_figure = match[0][0] == "(" and not any(character.isalpha() for character in match[0])
        if is_figure and not _BRACKETED_TIME.fullmatch(match[0]):
            return match[0]  # a telephone number, a year
        self.left_out[match[0]] += 1
        return " "

    def _unlabelled(self, line: str) -> str:
        if self.is_timed and _HEADING.fullmatch(line):
            self.left_out[line.strip()] += 1
            return ""
        label = _LABEL.match(line)
        if label is None:
            return line
        name = label[1].strip()
        capitals = name.isupper() and len(name) > 1 and len(name.split()) <= 3
        marked = ">>" in label[0]
        if name in self.names or _NUMBERED.fullmatch(name) or (capitals and (marked or not self.all_capitals)):
            self.left_out[f"{name}:"] += 1
            return line[label.end() :]
        return line

    def _without_notes(self, entries: Sequence[Entry]) -> list[Entry]:
        spoken: list[Entry] = []
        at = 0
        while at < len(entries):
            end = _note_end(entries, at)
            if end > at:
                self.left_out[" ".join(entry.text for entry in entries[at:end])] += 1
            else:
                spoken.append(entries[at])
            at = max(end, at + 1)
        return spoken


def is_said(word: str) -> bool:
    """Whether a word has a letter, a digit or a sign that is read aloud: dashes and note signs alone are not."""
    return any(character.isalnum() or character in _SPOKEN_SIGNS for character in word)


def _note_end(entries: Sequence[Entry], at: int) -> int:
    """Return the place after a note that begins with an entry; the entry's own where it begins none."""
    text = entries[at].text
    if _TOKEN_NOTE.fullmatch(text):
        return at + 1 if any(character.isalpha() for character in text) else at
    closing = _CLOSING.get(text[:1])
    if closing is None or closing in text:
        return at
    for end in range(at + 1, min(at + _LONGEST_NOTE, len(entries))):
        if entries[end].text.rstrip(".,").endswith(closing):
            return end + 1
    return at
