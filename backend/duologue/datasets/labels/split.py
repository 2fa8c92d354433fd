"""Which clips and voices of the kit training never uses: the reader of ``body_split.toml``, where the rule is written down."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from duologue.errors import invalid

DEFAULT = Path(__file__).with_name("body_split.toml")
FACE_SPLIT = Path(__file__).with_name("face_split.toml")


@dataclass(frozen=True)
class Split:
    """Patterns of held-out file stems and voices by their source, as ``{"rocketbox": ("?_idle_dust_01", ...)}``."""

    clips: Mapping[str, tuple[str, ...]]
    voices: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, path: Path = DEFAULT) -> Split:
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
        """Whether a clip, ``source/…/stem/…`` as ``KitClip.name``, is held out."""
        return _matches(self.clips, name)

    def holds_voice(self, name: str) -> bool:
        """Whether a voice, ``source/name`` as ``Voice.name``, is held out."""
        return _matches(self.voices, name)


def _matches(patterns: Mapping[str, tuple[str, ...]], name: str) -> bool:
    source, *parts = name.split("/")
    return any(fnmatchcase(part, pattern) for part in parts for pattern in patterns.get(source, ()))
