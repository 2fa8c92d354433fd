# SPDX-License-Identifier: GPL-3.0-or-later
"""Every English text of the interface: what is registered tells its own, what is written in code is read from the source.

``python tests/blender/interface.py`` prints those that the German lacks, ready to be filled in.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from duologue import arkit
from duologue.labels import RELATIONSHIPS, roles

ADDON = Path(__file__).resolve().parent.parent.parent / "addon"

TRANSLATING = {"_t", "pgettext_iface", "pgettext_tip", "pgettext_rpt"}
"""Functions whose literal is looked up."""
SAYING = {"disabled_reason", "run", "what_is_missing", "unfit"}
"""Functions whose returned literals are looked up by who calls them (operators/base.py, panels)."""
DRAWING = {"wrap": 1, "Fix": 0, "_folded": 2}
"""What is shown of the argument at this place: by panels/base.py, by a button of the cast panel."""


def is_text(text: str) -> bool:
    """Return whether there is something to translate: a word, beside what is filled in. Shapes keep ARKit's names."""
    return text not in arkit.NAMES and bool(re.search(r"[^\W\d_]{2,}", re.sub(r"\{[^}]*\}", "", text)))


# What is registered ---------------------------------------------------------------------------------------------------


def registered(classes: tuple[type, ...]) -> dict[str, str]:
    """Return every label, description and enum item of registered classes, and where each was found first."""
    found: dict[str, str] = {}
    for cls in classes:
        for text in _of_class(cls):
            if is_text(text):
                found.setdefault(text, cls.__name__)
    return found


def _of_class(cls: type) -> Iterator[str]:
    import bpy

    rna = cls.bl_rna
    yield getattr(cls, "bl_label", "")
    if issubclass(cls, bpy.types.Operator):
        module, name = cls.bl_idname.split(".")
        rna = getattr(getattr(bpy.ops, module), name).get_rna_type()
        yield rna.description
    inherited = {prop.identifier for prop in rna.base.properties} if rna.base else set()
    for prop in rna.properties:
        if prop.identifier in {"rna_type", "name"} | inherited or prop.is_hidden:
            continue
        yield prop.name if prop.name != prop.identifier else ""
        yield prop.description
        if prop.type == "ENUM":
            for item in prop.enum_items_static:
                yield item.name
                yield item.description


# What is written in code ----------------------------------------------------------------------------------------------


def written() -> tuple[dict[str, str], list[str]]:
    """Return every literal that is shown, with its place; and what is shown but can't be looked up, as complaints."""
    found: dict[str, str] = {}
    complaints: list[str] = []
    shared = _constants(ast.parse((ADDON / "operators" / "rules.py").read_text()))
    for file in sorted(ADDON.rglob("*.py")):
        if "translations" in file.parts:
            continue
        tree = ast.parse(file.read_text())
        constants = shared | _constants(tree)
        for node, mode in _shown(tree):
            place = f"{file.relative_to(ADDON)}:{node.lineno}"
            for leaf in _leaves(node, constants):
                if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str) and is_text(leaf.value):
                    found.setdefault(leaf.value, place)
                elif isinstance(leaf, ast.JoinedStr) and (mode == "looked up" or is_text(_fixed(leaf))):
                    complaints.append(f"{place}: {ast.unparse(leaf)} is composed before it is looked up")
    return found, complaints


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    return {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _shown(tree: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in TRANSLATING and node.args:
                yield node.args[0], "looked up"
            elif name in DRAWING and len(node.args) > DRAWING[name]:
                yield node.args[DRAWING[name]], "shown"
            for keyword in node.keywords:
                if keyword.arg in {"text", "heading", "placeholder"} and isinstance(node.func, ast.Attribute):
                    yield keyword.value, "shown"
        elif isinstance(node, ast.FunctionDef) and node.name in SAYING:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and inner.value is not None:
                    yield inner.value, "shown"


def _leaves(node: ast.expr, constants: dict[str, ast.expr]) -> Iterator[ast.expr]:
    """Follow what an expression may come to: either side of a condition, a constant of the module."""
    if isinstance(node, ast.IfExp):
        yield from _leaves(node.body, constants)
        yield from _leaves(node.orelse, constants)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _leaves(value, constants)
    elif isinstance(node, ast.Name) and node.id in constants:
        yield from _leaves(constants[node.id], {})
    else:
        yield node


def _fixed(node: ast.JoinedStr) -> str:
    return " ".join(str(value.value) for value in node.values if isinstance(value, ast.Constant))


def collect(classes: tuple[type, ...]) -> dict[str, str]:
    """Return every text of the interface and where it comes from."""
    stages = dict.fromkeys(("Connecting", "Cancelling", "Listening", "Performing"), "session.Session.stage")
    named = {
        role: "labels.roles" for relationship in RELATIONSHIPS if " / " in relationship for role in roles(relationship)
    }
    return registered(classes) | written()[0] | named | stages


if __name__ == "__main__":
    sys.path[:0] = [str(ADDON.parent), str(ADDON.parent / "backend")]
    from addon import registration
    from addon.translations import read

    registration._register()
    texts = collect(registration.CLASSES)
    dictionary = read("de_DE")
    for text, where in texts.items():
        if text not in dictionary:
            print(f"{json.dumps(text, ensure_ascii=False)} = ''  # {where}")
    for text in dictionary.keys() - texts.keys():
        print(f"# no longer used: {text!r}")
    print(*written()[1], sep="\n")
