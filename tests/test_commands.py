"""The command line as a user types it."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from momi_lib.__main__ import main
from momi_lib.commands import COMMANDS
from momi_lib.train import preset
from momi_lib.translate import CarryNet, MomiNet, save_network


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return str(save_network(MomiNet(preset("tiny").network), tmp_path_factory.mktemp("w") / "w.safetensors"))


@pytest.fixture(scope="module")
def carrying(tmp_path_factory):
    """Weights of a network that carries, with nobody in any picture: what is left of a swap is the street."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = CarryNet(preset("tiny-carry").network).requires_grad_(False)
    network.body_maps.of_source.result.bias[3] = network.body_maps.of_target.result.bias[3] = -50.0
    return str(save_network(network, tmp_path_factory.mktemp("w") / "carrying.safetensors"))


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


@pytest.mark.parametrize(
    ("background", "colour"),
    [(None, (10, 10, 200)), ("target", (10, 10, 200)), ("source", (200, 10, 10)), ("#00fF80", (0, 255, 128)),
     ("beach.png", (90, 80, 70)), ("drawn", None)],
)  # fmt: skip
def test_a_swap_before_another_background(picture, carrying, tmp_path, background, colour):
    target, out = tmp_path / "target.png", tmp_path / "swap.png"
    Image.new("RGB", (64, 128), (10, 10, 200)).save(target)
    Image.new("RGB", (300, 200), (90, 80, 70)).save(tmp_path / "beach.png")  # of another size: resized
    asked = str(tmp_path / background) if background == "beach.png" else background
    options = [] if asked is None else ["--background", asked]
    assert main(["swap", picture, str(target), "--out", str(out), "--weights", carrying, *options]) == 0
    with Image.open(out) as image:
        assert image.size == (64, 128)
        if colour:
            assert all(abs(a - b) <= 2 for a, b in zip(image.getpixel((32, 64)), colour, strict=True))


@pytest.mark.parametrize(
    ("background", "told"),
    [
        ("#12345", "background: expected a colour as #rrggbb, six hexadecimal digits, got '#12345'"),
        ("#gggggg", "background: expected a colour as #rrggbb"),
        ("beach", "background: expected target, source, drawn, a colour #rrggbb or a picture file, got 'beach'"),
        ("text.png", "text.png is not a JPEG, PNG, WebP or BMP picture but text"),
    ],
)
def test_a_background_that_cannot_be_read_is_one_sentence(picture, carrying, tmp_path, capsys, background, told):
    (tmp_path / "text.png").write_text("hello")
    asked = str(tmp_path / background) if background == "text.png" else background
    out = tmp_path / "swap.png"
    assert main(["swap", picture, picture, "--out", str(out), "--weights", carrying, "--background", asked]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and told in error and not out.exists()


@pytest.mark.parametrize("background", ["target", "source", "#ffffff"])
def test_a_network_that_draws_the_street_itself_says_so(picture, weights, tmp_path, capsys, background):
    command = ["swap", picture, picture, "--out", str(tmp_path / "swap.png"), "--weights", weights]
    assert main([*command, "--background", "drawn"]) == 0
    assert main([*command, "--background", background]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: background: this network draws the street itself, expected 'drawn'")
    assert error.count("\n") == 1


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


@pytest.mark.parametrize("name", ["small", "lookup"])
def test_train_offers_the_presets_and_their_fields(name, capsys):
    with pytest.raises(SystemExit):
        main(["train", name, "--help"])
    text = capsys.readouterr().out
    assert "--loss.weights.patch" in text and "--network.width" in text and "--resume" in text
    assert "--body-labels" in text and "--network.no-carry" in text


def test_info_knows_data_and_presets(caplog):
    with caplog.at_level("INFO"):
        assert main(["info"]) == 0
    assert '"train": 3840' in caplog.text
    assert all(f'"{name}": ' in caplog.text for name in ("small", "lookup"))
    assert "weights momi-lookup: MomiNet" in caplog.text


def test_a_pattern_of_weights_is_all_that_match(tmp_path, monkeypatch, capsys):
    """On Windows no shell replaces it."""
    asked = []
    monkeypatch.setattr("momi_lib.evaluate.figure.swap_figure", lambda out, weights, *_, **__: asked.extend(weights))
    for name in ("b", "a"):
        (tmp_path / f"{name}.safetensors").touch()
    pattern = str(tmp_path / "*.safetensors")
    assert main(["figure", "--out", str(tmp_path / "f.png"), "--weights", "small", pattern]) == 0
    assert asked == ["small", *(str(tmp_path / f"{name}.safetensors") for name in "ab")]
    assert main(["figure", "--out", str(tmp_path / "f.png"), "--weights", f"{pattern}.pth"]) == 1
    assert capsys.readouterr().err == f"error: {pattern}.pth does not exist, and as a pattern it matches no file\n"
