"""Files that lie in a folder or inside its tars, found by their headers and read one at a time: a tar is never unpacked."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from duologue.datasets.scene import Problem
from duologue.errors import DuologueError


@dataclass(frozen=True)
class Member:
    """A file, or a stretch of a tar."""

    file: str
    """What is opened, relative to the root."""
    name: str
    """What it is called, in a tar or as a file."""
    offset: int = 0
    size: int = -1
    """Bytes; -1 is the whole file."""

    @property
    def stem(self) -> str:
        """The name without its folders and suffix."""
        return PurePosixPath(self.name).name.partition(".")[0]

    @property
    def suffix(self) -> str:
        """Its suffix, as ``.wav``."""
        return PurePosixPath(self.name).suffix.lower()

    @property
    def called(self) -> str:
        """What to call it in a message."""
        return self.file if self.size < 0 else f"{self.file}:{self.name}"

    def read(self, root: Path) -> bytes:
        """Return its bytes.

        Raises:
            DuologueError: NOT_FOUND ``file-not-found``; DATA_LOSS ``tar-cut`` where the tar ends before it does.
        """
        try:
            with (root / self.file).open("rb") as file:
                file.seek(self.offset)
                data = file.read(self.size)
        except FileNotFoundError as error:
            raise DuologueError("NOT_FOUND", "file-not-found", f"there is no {self.file}; download it again") from error
        if len(data) < self.size:
            raise DuologueError("DATA_LOSS", "tar-cut", f"{self.file} ends inside {self.name}; download it again")
        return data


def members(root: Path, suffixes: tuple[str, ...], problems: list[Problem]) -> Iterator[Member]:
    """Yield files with ``suffixes`` below a folder, and in its tars, by name; tars that are cut off go to ``problems``, and
    what is whole of them is yielded all the same."""
    for path in sorted(root.rglob("*")):
        suffix, file = path.suffix.lower(), path.relative_to(root).as_posix()
        if suffix == ".tar":
            yield from (member for member in _of_tar(root, file, problems) if member.suffix in suffixes)
        elif suffix in suffixes:
            yield Member(file, file)


def _of_tar(root: Path, file: str, problems: list[Problem]) -> Iterator[Member]:
    path = root / file
    size, last = path.stat().st_size, "its first member"
    try:
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                tar.members = []  # type: ignore[attr-defined]  # not in the stubs: a list of all that was seen, which would grow
                if info.offset_data + info.size > size:
                    raise tarfile.ReadError(f"it ends inside {info.name}")
                last = info.name
                if info.isfile():
                    yield Member(file, info.name, info.offset_data, info.size)
    except (tarfile.TarError, EOFError, OSError) as error:
        why = f"it is cut off or no tar ({error}; the last whole one is {last}): download it again"
        problems.append(Problem(file, "tar-cut", why))
