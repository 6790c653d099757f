"""The mutants of a file: made by cosmic-ray, with lasting names, and with the lines that a test must run.

A mutant's name is derived from the line before and after the change and from the function around it. It stays the same
while other parts of the file change, and the explanation of a survivor stays valid.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tools.mutation.targets import OPERATORS


@dataclass(frozen=True)
class Mutant:
    """A file with one small defect.

    Attributes:
        name: ten hexadecimal digits.
        path: of the file, relative to the root of the project.
        operator: the operator of cosmic-ray that made it.
        line: the first line that differs, from 1.
        place: the function around it, such as ``TripletSampler.draw``; empty outside of all functions.
        before, after: the lines that differ, before and after the change.
        text: the whole file.
    """

    name: str
    path: str
    operator: str
    line: int
    place: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    text: str = field(repr=False)


def mutants_of(path: str, source: str, operators: Sequence[str] = OPERATORS) -> list[Mutant]:
    """All mutants of a file that can make a difference.

    Raises:
        ModuleNotFoundError: if cosmic-ray is not installed.
    """
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    nodes = list(ast_nodes(get_ast(source)))
    made = []
    for name in operators:
        operator = get_operator(f"core/{name}")()
        count = sum(1 for node in nodes for _ in operator.mutation_positions(node))
        made += [(name, mutate_code(source, operator, occurrence)) for occurrence in range(count)]
    return named(path, source, made)


def named(path: str, source: str, made: Iterable[tuple[str, str | None]]) -> list[Mutant]:
    """Those of (operator, text) that Python can parse and that differ from the source and from one another, by line.

    >>> [mutant.after for mutant in named("a.py", "x: int = 1", [("A", "x: int = 2"), ("B", "x: str = 1")])]
    [('x: int = 2',)]
    """
    known, seen = {essence(source)}, Counter()
    lines, tree, mutants = source.splitlines(), ast.parse(source), []
    for operator, text in made:
        try:
            meaning = None if text is None else essence(text)
        except SyntaxError:
            continue
        if meaning is None or meaning in known:
            continue
        known.add(meaning)
        first, before, after = _difference(lines, text.splitlines())
        about = (path, place_of(tree, first), *before, "became", *after)
        seen[about] += 1
        name = hashlib.sha256("\n".join((*about, str(seen[about]))).encode()).hexdigest()[:10]
        mutants.append(Mutant(name, path, operator, first, about[1], before, after, text))
    return sorted(mutants, key=lambda mutant: mutant.line)


def sample(mutants: Sequence[Mutant], count: int | None, seed: int = 0) -> list[Mutant]:
    """``count`` of the mutants (None: all), in their order; the seed and their names decide which.

    If one mutant is added or removed, at most one of the chosen changes.
    """
    if count is None or count >= len(mutants):
        return list(mutants)
    drawn = sorted(mutants, key=lambda mutant: hashlib.sha256(f"{seed} {mutant.name}".encode()).digest())[:count]
    return [mutant for mutant in mutants if mutant in drawn]


def essence(source: str) -> str:
    """What a source does: without annotations, which are not evaluated here, and without how arguments may be passed.

    ``not a == b`` counts as ``a != b``, and likewise for other comparisons; otherwise two operators would make the same
    defect.

    >>> essence("def f(a: int | None, *, b=1): return a") == essence("def f(a: int & None, /, b=1): return a")
    True
    >>> essence("def f(a, *, b=1): return a") == essence("def f(a, *, b=2): return a")
    False
    >>> essence("if not a < b: c()") == essence("if a >= b: c()")
    True
    """
    return ast.dump(_Plain().visit(ast.parse(source)))


OPPOSITE = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


class _Plain(ast.NodeTransformer):
    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        inner = node.operand
        if isinstance(node.op, ast.Not) and isinstance(inner, ast.UnaryOp) and isinstance(inner.op, ast.Not):
            return inner.operand
        if isinstance(node.op, ast.Not) and isinstance(inner, ast.Compare) and len(inner.ops) == 1:
            inner.ops = [OPPOSITE[type(inner.ops[0])]()]
            return inner
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        node.annotation = ast.Constant(None)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        self.generic_visit(node)
        placed = [*node.posonlyargs, *node.args]
        required: list[ast.expr | None] = [None] * (len(placed) - len(node.defaults))
        defaults = [*required, *node.defaults, *node.kw_defaults]
        return ast.arguments(
            posonlyargs=[],
            args=[*placed, *node.kwonlyargs],
            vararg=node.vararg,
            kwonlyargs=[],
            kw_defaults=[],
            kwarg=node.kwarg,
            defaults=[ast.Constant(...) if default is None else default for default in defaults],
        )


def _difference(old: Sequence[str], new: Sequence[str]) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """The first line that differs, counted from 1, and all lines from there to the last one that differs."""
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    end = 0
    while end < min(len(old), len(new)) - same and old[-1 - end] == new[-1 - end]:
        end += 1
    return same + 1, tuple(old[same : len(old) - end]), tuple(new[same : len(new) - end])


def _around(tree: ast.AST, line: int) -> list[ast.FunctionDef | ast.ClassDef]:
    """Classes and functions around a line, the outermost first, including their decorators."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            begin = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if begin <= line <= node.end_lineno:
                found.append((begin, node))
    return [node for _, node in sorted(found, key=lambda pair: (pair[0], -pair[1].end_lineno))]


def place_of(tree: ast.AST, line: int) -> str:
    """The dotted name of the function or class around a line.

    >>> place_of(ast.parse("class A:\\n    def f(self):\\n        return 1"), 3)
    'A.f'
    """
    return ".".join(node.name for node in _around(tree, line))


def lines_of(source: str, line: int) -> range | None:
    """The lines of its statement: a test must run one of them to notice a defect in ``line``.

    For the head of a function, which runs when the module is imported, the lines of its body; None for what runs only
    at the import: then every test may notice it.

    >>> text = "def f(a=1):\\n    b = (a +\\n         1)\\n    if b:\\n        return 2\\n    return b"
    >>> [lines_of(text, line) for line in (1, 3, 4, 5)]
    [range(2, 7), range(2, 4), range(4, 5), range(5, 6)]
    >>> lines_of("x = 1", 1) is None
    True
    """
    tree = ast.parse(source)
    around = _around(tree, line)
    if not around or isinstance(around[-1], ast.ClassDef):
        return None
    function = around[-1]
    if line < function.body[0].lineno:
        return range(function.body[0].lineno, function.end_lineno + 1)
    spans = []
    for node in ast.walk(function):
        if isinstance(node, ast.stmt) and node is not function:
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if isinstance(body, list) and body[0].lineno > node.lineno else node.end_lineno
            if node.lineno <= line <= end:
                spans.append(range(node.lineno, end + 1))
    return min(spans, key=len, default=range(line, line + 1))
