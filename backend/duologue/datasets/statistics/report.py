"""What a folder of data is like, in figures: InterAct's of any data set and of a corpus; of a corpus also how lively it is and
how people talk; of captured faces what their shapes do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from duologue.datasets.corpus.body import INDEX, Corpus
from duologue.datasets.face_meshes.template import FaceTemplate
from duologue.datasets.layouts import DESCRIBED, recognise
from duologue.datasets.readers.face_captures import capture_files
from duologue.datasets.readers.live_link import read_face_csv
from duologue.datasets.statistics import body, face, speech
from duologue.datasets.statistics.measuring import Measured, Progress, measure_folder
from duologue.datasets.statistics.page import as_csv, write_statistics
from duologue.datasets.statistics.section import Cell, Section, Table, bins, known
from duologue.datasets.statistics.sections import sections_of
from duologue.errors import DuologueError
from duologue.executors.executor import HERE, Executor
from duologue.files.atomic import write_text
from duologue.motion.skeleton import Skeleton

Figures = dict[str, dict[str, Any]]
_TOLD: Final = {
    "body": (
        "A corpus's bodies",
        "Speakers against listeners, heads, floor and feet, bodies in each other, emotions, roles.",
    ),
    "speech": ("Who speaks when", "Turns, gaps and overlaps as conversation analysis counts them."),
    "face": ("Captured faces", "Jaws, blinks, and shapes that a table lacks or that never move."),
}
"""Titles and texts of what is not InterAct's."""


def statistics(
    folder: Path,
    *,
    out: Path | None = None,
    template: FaceTemplate | None = None,
    executor: Executor = HERE,
    model: Path | None = None,
    tell: Progress = lambda done, of: None,
) -> Figures:
    """Return figures by section and name; with ``out``, write a page, tables and plots there.

    ``template``: a face by whose vertices expressions are told; ``executor``: who reads it; ``model``: the user's own SMPL-H or
    SMPL-X file.

    Raises:
        DuologueError: NOT_FOUND ``data-missing`` when a reader knows nothing in it; what opening it, ``Corpus.check_columns``,
            ``read_face_csv`` and writing raise.
    """
    figures: Figures = {}
    if (folder / INDEX).is_file():
        corpus, skeleton = Corpus.open(folder), Skeleton.builtin("duologue60")
        corpus.check_columns(skeleton)
        figures = {"body": body.figures(corpus, skeleton), "speech": speech.figures(corpus)}
    elif (layout := recognise(folder)) is None:
        raise DuologueError("NOT_FOUND", "data-missing", f"{folder} is neither a corpus ({INDEX}) nor {DESCRIBED}.")
    elif layout == "captures":
        figures = {"face": face.figures([read_face_csv(table) for table, _ in capture_files(folder)])}
    measured = measure_folder(folder, executor=executor, model=model, tell=tell)
    sections = sections_of(measured, template)
    if out is not None:
        told = [Section(*_TOLD[name], tables=[_as_table(name, found)]) for name, found in figures.items()]
        write_statistics(out, [*sections, *told], folder.resolve().name, _about(measured))
        write_text(out / "histograms.csv", as_csv(bins(measured.totals)))
    for section in sections:
        figures[section.title] = {table.name: _as_json(table) for table in section.tables}
    return figures


def _about(measured: Measured) -> str:
    return f"{measured.layout}. Made by duologue dataset statistics; the tables and plots lie beside this page."


def _as_json(table: Table) -> list[dict[str, Cell]]:
    return [{name: known(cell) for name, cell in zip(table.columns, row, strict=True)} for row in table.rows]


def _as_table(name: str, figures: dict[str, Any]) -> Table:
    """Return figures that stand under names, some with labels of their own, as a table."""
    rows: list[list[Cell]] = []
    for figure, value in figures.items():
        labelled = value.items() if isinstance(value, dict) else [("", value)]
        rows += [[figure, label, _written(inner)] for label, inner in labelled]
    return Table(name, ("figure", "of", "value"), rows)


def _written(value: Any) -> Cell:
    if isinstance(value, list):
        return ", ".join("–" if item is None else str(item) for item in value)
    return value
