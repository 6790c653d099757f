"""Work beside the kernel's own thread, so that buttons are answered while an animation is drawn.

A kernel answers one message after the other. What takes long, such as the pictures of an animation, is computed here in
a thread of its own, and the kernel's event loop shows the result. Where no loop runs (a script, a test), everything is
done at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

__all__ = ["Beside"]

Task = TypeVar("Task")
Result = TypeVar("Result")


class Beside(Generic[Task, Result]):
    """Does one task after the other in a thread; of those that come while one is done, the last alone is done next.

    Args:
        work: called in the thread with a task. It touches no widget.
        done: called in the event loop with the task and its result; it may ask for another task.
        failed: called in the event loop with what `work` raised.

    Attributes:
        asked, dropped: how many tasks were asked for, and how many of them were never shown.

    Where no event loop runs, :meth:`ask` returns when all is done, and raises what `work` raises.

    >>> beside = Beside(lambda number: number**2, lambda number, square: print(number, square), print)
    >>> beside.ask(7)
    7 49
    """

    def __init__(
        self,
        work: Callable[[Task], Result],
        done: Callable[[Task, Result], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._work, self._done, self._failed = work, done, failed
        self._thread: ThreadPoolExecutor | None = None
        self._next: list[Task] = []  # one at most
        self._running, self._round = False, 0
        self.asked = self.dropped = 0

    @property
    def busy(self) -> bool:
        """Whether a task is being done or waits."""
        return self._running or bool(self._next)

    def ask(self, task: Task) -> None:
        """Do a task as soon as the one that is being done is finished; one that already waits is dropped."""
        self.asked += 1
        self.dropped += len(self._next)
        self._next = [task]
        if self._running:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no kernel
            self._at_once()
        else:
            self._begin(loop)

    def drop(self) -> None:
        """Forget what waits, and do not show what is being done."""
        self.dropped += len(self._next)
        self._next = []
        self._round += 1

    def _at_once(self) -> None:
        self._running = True
        try:
            while self._next:  # `done` may ask for more
                task, self._next, asked_in = self._next[0], [], self._round
                result = self._work(task)
                if asked_in == self._round:
                    self._done(task, result)
                else:
                    self.dropped += 1
        finally:
            self._running, self._next = False, []

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="momi-beside")
        task, self._next, asked_in, self._running = self._next[0], [], self._round, True

        def finish(future: asyncio.Future[Result]) -> None:
            self._running = False
            try:
                if future.cancelled() or asked_in != self._round:
                    self.dropped += 1
                elif (error := future.exception()) is not None:
                    self._failed(error)
                else:
                    self._done(task, future.result())
            finally:
                if self._next and not self._running:  # `done` may have begun it already
                    self._begin(loop)

        # The callback keeps the context of the message that asked, so that what is sent belongs to it.
        loop.run_in_executor(self._thread, self._work, task).add_done_callback(finish)
