"""The pages say what is there: links, anchors, paths, imports."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CODE = REPOSITORY / "backend" / "duologue"
TREES = ("addon", "backend", "tests", "tools", "farm", "rigs")

PAGES = sorted(
    [
        *REPOSITORY.glob("*.md"),
        *(REPOSITORY / "docs").rglob("*.md"),
        *(REPOSITORY / ".github").rglob("*.md"),
        *CODE.rglob("*.md"),
    ]
)
SOURCES = sorted(
    file
    for tree in TREES
    for kind in ("*.py", "*.toml", "*.js", "*.html")
    for file in (REPOSITORY / tree).rglob(kind)
    if "node_modules" not in file.parts
)

LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)")
DOCS_PATH = re.compile(r"(?<![\w./])(docs/[\w/.-]*\w)(?:#([\w-]+))?")
CODE_PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)*/[\w-]+\.(?:py|toml|js|json|md|html|safetensors))`")
MODULE = re.compile(r"`{1,2}(?:duologue\.)?(\w+(?:\.\w+)+)(?:\([^`]*\))?`{1,2}")
FILE_ENDING = re.compile(r"\.(toml|json|wav|safetensors|csv|md|py|bvh|blend|mp4|txt|js|html|npy)$")
ALSO_VARIABLES = {"brief", "take", "face", "performance"}
"""Rooms whose names also stand for a value in prose: ``face.blinks_per_minute``, ``take.fps``."""
PLACEHOLDER = re.compile(r"\b[A-Z]{3,}/|\b[A-Z]{4,}\.(?!md)|studio")
"""What a reader puts their own name for."""


def name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


@cache
def prose(page: Path) -> str:
    """Return a page without its fenced code."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the anchors that GitHub gives a page's headings, and those that the page sets itself."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    words = [re.sub(r"\]\([^)]*\)|[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return frozenset([*words, *re.findall(r'<a (?:id|name)="([^"]+)">', page.read_text(encoding="utf-8"))])


def snippets(page: Path) -> Iterator[ast.Module]:
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        yield ast.parse(block)


@cache
def added_by(page: Path) -> frozenset[str]:
    """Return the files that a page which goes step by step adds: its blocks of Python begin with their paths."""
    return frozenset(re.findall(r"^```python\n# (\S+/\S+\.py)$", page.read_text(encoding="utf-8"), re.MULTILINE))


@cache
def module_file(dotted: str) -> Path | None:
    """Return the file of a module of ours, or None where there is none."""
    base = REPOSITORY / "backend" / Path(*dotted.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


@cache
def names_in(file: Path) -> frozenset[str]:
    """Return what a module has at its top level: defined, imported or assigned."""
    found: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef(name=defined) | ast.ClassDef(name=defined):
                found.add(defined)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                found |= {(alias.asname or alias.name).split(".")[0] for alias in aliases}
            case ast.Assign(targets=targets):
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=assigned)):
                found.add(assigned)
            case _:
                pass
    return frozenset(found)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target, anchor in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(f"{target}#{anchor}" if anchor else target)
    assert not broken


def test_every_page_is_in_the_index() -> None:
    index = REPOSITORY / "docs" / "index.md"
    linked = {(index.parent / target).resolve() for target, _ in LINK.findall(prose(index)) if target}
    assert {page for page in PAGES if page.is_relative_to(index.parent)} - {index} <= linked


def test_every_page_named_in_code_exists() -> None:
    missing = []
    for file in SOURCES:
        for path, anchor in DOCS_PATH.findall(file.read_text(encoding="utf-8")):
            page = REPOSITORY / path
            there = page.exists() or any(page.parent.glob(f"{page.name}*"))  # "docs/pictures/characters*.png"
            if not there or (anchor and anchor not in anchors(page)):
                missing.append(f"{name(file)} names {path}{'#' * bool(anchor)}{anchor}")
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    roots = (REPOSITORY, REPOSITORY / "backend", CODE, page.parent)
    named = [path for path in CODE_PATH.findall(prose(page)) if not PLACEHOLDER.search(path)]
    missing = [
        path for path in named if path not in added_by(page) and not any((root / path).exists() for root in roots)
    ]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_a_page_imports_is_there(page: Path) -> None:
    missing = []
    own = {Path(path).with_suffix("").as_posix().replace("/", ".") for path in added_by(page)}
    for snippet in snippets(page):
        for node in ast.walk(snippet):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("duologue"):
                if f"backend.{node.module}" in own:
                    continue
                file = module_file(node.module)
                missing += [
                    f"{node.module}.{alias.name}"
                    for alias in node.names
                    if file is None
                    or (alias.name not in names_in(file) and not module_file(f"{node.module}.{alias.name}"))
                ]
    assert not missing


def known(dotted: str) -> bool:
    """Whether a room has a module of that name, or a module something of that name."""
    parts = f"duologue.{dotted}".split(".")
    for length in range(len(parts), 1, -1):
        if file := module_file(".".join(parts[:length])):
            return length == len(parts) or parts[length] in names_in(file)
    return False


@pytest.mark.parametrize("tree", [file.name for file in CODE.iterdir() if file.is_dir()] + ["docs", "addon", "tests"])
def test_modules_that_prose_names_exist(tree: str) -> None:
    rooms = {file.stem for file in CODE.iterdir()} - ALSO_VARIABLES
    folder = CODE / tree if (CODE / tree).is_dir() else REPOSITORY / tree
    missing = [
        f"{name(file)} names {dotted}"
        for file in [*SOURCES, *PAGES]
        if file.is_relative_to(folder)
        for dotted in MODULE.findall(file.read_text(encoding="utf-8"))
        if dotted.split(".")[0] in rooms and not FILE_ENDING.search(dotted) and not known(dotted)
    ]
    assert not missing, "\n".join(missing)
