"""Every public function, called with wrong arguments: it refuses them in a sentence of ours that names the argument, or
its answer is right.

    python -m pytest tests/test_public_functions.py -s            # prints how many calls were tried, and what came
    MOMI_EXAMPLES=400 python -m pytest tests/test_public_functions.py -s    # more of them, others each time

The functions are in :mod:`tests.public_table`; what can be wrong with an argument, and what may come of it, is in
:mod:`tests.public_doors`. A test finds what a package exports without an entry.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import logging
import os
import random
import re
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

import momi_lib
from momi_lib import metrics
from tests.public_doors import NAN, REFUSED, RIGHT, SAME, Door, Wrong, finite, flat, same
from tests.public_table import DOORS

ROOT = Path(momi_lib.__file__).parent
#: Wrong calls of each function; without MOMI_EXAMPLES they are the same everywhere.
EXAMPLES = int(os.environ.get("MOMI_EXAMPLES") or 30)
PACKAGES = (
    "data", "pose", "translate", "patches", "features", "losses", "metrics", "train", "rivals", "evaluate", "study",
    "metrics.aps", "metrics.copying", "metrics.features", "metrics.fid", "metrics.identities", "metrics.kid",
    "metrics.inception_score", "metrics.masks", "metrics.pose",
)  # fmt: skip
#: Exported, and not walked over, with the reason.
EXEMPT = {
    "translate.CarryNet.decode": "refuses every call, and says what to call instead",
    "metrics.features.check_features": "is such a check itself",
    "train.Trainer.run": "trains; tests/train",
    "train.Trainer.with_updated_statistics": "needs a trainer; tests/train",
    "train.Trainer.load_state_dict": "needs a trainer; tests/train",
}


@cache
def raises_of(path: str) -> list[tuple[int, int]]:
    """First and last line of each `raise` of a file."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return [(node.lineno, node.end_lineno or node.lineno) for node in ast.walk(tree) if isinstance(node, ast.Raise)]


def is_ours(error: BaseException, name: str, called: tuple[str, ...]) -> str:
    """Why a refusal is none of ours, or does not say which argument it means; nothing for one that does."""
    if not isinstance(error, ValueError | TypeError | IndexError | FileNotFoundError):
        return "is of another kind"
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = Path(last.filename).resolve()
    if not where.is_relative_to(ROOT) or last.lineno is None:
        return f"comes from {where.name}"
    if not any(first <= last.lineno <= end for first, end in raises_of(last.filename)):
        return f"comes from a line that raises nothing, {where.relative_to(ROOT)}:{last.lineno}"
    if not any(re.search(rf"(?<!\w){re.escape(each)}(?!\w)", str(error)) for each in (name, *called)):
        return f"does not name {name}"
    return ""


def outcome(entry: Door, name: str, wrong: Wrong, seed: int) -> tuple[str, str]:
    """What came of a call with one wrong argument: "right", "ours", "silent" or "raw", and in words why."""
    argument = entry.arguments[name]
    given = {each: other.value for each, other in entry.arguments.items()}
    given[name] = wrong.make(argument.value, random.Random(seed))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = entry.call(**given)
    except Exception as error:
        why = is_ours(error, name, argument.called)
        return ("raw" if why else "ours"), f"{type(error).__name__} {why}: {str(error)[:200]}"
    if wrong.then == REFUSED:
        return "silent", f"answered, {type(answer).__name__}"
    if wrong.then == SAME:
        alike = same(answer, valid_answer(entry)) if flat(answer) else True
        return ("right", "") if alike else ("silent", "another answer than that of the right argument")
    if wrong.then == NAN:
        return ("silent", "an answer without NaN") if finite(answer) and flat(answer) else ("right", "")
    if not entry.right(answer, **given):
        return "silent", "an answer that is not right"
    if wrong.then == RIGHT and not entry.holes and not finite(answer):
        return "silent", "an answer that is not finite"
    return "right", ""


ANSWERS: dict[int, Any] = {}


def valid_answer(entry: Door) -> Any:
    """The answer to the right arguments."""
    if id(entry) not in ANSWERS:
        ANSWERS[id(entry)] = entry.call(**{name: argument.value for name, argument in entry.arguments.items()})
    return ANSWERS[id(entry)]


def wrong_calls(entry: Door) -> list[tuple[str, Wrong]]:
    """Every argument with every way in which it can be wrong."""
    return [
        (name, wrong)
        for name, argument in entry.arguments.items()
        for wrong in argument.wrongs
        if entry.calls or wrong.then == REFUSED
    ]


