"""The README's animation: a path through poses, several people in each, and clear refusals."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from momi_lib.files import sha256
from momi_lib.train import preset
from momi_lib.translate import network_of, save_network
from tools import make_animation as tool

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return untrained("tiny", tmp_path)


def untrained(kind: str, tmp_path: Path) -> Path:
    """Weights of a preset's network that finds all joints."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = network_of(preset(kind).network)
        network.student.requires_grad_(False)
        last = [p for name, p in network.student.named_parameters() if name.endswith("bias")][-1]
        last += 1  # so sure of itself that every joint counts as found
        return save_network(network, tmp_path / f"{kind}.safetensors")


def small(out: Path, weights: Path, **changes: object) -> tool.Animation:
    settings = {"people": 2, "poses": 2, "steps": 2, "candidates": 8, "scale": 1} | changes
    return tool.Animation(out=out, weights=str(weights), **settings)


@pytest.mark.parametrize("name", ["a.webp", "a.gif"])
def test_a_loop_and_a_still_are_written_and_say_from_what(name: str, weights: Path, tmp_path: Path) -> None:
    loop, still = tool.make(small(tmp_path / "out" / name, weights))
    with Image.open(loop) as image:
        assert image.n_frames > 1 and image.info["loop"] == 0
        assert image.size == (3 * 64 + 2 * tool.GAP, 96 + tool.GAP + 128)
    with Image.open(still) as image:
        assert image.size == (3 * 64 + 2 * tool.GAP, 96 + 2 * (tool.GAP + 128))
    assert sha256(weights) in tool.description(loop) and "seed 0" in tool.description(still)
    assert sorted(file.name for file in loop.parent.iterdir()) == sorted([loop.name, still.name])


def test_a_network_that_carries_draws_each_person_before_the_own_street(tmp_path: Path) -> None:
    weights = untrained("tiny-carry", tmp_path)
    loop, _ = tool.make(small(tmp_path / "a.webp", weights))
    assert sha256(weights) in tool.description(loop)
    network, sources = tool.load_network(weights), torch.rand(2, 3, 128, 64) * 2 - 1
    poses = torch.rand(3, 17, 2) * 60
    drawn = tool.draw(network, sources, poses)
    assert drawn.shape == (3, 2, 3, 128, 64)
    maps = network.reproject(poses[1:2], torch.ones(1, 17, dtype=torch.bool))
    alone = network.draw(network.meet(sources[1:]), maps, network.backdrop(sources[1:]))
    assert ((drawn[1, 1].float() - (alone[0] + 1) * 127.5).abs() > 1).float().mean() < 0.01


def test_the_same_seed_draws_the_same_and_another_another(weights: Path, tmp_path: Path) -> None:
    first, again = (tool.make(small(tmp_path / name, weights))[1].read_bytes() for name in ("a.webp", "b.webp"))
    assert first == again != tool.make(small(tmp_path / "c.webp", weights, seed=1))[1].read_bytes()


def test_too_few_people_or_bytes_are_refused_and_nothing_is_written(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"candidates: all 17 joints were found in \d pictures of \d people, expected"):
        tool.make(small(tmp_path / "a.webp", weights, people=8))
    with pytest.raises(ValueError, match=r"a\.webp: [\d,]+ bytes, expected at most 100"):
        tool.make(small(tmp_path / "a.webp", weights, limit=100))
    assert not list(tmp_path.glob("a.*"))


def test_missing_weights_or_data_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such weights"):
        tool.make(small(tmp_path / "a.webp", Path("no such weights")))


@pytest.mark.parametrize(
    ("name", "value"), [("people", 0), ("poses", 1), ("steps", 0), ("candidates", 1), ("scale", 9), ("out", "a.png")]
)
def test_bad_settings_are_named_at_once(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected"):
        tool.Animation(**{name: Path(value) if name == "out" else value})


def test_poses_come_to_one_place_and_height() -> None:
    poses = torch.rand(3, 17, 2, generator=torch.Generator().manual_seed(0)) * 20
    poses[:, tool.ANKLES, 1] += 50
    moved = tool.upright(poses, (128, 64))
    assert torch.allclose(moved[:, tool.HEAD, 1].mean(1), torch.tensor(16.0), atol=1e-3)
    assert torch.allclose(moved[:, tool.ANKLES, 1].mean(1), torch.tensor(112.0), atol=1e-3)
    assert torch.allclose(moved[:, tool.HIPS, 0].mean(1), torch.tensor(32.0), atol=1e-3)
    assert torch.allclose(tool.upright(2 * poses + 5, (128, 64)), moved, atol=1e-3)


def test_poses_are_far_apart_and_the_way_round_is_short() -> None:
    line = torch.tensor([0.0, 1, 9, 5])[:, None, None].expand(4, 17, 2)
    assert tool.spread_out(line, 3) == [0, 2, 3]
    order = tool.shortest_round(torch.tensor([0.0, 9, 1, 8])[:, None, None].expand(4, 17, 2))[:, 0, 0].tolist()
    assert sum(abs(a - b) for a, b in zip(order, [*order[1:], order[0]], strict=True)) == 18


def test_the_path_closes_and_passes_through_every_pose() -> None:
    poses = torch.rand(3, 17, 2, generator=torch.Generator().manual_seed(0))
    way = tool.path(poses, 4)
    assert way.shape == (12, 17, 2) and torch.equal(way[::4], poses)
    assert torch.allclose(way[10], (poses[2] + poses[0]) / 2)


def test_the_committed_animation_was_drawn_with_the_committed_weights() -> None:
    current = sha256(ROOT / "data/weights/momi-small.safetensors")
    for name in ("one-pose-for-all.webp", "one-pose-for-all.jpg"):
        file = ROOT / "docs/images" / name
        assert current in tool.description(file), f"{name} is out of date: run python tools/make_animation.py"
        assert file.stat().st_size <= tool.Animation().limit
