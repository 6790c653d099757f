"""A notebook with widgets does not wait for a reply that has arrived."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
import zmq
import zmq.asyncio
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from tools.notebooks.run import Client

#: What a widget in the kernel sends.
MESSAGE: dict[str, Any] = {
    "msg_type": "comm_msg", "header": {"msg_type": "comm_msg"}, "parent_header": {}, "buffers": [],
    "content": {"comm_id": "w", "data": {"method": "custom"}},
}  # fmt: skip


def answer(socket: zmq.asyncio.Socket) -> None:
    """What nbclient's `Output` does: jupyter_client's session sends through a blocking view of the socket."""
    blocking: zmq.Socket[bytes] = zmq.Socket.shadow(socket.underlying)
    for _ in range(5):
        blocking.send(b"to a widget")
        blocking.getsockopt(zmq.EVENTS)  # what sending does now and then


async def is_noticed(kind: type[NotebookClient]) -> bool:
    """Whether a reply is noticed that arrives just before nbclient answers a widget on the same socket."""
    context = zmq.asyncio.Context()
    with context, context.socket(zmq.DEALER) as waiting, zmq.Context.shadow(context.underlying).socket(zmq.DEALER) as to:
        waiting.bind("inproc://replies")
        to.connect("inproc://replies")
        await asyncio.sleep(0.05)
        client = kind(new_notebook(), record_timing=False)
        client.kc = SimpleNamespace(shell_channel=SimpleNamespace(socket=waiting))  # type: ignore[assignment]
        reply = asyncio.ensure_future(waiting.poll(60_000))
        await asyncio.sleep(0.05)
        to.send(b"the reply")
        time.sleep(0.05)
        client.comm_objects["w"] = SimpleNamespace(handle_msg=lambda _: answer(waiting))
        client.process_message(MESSAGE, new_code_cell(), 0)
        done, _ = await asyncio.wait([reply], timeout=1)
        reply.cancel()
        return bool(done)


def test_a_reply_is_noticed_while_widgets_are_answered() -> None:
    assert asyncio.run(is_noticed(Client))


@pytest.mark.thorough
def test_nbclient_itself_misses_it() -> None:
    """Where this fails, pyzmq or nbclient has been mended, and `Client` can go. A session that sends in another way
    would not be seen here."""
    assert not asyncio.run(is_noticed(NotebookClient))
