"""Where Chromium or OpenGL is installed, a test that skips for want of it is a failure; .ci/run says where that is."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("bash", "dirname", "env", "grep", "mktemp", "rm", "tail")


@pytest.fixture(scope="module")
def conftest() -> ModuleType:
    spec = importlib.util.spec_from_file_location("conftest_under_test", ROOT / "tests" / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def skipped(kind: type = pytest.TestReport) -> pytest.TestReport | pytest.CollectReport:
    reason = ("somewhere.py", 1, "Skipped: needs Chromium on the PATH, and there is none")
    if kind is pytest.CollectReport:
        return kind(nodeid="a", outcome="skipped", longrepr=reason, result=[])
    return kind(nodeid="a", location=("a", 1, "a"), keywords={}, outcome="skipped", longrepr=reason, when="setup")


@pytest.mark.parametrize(
    ("demanded", "folder", "outcome"),
    [
        ("", "browser", "skipped"),
        ("browser", "browser", "failed"),
        ("renderer", "browser", "skipped"),
        ("browser renderer", "mannequins", "failed"),
        ("renderer,browser", "browser", "failed"),
        ("browser renderer", "metrics", "skipped"),
    ],
)
@pytest.mark.parametrize("kind", [pytest.TestReport, pytest.CollectReport])
def test_a_skip_is_a_failure_where_the_part_is_named(
    conftest: ModuleType, monkeypatch: pytest.MonkeyPatch, demanded: str, folder: str, outcome: str, kind: type
) -> None:
    monkeypatch.setenv("MOMI_NO_SKIPS", demanded)
    report = conftest.without_skips(ROOT / "tests" / folder / "test_a.py", skipped(kind))
    assert report.outcome == outcome
    if outcome == "failed":
        assert report.longrepr.startswith("needs Chromium on the PATH, and there is none - and MOMI_NO_SKIPS says that")


def test_what_is_expected_to_fail_and_what_passes_stay_as_they_are(
    conftest: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOMI_NO_SKIPS", "browser")
    path, expected = ROOT / "tests" / "browser" / "test_a.py", skipped()
    expected.wasxfail = "a known defect"
    assert conftest.without_skips(path, expected).outcome == "skipped"
    passed = skipped()
    passed.outcome, passed.longrepr = "passed", None
    assert conftest.without_skips(path, passed).longrepr is None


def test_a_part_that_does_not_exist_is_refused(conftest: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOMI_NO_SKIPS", "browser chromium")
    with pytest.raises(pytest.UsageError, match="expected some of browser and renderer, got chromium"):
        conftest.pytest_configure()


@pytest.mark.slow
@pytest.mark.thorough
def test_pytest_itself_fails_then(tmp_path: Path) -> None:
    """With a skip in a fixture, by a mark and of a whole file; in another folder all three are still allowed."""
    texts = {
        "test_fixture.py": "import pytest\n@pytest.fixture\ndef page():\n    pytest.skip('none')\n"
        "def test_a(page):\n    pass\n",
        "test_mark.py": "import pytest\n@pytest.mark.skip(reason='none')\ndef test_b():\n    pass\n",
        "test_file.py": "import pytest\npytest.importorskip('no_such_module')\n",
    }
    for folder in ("browser", "mannequins"):
        (tmp_path / "tests" / folder).mkdir(parents=True)
        for name, text in texts.items():
            (tmp_path / "tests" / folder / name).write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path / "tests")
    options = ["-p", "no:cacheprovider", "--import-mode=importlib", "--continue-on-collection-errors", "-q"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests"], cwd=tmp_path, text=True,
        env=os.environ | {"MOMI_NO_SKIPS": "browser"}, capture_output=True, timeout=600,
    )  # fmt: skip
    assert run.returncode == 1, run.stdout + run.stderr
    assert run.stdout.strip().splitlines()[-1].startswith("3 skipped, 3 errors"), run.stdout
    assert run.stdout.count("MOMI_NO_SKIPS says that tests of the browser run here") >= 3


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with .ci/run and, in bin, all programs of a machine; make writes what it is told by the environment."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in TOOLS:
        (programs / name).symlink_to(shutil.which(name))
    program(tmp_path, "make", 'echo "make $* with <$MOMI_NO_SKIPS>"')
    program(tmp_path, "id", "echo 0")
    program(tmp_path, "dpkg-query", '[ -e "installed-${!#}" ] && echo "install ok installed"')
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    return tmp_path


def program(machine: Path, name: str, text: str) -> None:
    path = machine / "bin" / name
    path.write_text(f"#!{shutil.which('bash')}\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def run_ci(machine: Path, **more: str) -> subprocess.CompletedProcess[str]:
    command = [str(machine / "bin" / "bash"), str(machine / ".ci" / "run")]
    environment = {"PATH": str(machine / "bin"), "TMPDIR": str(machine)} | more
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def ci(machine: Path, **more: str) -> list[str]:
    """The lines that .ci/run prints, without that of the packages, which are installed beside everything else."""
    run = run_ci(machine, **more)
    assert run.returncode == 0 and run.stderr == "", run.stderr
    lines = run.stdout.splitlines()
    packages = [line for line in lines if line.startswith("make .venv/.for-test with ")]
    assert len(packages) == 1
    return [line for line in lines if line not in packages]


OPENGL = ("libegl1", "libegl-mesa0", "libgl1-mesa-dri")
INSTALLS = """
echo "$DEBIAN_FRONTEND $*" >>asked
case "$*" in *" install "*) for word; do case $word in
    chromium) echo '#!/bin/sh' >bin/chromium; chmod +x bin/chromium ;;
    lib*) echo >"installed-$word" ;;
