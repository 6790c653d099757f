"""The tool keeps the library's habits: short files, explained names, examples that run."""

from __future__ import annotations

import ast
import doctest
import importlib
from importlib.util import find_spec
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "tools" / "mannequins"
FILES = sorted(FOLDER.glob("*.py"))
EXTRA = [name for name in ("anny", "moderngl", "scipy", "cv2") if find_spec(name) is None]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_holds_one_idea_and_everything_public_is_explained(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    kinds = (ast.FunctionDef, ast.ClassDef)
    public = [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    assert [node.name for node in public if not ast.get_docstring(node)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_examples_run(path: Path) -> None:
    if EXTRA:
        pytest.skip(f"needs the extra mannequins: {', '.join(EXTRA)} not installed")
    module = importlib.import_module(f"tools.mannequins.{path.stem}")
    assert doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0
