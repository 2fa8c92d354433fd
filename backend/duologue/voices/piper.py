"""Voices of the user's own, in Piper's format: a VITS network (arXiv 2106.06103) as ONNX, and its configuration beside it.

``NAME.onnx`` and ``NAME.onnx.json``, as https://github.com/OHF-Voice/piper1-gpl describes and most of its voices come. Only the
files are read: nothing of Piper's own code, which is GPL, is used.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import numpy as np

from duologue.errors import DuologueError, invalid
from duologue.files.reading import is_file, read_bytes
from duologue.units import Sound
from duologue.voices.ipa import check_letters
from duologue.voices.onnx import open_with_output
from duologue.voices.tokens import SPACE, Token, pronounced, words_of
from duologue.voices.voice import Spoken

_HOP: Final = 256
"""Samples that one step of a phone's duration lasts, in all of Piper's networks."""
_DURATIONS = re.compile(rb"/(?:[\w.]+/)*Ceil_output_0")
"""The tensor (1, 1, ids) with the steps that each id lasts."""
_MOST_BYTES: Final = 500_000_000
"""Of a network: Piper's largest have 115 MB."""
_PAD, _BEGIN, _END = "_", "^", "$"
_SCALES: Final = (("noise_scale", 0.667), ("length_scale", 1.0), ("noise_w", 0.8))


class Piper:
    """A voice of a file.

    Raises:
        DuologueError: NOT_FOUND ``file-not-found``; INVALID_ARGUMENT ``voice-file``; what ``open_with_output`` raises.
    """

    def __init__(self, path: Path, speaker: str = "") -> None:
        config, self._name = _config(path), path.name
        try:
            self._ids: dict[str, list[int]] = {str(sign): list(ids) for sign, ids in config["phoneme_id_map"].items()}
            self._rate, self._language = int(config["audio"]["sample_rate"]), str(config["espeak"]["voice"])
            inference = config.get("inference", {})
            self._scales = [float(inference.get(name, value)) for name, value in _SCALES]
            self._speaker = _speaker(config, speaker)
            for sign in (_PAD, _BEGIN, _END):
                self._ids[sign]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = f"{path.name}.json is no configuration of a Piper voice: {error!r}"
            raise invalid("voice-file", what) from error
        model = read_bytes(path, _MOST_BYTES)
        durations = _DURATIONS.search(model)
        if durations is None:
            raise invalid("voice-file", f"{path.name} does not say how long its phones last; export it anew with Piper")
        self._session = open_with_output(model, durations[0].decode(), path.name)

    def check(self, text: str) -> None:
        """Raise the error of letters that the language doesn't have (``voice-cannot-say``)."""
        check_letters(text, self._language)

    def speak(self, text: str, pace: float = 1.0) -> Spoken:
        """Say a line (see :class:`~duologue.voices.voice.Voice`).

        Raises:
            DuologueError: INVALID_ARGUMENT ``voice-file`` where the network is not what its configuration says.
        """
        self.check(text)
        tokens = [token for word in pronounced(text, self._language, str, self._ids) for token in (SPACE, *word)][1:]
        if not any(token.word for token in tokens):
            return Spoken(Sound(np.zeros(0, np.float32), self._rate), ())
        ids, owners = self._with_pads(tokens)
        noise, length, noise_w = self._scales
        feeds: dict[str, Any] = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([noise, length / pace, noise_w], np.float32),
        }
        if self._speaker is not None:
            feeds["sid"] = np.array([self._speaker], np.int64)
        try:
            audio, steps = self._session.run(None, feeds)
        except Exception as error:  # onnxruntime's own errors have no class in common
            what = f"{self._name} can't be spoken with as its configuration says: {error}"
            raise invalid("voice-file", what) from error
        ends = np.cumsum(np.asarray(steps, np.float64).ravel()) * _HOP / self._rate
        firsts = np.searchsorted(owners, np.arange(len(tokens)), side="left")
        lasts = np.searchsorted(owners, np.arange(len(tokens)), side="right") - 1
        words = words_of(tokens, ends[firsts - 1], ends[lasts])
        return Spoken(Sound(np.asarray(audio, np.float32).ravel(), self._rate), tuple(words))

    def _with_pads(self, tokens: list[Token]) -> tuple[list[int], list[int]]:
        """Return the ids, a pad behind each, and for each the token that it belongs to (-1: the beginning)."""
        pad = self._ids[_PAD]
        ids = [*self._ids[_BEGIN], *pad]
        owners = [-1] * len(ids)
        for index, token in enumerate(tokens):
            own = [*self._ids[token.sign], *pad]
            ids += own
            owners += [index] * len(own)
        return [*ids, *self._ids[_END]], [*owners, *[len(tokens)] * len(self._ids[_END])]


def _config(path: Path) -> dict[str, Any]:
    beside = path.with_name(path.name + ".json")
    for file in (path, beside):
        if not is_file(file):
            what = f"there is no file {file!s:.300}; a Piper voice is NAME.onnx with NAME.onnx.json beside it"
            raise DuologueError("NOT_FOUND", "file-not-found", what)
    try:
        config = json.loads(beside.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise invalid("voice-file", f"{beside.name} is no JSON: {error}") from error
    if not isinstance(config, dict):
        raise invalid("voice-file", f"{beside.name} is no configuration of a Piper voice")
    return config


def _speaker(config: dict[str, Any], name: str) -> int | None:
    """Return the number of a speaker of a voice that has several."""
    if int(config.get("num_speakers", 1)) < 2:
        return None
    known: dict[str, int] = config.get("speaker_id_map") or {}
    if name and name not in known:
        raise invalid("voice-file", f"has no speaker {name!r:.60}; it has {', '.join(list(known)[:12])}")
    return known.get(name, 0)
