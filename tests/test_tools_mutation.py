"""Mutation tests: which mutants count, what they are called, which tests they meet, and what is said of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.mutation.mutants import Mutant, lines_of, named, sample
from tools.mutation.report import explained_in_vain, markdown, read_explanations, unexplained
from tools.mutation.runner import KILLED, SURVIVED, TIMED_OUT, Record, chosen_tests, verdict
from tools.mutation.targets import LEFT_OUT, OPERATORS, TARGETS

ROOT = Path(__file__).resolve().parents[1]
SOURCE = """\
from __future__ import annotations


def twice(x: int | None, *, by: int = 2) -> int:
    first = x * by
    first = x * by
    return first


class Box:
    side: int = 3

    @property
    def area(self) -> int:
        return (
            self.side
            * self.side
        )
"""


def changed(*pairs: tuple[str, str], source: str = SOURCE) -> list[Mutant]:
    """The mutants that differ by one replacement each."""
    assert all(old in source for old, _ in pairs)
    return named("box.py", source, [("Some", source.replace(old, new, 1)) for old, new in pairs])


def test_what_makes_no_difference_is_no_mutant() -> None:
    same = [("int | None", "int & None"), ("*, by", "/, by"), ("side: int", "side: str"), ("\n\n\nclass", "\n\nclass")]
    assert changed(*same) == []
    assert changed(("return first", "return first)")) == []  # Python does not read it
    assert len(changed(("x * by", "x / by"), ("x * by", "x / by"), ("= 2", "= 3"))) == 2  # two are the same


def test_a_mutant_knows_where_it_is() -> None:
    mutants = changed(("= 2", "= 3"), ("= 3", "= 4"), ("    @property\n", ""), ("* self", "/ self"))
    assert [(mutant.line, mutant.place) for mutant in mutants] == [
        (4, "twice"), (11, "Box"), (13, "Box.area"), (17, "Box.area"),
    ]  # fmt: skip
    assert mutants[0].before == ("def twice(x: int | None, *, by: int = 2) -> int:",)
    assert mutants[2].before == ("    @property",) and mutants[2].after == ()


def test_names_last_while_other_lines_change() -> None:
    (mutant,) = changed(("= 2", "= 3"))
    moved = SOURCE.replace("annotations\n", "annotations\n\nimport os\n").replace("side: int = 3", "side: int = 30")
    (again,) = changed(("= 2", "= 3"), source=moved)
    assert again.name == mutant.name and again.line == mutant.line + 2
    assert len(mutant.name) == 10


def test_two_lines_alike_have_two_names() -> None:
    head, line, tail = SOURCE.partition("    first = x * by\n")
    once, later = head + line.replace("*", "/") + tail, head + line + tail.replace("*", "/", 1)
    mutants = named("box.py", SOURCE, [("A", once), ("B", later)])
    assert len({mutant.name for mutant in mutants}) == 2 and [mutant.line for mutant in mutants] == [5, 6]


def test_a_test_is_asked_where_it_runs_the_statement() -> None:
    assert lines_of(SOURCE, 17) == range(15, 19)  # a statement of four lines
    assert lines_of(SOURCE, 4) == range(5, 8)  # a default: whoever calls the function
    assert lines_of(SOURCE, 13) == range(15, 19)  # a decorator likewise
    assert lines_of(SOURCE, 11) is None  # runs at the import
    known = {"tests": {"slow": {"seconds": 2.0, "lines": [5]}, "quick": {"seconds": 0.1, "lines": [5, 15]},
                       "other": {"seconds": 0.0, "lines": [16]}}}  # fmt: skip
    (of_class,) = changed(("= 3", "= 4"))
    (in_function,) = changed(("x * by", "x / by"))
    assert chosen_tests(in_function, SOURCE, known) == ["quick", "slow"]
    assert chosen_tests(of_class, SOURCE, known) == ["other", "quick", "slow"]


def test_a_sample_is_the_seeds_and_hardly_changes_with_the_file() -> None:
    source = "\n".join(f"a{number} = {number}" for number in range(30))
    mutants = changed(*((f"a{number} = {number}", f"a{number} = -1") for number in range(30)), source=source)
    drawn = sample(mutants, 10, seed=1)
    assert drawn == sample(mutants, 10, seed=1) != sample(mutants, 10, seed=2)
    assert [mutant.line for mutant in drawn] == sorted(mutant.line for mutant in drawn) and len(drawn) == 10
    assert len(set(drawn) & set(sample(mutants[1:], 10, seed=1))) >= 9
    assert sample(mutants, None) == sample(mutants, 99) == mutants


def test_what_a_process_says_is_understood() -> None:
    import signal

    assert verdict({"status": 1, "by": "tests/a.py::test"}) == (KILLED, "tests/a.py::test")
    assert verdict({"status": 0, "by": ""}) == (SURVIVED, "")
    assert verdict({"signal": signal.SIGXCPU}) == verdict({"signal": signal.SIGALRM}) == (TIMED_OUT, "")
    assert verdict({"signal": signal.SIGSEGV}) == (KILLED, "a crash, SIGSEGV")
    assert verdict({}) == (KILLED, "an end without an answer")


TOY = '''\
STEP = 1
LIMIT = 5


def count(to: int) -> int:
    if to > 1000:
        to = 1000
    total = 0
    while total < to:
        total += STEP
    return total


def shown() -> int:
    """
    >>> shown()
    1
    """
    return 1


def unused() -> int:
    return 3
'''
TESTS = """\
import pytest
import toy

