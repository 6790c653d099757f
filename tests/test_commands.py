"""The command line as a user types it."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from momi_lib.__main__ import main
from momi_lib.commands import COMMANDS
from momi_lib.train import preset
from momi_lib.translate import MomiNet, save_network


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return str(save_network(MomiNet(preset("tiny").network), tmp_path_factory.mktemp("w") / "w.safetensors"))


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "person.jpg"
    Image.new("RGB", (80, 160), (200, 10, 10)).save(path)
    return str(path)


def test_swap_reads_and_writes_rgb(picture, weights, tmp_path):
    out = tmp_path / "folder" / "swap.png"
    assert main(["swap", picture, picture, "--out", str(out), "--weights", weights]) == 0
    with Image.open(out) as image:
        assert (image.mode, image.size) == ("RGB", (64, 128))


@pytest.mark.parametrize("which", ["source", "target", "weights", "out"])
def test_mistakes_are_one_sentence_that_names_the_file(picture, weights, tmp_path, capsys, which):
    files = {"source": picture, "target": picture, "weights": weights, "out": str(tmp_path / "swap.png")}
    files[which] = str(tmp_path / "nowhere.gif")
    code = main(["swap", files["source"], files["target"], "--out", files["out"], "--weights", files["weights"]])
    error = capsys.readouterr().err
    assert code == 1
    assert "nowhere.gif" in error and error.startswith("error:")
    assert not (tmp_path / "nowhere.gif").exists()


def test_a_text_file_is_no_picture(picture, weights, tmp_path, capsys):
    bad = tmp_path / "bad.jpg"
    bad.write_text("hello")
    assert main(["swap", str(bad), picture, "--out", str(tmp_path / "o.png"), "--weights", weights]) == 1
    assert "bad.jpg" in capsys.readouterr().err


def test_a_fault_inside_pytorch_keeps_its_traceback(monkeypatch):
    def broken() -> None:
        """Add what cannot be added."""
        torch.zeros(2) + torch.zeros(3)

    monkeypatch.setitem(COMMANDS, "broken", broken)
    with pytest.raises(RuntimeError, match="size of tensor"):
        main(["broken"])


def test_help_lists_every_command(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)
    assert main(["fly"]) == 2


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "train"])
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    assert f"python -m momi_lib {name}" in capsys.readouterr().out


def test_train_offers_the_presets_and_their_fields(capsys):
    with pytest.raises(SystemExit):
        main(["train", "small", "--help"])
    text = capsys.readouterr().out
    assert "--weights.patch" in text and "--network.width" in text and "--resume" in text


def test_info_knows_data_and_presets(caplog):
    with caplog.at_level("INFO"):
        assert main(["info"]) == 0
    assert '"train": 3840' in caplog.text and "small" in caplog.text
