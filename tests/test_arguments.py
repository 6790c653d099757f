"""The checks of arguments themselves: what passes, what is refused, and in which words."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from momi_lib.arguments import (
    MOST,
    Sizes,
    check_has,
    check_input,
    check_range,
    check_resting,
    check_tensor,
    check_tensors,
    check_values,
    device_from,
    file_to_write,
    flag,
    index_of,
    number,
    path_of,
    seed_of,
    size_from,
    told,
    whole,
    whole_numbers,
    wholes,
    word,
)


@pytest.mark.parametrize(
    ("shape", "form", "options"),
    [
        ((2, 3, 8, 4), "N 3 H W", {}),
        ((0, 3, 8, 4), "N 3 H W", {"empty": True}),
        ((8, 4), "... H W", {}),
        ((2, 0, 8, 4), "... H W", {"empty": True}),
        ((), "...", {}),
        ((5, 5), "N N", {}),
    ],
)
def test_a_shape_that_fits_passes(shape, form, options):
    check_tensor("x", torch.zeros(shape), form, **options)


@pytest.mark.parametrize(
    ("shape", "form", "options", "message"),
    [
        ((2, 3, 8), "N 3 H W", {}, "x: expected a tensor (N, 3, H, W) float, got (2, 3, 8) torch.float32"),
        ((2, 4, 8, 4), "N 3 H W", {}, "x: expected a tensor (N, 3, H, W) float, got (2, 4, 8, 4) torch.float32"),
        ((2, 3, 0, 4), "N 3 H W", {"empty": True}, "(N, 3, H, W) float with H from 1, got (2, 3, 0, 4)"),
        ((0, 3, 8, 4), "N 3 H W", {}, "float with N from 1, got (0, 3, 8, 4)"),
        ((0, 8, 4), "... H W", {}, "(..., H, W) float, each size from 1, got (0, 8, 4)"),
        ((0, 4), "... H W", {"empty": True}, "(..., H, W) float with H from 1, got (0, 4)"),
        ((5, 4), "N N", {}, "(N, N) float with N = 5, got (5, 4)"),
        ((3, 8), "N M", {"sizes": {"N": (2, "y")}}, "(N, M) float with N = 2 as in y, got (3, 8)"),
        ((2, 2), "N M", {"kind": "bool"}, "(N, M) bool, got (2, 2) torch.float32"),
        ((2, 2), "N M", {"what": "maps {} of floats", "kind": "uint8"}, "x: expected maps (N, M) of floats, got"),
        ((2, 2), "N M", {"kind": "whole", "hint": "round them"}, "whole numbers, got (2, 2) torch.float32; round them"),
    ],
)
def test_a_shape_that_does_not_fit_is_told(shape, form, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        check_tensor("x", torch.zeros(shape), form, **options)


def test_what_is_no_tensor_is_told():
    with pytest.raises(TypeError, match=r"got ndarray \(2, 3\) float64; torch.from_numpy makes a tensor of an array"):
        check_tensor("x", np.zeros((2, 3)), "N D")
    with pytest.raises(TypeError, match="x: expected a list or tuple of tensors, got None"):
        check_tensors("x", None, "N D", "features")
    with pytest.raises(TypeError, match=r"x\[1\]: expected features \(N, D\) float, got 3"):
        check_tensors("x", [torch.zeros(1, 2), 3], "N D", "features")
    with pytest.raises(ValueError, match="x: expected one tensor or more, got 0"):
        check_tensors("x", (), "N D", "features")
    with pytest.raises(TypeError, match=r"truth: expected a Truth, got a SimpleNamespace without masks"):
        check_has("truth", type("SimpleNamespace", (), {"pictures": 1})(), "a Truth", "pictures", "masks")


def test_sizes_enter_only_of_what_fits():
    sizes: Sizes = {}
    check_tensor("a", torch.zeros(2, 3), "N D", sizes=sizes)
    assert sizes == {"N": (2, "a"), "D": (3, "a")}
    with pytest.raises(ValueError, match="D = 3 as in a"):
        check_tensor("b", torch.zeros(5, 4), "M D", sizes=sizes)
    assert "M" not in sizes


def test_a_network_takes_the_type_of_its_weights_and_any_under_autocast():
    network = nn.Conv2d(3, 1, 1)
    check_input("x", torch.zeros(1, 3, 8, 8), network)
    with pytest.raises(ValueError, match="x: expected torch.float32, as the network's weights, got torch.float16"):
        check_input("x", torch.zeros(1, 3, 8, 8).half(), network)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        check_input("x", torch.zeros(1, 3, 8, 8).bfloat16(), network)
        with pytest.raises(ValueError, match="got torch.float64"):
            check_input("x", torch.zeros(1, 3, 8, 8).double(), network)
    check_input("x", torch.zeros(1, 3, 8, 8).double(), network.double())
    check_input("x", torch.zeros(1, 3, 8, 8).half(), nn.ReLU())  # without weights any type will do
    with pytest.raises(ValueError, match="x: expected a tensor on meta, where the network is, got one on cpu"):
        check_input("x", torch.zeros(1, 3, 8, 8), nn.Conv2d(3, 1, 1, device="meta"))
    with pytest.raises(ValueError, match="with H and W divisible by 8, got"):
        check_input("x", torch.zeros(1, 3, 8, 12), network, divisor=8)


def test_only_what_depends_on_the_mode_must_rest():
    check_resting("network", nn.Linear(1, 1).train(), "a network")
    check_resting("network", object(), "a network")
    for part in (nn.BatchNorm1d(1), nn.Dropout(0.5)):
        network = nn.Sequential(nn.Linear(1, 1), part)
        with pytest.raises(ValueError, match="network: expected a network in evaluation mode, got a Sequential"):
            check_resting("network", network.train(), "a network")
        check_resting("network", network.eval(), "a network")
        frozen = network.train()
        part.eval()
        check_resting("network", frozen, "a network")


@pytest.mark.parametrize("value", [torch.inf, -torch.inf, 1.02, -1.02, 255.0])
def test_colours_beyond_the_range_are_told(value):
    with pytest.raises(ValueError, match=r"x: expected colours in \[-1, 1\], got values from"):
        check_range("x", torch.tensor([0.0, value]))
    check_range("x", torch.tensor([-1.01, 1.01]), beyond=1.0101)


def test_nan_is_named_and_no_conversion_is_advised():
    with pytest.raises(ValueError, match=r"^source: expected colours in \[-1, 1\], got NaN, which no colour is"):
        check_range("source", torch.tensor([0.5, torch.nan]))


def test_pictures_in_0_to_1_are_warned_of_where_they_are_given():
    pictures = torch.rand(2, 3, 8, 4, generator=torch.Generator().manual_seed(0))
    said = r"x: expected colours in \[-1, 1\], got none below 0 .* `2 \* pictures - 1`"
    with pytest.warns(UserWarning, match=said) as told_of:
        check_range("x", pictures)
    assert told_of[0].filename == __file__
    colour = torch.tensor([0.1, 0.5, 0.9])[:, None, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_range("x", pictures, bright=True)
        for passes in (2 * pictures - 1, colour.expand(3, 8, 4), colour[:, 0, 0], torch.ones(1, 3, 8, 4)):
            check_range("x", passes)


def test_empty_text_is_no_path():
    with pytest.raises(ValueError, match="^out: expected a path, got empty text; write '.' for this folder$"):
        path_of("out", "")


def test_values_are_looked_at():
    check_values("x", torch.zeros(0))
    check_values("x", torch.tensor([0.0, 1.0]), 0, 1)
    check_values("x", torch.tensor([1e300], dtype=torch.float64))
    for value, message in ((torch.nan, "got NaN"), (torch.inf, "got values from 0 to inf")):
        with pytest.raises(ValueError, match=f"x: expected finite numbers, {message}"):
            check_values("x", torch.tensor([0.0, value]))
    with pytest.raises(ValueError, match=r"x: expected numbers in \[0, 1\], got values from 0 to 2"):
        check_values("x", torch.tensor([0, 2]), 0, 1)


@pytest.mark.parametrize("value", [True, 1.0, "1", None, 0, float("nan"), [1], MOST + 1, 10**400])
def test_a_count_is_a_whole_number(value):
    with pytest.raises(ValueError, match="x: expected a whole number from 1 "):
        whole("x", value)
    assert type(whole("x", np.int64(MOST))) is int and whole("x", 0, 0) == 0
    with pytest.raises(ValueError, match="x: expected a whole number from 1 to 5, got 6"):
        whole("x", 6, 1, 5)


def test_whole_numbers_in_tuples():
    assert wholes("x", [np.int32(3), 4]) == (3, 4)
    for value in ((), 3, (0,), (True,), (1.5,), ("a",)):
        with pytest.raises(ValueError, match="x: expected .*whole numbers from 1 up"):
            wholes("x", value)
    with pytest.raises(ValueError, match="x: expected 3 whole numbers from 1 up, got"):
        wholes("x", (1, 2), 3)


@pytest.mark.parametrize(
    ("value", "limits", "message"),
    [
        (float("nan"), {}, "a finite number, got nan"),
        (float("inf"), {"least": 0}, "a number from 0 up, got inf"),
        (-1, {"least": 0, "most": 1}, r"a number in \[0, 1\], got -1"),
        (0, {"above": 0}, "a number above 0, got 0"),
        (2, {"above": 0, "most": 1}, r"a number in \(0, 1\], got 2"),
        (2, {"most": 1}, "a finite number up to 1, got 2"),
        (True, {}, "a finite number, got True"),
        ("1", {}, "a finite number, got '1'"),
        (10**400, {}, "a finite number, got 1000"),
    ],
)
def test_a_number_is_finite_and_within_its_limits(value, limits, message):
    with pytest.raises(ValueError, match=f"x: expected {message}"):
        number("x", value, **limits)
    assert number("x", np.float32(0.5), 0, 1) == 0.5


def test_words_flags_seeds_sizes_and_paths():
    assert word("x", 18, (18, 50)) == 18 and flag("x", np.bool_(True)) is True and seed_of("x", -(2**63)) == -(2**63)
    assert size_from("x", [128.0, 64]) == (128, 64) and path_of("x", "a") == path_of("x", Path("a")) == Path("a")
    for check, value, kind in (
        (lambda x: word("x", x, ("a",)), True, ValueError), (lambda x: word("x", x, ("a",)), ["a"], ValueError),
        (lambda x: flag("x", x), 1, TypeError), (lambda x: seed_of("x", x), 2**63, ValueError),
        (lambda x: size_from("x", x), (4097, 1), ValueError), (lambda x: size_from("x", x), (0, 1), ValueError),
        (lambda x: size_from("x", x), (True, 1), ValueError), (lambda x: size_from("x", x), "ab", ValueError),
        (lambda x: path_of("x", x), b"a", TypeError), (lambda x: file_to_write("x", x), ".", ValueError),
        (lambda x: device_from("x", x), "nowhere", ValueError), (lambda x: device_from("x", x), 0, ValueError),
    ):  # fmt: skip
        with pytest.raises(kind, match="^x: expected"):
            check(value)


def test_rows_by_number_slice_or_mask():
    assert index_of("x", [], 3).tolist() == [] and index_of("x", slice(None, None, 2), 3).tolist() == [0, 2]
    assert index_of("x", torch.tensor([True, False, True]), 3).tolist() == [0, 2]
    assert index_of("x", np.array([-1, 0]), 3).tolist() == [2, 0]
    for value, kind in (
        ([3], IndexError), ([-4], IndexError), ([True], ValueError), ([0.5], ValueError), ("a", ValueError),
        (None, ValueError), ([[0]], ValueError), (slice("a"), ValueError), ([2**70], ValueError),
    ):  # fmt: skip
        with pytest.raises(kind, match="^x: expected"):
            index_of("x", value, 3)
    with pytest.raises(ValueError, match=r"x: expected \(2,\) integers, got 3"):
        whole_numbers("x", [1, 2, 3], 2)


def test_what_came_is_told_shortly():
    assert told("a" * 100).endswith("…") and len(told("a" * 100)) < 70
    assert told((1, 2)) == "(1, 2)" and told([1]) == "a list" and told(int) == "the class int"