@pytest.fixture(scope="module")
def five():
    return toy.count(toy.LIMIT)

def test_a(five):
    assert five

def test_b(five):
    assert five == 5

def test_c():
    assert toy.LIMIT > 0
"""
SCRIPT = """\
import sys
from pathlib import Path
from tools.mutation.mutants import named
from tools.mutation.runner import Record, run

root, text = Path(sys.argv[1]), Path(sys.argv[1], "toy.py").read_text()
changes = [("STEP = 1", "STEP = 0"), ("STEP = 1", "STEP = 2"), ("> 1000", ">= 1000"), ("total < to", "total <= to"),
           ("return 1", "return 2"), ("return 3", "return 4"), ("LIMIT = 5", "LIMIT = (")]
mutants = named("toy.py", text, [("Some", text.replace(*change)) for change in changes])
record = Record.read(root / "records", "toy.py")
record.about(text, mutants)
print(run(root, "toy.py", mutants, ["test_toy.py"], record, workers=2, least=1.0))
"""


def test_mutants_meet_the_tests_in_processes_of_their_own(tmp_path: Path) -> None:
    settings = "[pytest]\npythonpath = .\naddopts = --doctest-modules --import-mode=importlib\n"
    for name, text in (("toy.py", TOY), ("test_toy.py", TESTS), ("pytest.ini", settings)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "True"
    record = Record.read(tmp_path / "records", "toy.py")
    told = {tuple(outcome["after"]): outcome for outcome in record.outcomes.values()}
    found = {after[0].strip(): (outcome["status"], outcome["by"]) for after, outcome in told.items()}
    assert found == {
        "STEP = 0": (TIMED_OUT, ""),
        "STEP = 2": (KILLED, "test_toy.py::test_b"),
        "if to >= 1000:": (SURVIVED, ""),
        "while total <= to:": (KILLED, "test_toy.py::test_b"),
        "return 2": (KILLED, "toy.py::toy.shown"),
        "return 4": (SURVIVED, ""),
    }
    asked = {after[0].strip(): outcome["tests"] for after, outcome in told.items()}
    assert asked["return 4"] == 0 and asked["STEP = 2"] == 4, "at the import all tests may notice"
    assert asked["if to >= 1000:"] == 2, "a fixture that another test needed first counts for both"
    assert (tmp_path / "toy.py").read_text(encoding="utf-8") == TOY
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800)
    assert again.stdout == "True\n"  # nothing is left to do
    (tmp_path / "records" / "toy.json").unlink()
    (tmp_path / "test_toy.py").write_text("def test_a():\n    assert False\n", encoding="utf-8")
    failing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800)
    assert "its tests must pass without a mutant, but: test_toy.py::test_a" in failing.stderr


def test_a_record_survives_its_file_and_forgets_mutants_that_are_gone(tmp_path: Path) -> None:
    first, second = changed(("= 2", "= 3"), ("= 3", "= 4"))
    record = Record.read(tmp_path, "a/box.py")
    record.about(SOURCE, [first, second])
    record.outcomes = {first.name: {"status": KILLED}, second.name: {"status": SURVIVED}}
    record.write()
    again = Record.read(tmp_path, "a/box.py")
    assert again == record and again.file.name == "a.box.json" and [*tmp_path.iterdir()] == [again.file]
    again.about(SOURCE, [second])
    assert again.outcomes == {second.name: {"status": SURVIVED}}


def test_the_report_counts_and_shows_each_survivor_with_what_is_said_of_it(tmp_path: Path) -> None:
    mutants = changed(("= 2", "= 3"), ("x * by", "x / by"), ("= 3", "= 4"), ("* self", "/ self"))
    record = Record(tmp_path / "box.json", mutants=[mutant.name for mutant in mutants])
    for mutant, status, tests in zip(mutants, (KILLED, SURVIVED, SURVIVED), (2, 3, 0), strict=False):
        about = {name: getattr(mutant, name) for name in ("line", "place", "operator", "before", "after")}
        record.outcomes[mutant.name] = {"status": status, "by": "", "tests": tests, "seconds": 1.0, **about}
    why = {mutants[1].name: "Equivalent: by is 1.", mutants[0].name: "It was killed.", mutants[3].name: "Not tried."}
    records = {"box.py": record}
    assert unexplained(records, why) == [mutants[2].name]
    assert explained_in_vain(records, why) == [mutants[0].name]
    text = markdown(records, why)
    assert "| `box.py` | 4 | 3 | 1 | 0 | 2 | 1 |" in text and "| **all** | 4 | 3 | 1 | 0 | 2 | 1 |" in text
    diff = "```diff\n-    first = x * by\n+    first = x / by\n```"
    head = f"`{mutants[1].name}`, line 5, in `twice`; 3 tests ran it."
    assert f"{head}\n\n{diff}\n\nEquivalent: by is 1.\n" in text
    assert "no test runs it" in text and "**Not explained.**" in text
    assert f"## Unneeded explanations\n\n- `{mutants[0].name}`: It was killed." in text


def test_explanations_are_read_and_must_say_something(tmp_path: Path) -> None:
    assert read_explanations(tmp_path / "none.toml") == {}
    file = tmp_path / "explanations.toml"
    file.write_text('["momi_lib/losses.py"]\n0123456789 = "Because."\n', encoding="utf-8")
    assert read_explanations(file) == {"0123456789": "Because."}
    file.write_text('[a]\nabc = " "\n', encoding="utf-8")
    with pytest.raises(ValueError, match="abc without an explanation"):
        read_explanations(file)


def test_targets_are_there_and_none_of_their_rooms_is_forgotten() -> None:
    for path, tests in TARGETS.items():
        assert (ROOT / path).is_file(), path
        assert [test for test in tests if not (ROOT / test).is_file()] == [], path
    for folder in ("momi_lib/translate", "momi_lib/metrics"):
        files = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).glob("*.py")}
        assert files - {f"{folder}/__init__.py"} - TARGETS.keys() == set()
    assert [test for test in LEFT_OUT if test.split("::")[1] not in (ROOT / test.split("::")[0]).read_text()] == []
    assert read_explanations(ROOT / "tools" / "mutation" / "explanations.toml") is not None


def test_cosmic_ray_makes_the_mutants() -> None:
    pytest.importorskip("cosmic_ray", reason="needs cosmic-ray: pip install -e .[mutation]")
    from cosmic_ray.plugins import operator_names

    from tools.mutation.mutants import mutants_of

    assert {f"core/{name}" for name in OPERATORS} <= set(operator_names())
    mutants = mutants_of("toy.py", TOY)
    found = {(mutant.line, mutant.after[0].strip()) for mutant in mutants}
    assert {(9, "while total <= to:"), (9, "while total >= to:"), (1, "STEP = 2"), (1, "STEP = 0")} <= found
    assert len({mutant.name for mutant in mutants}) == len(mutants)
