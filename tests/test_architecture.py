"""The shape of the library: imports run one way, files stay short, everything public is explained."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "momi_lib"
FILES = sorted(LIBRARY.rglob("*.py"))

# A part may import what stands above it here. `files` (atomic writing) is below everything, `features` (VGG)
# below the losses, and the command line above all.
ORDER = (
    "files",
    "skeleton",
    "data",
    "pose",
    "translate",
    "patches",
    "features",
    "losses",
    "train",
    "evaluate",
    "lessons",
    "commands",
    "__main__",
)
BARE = ("files", "skeleton", "data", "pose", "translate", "patches", "features", "losses")
UNWANTED = {"matplotlib", "seaborn", "ipywidgets", "IPython", "accelerate"}


def name(path: Path) -> str:
    return path.relative_to(LIBRARY).as_posix()


def part(path: Path) -> str:
    """The part of the library that a file belongs to."""
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute name of every module that a file imports, wherever in the file."""
    package = ["momi_lib", *path.relative_to(LIBRARY).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
            for alias in node.names:  # `from momi_lib import data` imports a part, too
                yield node.lineno, f"{base}.{alias.name}" if base == "momi_lib" else base


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_run_one_way(path: Path) -> None:
    own = part(path)
    if own == "__init__":  # of the library itself: loads parts by name, when they are used
        assert not [module for _, module in imports(path) if module.startswith("momi_lib")]
        return
    assert own in ORDER, f"{name(path)}: a new part; give it a place in ORDER and say why"
    for line, module in imports(path):
        pieces = module.split(".")
        if pieces[0] == "momi_lib" and len(pieces) > 1 and not pieces[1].startswith("__version"):
            assert pieces[1] in ORDER, f"{name(path)}:{line} imports {module}, which is not in ORDER"
            allowed = ORDER.index(pieces[1]) <= ORDER.index(own)
            assert allowed, f"{name(path)}:{line} imports {module}, which comes after {own}"


@pytest.mark.parametrize("path", [path for path in FILES if part(path) in BARE], ids=name)
def test_the_system_needs_no_drawing_no_widgets_and_no_launcher(path: Path) -> None:
    found = [(line, module) for line, module in imports(path) if module.split(".")[0] in UNWANTED]
    assert found == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_holds_one_idea(path: Path) -> None:
    length = len(path.read_text(encoding="utf-8").splitlines())
    assert length <= 400, f"{name(path)} has {length} lines; split it where its idea splits"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_everything_public_is_explained(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    missing = [] if ast.get_docstring(tree) else ["the module"]
    if path.parent.name == "exercises":  # answers, right and wrong: the hints beside them say what they do
        tree.body = []
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for node in tree.body:
        if isinstance(node, kinds) and not node.name.startswith("_") and not ast.get_docstring(node):
            missing.append(node.name)
    assert missing == [], f"{name(path)}: no docstring"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_the_library_does_not_print_and_leaves_nothing_for_later(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not [word for word in ("TODO", "FIXME", "NotImplementedError") if word in text]
    if part(path) in ("lessons", "commands", "__main__"):
        return  # what stands in a notebook or on a command line is printed
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    prints = [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
    assert prints == []
