"""The code of the pages that go step by step, run as a reader would write it."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("torch")

DEVELOPING = Path(__file__).resolve().parents[2] / "docs" / "developing"
FILE = re.compile(r"^```python\n# ((?:backend|tests)/\S+\.py)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def run_page(page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Make modules of a page's files, in their order, and call their tests; return the tests' names."""
    called: list[str] = []
    for path, code in FILE.findall((DEVELOPING / page).read_text(encoding="utf-8")):
        name = path.removesuffix(".py").removesuffix("/__init__").removeprefix("backend/").replace("/", ".")
        assert name not in sys.modules, f"{page} adds {path}, which is there already"
        module = ModuleType(name)
        if path.endswith("/__init__.py"):
            module.__path__ = []
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(code, f"{page}: {path}", "exec"), module.__dict__)
        for test in [value for key, value in vars(module).items() if key.startswith("test_")]:
            called.append(test.__name__)
            folder = tmp_path / test.__name__
            folder.mkdir()
            test(**{"tmp_path": folder} if "tmp_path" in inspect.signature(test).parameters else {})
    return called


@pytest.mark.parametrize("page", ["add_a_data_reader.md", "add_a_model.md"])
def test_a_page_followed_step_by_step_works(page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert len(run_page(page, monkeypatch, tmp_path)) >= 2
