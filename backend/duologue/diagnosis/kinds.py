"""What a file is, told from its content first: many a file has another's suffix."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, cast

from duologue.brief.formats import TRANSCRIPT_FORMATS, guess_format
from duologue.files.document import MAX_BYTES
from duologue.files.encodings import decode_foreign
from duologue.files.reading import MAX_TOML, parse_json, parse_toml, read_bytes, read_head
from duologue.interactions.track import HEADER as INTERACTIONS
from duologue.script.reading import SUFFIXES as SCRIPTS
from duologue.speech import libav

Kind = Literal[
    "sound", "transcript", "script", "bvh", "face table", "brief", "manifest", "tensors", "interactions", "blend", "unknown",
]  # fmt: skip

_HEAD: Final = 65_536
_SOUNDS: Final = (
    (0, b"fLaC"), (0, b"OggS"), (0, b"ID3"), (0, b"FORM"), (0, b".snd"), (0, b"caff"), (0, b"riff.\x91\xcf\x11"), (8, b"WAVE"),
)  # fmt: skip
"""What libsndfile reads; the rest is :mod:`duologue.speech.libav`'s."""
_OTHERS: Final = (
    (0, b"Kaydara FBX Binary", "an FBX scene: import it into Blender and save a .blend"),
    (0, b"; FBX", "an FBX scene as text: no Blender reads it; convert it to binary FBX, and save a .blend"),
    (0, b"glTF", "a glTF scene or a VRM: import it into Blender and save a .blend"),
    (0, b"PXR-USDC", "a USD scene: import it into Blender and save a .blend"),
    (0, b"#usda", "a USD scene: import it into Blender and save a .blend"),
    (0, b"Pmx ", "an MMD model: import it into Blender (with an MMD add-on) and save a .blend"),
    (0, b"Vocaloid Motion Data", "MMD's motion: it isn't read; convert it to BVH"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive (a document of an office is one too): unpack it"),
    (0, b"7z\xbc\xaf", "a 7-Zip archive: unpack it"),
    (0, b"Rar!", "a RAR archive: unpack it"),
    (257, b"ustar", "a tar archive: unpack it"),
    (0, b"{\\rtf", "rich text: save it as plain text"),
    (0, b"SQLite format 3", "an SQLite database"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"version https://git-lfs", "not the file, but Git LFS's note of it: `git lfs pull` brings the file"),
)
_SUFFIXES: Final[dict[str, Kind]] = {
    ".blend": "blend", ".safetensors": "tensors", ".wav": "sound", ".flac": "sound", ".ogg": "sound", ".opus": "sound",
    ".mp3": "sound", ".m4a": "sound", ".aac": "sound", ".aiff": "sound", ".wma": "sound", ".mp4": "sound", ".mov": "sound",
}  # fmt: skip
_ZSTANDARD: Final = b"\x28\xb5\x2f\xfd"


class Seen(NamedTuple):
    """``kind`` is what reads it; ``seems`` says of an unknown one what it seems to be."""

    kind: Kind
    seems: str = ""


def look(path: Path) -> Seen:
    """Return what an ordinary file is. Raises what :func:`duologue.files.reading.read_bytes` raises."""
    head = read_head(path, _HEAD)
    if not head:
        return Seen("unknown", "empty")
    if _is_blend(head, path.suffix.lower()):
        return Seen("blend")
    if any(head.startswith(magic, at) for at, magic in _SOUNDS) or libav.kind_of(io.BytesIO(head)) or _is_mpeg(head):
        return Seen("sound")
    if len(head) > 9 and struct.unpack("<Q", head[:8])[0] < 1 << 40 and head[8:10] in {b'{"', b"{}"}:
        return Seen("interactions" if f'"{INTERACTIONS}"'.encode() in head else "tensors")
    for at, magic, what in _OTHERS:
        if head.startswith(magic, at):
            return Seen("unknown", what)
    text = _text(head)
    return _of_text(path, text) if text is not None else _of_suffix(path)


def _is_blend(head: bytes, suffix: str) -> bool:
    if head.startswith(b"BLENDER"):
        return True
    if head.startswith(b"\x1f\x8b"):
        try:
            return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(head, 7) == b"BLENDER"
        except zlib.error:
            return False
    return head.startswith(_ZSTANDARD) and suffix.startswith(".blend")


def _is_mpeg(head: bytes) -> bool:
    """Whether it begins with a frame of MPEG audio, an MP3 without tags: 11 bits set, which UTF-16's mark has as well."""
    return head[0] == 0xFF and len(head) > 1 and head[1] & 0xE0 == 0xE0 and head[1] < 0xFE


def _text(head: bytes) -> str | None:
    """Return the text that a file begins with, whose last letter may be cut; None where it is no text."""
    for cut in range(4 if len(head) == _HEAD else 1):
        found = decode_foreign(head[: len(head) - cut])
        if found is not None and sum(ord(letter) < 32 and letter not in "\t\n\r\f\x1a" for letter in found.text) < 3:
            return found.text.lstrip("\ufeff \t\r\n")
    return None


def _of_text(path: Path, text: str) -> Seen:
    suffix = path.suffix.lower()
    if text[:9].upper() == "HIERARCHY" or suffix == ".bvh":
        return Seen("bvh")
    if suffix == ".toml":
        return _of_document(path, parse_toml, MAX_TOML)
    if guess_format(text) == "json" or suffix == ".json":
        return _of_document(path, parse_json, MAX_BYTES)
    header = text.splitlines()[0].casefold() if text else ""
    if "jawopen" in header.replace("_", "") or "blendshapecount" in header or suffix == ".csv":
        return Seen("manifest") if "brief" in header else Seen("face table")
    if suffix in TRANSCRIPT_FORMATS or guess_format(text) != "text":
        return Seen("transcript")
    return Seen("script") if suffix in SCRIPTS else Seen("unknown", "text; if somebody says it, call it .txt")


def _of_document(path: Path, parse: Any, limit: int) -> Seen:
    """Tell a brief, a manifest and a transcript apart; what can't be parsed is left to the reader of its suffix."""
    try:
        document = parse(read_bytes(path, limit).decode("utf-8-sig"))
    except ValueError:
        return Seen("brief") if path.suffix.lower() == ".toml" else Seen("transcript")
    keys = cast("dict[str, Any]", document).keys() if isinstance(document, dict) else set[str]()
    if "performers" in keys:
        return Seen("brief")
    if "shots" in keys and "exit_code" not in keys:
        return Seen("manifest")
    ours = (
        ({"files", "take"}, "the report of a performance: name its folder"),
        ({"shots", "exit_code"}, "the report of a batch"),
        ({"endpoint"}, "a connection file: it holds keys, show it to nobody"),
        ({"asset", "scenes"}, "a glTF scene: import it into Blender and save a .blend"),
        ({"Hips"}, "a rig map (docs/reference/rigs.md)"),
        ({"shapes"}, "a shape map (docs/reference/rigs.md)"),
    )
    for named, what in ours:
        if named <= keys:
            return Seen("unknown", what)
    return Seen("brief") if path.suffix.lower() == ".toml" else Seen("transcript")


def _of_suffix(path: Path) -> Seen:
    """Leave a file that begins like nothing we know to the reader of its suffix, which says what is wrong with it."""
    suffix = path.suffix.lower()
    if suffix in _SUFFIXES:
        return Seen(_SUFFIXES[suffix])
    return (
        Seen("transcript")
        if suffix in TRANSCRIPT_FORMATS
        else Seen("unknown", "no text, and nothing that Duologue knows")
    )
