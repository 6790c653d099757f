"""Table I of small and odd data: few pairs are warned about, and a score that cannot be had leaves the others alone."""

from __future__ import annotations

import errno
import json
import os
import shutil
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from momi_lib.__main__ import main
from momi_lib.data import load
from momi_lib.evaluate import table_one as module
from momi_lib.evaluate.answers import answers_without_network
from momi_lib.evaluate.pairs import FEW, test_pairs
from momi_lib.evaluate.table_one import open_table, table_one


class Echo:
    """A method that needs no weights: it answers with the target."""

    config, needs = SimpleNamespace(size=(128, 64)), frozenset()

    def swap(self, source, target):
        return target


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """One folder for all tables: features are computed once."""
    return tmp_path_factory.mktemp("table")


def broken(*_, **__):
    raise ValueError("cannot be had here")


#: What fails → the columns that then are missing. The mannequins' APS judges these data, for want of another.
APS = "APS trained on mannequins"
PARTS = {
    "inception_score": {"IS", "mask-IS"},
    "fid": {"FID"},
    "kid": {"KID"},
    "aps": {APS},
    "real_affinities": {APS},
    "pose_agreement": {"PCK"},
    "find_joints": {"PCK", "mask-IS"},  # without labels nobody else says where the person is
    "polygon_masks": {"mask-IS"},
    "IdentityClassifier": {"IS", "mask-IS"},
    "stored_features": {"IS", "mask-IS", "FID", "KID"},
    # Committed networks that are not there, as in an installation without the data.
    "load_teacher": {"PCK", "mask-IS"},
    "evaluation_network": {"IS", "mask-IS", "FID", "KID"},
    "affinity_networks": {"APS"},
}
ALL = {"IS", "mask-IS", "FID", "KID", APS, "PCK"}


@pytest.mark.parametrize("part", PARTS)
def test_the_other_columns_are_there(crowd, out, monkeypatch, caplog, part):
    without = PARTS[part].isdisjoint({"APS", APS})  # APS takes most of the time
    if without:
        monkeypatch.setattr(module, "affinity_networks", lambda *_: [])
    monkeypatch.setattr(module, part, broken)
    table = table_one([Echo()], crowd, out, count=4)
    assert {*table["missing"]} == PARTS[part]
    left = ALL - PARTS[part] - ({APS} if without or "APS" in PARTS[part] else set())
    assert table["rows"][-1]["scores"].keys() == left
    assert json.loads((out / "table.json").read_text(encoding="utf-8"))["missing"] == table["missing"]
    page = (out / "table.md").read_text(encoding="utf-8")
    for column, why in table["missing"].items():
        assert "cannot be had here" in why and f"{column} is left out: {why}." in page
        assert f"{column} is left out: {why}" in caplog.text


def test_nothing_is_missing_where_all_can_be_had(crowd, out):
    table = table_one([Echo()], crowd, out, count=4)
    assert "missing" not in table and table["rows"][-1]["scores"].keys() == ALL
    assert "left out" not in (out / "table.md").read_text(encoding="utf-8")


def test_data_without_people_to_train_on_have_the_other_columns(crowd, tmp_path, monkeypatch, caplog):
    for name in ("evaluation_network", "load_teacher", "feature_network", "affinity_networks"):
        monkeypatch.setattr(module, name, MagicMock())
    monkeypatch.setattr(module, "Table", SimpleNamespace)
    for part in ("bounding_box_test", "query"):
        shutil.copytree(crowd / part, tmp_path / part)
    pairs = test_pairs(load(tmp_path, "test", cache=False), count=4)
    assert open_table(pairs, tmp_path, tmp_path, judge="inception", complete=False).missing == {}
    table = open_table(pairs, tmp_path, tmp_path, complete=False)
    assert table.train is None and {*table.missing} == {"IS", "mask-IS"}
    assert "IS is left out: " in caplog.text and "bounding_box_train does not exist" in caplog.text
    with pytest.raises(FileNotFoundError, match="bounding_box_train"):
        open_table(pairs, tmp_path, tmp_path)


def test_one_answer_without_a_score_leaves_it_to_the_others(crowd, out, monkeypatch):
    fid = module.fid
    monkeypatch.setattr(module, "fid", lambda of, real: broken() if "Echo" in of.pictures else fid(of, real))
    table = table_one([Echo()], crowd, out, count=4)
    assert table["missing"] == {"FID": "Echo: cannot be had here"}
    assert ["FID" in line["scores"] for line in table["rows"]] == [False, True, True, False]
    assert (out / "table.md").read_text(encoding="utf-8").count("| – |") >= 1


