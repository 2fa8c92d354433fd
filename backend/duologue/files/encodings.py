"""Text files from elsewhere, whose encoding nobody wrote down."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from duologue.errors import invalid
from duologue.files.document import MAX_BYTES
from duologue.files.reading import read_bytes

_WESTERN: Final = "cp1252"
_LIKELY: Final = [
    _WESTERN, "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r",
    "cp932", "euc_jp", "gb18030", "big5", "cp949",
]  # fmt: skip
"""What subtitles and transcripts are written in where it isn't Unicode. Of all that Python knows, the rare ones would win."""


class ForeignText(NamedTuple):
    """A text, and the encoding that it was read in, by Python's name for it."""

    text: str
    encoding: str


def read_foreign_text(path: Path) -> str:
    """Return a text file's content: Unicode where it can be, else in the encoding in which it reads best.

    Raises:
        DuologueError: INVALID_ARGUMENT ``document-too-large``, ``document-malformed`` (not text); what
            :func:`duologue.files.reading.read_bytes` raises.
    """
    found = decode_foreign(read_bytes(path, MAX_BYTES, too_large="document-too-large"))
    if found is None:
        raise invalid("document-malformed", f"{path} is no text; save it as UTF-8")
    return found.text


def decode_foreign(data: bytes) -> ForeignText | None:
    """Return the text that bytes hold, as :func:`read_foreign_text` does, or None where they hold none.

    charset-normalizer tells which encoding it is; without it (in Blender) it is Windows' western one.
    """
    for find in (_utf16, _utf8, _guessed):  # one after the other: guessing takes long
        encoding = find(data)
        try:
            text = data.decode(encoding) if encoding else "\0"
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return ForeignText(text, encoding)
    return None


def _utf16(data: bytes) -> str:
    """Return which UTF-16 it is: by its mark, or because every other byte of western text is zero then."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    sample = data[:4000]
    if len(sample) >= 4 and sample[1::2].count(0) > 0.4 * len(sample[1::2]):
        return "utf-16-le"
    return "utf-16-be" if len(sample) >= 4 and sample[::2].count(0) > 0.4 * len(sample[::2]) else ""


def _utf8(_: bytes) -> str:
    return "utf-8-sig"


def _guessed(data: bytes) -> str:
    if b"\0" in data:
        return ""
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        return _WESTERN
    matches = from_bytes(data[:100_000], cp_isolation=_LIKELY)
    best = matches.best()
    if best is None:
        return _WESTERN
    # Its tables of letters say little of a short text: then the commonest of the equally clean ones.
    western = next((match for match in matches if match.encoding == _WESTERN), None)
    return _WESTERN if western is not None and western.chaos <= best.chaos else best.encoding
