"""One brief being performed: bodies and faces joined into the windows of a take."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from duologue.body.pipeline import BodyPipeline
from duologue.face.pipeline import FacePipeline
from duologue.performance.bodies import Bodies, BodyStretch
from duologue.performance.faces import Faces, FaceStretch
from duologue.performance.features import PairFeatures
from duologue.performance.inpainting import KeptTake
from duologue.performance.score import Score
from duologue.take import Notice, Progress, Track, Window


class Run:
    """One brief being performed. Nothing is held back: a window leaves as soon as its bodies are final and its faces there."""

    def __init__(  # noqa: PLR0917
        self,
        body: BodyPipeline,
        face: FacePipeline,
        score: Score,
        features: PairFeatures,
        should_stop: Callable[[], bool],
        kept: KeptTake | None = None,
    ) -> None:
        self._frames = score.frames
        # What the bodies perform, not what was asked of them: where they are kept, an earlier brief counts.
        self._actions = score.actions if kept is None else kept.actions(score.actions)
        self._bodies = Bodies(body, score, features, should_stop, kept)
        self._faces = Faces(face, score, features, self._bodies.facing, should_stop, kept)

    def windows(self) -> Iterator[Progress | Window]:
        """Yield the take's windows from frame 0 on, and how far that is."""
        yield Progress("performing", 0, self._frames)
        for bodies in self._bodies:
            for faces in self._faces.over(bodies):
                window = self._joined(bodies, faces)
                yield window
                yield Progress("performing", window.end, self._frames)

    def notices(self) -> Iterator[Notice]:
        """Yield what should be known of the take; after its last window."""
        return self._bodies.notices()

    def _joined(self, bodies: BodyStretch, faces: FaceStretch) -> Window:
        stretch = slice(faces.start, faces.start + faces.frames)
        part = slice(stretch.start - bodies.start, stretch.stop - bodies.start)
        a, b = (
            Track(
                root_translation=bodies.root[index, part],
                rotations=bodies.rotations[index, part],
                weights=faces.weights[index],
                facing=bodies.facing[index, part],
                actions=self._actions[index, stretch],
                raw=faces.raw[index],
            )
            for index in range(2)
        )
        return Window(faces.start, (a, b))
