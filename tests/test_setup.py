"""The set-up files agree with one another, so that every way of installing gives the same."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA_NAMES = {"pytorch": "torch"}


def requirement(text: str) -> tuple[str, str]:
    """(name, range) in one spelling."""
    parsed = Requirement(text)
    name = canonicalize_name(parsed.name)
    return CONDA_NAMES.get(name, name), str(parsed.specifier)


def constraint_lines() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_environment_yml_has_the_ranges_of_pyproject() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    listed = environment["dependencies"]
    conda = dict(requirement(entry) for entry in listed if isinstance(entry, str))
    expected = dict(map(requirement, PROJECT["dependencies"]))
    expected |= {"python": str(requirement(f"python{PROJECT['requires-python']}")[1]), "pip": ""}
    assert conda == expected
    assert [entry["pip"] for entry in listed if isinstance(entry, dict)] == [["-e ."]]


def test_constraints_are_exact_versions_and_name_no_host() -> None:
    pattern = re.compile(r'[a-z0-9-]+==[0-9][0-9a-z.]*( ; [a-z_]+ (==|>=) "[a-z0-9.]+")?')
    assert [line for line in constraint_lines() if not pattern.fullmatch(line)] == []
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in text and "index-url" not in text
    names = [requirement(line)[0] for line in constraint_lines()]
    assert names == sorted(set(names))


def test_constraints_satisfy_the_ranges() -> None:
    versions = {requirement(line)[0]: requirement(line)[1].removeprefix("==") for line in constraint_lines()}
    extras = PROJECT["optional-dependencies"]
    direct = PROJECT["dependencies"] + [entry for name in extras for entry in extras[name]]
    for parsed in map(Requirement, direct):
        name = canonicalize_name(parsed.name)
        assert name in versions, f"constraints.txt lacks {name}: run tools/make_constraints.py"
        assert parsed.specifier.contains(versions[name]), f"{name} {versions[name]} is outside {parsed}"


def test_only_linux_gets_the_parts_of_cuda() -> None:
    cuda = [line for line in constraint_lines() if re.match(r"nvidia-|cuda-|triton", line)]
    assert [line for line in cuda if not line.endswith('; sys_platform == "linux"')] == []


@pytest.mark.parametrize("target", ["lab", "app", "test"])
def test_make_has_the_target(target: str) -> None:
    made = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    expected = {"lab": "jupyter lab", "app": "voila app/explorer.ipynb", "test": "--nbval"}[target]
    assert expected in made.stdout


def dry(*arguments: str) -> str:
    without_mode = {name: value for name, value in os.environ.items() if name != "MOMI_MODE"}
    command = ["make", "--dry-run", "VENV=/nowhere/venv", *arguments]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, env=without_mode)
    assert made.returncode == 0, made.stderr
    return made.stdout


def test_the_lab_starts_in_quick_mode_and_says_how_to_leave_it() -> None:
    assert "MOMI_MODE=quick /nowhere" in dry("lab") and "make lab MOMI_MODE=full" in dry("lab")
    full = dry("lab", "MOMI_MODE=full")
    assert "MOMI_MODE=full /nowhere" in full and "Quick mode" not in full
    assert "--LabApp.news_url=None" in full  # no question in front of the first notebook
    assert 'JUPYTER_CONFIG_PATH="$PWD/app/lab' in full
    disabled = json.loads((ROOT / "app/lab/labconfig/page_config.json").read_text())["disabledExtensions"]
    assert disabled == {"@jupyterlab/apputils-extension:announcements": True}


def test_a_light_installation_takes_pytorch_without_cuda_first() -> None:
    light = dry("lab", "LIGHT=1")
    assert re.search(r"pip install .*-c constraints\.txt --index-url \S+/cpu torch torchvision\n", light)
    assert light.index("/cpu torch") < light.index("constraints.txt -e .")
    assert "/cpu" not in dry("lab")


def test_make_says_what_is_missing_when_no_python_fits(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    made = subprocess.run(
        ["make", "lab", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert made.returncode != 0
    assert "no Python 3.11, 3.12 or 3.13" in made.stderr and "make PYTHON=" in made.stderr
    assert not (tmp_path / ".venv").exists()


def test_ci_runs_what_a_developer_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "set -euo pipefail" in script and "make test" in script


def test_the_version_is_stated_once_in_each_place() -> None:
    import momi_lib

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert momi_lib.__version__ == PROJECT["version"] == citation["version"]
