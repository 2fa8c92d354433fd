# SPDX-License-Identifier: GPL-3.0-or-later
"""A surface's own colours: a material's, or its image's where the surface lies in it."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from addon.scene.surfaces import Reader

CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
QUARTERS = {(0, 0): (255, 0, 0), (1, 0): (0, 255, 0), (0, 1): (0, 0, 255), (1, 1): (255, 255, 0)}
"""Of the image, by column and row from below."""


def image(*, linear: bool = False) -> bpy.types.Image:
    made = bpy.data.images.new("look", 8, 8, float_buffer=linear)
    pixels = np.ones((8, 8, 4), np.float32)
    for (column, row), colour in QUARTERS.items():
        pixels[4 * row : 4 * row + 4, 4 * column : 4 * column + 4, :3] = np.array(colour) / 255
    pixels[..., :3] *= 0.5
    made.pixels.foreach_set(pixels.ravel())
    return made


def sheet(offset: tuple[float, float] = (0.0, 0.0)) -> bpy.types.Object:
    """Four small squares, one in each quarter of its image."""
    vertices, faces, uvs = [], [], []
    for column in (0, 1):
        for row in (0, 1):
            first = len(vertices)
            square = [((column + 0.2 + 0.6 * x) / 2, (row + 0.2 + 0.6 * y) / 2) for x, y in CORNERS]
            vertices += [(x, y, 0.0) for x, y in square]
            uvs += [(x + offset[0], y + offset[1]) for x, y in square]
            faces.append(tuple(range(first, first + 4)))
    data = bpy.data.meshes.new("sheet")
    data.from_pydata(vertices, [], faces)
    layer = data.uv_layers.new(name="UVMap")
    layer.uv.foreach_set("vector", np.array(uvs, np.float32).ravel())
    made = bpy.data.objects.new("sheet", data)
    bpy.context.collection.objects.link(made)
    return made


def shaded(ob: bpy.types.Object) -> bpy.types.Material:
    material = bpy.data.materials.new("skin")
    if material.node_tree is None:
        material.use_nodes = True
    ob.data.materials.append(material)
    return material


def colours(scene) -> np.ndarray:
    scene.view_layers[0].update()
    (mesh,) = Reader(()).read(bpy.context.evaluated_depsgraph_get())
    centres = mesh.vertices[mesh.triangles].mean(axis=1)
    assert len(centres) == 8
    return np.array([mesh.colour[i] for i in np.lexsort((centres[:, 2], -centres[:, 1], centres[:, 0]))])


def textured(material: bpy.types.Material, picture: bpy.types.Image, *, through: str = "") -> None:
    tree = material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image = picture
    source = texture.outputs["Color"]
    if through:
        between = tree.nodes.new(through)
        tree.links.new(source, between.inputs["Color"])
        source = between.outputs["Color"]
    tree.links.new(source, shader.inputs["Base Color"])


@pytest.mark.parametrize("through", ["", "ShaderNodeGamma"])
@pytest.mark.parametrize("offset", [(0.0, 0.0), (3.0, -2.0)])
def test_an_image_colours_each_triangle_where_it_lies_in_it(scene, through, offset):
    textured(shaded(sheet(offset)), image(), through=through)
    halved = {key: np.array(colour) // 2 for key, colour in QUARTERS.items()}
    found = colours(scene)
    assert {tuple(row) for row in np.round(found / 127.5).astype(int)} == {
        tuple(np.round(one / 127.5).astype(int)) for one in halved.values()
    }
    assert np.abs(found.astype(int).max(axis=1) - 127).max() <= 1


def test_a_linear_image_is_encoded(scene):
    textured(shaded(sheet()), image(linear=True))
    assert np.abs(colours(scene).max(axis=1).astype(int) - 188).max() <= 1  # IEC 61966-2-1: 0.5 is 188


def test_without_an_image_it_is_the_materials(scene):
    material = shaded(sheet())
    next(n for n in material.node_tree.nodes if n.type == "BSDF_PRINCIPLED").inputs["Base Color"].default_value = (
        0.5,
        0.0,
        1.0,
        1.0,
    )
    np.testing.assert_array_equal(np.unique(colours(scene), axis=0), [(188, 0, 255)])


def test_an_image_that_is_not_there_leaves_what_the_viewport_shows(scene):
    material = shaded(sheet())
    lost = bpy.data.images.new("lost", 4, 4)
    lost.source, lost.filepath = "FILE", "//nowhere/lost.png"
    textured(material, lost)
    material.diffuse_color = (0.0, 0.5, 0.0, 1.0)
    np.testing.assert_array_equal(np.unique(colours(scene), axis=0), [(0, 188, 0)])
