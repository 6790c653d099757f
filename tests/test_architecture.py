"""The shape of the project: imports run one way, everything public is explained. One test a rule, of all files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIBRARY, TOOL = ROOT / "momi_lib", ROOT / "tools" / "mannequins"
FILES = sorted(LIBRARY.rglob("*.py"))
TOOL_FILES = sorted(TOOL.rglob("*.py"))

# A part may import what stands above it here: the ground floor, the paper in its order, what is measured, what trains,
# what is made of both, and above all of them what notebooks and the command line stand on.
ORDER = (
    "progress",
    "arguments",
    "files",
    "devices",
    "skeleton",
    "provenance",
    "data",
    "pose",
    "translate",
    "patches",
    "features",
    "losses",
    "metrics",
    "train",
    "rivals",
    "evaluate",
    "study",
    "lessons",
    "widgets",
    "commands",
    "__main__",
)
DRAWING = ("lessons", "widgets", "commands", "__main__")
UNWANTED = {"matplotlib", "seaborn", "ipywidgets", "IPython"}
#: Parts that a researcher may lift out: they know no launcher of processes either.
BARE = ("progress", "arguments", "files", "devices", "skeleton", "provenance", "data", "pose", "translate", "patches",
        "features", "losses", "metrics")  # fmt: skip
ROOMS = {"body", "clothing", "street", "render", "photograph", "dataset"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


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


def own_imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and part of the library of each import from the library itself."""
    for line, module in imports(path):
        pieces = module.split(".")
        if pieces[0] == "momi_lib" and len(pieces) > 1 and not pieces[1].startswith("__version"):
            yield line, pieces[1]


def test_every_part_has_its_place() -> None:
    assert {part(path) for path in FILES} - {"__init__"} == set(ORDER), "a part is new or gone: change ORDER, say why"
    assert {path.relative_to(TOOL).parts[0] for path in TOOL_FILES if path.parent != TOOL} == ROOMS


def test_imports_run_one_way() -> None:
    wrong = []
    for path in FILES:
        own = part(path)
        for line, other in own_imports(path):
            # The library's own __init__ loads parts by name, when they are used.
            if own == "__init__" or other not in ORDER or ORDER.index(other) > ORDER.index(own):
                wrong.append(f"{name(path)}:{line} imports {other}, which comes after {own}")
    assert wrong == []


def test_a_metric_knows_no_table_and_no_network_of_ours() -> None:
    wrong = [
        f"{name(path)}:{line} imports {other}"
        for path in FILES if part(path) == "metrics"
        for line, other in own_imports(path) if other in ("translate", "train", "rivals", "evaluate", "study")
    ]  # fmt: skip
    assert wrong == []


def test_the_system_needs_no_drawing_no_widgets_and_no_launcher() -> None:
    wrong = []
    for path in FILES:
        unwanted = UNWANTED | ({"accelerate"} if part(path) in BARE else set())
        if part(path) in (*BARE, "train", "rivals"):
            wrong += [f"{name(path)}:{line}" for line, module in imports(path) if module.split(".")[0] in unwanted]
    assert wrong == []


def test_everything_public_is_explained() -> None:
    missing = []
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for path in (*FILES, *TOOL_FILES):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not ast.get_docstring(tree):
            missing.append(name(path))
        if path.parent.name == "exercises":  # answers, right and wrong: the hints beside them say what they do
            continue
        for node in tree.body:
            if isinstance(node, kinds) and not node.name.startswith("_") and not ast.get_docstring(node):
                missing.append(f"{name(path)}: {node.name}")
    assert missing == []


def test_nothing_is_left_for_later() -> None:
    mark = re.compile(r"\b(TODO|FIXME|raise NotImplementedError)\b")
    assert [name(path) for path in (*FILES, *TOOL_FILES) if mark.search(path.read_text(encoding="utf-8"))] == []


def test_the_library_does_not_print() -> None:
    """What stands in a notebook or on a command line is printed, nothing else."""
    prints = []
    for path in (path for path in FILES if part(path) not in DRAWING):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        prints += [f"{name(path)}:{call.lineno}" for call in calls
                   if isinstance(call.func, ast.Name) and call.func.id == "print"]  # fmt: skip
    assert prints == []