TALLY: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Print how many calls were made, at the end; quiet logs, and a folder to write into."""
    log, before = logging.getLogger("momi_lib"), Path.cwd()
    level = log.level
    log.setLevel(logging.CRITICAL)
    os.chdir(tmp_path_factory.mktemp("public"))
    yield
    os.chdir(before)
    log.setLevel(level)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(TALLY.items()))
    print(f"\n{len(DOORS)} functions, {sum(TALLY.values())} calls with a wrong argument: {counts}")


@pytest.mark.parametrize("name", DOORS)
def test_the_right_arguments_are_answered_rightly(name: str) -> None:
    entry = DOORS[name]()
    if entry.calls:
        answer = valid_answer(entry)
        given = {each: argument.value for each, argument in entry.arguments.items()}
        assert (entry.holes or finite(answer)) and entry.right(answer, **given)


@pytest.mark.parametrize("name", DOORS)
@settings(
    max_examples=EXAMPLES,
    derandomize="MOMI_EXAMPLES" not in os.environ,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),  # to explain a failure every call would be traced
    suppress_health_check=list(HealthCheck),
)
@given(drawn=st.data())
def test_wrong_arguments_are_refused_by_name_or_answered_rightly(name: str, drawn: st.DataObject) -> None:
    entry = DOORS[name]()
    argument, wrong = drawn.draw(st.sampled_from(wrong_calls(entry)))
    seed = drawn.draw(st.integers(0, 255))
    kind, why = outcome(entry, argument, wrong, seed)
    TALLY[kind] += 1
    assert kind in ("right", "ours"), f"{name}, {argument}: {wrong.name}: {why}"


#: What a training step calls.
STEPS = (
    *(name for name in DOORS if name.startswith(("losses.", "patches.")) and name.split(".")[1].islower()),
    "losses.Perceptual.forward", "data.mirror_joints", "data.mirror_maps", "data.mirror_pictures", "data.to_float",
    "data.TripletSampler.draw", "pose.Student.forward", "pose.SimpleBaseline.forward", "pose.gaussian_maps",
    "pose.limbs.limb_masks", "pose.body_maps.BodyMaps.source", "pose.body_maps.BodyMaps.target",
    "pose.body_maps.body_map_loss", "features.FeatureNetwork.forward", "translate.PoseEncoder.forward",
    "translate.AppearanceEncoder.forward", "translate.PoseAttention.forward", "translate.Generator.forward",
    "translate.AppearanceLookup.forward", "translate.AppearanceLookup.negative_log_likelihood",
    "translate.PairDiscriminator.forward", "translate.PairDiscriminator.activations", "translate.MomiNet.rehearse",
    "translate.MomiNet.encode_pose", "translate.MomiNet.encode_appearance", "translate.MomiNet.decode",
    "translate.CarryNet.appearance", "metrics.affinity.AffinityNetwork.forward",
)  # fmt: skip


class NoLooks(TorchDispatchMode):
    """Refuses to make a number of Python out of a tensor, for which a GPU would have to be waited for."""

    def __torch_dispatch__(self, operation: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        assert operation is not torch.ops.aten._local_scalar_dense.default, "looks at a value"
        return operation(*arguments, **(options or {}))


@pytest.mark.parametrize("name", STEPS)
def test_a_training_step_does_not_wait_for_a_gpu(name: str) -> None:
    entry = DOORS[name]()
    with NoLooks():
        entry.call(**{each: argument.value for each, argument in entry.arguments.items()})


def test_a_look_at_a_value_is_noticed() -> None:
    entry = DOORS["data.to_uint8"]()
    with pytest.raises(AssertionError, match="looks at a value"), NoLooks():
        entry.call(pictures=entry.arguments["pictures"].value)


def exported() -> Iterator[tuple[str, Any]]:
    """Every public function, class and method that a package exports, by the name that the table has for it."""
    yield "load", momi_lib.load
    for package in PACKAGES:
        module = importlib.import_module(f"momi_lib.{package}")
        names = getattr(module, "__all__", None)
        if names is None:
            names = [each for each, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__
                     and not each.startswith("_") and getattr(metrics, each, None) is not value]  # fmt: skip
        for each in names:
            value = getattr(module, each)
            if inspect.isfunction(value):
                yield f"{package}.{each}", value
            elif inspect.isclass(value) and not issubclass(value, BaseException):
                yield from methods(f"{package}.{each}", value)


def methods(name: str, kind: type) -> Iterator[tuple[str, Any]]:
    """The methods of a class that take an argument; making one counts where anything of it is checked."""
    holds = is_dataclass(kind) and "__post_init__" not in vars(kind)
    for each, method in vars(kind).items():
        function = method.__func__ if isinstance(method, classmethod | staticmethod) else method
        if not inspect.isfunction(function) or len(inspect.signature(function).parameters) < 2:
            continue
        if each == "__init__":
            if not holds and not hasattr(kind, "_fields"):
                yield name, function
        elif not each.startswith("_") or each in ("__call__", "__getitem__"):
            yield f"{name}.{each}", function


def test_every_exported_function_is_in_the_table() -> None:
    missing = [name for name, _ in exported() if name not in DOORS and name not in EXEMPT]
    assert missing == []


def test_every_argument_of_a_function_is_walked_over() -> None:
    missing = []
    for name, function in exported():
        if name in EXEMPT or name not in DOORS:
            continue
        known = DOORS[name]().arguments.keys()
        parameters = inspect.signature(function).parameters.values()
        named = [each.name for each in parameters if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)]
        missing += [f"{name}: {each}" for each in named if each not in (*known, "self", "cls")
                    and f"{name}.{each}" not in EXEMPT]  # fmt: skip
    assert missing == []
