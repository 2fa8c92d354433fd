"""Which sequences of a data set train and which test: InterAct's ratio, listed in a file, nobody in a scenario on both sides.

InterAct (arXiv 2509.05747, section 5) trains on 208 of its 241 sequences and tests on 33; the lists aren't published. What a data
set says itself (Seamless Interaction's folders, BEAT2's table, ``split`` of a plain folder) is kept.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from duologue.datasets.scene import SPLITS, DataSet, Entry
from duologue.errors import invalid
from duologue.files.atomic import write_text
from duologue.files.document import read_text
from duologue.labels import check

SHARE: Final = 33 / 241
"""Of the sequences that are dealt out: for ``test``."""
FILE: Final = "splits.csv"
COLUMNS: Final = ("scene", "split", "by")
OWN, OURS = "data set", "ratio"


def deal(entries: Sequence[Entry]) -> dict[str, str]:
    """Return the split of every entry by its name, the same whenever the names are.

    Who plays a scenario twice (``Entry.scenario``) does so on one side. Where the data set names a test of its own, what it
    leaves open trains; else test gets 33 of 241, never more, in the order of the names' SHA-256.
    """
    splits: dict[str, str] = {}
    undecided: list[list[Entry]] = []
    for group in _groups(entries):
        own = {entry.split for entry in group if entry.split}
        if not own:
            undecided.append(group)
        others = own.pop() if len(own) == 1 else "train"
        splits |= {entry.name: entry.split or others for entry in group}
    if any(entry.split == "test" for entry in entries):
        return splits
    for people in (1, 2):  # read sentences (InterAct's `lip_acc`) are not to crowd out conversations
        groups = [group for group in undecided if len(group[0].people) == people]
        room = round(SHARE * sum(map(len, groups)))
        for group in sorted(groups, key=lambda group: hashlib.sha256(group[0].name.encode()).digest()):
            if len(group) <= room:
                room -= len(group)
                splits |= dict.fromkeys((entry.name for entry in group), "test")
    return splits


def _groups(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Return entries that share somebody in a scenario, directly or by way of others, in the order of the first of each."""
    group_of = list(range(len(entries)))

    def root(k: int) -> int:
        while group_of[k] != k:
            group_of[k] = group_of[group_of[k]]
            k = group_of[k]
        return k

    first: dict[tuple[str, str], int] = {}
    for k, entry in enumerate(entries):
        for name in entry.people if entry.scenario else ():
            a, b = sorted((root(first.setdefault((name, entry.scenario), k)), root(k)))
            group_of[b] = a
    groups = defaultdict[int, list[Entry]](list)
    for k, entry in enumerate(entries):
        groups[root(k)].append(entry)
    return list(groups.values())


def leaks(entries: Sequence[Entry], splits: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (person, scenario) that are in ``test`` and elsewhere: where a data set's own splits have it so."""
    sides = defaultdict[tuple[str, str], set[bool]](set)
    for entry in entries:
        for name in entry.people if entry.scenario else ():
            sides[name, entry.scenario].add(splits[entry.name] == "test")
    return [key for key, there in sides.items() if len(there) > 1]


def write_splits(folder: Path, entries: Sequence[Entry], splits: Mapping[str, str]) -> None:
    """Write ``folder/splits.csv``, with who says so. Raises what ``write_text`` raises."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows((entry.name, splits[entry.name], OWN if entry.split else OURS) for entry in entries)
    write_text(folder / FILE, text.getvalue())


def read_splits(path: Path) -> dict[str, str]:
    """Return the split of each scene of such a file.

    Raises:
        DuologueError: INVALID_ARGUMENT ``splits-malformed``, ``unknown-label``; what ``read_text`` raises.
    """
    rows = csv.DictReader(io.StringIO(read_text(path)))
    if not {"scene", "split"} <= set(rows.fieldnames or ()):
        raise invalid(
            "splits-malformed", f"{path} has no columns scene and split; `duologue dataset labels` writes such a table"
        )
    return {row["scene"]: check(row["split"] or "", SPLITS, field=f"{path.name}, {row['scene']}") for row in rows}


def with_splits(data: DataSet, splits: Mapping[str, str]) -> None:
    """Put a data set's entries on the sides that a table says, in place of its own.

    Raises:
        DuologueError: INVALID_ARGUMENT ``splits-other`` where the table leaves out some of them.
    """
    missing = [entry.name for entry in data.entries if entry.name not in splits]
    if missing:
        raise invalid(
            "splits-other",
            f"the table of splits lacks {len(missing)} of {len(data.entries)} scenes ({', '.join(missing[:3])} …): it is "
            "another data set's, or an older one; make it again with `duologue dataset labels`",
            field="--splits",
        )
    data.entries = [replace(entry, split=splits[entry.name]) for entry in data.entries]
