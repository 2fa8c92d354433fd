"""InterAct as its users download it (Hugging Face ``leohocs/interact``, CC BY-NC-SA 4.0), after its README.

``<root>/scenarios.db``, ``<root>/actors.db``, ``<root>/bvhs/<date>_<actor>_<scenario>.bvh`` and ``<root>/wav/`` with the same
names: two files share date and scenario. What a checkpoint learns from it inherits the non-commercial licence.
"""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from duologue.brief import Speech
from duologue.datasets.corpus.body import Corpus, Pair
from duologue.datasets.readers.bvh import read_pair
from duologue.datasets.readers.scenes import make_pair
from duologue.errors import DuologueError, invalid
from duologue.labels import EMOTIONS, RELATIONSHIPS, check
from duologue.motion.skeleton import Skeleton
from duologue.speech.decode import load_speech
from duologue.speech.features import speech_features
from duologue.speech.text import TextEncoder

_NAME: Final = re.compile(r"(?P<date>\d{8})_(?P<actor>\d{3})_(?P<scenario>\d+)")

_SYNONYMS: Final = {"happiness": "joy"}
"""Its scenario table has an emotion that its own label list lacks."""


@dataclass(frozen=True)
class Scene:
    """One recording: the man first, as the session table lists them."""

    date: str
    scenario: int
    actors: tuple[str, str]
    motions: tuple[Path, Path]
    speech: tuple[Path, Path]
    relationship: str
    emotion: str


@dataclass(frozen=True)
class Tables:
    """What the two databases say: a scenario's (relationship, emotion) by its number, and the man of each day."""

    scenarios: Mapping[int, tuple[str, str]]
    men: Mapping[str, str]

    @classmethod
    def read(cls, root: Path) -> Tables:
        """Read them.

        Raises:
            DuologueError: NOT_FOUND ``interact-missing`` when one is not there; INVALID_ARGUMENT ``interact-table``,
                ``unknown-label`` for an emotion or relationship not in ``labels``.
        """
        needed = ("scenarios.db", "actors.db", "bvhs", "wav")
        if missing := [name for name in needed if not (root / name).exists()]:
            raise DuologueError(
                "NOT_FOUND",
                "interact-missing",
                f"{root} lacks {', '.join(missing)}; give the folder that the InterAct download made "
                f"(it holds {', '.join(needed)}).",
            )
        men = _rows(root / "actors.db", "SELECT date, male_id FROM sessions")
        return cls(_scenarios(root / "scenarios.db"), {str(date): str(male) for date, male in men})

    def scene(self, root: Path, date: str, scenario: int, motions: Mapping[str, Path]) -> Scene:
        """Return the scene of a day's recordings, ``motions`` by actor; its speech may not be there.

        Raises:
            DuologueError: INVALID_ARGUMENT ``interact-actors`` when they are not two, ``interact-scenario`` for a number that the
                table lacks.
        """
        if len(motions) != 2:
            raise invalid(
                "interact-actors",
                f"{root / 'bvhs'}: {date} scenario {scenario} has actors {', '.join(motions)}; a scene needs two. "
                "Download it again or move it out of the folder.",
            )
        if scenario not in self.scenarios:
            raise invalid(
                "interact-scenario", f"{root / 'scenarios.db'} has no scenario {scenario}, which {date} recorded."
            )
        a, b = sorted(motions, key=lambda actor: (actor != self.men.get(date), actor))
        speech = [root / "wav" / f"{motions[actor].stem}.wav" for actor in (a, b)]
        return Scene(
            date, scenario, (a, b), (motions[a], motions[b]), (speech[0], speech[1]), *self.scenarios[scenario]
        )


def recordings(root: Path) -> dict[tuple[str, int], dict[str, Path]]:
    """Return the motion files by (date, scenario) and actor, in that order."""
    files: dict[tuple[str, int], dict[str, Path]] = defaultdict(dict)
    for path in sorted((root / "bvhs").glob("*.bvh")):
        if match := _NAME.fullmatch(path.stem):
            files[match["date"], int(match["scenario"])][match["actor"]] = path
    return dict(sorted(files.items()))


def read_scenes(root: Path) -> list[Scene]:
    """Return every scene that has motion and speech of both actors, by date and scenario.

    Raises:
        DuologueError: what ``Tables`` raises.
    """
    tables = Tables.read(root)
    scenes = [tables.scene(root, *key, motions) for key, motions in recordings(root).items()]
    return [scene for scene in scenes if all(path.exists() for path in scene.speech)]


def interact_corpus(root: Path, folder: Path, skeleton: Skeleton, progress: Callable[[int, int], None]) -> None:
    """Read all of InterAct into a training corpus. Without transcripts: it has none; the text condition stays "missing".

    Which actor plays which half of a relationship stands only in the scenario's free text, so A (the man) gets the first half.
    """
    scenes = read_scenes(root)
    encoder = TextEncoder.load()
    actors = sorted({actor for scene in scenes for actor in scene.actors})

    def pairs() -> Iterator[Pair]:
        for done, scene in enumerate(scenes, start=1):
            yield scene_pair(scene, skeleton, encoder, actors)
            progress(done, len(scenes))

    Corpus.write(folder, pairs(), {"recipe": "InterAct", "scenes": len(scenes), "styles": actors})


def scene_pair(scene: Scene, skeleton: Skeleton, encoder: TextEncoder, actors: list[str]) -> Pair:
    """Return one scene on our skeleton with its conditions; a style is an actor's place in ``actors``."""
    speech = [
        speech_features(load_speech(Speech(path), field=path.name), None, encoder, field=path.name)
        for path in scene.speech
    ]
    return make_pair(
        read_pair(scene.motions, skeleton),
        speech,
        skeleton,
        emotions=(scene.emotion, scene.emotion),
        relationship=scene.relationship,
        styles=(actors.index(scene.actors[0]), actors.index(scene.actors[1])),
    )


def _scenarios(path: Path) -> dict[int, tuple[str, str]]:
    query = (
        "SELECT s.id, r.name, e.name FROM scenarios s "
        "JOIN relationships r ON r.id = s.relationship_id JOIN emotions e ON e.id = s.primary_emotion_id"
    )
    scenarios: dict[int, tuple[str, str]] = {}
    for number, relationship, emotion in _rows(path, query):
        label = _SYNONYMS.get(emotion, emotion)
        where = f"scenarios.db, scenario {number}"
        scenarios[int(number)] = (check(relationship, RELATIONSHIPS, field=where), check(label, EMOTIONS, field=where))
    return scenarios


def _rows(path: Path, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        try:
            return database.execute(query).fetchall()
        except sqlite3.Error as error:
            raise invalid("interact-table", f"{path} is not the table it should be: {error}.") from error
