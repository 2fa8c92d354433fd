"""Speech with exact phone and word times, from the espeak-ng library.

espeak-ng is a formant synthesiser (https://github.com/espeak-ng/espeak-ng, ``speak_lib.h``): it plans every phone before it
sounds, so its times are known to the sample, where an aligner guesses within tens of milliseconds. The library is the system's,
or that of the package ``espeakng-loader``; nothing of it ships with Duologue, and performing recordings never needs it.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import itertools
import re
import sys
import threading
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError, invalid

PAUSE: Final = "_"
"""The name of every stretch without a phone; espeak's own names for its kinds of pause all begin so."""

_RETRIEVAL: Final = 2  # AUDIO_OUTPUT_SYNCHRONOUS: samples go to the callback, on the calling thread
_PHONEME_EVENTS: Final = 0x0001
_NO_EXIT: Final = 0x8000
UTF8: Final = 1
_PHONEME_INPUT: Final = 0x100
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER
_LIST_END, _WORD, _PHONE = 0, 1, 7  # espeak_EVENT_TYPE

# One library, one state: its functions must not be called from two threads at once.
LOCK = threading.Lock()


@dataclass(frozen=True)
class Utterance:
    """Synthetic speech; all times in seconds."""

    samples: NDArray[np.float32]
    """(n,), in [-1, 1]."""
    rate: int
    """Samples a second (22,050)."""
    phones: tuple[tuple[float, float, str], ...]
    """(start, end, name) without gaps from 0 to the end; names are espeak's mnemonics, pauses are ``PAUSE``."""
    words: tuple[tuple[float, float, str], ...]
    """(start, end, text): from a word's first phone to the end of its last, without its punctuation."""

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / self.rate


def synthesise(
    text: str,
    voice: str = "en-us",
    pitch: int = 50,
    speed: int = 160,
    *,
    pitch_range: int = 50,
    phonemes: bool = False,
) -> Utterance:
    """Speak ``text``.

    The voice flutters a little, on a state that the library carries from one call to the next: a process that makes the same
    calls in the same order hears the same samples; a second call for the same text differs slightly. The times are exact anyway.

    Args:
        text: anything but the empty string.
        voice: a language with an optional variant: ``"en-us"``, ``"en-gb+f3"`` (``espeak-ng --voices``, ``--voices=variant``).
        pitch: 0 to 99; 50 is the voice's own.
        speed: words a minute, 80 to 450.
        pitch_range: 0 (monotone) to 99; 50 is the voice's own.
        phonemes: read ``[[h@ h@]]`` in the text as espeak's phone mnemonics.

    Raises:
        DuologueError: FAILED_PRECONDITION ``espeak-not-found``; INVALID_ARGUMENT ``unknown-voice``, ``text-empty``.
    """
    if not text.strip():
        raise invalid("text-empty", "there is nothing to speak", field="text")
    with LOCK:
        library, rate = open_library()
        choose(library, voice)
        for parameter, value in ((_RATE, speed), (_PITCH, pitch), (_RANGE, pitch_range)):
            library.espeak_SetParameter(parameter, value, 0)
        samples, events = _speak(library, text, UTF8 | (_PHONEME_INPUT if phonemes else 0))
    seconds = len(samples) / rate
    phones = _phones(events, rate, seconds)
    return Utterance(samples, rate, phones, _words(text, events, rate, phones))


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    """``espeak_EVENT``."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


class _Voice(ctypes.Structure):
    """``espeak_VOICE``."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),  # pairs of a priority byte and a language's name, then a zero
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True)
class _Heard:
    """What an event says, copied out of the library's memory."""

    type: int
    sample: int
    text_position: int
    name: str


@cache
def open_library() -> tuple[Any, int]:
    """Load and initialise the library once; return it and its sample rate."""
    names = ["libespeak-ng.so.1", "libespeak-ng.dylib", "libespeak-ng.dll", ctypes.util.find_library("espeak-ng")]
    for name, data in [*((name, None) for name in names if name), *_packaged()]:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        rate = library.espeak_Initialize(_RETRIEVAL, 0, data and data.encode(), _PHONEME_EVENTS | _NO_EXIT)
        if rate > 0:
            return library, rate
    how = {"linux": "apt install espeak-ng", "darwin": "brew install espeak-ng"}.get(sys.platform, "see its releases")
    raise DuologueError(
        "FAILED_PRECONDITION",
        "espeak-not-found",
        f"the espeak-ng library is not installed or can't start; install it ({how}, or: pip install espeakng-loader)",
    )


def _packaged() -> list[tuple[str, str]]:
    """Return the library that the package espeakng-loader carries, and its data's folder."""
    try:
        import espeakng_loader
    except ImportError:
        return []
    return [(espeakng_loader.get_library_path(), espeakng_loader.get_data_path())]