def test_one_pair_has_no_distance_of_sets_and_that_is_said_once(caplog):
    said = "pairs: expected at least 2 for FID and KID, which compare sets of pictures, got 1"
    table = SimpleNamespace(pairs=[None], complete=False, missing={}, _gone=set())
    module.Table._refuse_few(table)
    assert table.missing == {"FID": said, "KID": said} and table._gone == {"FID", "KID"}
    assert caplog.messages == [f"FID and KID are left out: {said}"]
    with pytest.raises(ValueError, match=f"^{said}; take more pairs$"):
        module.Table._refuse_few(SimpleNamespace(pairs=[None], complete=True, missing={}, _gone=set()))
    module.Table._refuse_few(SimpleNamespace(pairs=[None] * 2, complete=True, missing={}, _gone=set()))


def test_a_network_that_was_asked_for_must_be_there(crowd, out, tmp_path):
    with pytest.raises(FileNotFoundError, match=f"^judge_weights: {tmp_path}: is a folder; expected"):
        open_table(test_pairs(load(crowd, "test"), count=4), crowd, out, judge_weights=tmp_path)
    for option in ("judge_weights", "teacher"):
        with pytest.raises(FileNotFoundError, match="none.safetensors"):
            table_one([Echo()], crowd, out, count=4, **{option: tmp_path / "none.safetensors"})
    with pytest.raises(ValueError, match="teacher_input"):
        table_one([Echo()], crowd, out, count=4, teacher_input=(0, 0))
    with pytest.raises(FileNotFoundError, match="none.safetensors"):
        table_one([Echo()], crowd, out, count=4, affinity=(tmp_path / "none.safetensors",))


def test_not_a_single_score_is_an_error(crowd, out, monkeypatch):
    for part in ("evaluation_network", "load_teacher", "affinity_networks"):
        monkeypatch.setattr(module, part, broken)
    with pytest.raises(ValueError, match="not a single score can be had: cannot be had here"):
        table_one([Echo()], crowd, out, count=4)


def test_a_study_wants_all_of_them(crowd, out, monkeypatch):
    """Its rows are kept and compared with each other."""
    table = open_table(test_pairs(load(crowd, "test"), count=4), crowd, out / "cache")
    monkeypatch.setattr(module, "fid", broken)
    with pytest.raises(ValueError, match="^cannot be had here$"):
        table.row(answers_without_network()[0])
    monkeypatch.setattr(module, "load_teacher", broken)
    with pytest.raises(ValueError, match="^cannot be had here$"):
        open_table(table.pairs, crowd, out / "cache")


def test_a_full_disk_ends_it_and_says_how_to_go_on(crowd, out, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "stored_features", full)
    command = ["evaluate", "--weights", "lookup", "--data", str(crowd), "--pairs", "4", "--out", str(out)]
    assert main(command) == 1
    (told,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert told == (f"error: {out}: cannot be written (No space left on device); make room; the same command goes on "
                    "where it was")  # fmt: skip


def test_few_pairs_are_warned_about(crowd, out, caplog):
    table_one([Echo()], crowd, out, count=4)
    assert "4 pairs are very few: all scores of them are mostly chance; the paper takes 12000" in caplog.text
    for count, told in ((FEW - 1, "99 pairs are very few"), (FEW, "100 pairs are few for FID"), (384, "")):
        pairs = [None] * count
        caplog.clear()
        features = SimpleNamespace(values=SimpleNamespace(shape=(12, 384)))
        module._warn_of_few(SimpleNamespace(pairs=pairs, reference=features))
        assert (told in caplog.text) if told else caplog.text == ""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"pose_pairs": 0}, "pose_pairs: expected a whole number from 1 up, got 0"),
        ({"pose_pairs": -1}, "pose_pairs: expected a whole number from 1 up, got -1"),
        ({"count": 0}, "count: expected a whole number from 1"),
        ({"seed": -1}, "seed: expected a whole number from 0"),
        ({"weights": []}, "weights: expected one or several, got none"),
        ({"weights": ["lookup", "lookup"]}, "weights: expected different methods, got"),
    ],
)
def test_options_out_of_range(crowd, tmp_path, options, told):
    options = {"weights": [Echo()], **options}
    with pytest.raises(ValueError, match=told):
        table_one(options.pop("weights"), crowd, tmp_path, **options)
    assert not list(tmp_path.iterdir())