esac; done ;; esac
"""


def test_ci_installs_nothing_that_is_there(machine: Path) -> None:
    program(machine, "google-chrome", "")
    program(machine, "apt-get", "echo called >asked")
    for package in OPENGL:
        (machine / f"installed-{package}").touch()
    assert ci(machine) == ["make test JOBS=3 with <browser renderer>"]
    assert not (machine / "asked").exists()
    assert ci(machine, MOMI_NO_SKIPS="") == ["make test JOBS=3 with <>"]  # who sets it decides


def test_ci_installs_what_is_missing_and_that_alone(machine: Path) -> None:
    (machine / "bin" / "chmod").symlink_to(shutil.which("chmod"))
    program(machine, "apt-get", INSTALLS)
    (machine / "installed-libegl1").touch()
    assert ci(machine) == ["make test JOBS=3 with <browser renderer>"]
    asked = (machine / "asked").read_text(encoding="utf-8").splitlines()
    assert all(line.startswith("noninteractive -qq ") for line in asked)
    assert [line.split(" install ")[1] for line in asked if " install " in line] == [
        "--yes --no-install-recommends chromium",
        "--yes --no-install-recommends libegl-mesa0 libgl1-mesa-dri",
    ]


def test_ci_stops_where_the_packages_cannot_be_installed(machine: Path) -> None:
    program(machine, "make", 'echo "make $*"; [ "$1" = test ] || exit 2')
    run = run_ci(machine)
    assert run.returncode == 2 and "make test" not in run.stdout


def test_ci_goes_on_where_nothing_can_be_installed_and_says_what_cannot_run(machine: Path) -> None:
    lines = ci(machine)
    assert lines == [
        "Without apt-get, chromium cannot be installed.",
        "No Chromium: the tests in tests/browser cannot run.",
        "Without apt-get, libegl1 libegl-mesa0 libgl1-mesa-dri cannot be installed.",
        "No OpenGL packages: the tests in tests/mannequins that render cannot run, unless OpenGL works without them.",
        "make test JOBS=3 with <>",
    ]
    program(machine, "apt-get", "echo 'E: Unable to locate package'; exit 100")
    lines = ci(machine)
    assert lines[0] == "apt-get could not install chromium: E: Unable to locate package" and len(lines) == 5
    program(machine, "id", "echo 1000")
    lines = ci(machine)
    assert lines[0] == "Installing chromium needs root, or sudo without a password." and len(lines) == 5
    program(machine, "sudo", '[ "$1" = -n ] && shift && "$@"')
    (machine / "bin" / "true").symlink_to(shutil.which("true"))
    lines = ci(machine)
    assert lines[0] == "apt-get could not install chromium: E: Unable to locate package" and len(lines) == 5
