# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface can be read in German, whole: nothing missing, nothing left over, every placeholder filled in."""

from __future__ import annotations

import re
import sys

import bpy
import interface
import pytest
from conftest import MODULE

SAME = {
    "BVH",
    "CSV",
    "CoInteract",
    "Cousins",
    "Duologue",
    "FBX",
    "Hand",
    "Live Link Face",
    "Marker",
    "Partner",
    "Passes",
    "Server",
    "Start",
    "Start X",
    "Take",
    "Takes",
    "Text",
    "USD",
    "VMC",
    "Wan VACE",
    "Workbench",
    "glTF",
}
"""Words that are the same in German, or that animators use in English."""


@pytest.fixture
def english(extension) -> dict[str, str]:
    return interface.collect(sys.modules[f"{MODULE}.registration"].CLASSES)


@pytest.fixture
def german(extension) -> dict[str, str]:
    return sys.modules[f"{MODULE}.translations"].read("de_DE")


def test_the_collector_sees_labels_tooltips_items_and_what_panels_write(english):
    assert len(english) > 150
    for text in (
        "Perform",
        "Test Connection",
        "Connect to the server now and say what it answers",
        "Relationship",
        "Anger",
    ):
        assert text in english, text
    assert any("{" in text for text in english)


def test_nothing_is_composed_before_it_is_looked_up(extension):
    assert interface.written()[1] == []


def test_every_text_has_its_german(english, german):
    missing = {text: place for text, place in english.items() if not german.get(text)}
    assert not missing, "\n".join(f"{place}: {text!r}" for text, place in missing.items())


def test_no_german_is_left_of_texts_that_are_gone(english, german):
    assert sorted(german.keys() - english.keys()) == []


def test_placeholders_are_the_same(german):
    for text, translated in german.items():
        assert sorted(re.findall(r"\{[^}]*\}", text)) == sorted(re.findall(r"\{[^}]*\}", translated)), text


def test_german_is_german(german):
    untranslated = [
        text for text, translated in german.items() if text == translated and text not in SAME and len(text) > 5
    ]
    assert untranslated == []


def test_tooltips_end_as_blenders_do(german):
    """Blender adds the full stop itself."""
    assert [text for text in german.values() if text.endswith(".") and not text.endswith("…")] == []


def test_blender_takes_the_dictionary_and_gives_it_back(extension, scene):
    translations = sys.modules[f"{MODULE}.translations"]
    translations.unregister()
    translations.unregister()
    translations.register()
    if not bpy.app.build_options.international:
        pytest.skip("this bpy has no languages; tests/ui shows the panel in German")
    bpy.context.preferences.view.language = "de_DE"
    assert bpy.app.translations.pgettext_iface("Perform", "Operator") == translations.read("de_DE")["Perform"]
