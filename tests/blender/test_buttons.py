# SPDX-License-Identifier: GPL-3.0-or-later
"""Every operator that is registered, in every state a file can be in: it works or says why not."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import bpy
import pytest
from conftest import MODULE, REPOSITORY
from states import NOT_HERE, STATES, difference, fire, operators, reopen, saved_in, snapshot

DOCS = "\n".join(path.read_text() for path in (REPOSITORY / "docs").rglob("*.md"))
TESTS = "\n".join(
    path.read_text() for folder in ("blender", "ui") for path in (REPOSITORY / "tests" / folder).glob("*.py")
)


# What they say --------------------------------------------------------------------------------------------------------


def test_every_operator_has_a_label_and_a_tooltip_that_explains_it(extension):
    for name, cls in operators().items():
        tooltip = getattr(bpy.ops.duologue, name).get_rna_type().description
        assert cls.bl_label, name
        assert len(tooltip.split()) >= 3, f"{name}: {tooltip!r}"
        assert tooltip[0].isupper(), f"{name}: {tooltip!r}"
        assert "\n" not in tooltip, f"{name}: {tooltip!r}"
        assert not tooltip.endswith("."), f"{name}: Blender adds the full stop itself"


def test_every_operator_is_in_the_documentation(extension):
    missing = [
        f"{name} ({cls.bl_label})"
        for name, cls in operators().items()
        if cls.bl_label not in DOCS and "INTERNAL" not in getattr(cls, "bl_options", ())
    ]
    assert not missing


def test_every_operator_is_fired_by_name_in_some_test(extension):
    missing = [
        name
        for name in operators()
        if not re.search(rf"""bpy\.ops\.duologue\.{name}\b|["']{name}["']|["']duologue\.{name}["']""", TESTS)
    ]
    assert not missing


def test_every_operator_reports_its_faults_through_the_common_base(extension):
    base = sys.modules[f"{MODULE}.operators.base"].Operator
    assert [name for name, cls in operators().items() if not issubclass(cls, base)] == []


# In every state -------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(ready_to_perform, tmp_path) -> Path:
    """Where a state is saved. The settings are not handed on: opening a file frees them, and pytest prints what tests get."""
    return tmp_path / "state.blend"


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_every_button_works_or_says_why_not(file, state):
    saved_in(state, file)
    told: dict[str, str] = {}
    reopen(file, state)
    for name, cls in operators().items():
        if name in NOT_HERE:
            continue
        before = snapshot()
        reason = cls.disabled_reason(bpy.context)
        assert cls.poll(bpy.context) == (not reason)
        if reason:
            assert reason[0].isupper() or reason[0] in "'\"“", f"{name}: {reason!r}"
            assert len(reason.split()) >= 3, f"{name}: {reason!r} is no sentence"
            assert not reason.endswith("."), f"{name}: Blender adds the full stop itself"
        told[name] = fire(name)
        assert bool(reason) <= bool(told[name]), f"{name} is grey and went through"
        assert "A fault of Duologue" not in told[name], f"{name} in {state.__name__}: {told[name]}"
        assert "Traceback" not in told[name], name
        if told[name]:
            assert len(told[name].replace("Error:", "").split()) >= 3, f"{name}: {told[name]!r}"
            assert difference(before, snapshot()) == [], f"{name} said why not and changed something all the same"
        else:
            reopen(file, state)
