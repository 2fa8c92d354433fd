"""Lamps and their shadows, on shapes whose shadows are known."""

from __future__ import annotations

import numpy as np
import pytest
from duologue.passes import Camera, merge
from duologue.passes.lighting import Look, shadow
from duologue.passes.raster import rasterise
from duologue.passes.shading import normals
from shapes import quad

ABOVE = Camera.looking((0.0, 0.0, 3.0), (0.0, 0.0, 0.0), lens=90.0)
"""Sees 1.2 m at z = 0."""
SIZE = (256, 256)


def seen(*meshes, camera: Camera = ABOVE):
    surface = merge(meshes)
    hits = rasterise(surface.vertices, surface.triangles, camera, SIZE)
    return surface, hits, normals(surface, hits, camera)[0]


@pytest.mark.parametrize("tilt", [0.0, 0.5, -0.8])
def test_a_shadow_falls_where_the_lamp_throws_it(tilt: float) -> None:
    """A square of 0.1 m, 0.2 m over a sheet: moved by tan of the lamp's angle, as large as it is, since the lamp is far."""
    surface, hits, normal = seen(quad(half=0.6), quad((0.0, 0.0, 0.2), 0.05, name="square"))
    towards = np.array((np.sin(tilt), 0.0, np.cos(tilt)))
    dark = np.zeros(hits.triangle.shape)
    dark[hits.found] = shadow(surface, hits, towards, normal @ towards)
    floor = hits.triangle < 2
    rows, columns = np.nonzero((dark > 0.5) & floor)
    places = np.stack([columns + 0.5 - 128, 128 - rows - 0.5], axis=1) * 1.2 / 256
    visible = np.abs(-0.2 * np.tan(tilt)) > 0.2  # all of it is beside the square
    if tilt == 0.0:
        assert len(places) < 40  # under the square itself; its nearer edge hides a little more
        return
    assert places[:, 0].max() == pytest.approx(-0.2 * np.tan(tilt) + 0.05, abs=0.012 if visible or tilt < 0 else 0.02)
    assert places[:, 0].min() == pytest.approx(-0.2 * np.tan(tilt) - 0.05, abs=0.012 if visible or tilt > 0 else 0.02)
    assert np.ptp(places[:, 1]) == pytest.approx(0.1, abs=0.015)


def test_nothing_shadows_itself() -> None:
    surface, hits, normal = seen(quad(half=0.6))
    for towards in ((0.0, 0.0, 1.0), (0.8, 0.0, 0.6), (-0.3, 0.5, 0.81)):
        assert shadow(surface, hits, np.array(towards), normal @ towards).max() == 0.0


def test_lamps_that_stand_stay_where_they_are_when_the_camera_goes_round() -> None:
    other = Camera.looking((1.5, 0.4, 2.5), (0.0, 0.0, 0.0), lens=90.0)
    lamps = np.array(((0.6, 0.2, 0.77, 0.8),))
    colours: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for camera in (ABOVE, other):
        surface, hits, normal = seen(quad(half=0.2), camera=camera)
        for standing, found in colours.items():
            picture = Look(lamps, standing=standing).draw(surface, hits, normal, camera)
            found.append(picture[hits.found].mean(axis=0))
    np.testing.assert_allclose(*colours[True], atol=1.0)
    assert np.abs(colours[False][0] - colours[False][1]).max() > 10


def test_coloured_lamps_colour_and_backgrounds_are_shown() -> None:
    surface, hits, normal = seen(quad(half=0.1, colour=(128, 128, 128)))
    ramp = np.linspace(0, 255, 256)[None, :, None] * np.ones((256, 1, 3))
    look = Look(np.array(((0.0, 0.0, 1.0, 1.0),)), np.array(((1.0, 0.5, 0.25),)), ramp, ambient=0.0)
    picture = look.draw(surface, hits, normal, ABOVE)
    np.testing.assert_allclose(picture[~hits.found], ramp[~hits.found])
    shown = picture[128, 128] / 255
    linear = ((shown + 0.055) / 1.055) ** 2.4
    grey = ((128 / 255 + 0.055) / 1.055) ** 2.4
    np.testing.assert_allclose(linear, grey * np.array((1.0, 0.5, 0.25)), rtol=1e-6)
