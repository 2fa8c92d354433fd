"""Which clips and voices of the kit training never uses: the readers of ``body_split.toml`` and ``face_split.toml``, where the
rules are written down."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from duologue.errors import invalid

BODY_SPLIT = Path(__file__).with_name("body_split.toml")
FACE_SPLIT = Path(__file__).with_name("face_split.toml")


@dataclass(frozen=True)
class BodySplit:
    """Patterns of held-out file stems and voices by their source, as ``{"rocketbox": ("?_idle_dust_01", ...)}``."""

    clips: Mapping[str, tuple[str, ...]]
    voices: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, path: Path = BODY_SPLIT) -> BodySplit:
        """Read the split.

        Raises:
            DuologueError: INVALID_ARGUMENT ``split-unreadable``.
        """
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
            clips, voices = (
                {source: tuple(patterns) for source, patterns in table[part].items()} for part in ("clips", "voices")
            )
        except (tomllib.TOMLDecodeError, KeyError, AttributeError) as error:
            raise invalid(
                "split-unreadable", f"{path} needs [clips] and [voices], lists of patterns by source: {error}."
            ) from error
        return cls(clips, voices)

    def holds_clip(self, name: str) -> bool:
        """Whether a clip, ``source/…/stem/…`` as ``MotionClip.name``, is held out."""
        return _matches(self.clips, name)

    def holds_voice(self, name: str) -> bool:
        """Whether a voice, ``source/name`` as ``Voice.name``, is held out."""
        return _matches(self.voices, name)


@dataclass(frozen=True)
class FaceSplit:
    """Beginnings of held-out file stems by their source, as ``{"speech_matthes": ("LJ001-0045", ...)}``."""

    stems: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, path: Path = FACE_SPLIT) -> FaceSplit:
        """Read the split.

        Raises:
            DuologueError: INVALID_ARGUMENT ``split-unreadable``.
        """
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
            return cls({source: tuple(stems) for source, stems in table.items()})
        except (tomllib.TOMLDecodeError, TypeError) as error:
            raise invalid("split-unreadable", f"{path} needs a list of stems by source: {error}.") from error

    @property
    def voices(self) -> tuple[str, ...]:
        """espeak-ng's held-out variants, as ``+m3``."""
        return self.stems["espeak"]

    def holds(self, name: str) -> bool:
        """Whether a recording, ``source/stem`` as ``Clip.name``, is held out."""
        source, _, stem = name.partition("/")
        return stem.startswith(self.stems.get(source, ()))


def _matches(patterns: Mapping[str, tuple[str, ...]], name: str) -> bool:
    source, *parts = name.split("/")
    return any(fnmatchcase(part, pattern) for part in parts for pattern in patterns.get(source, ()))