def choose(library: Any, voice: str) -> None:
    """Set the voice, as the command does: by the name of its file, else by its language ("en-gb" lies in a file "gmw/en").

    Each change of voice waits in the queue of 170 commands that the synthesiser works off, and nothing but speaking empties it:
    after thirty changes without a word spoken the next clause had sound and no events, so that its words were called a pause,
    and beyond 170 the queue ran over itself. Nothing is therefore spoken after each.
    """
    language, plus, variant = voice.partition("+")
    files = _voice_files(library).get(language.lower(), [])
    for name in (voice, *(file + plus + variant for file in files)):
        if library.espeak_SetVoiceByName(name.encode()) == 0:
            library.espeak_Synth(b"", 1, 0, 1, 0, UTF8, None, None)
            return
    raise invalid(
        "unknown-voice", f"espeak-ng has no voice {voice!r}; list them with: espeak-ng --voices", field="voice"
    )


@cache
def _voice_files(library: Any) -> dict[str, list[str]]:
    """Return the voice files of every language, MBROLA's left out (they need voices of their own)."""
    files: dict[str, list[str]] = {}
    voices = library.espeak_ListVoices(None)
    for index in itertools.takewhile(lambda index: bool(voices[index]), itertools.count()):
        voice = voices[index].contents
        first_language = ctypes.string_at(voice.languages + 1).decode()
        file = voice.identifier.decode()
        if not file.startswith("mb/"):
            files.setdefault(first_language, []).append(file)
    return files


def _speak(library: Any, text: str, flags: int) -> tuple[NDArray[np.float32], list[_Heard]]:
    blocks: list[NDArray[np.int16]] = []
    events: list[_Heard] = []

    @_Callback
    def hear(wave: Any, count: int, event: Any) -> int:
        if wave and count:
            blocks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        index = 0
        while event[index].type != _LIST_END:
            item = event[index]
            name = item.id.string.decode(errors="replace") if item.type == _PHONE else ""
            events.append(_Heard(item.type, item.sample, item.text_position, name))
            index += 1
        return 0

    library.espeak_SetSynthCallback(hear)
    data = text.encode()
    status = library.espeak_Synth(data, len(data) + 1, 0, 1, 0, flags, None, None)
    library.espeak_SetSynthCallback(_Callback())  # ``hear`` dies with this call
    if status != 0 or not blocks:
        raise DuologueError("INTERNAL", "espeak-failed", f"espeak-ng could not speak {text!r:.60} (status {status})")
    return np.concatenate(blocks).astype(np.float32) / np.float32(32768), events


def _phones(events: list[_Heard], rate: int, seconds: float) -> tuple[tuple[float, float, str], ...]:
    marks = [(event.sample / rate, event.name) for event in events if event.type == _PHONE]
    if not marks or marks[0][0] > 0:
        marks.insert(0, (0.0, PAUSE))
    ends = [start for start, _ in marks[1:]] + [seconds]
    phones: list[tuple[float, float, str]] = []
    for (start, name), end in zip(marks, ends, strict=True):
        named = PAUSE if name.startswith("_") or not name else name
        if named == PAUSE and phones and phones[-1][2] == PAUSE:
            phones[-1] = (phones[-1][0], end, PAUSE)
        elif end > start:
            phones.append((start, end, named))
    return tuple(phones)


def _words(
    text: str, events: list[_Heard], rate: int, phones: tuple[tuple[float, float, str], ...]
) -> tuple[tuple[float, float, str], ...]:
    """Give every word of the text (between spaces) the time of the phones that begin in it.

    espeak has several events for one written word ("23" is two, "don't" is reported as "don"), so words come from the text.
    """
    spans = [(match.start(), match.end(), match.group()) for match in re.finditer(r"\S+", text)]
    onsets: list[tuple[float, int]] = []
    for event in events:
        if event.type == _WORD:
            at = event.text_position - 1  # counted in characters from 1
            token = next((i for i, (_, end, _) in enumerate(spans) if at < end), len(spans) - 1)
            if not onsets or onsets[-1][1] != token:
                onsets.append((event.sample / rate, token))
    until = [*onsets[1:], (float("inf"), len(spans))]
    words: list[tuple[float, float, str]] = []
    for (start, token), (end, following) in zip(onsets, until, strict=True):
        # An onset is reported a few samples before its first phone.
        sounding = [phone for phone in phones if phone[2] != PAUSE and start - 1e-6 <= phone[0] < end - 1e-6]
        said = [re.sub(r"^\W+|\W+$", "", written) for _, _, written in spans[token:following]]
        if sounding and any(said):
            words += _shared([word for word in said if word], sounding[0][0], sounding[-1][1])
    return tuple(words)


def _shared(words: list[str], start: float, end: float) -> list[tuple[float, float, str]]:
    """Give words that espeak joins into one ("on the") their share of its time, by their letters."""
    letters = np.cumsum([0, *(len(word) for word in words)])
    times = (start + (end - start) * letters / letters[-1]).tolist()
    return list(zip(times[:-1], times[1:], words, strict=True))
