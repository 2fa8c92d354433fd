"""How much faces move, by facing, emotion and relationship; with a face's mesh, where."""

from __future__ import annotations

from typing import Final

import numpy as np

from duologue.arkit import NAMES
from duologue.datasets.face_meshes.template import FaceTemplate
from duologue.datasets.statistics import plots
from duologue.datasets.statistics.expression import FACE, vertex_variance
from duologue.datasets.statistics.section import Cell, Group, Plot, Section, Table, bar_plot, by_group
from duologue.datasets.statistics.tally import EVERYBODY, Array, Totals
from duologue.units import FPS

_BY: Final = ("facing", "meta-emotion", "meta-relationship")
"""What is drawn; emotions and relationships themselves are in the table."""
_SHAPES: Final = 12
"""Of a face that are listed: those that vary most."""
_FACES: Final = 6
"""Pictures of faces beside each other."""


def face_section(totals: Totals, template: FaceTemplate | None) -> Section:
    """Return how far faces are from their mean: vertices of a ``template``, else weights."""
    text = (
        f"How far the vertices of {template.name} are from where they are on the average, in its own unit."
        if template
        else "The variance of the weights, summed over all 52. With --template, vertices are told and drawn."
    )
    unit = "a vertex's deviation, in the mesh's unit" if template else "variance of the weights, summed"
    groups = [EVERYBODY, *((by, group) for by in (*_BY, "emotion", "relationship") for group in _groups(totals, by))]
    moves = {group: _movement(totals, group, template) for group in groups}
    minutes = {group: totals.faces[FACE, *group].count / FPS / 60 for group in groups}
    drawn = [
        bar_plot(
            f"faces_by_{by}",
            [(group, moves[by, group], f"of {minutes[by, group]:.1f} min") for group in _groups(totals, by)],
            unit,
            f"Faces {by_group(by)}",
        )
        for by in _BY
        if _groups(totals, by)
    ]
    drawn.append(_shapes(totals))
    if template is not None:
        drawn += _pictures(totals, template)
    rows: list[list[Cell]] = [
        [by, group, round(minutes[by, group], 2), float(f"{moves[by, group]:.4g}")] for by, group in groups
    ]
    return Section("How much faces move", text, drawn, [Table("faces", ("by", "group", "minutes", unit), rows)])


def _movement(totals: Totals, group: Group, template: FaceTemplate | None) -> float:
    if template is None:
        return float(np.trace(totals.faces[FACE, *group].matrix))
    return float(_deviation(totals, group, template).mean())


def _deviation(totals: Totals, group: Group, template: FaceTemplate) -> Array:
    """Return the standard deviation (V,) of each vertex."""
    return np.sqrt(np.maximum(vertex_variance(totals.faces[FACE, *group].matrix, template.deltas), 0.0))


def _shapes(totals: Totals) -> Plot:
    deviations = np.sqrt(np.maximum(np.diag(totals.faces[FACE, *EVERYBODY].matrix), 0.0))
    rows = [(NAMES[k], float(deviations[k]), "") for k in np.argsort(-deviations)[:_SHAPES]]
    return bar_plot("faces_shapes", rows, "standard deviation of the weight", "The shapes that move most")


def _pictures(totals: Totals, template: FaceTemplate) -> list[Plot]:
    groups = [EVERYBODY, *((by, group) for by in _BY for group in _groups(totals, by)[:_FACES])]
    seen = [_deviation(totals, group, template) for group in groups]
    most = max(float(np.percentile(values, 99)) for values in seen)
    neutral = template.neutral.astype(np.float64)
    return [
        Plot(f"face_{k}", plots.face(neutral, values, most), f"{group or 'everybody'} (yellow: {most:.2g})")
        for k, ((_, group), values) in enumerate(zip(groups, seen, strict=True))
    ]


def _groups(totals: Totals, by: str) -> list[str]:
    """Return the groups of a kind, those first of which there is most."""
    found = {group: face.count for (_, kind, group), face in totals.faces.items() if kind == by}
    return sorted(found, key=lambda group: -found[group])
