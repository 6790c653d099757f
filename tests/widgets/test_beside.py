"""Work beside the kernel: overtaken tasks are dropped, and whoever asks is answered while something is drawn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from momi_lib.data import load_truth
from momi_lib.translate import CarryNet
from momi_lib.widgets import interpolation_controls as ways
from momi_lib.widgets.beside import Beside
from momi_lib.widgets.explorer import PLAYING, SwapExplorer

SECOND = 30.0  # of patience, on a machine with other work


class Slow:
    """Work that is not done before it is allowed to be, and remembers in which threads it was begun."""

    def __init__(self) -> None:
        self.begun, self.threads, self.allowed = [], set(), threading.Event()

    def __call__(self, task: int) -> int:
        self.begun.append(task)
        self.threads.add(threading.get_ident())
        assert self.allowed.wait(SECOND)
        if task < 0:
            raise ValueError("no such task")
        return -task


async def until(condition: Callable[[], object]) -> None:
    for _ in range(int(SECOND / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("waited in vain")


@pytest.fixture
def explorer(carrier: CarryNet, tmp_path: Path) -> SwapExplorer:
    truth = load_truth()
    listed = torch.cat([truth.source[:3], truth.target[:3]]).tolist()
    return SwapExplorer(network=carrier, answers=None, pictures=listed, save_to=tmp_path)


def test_of_the_tasks_that_wait_the_last_alone_is_done() -> None:
    work, done = Slow(), []
    beside = Beside(work, lambda *pair: done.append(pair), done.append)

    async def kernel() -> None:
        for task in range(1, 7):
            beside.ask(task)
        assert beside.busy and done == []  # and nobody waited for it
        work.allowed.set()
        await until(lambda: not beside.busy)

    asyncio.run(kernel())
    assert done == [(1, -1), (6, -6)] and work.begun == [1, 6]
    assert (beside.asked, beside.dropped) == (6, 4) and threading.get_ident() not in work.threads


def test_what_was_dropped_is_not_shown_and_what_is_asked_next_is() -> None:
    work, done, failed = Slow(), [], []
    beside = Beside(work, lambda *pair: done.append(pair), failed.append)

    async def kernel() -> None:
        beside.ask(1)
        beside.ask(2)
        beside.drop()
        beside.ask(3)
        work.allowed.set()
        await until(lambda: not beside.busy)
        beside.ask(-1)
        await until(lambda: not beside.busy)

    asyncio.run(kernel())
    assert done == [(3, -3)] and beside.dropped == 2 and [str(error) for error in failed] == ["no such task"]


def test_without_a_kernel_all_is_done_at_once_and_errors_are_raised() -> None:
    done: list[tuple[int, int]] = []

    def go_on(task: int, result: int) -> None:
        done.append((task, result))
        if task < 3:
            beside.ask(task + 1)

    beside = Beside(lambda task: 6 // task, go_on, print)
    beside.ask(1)
    assert done == [(1, 6), (2, 3), (3, 2)] and not beside.busy
    with pytest.raises(ZeroDivisionError):
        beside.ask(0)
    assert not beside.busy


def test_while_it_plays_stale_frames_are_dropped_and_saving_and_uploading_are_answered(
    explorer: SwapExplorer, monkeypatch: pytest.MonkeyPatch, picture_file: bytes
) -> None:
    draw, allowed, drawn = explorer.swapper.studio.draw, threading.Event(), []

    def slowly(*args: object, **options: object) -> object:
        assert allowed.wait(SECOND)
        drawn.append(threading.get_ident())
        return draw(*args, **options)

    async def kernel() -> None:
        monkeypatch.setattr(explorer.swapper.studio, "draw", slowly)
        explorer.ways.play.playing = True
        before = explorer.state
        for step in range(1, 9):
            explorer.ways.play.value = step
        assert explorer.state is before  # eight steps, none of them drawn, and the kernel is free
        explorer.save.click()
        assert "Saved as" in explorer.message.value and len(list(explorer.save_to.glob("*.png"))) == 1
        explorer.own.take("me.png", picture_file)
        assert explorer.own.crop.name == "me.png" and not explorer.own.as_source.disabled
        allowed.set()
        await until(lambda: not explorer._frames.busy and explorer.own.verdict is not None)
        assert len(drawn) == 2 and explorer._frames.dropped == 6 and threading.get_ident() not in drawn
        assert explorer.state.pose_share == explorer.ways.pose.value == 0.5
        assert PLAYING in explorer.message.value and "me.png: " in explorer.own.message.value
        assert explorer.panels["truth"].png == explorer.panels["difference"].png == b""
        explorer.save.click()
        explorer.ways.play.value = 9
        await until(lambda: explorer.state.pose_share == 0.56)
        assert "Saved as" in explorer.message.value  # a frame takes nobody's words away
        explorer.ways.play.playing = False
        assert "a way between two people has no true answer" in explorer.message.value and len(drawn) == 4

    asyncio.run(kernel())


def test_a_gif_shows_how_far_it_is_and_can_be_given_up(
    explorer: SwapExplorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "STEPS", 3)
    export, seen = explorer.export, []
    assert export.bar.layout.display == "none"
    export.bar.observe(lambda change: seen.append((change["new"], export.bar.description)), names="description")

    async def kernel() -> None:
        explorer.save_gif.click()
        assert export.running and export.bar.layout.display == "" and export.bar.max == 6
        assert "6 frames of the GIF" in explorer.message.value and explorer.save_gif.description == "Stop GIF"
        state = explorer.state
        await until(lambda: not export.running)
        assert explorer.state is state and explorer.save_gif.description == "Save GIF"
        explorer.save_gif.click()
        explorer.save_gif.click()
        assert not export.running and "given up" in explorer.message.value
        await until(lambda: not export._beside.busy)

    asyncio.run(kernel())
    assert [told for told, _ in seen][:7] == [f"frame {count} of 6" for count in range(7)]
    assert export.bar.layout.display == "none" and len(list(explorer.save_to.glob("*.gif"))) == 1
    assert explorer.save_gif.description == "Save GIF"


def test_a_hand_stops_the_animation_and_another_pair_makes_its_frames_stale(explorer: SwapExplorer) -> None:
    async def kernel() -> None:
        explorer.ways.play.playing = True
        explorer.ways.play.value = 4
        explorer.choose(explorer.state.source, explorer.state.target)
        await until(lambda: not explorer._frames.busy)
        assert explorer.state.plain and explorer._frames.dropped == 1
        explorer.ways.play.value = 5
        explorer.move("left_wrist", 31, 20)
        await until(lambda: not explorer._frames.busy)
        assert not explorer.ways.play.playing and explorer.state.edited and explorer.state.pose_share == 1

    asyncio.run(kernel())


def test_a_frame_that_cannot_be_drawn_is_said_and_ends_the_animation(
    explorer: SwapExplorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    async def kernel() -> None:
        explorer.ways.play.playing = True
        monkeypatch.setattr(explorer.swapper.studio, "draw", never)
        explorer.ways.play.value = 4
        await until(lambda: not explorer.ways.play.playing)

    asyncio.run(kernel())
    assert "Not drawn: out of memory." in explorer.message.value


def test_shares_of_an_animation_are_steps_of_the_slider() -> None:
    steps = ways.Ways().pose.step
    shares = [share for share, _ in ways.Ways().frames()]
    assert all(round(share / steps, 6).is_integer() for share in shares)  # or a browser sends back others
    assert shares[:17] == sorted(set(shares)) and shares[0] == 0 and shares[16] == 1


def test_a_step_that_moves_both_sliders_is_one_change() -> None:
    changes, steps = [], []
    both = ways.Ways(lambda: changes.append(1), lambda: steps.append(both.values))
    both.what.value = "both"
    both.play.value = 8
    assert steps == [(0.5, 0.5)] and changes == []
    both.look.value = 1.0
    assert changes == [1]
