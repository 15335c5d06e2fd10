"""What a connection does in the moment in which it ends."""

import asyncio
import socket

import pytest
import uvicorn

from tests.wire.serving import LIMITS, FakePipeline, Witness, request, review
from webhook.verdict.policy import Mode
from webhook.wire.application import review_application
from webhook.wire.crowd import Crowd
from webhook.wire.loop import Loop
from webhook.wire.protocol import BoundedProtocol, Terms


class Connection(BoundedProtocol):
    terms: Terms


async def ended_with(sent: bytes) -> bytes:
    """Give what a client reads whose bytes have reached the kernel, and nobody else, when its connection is ended."""
    theirs, ours = socket.socketpair()
    Connection.terms = Terms(
        crowd=Crowd(max_silent=10, max_quiet=10, max_all=10), max_request_seconds=5, is_draining=True
    )
    application = review_application(FakePipeline(), mode=Mode.WARN, limits=LIMITS, observer=Witness())
    config = uvicorn.Config(application, http=Connection, interface="asgi3", lifespan="off", log_config=None)
    config.load()
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    _, protocol = await loop.connect_accepted_socket(
        lambda: Connection(config=config, server_state=state, app_state={}), ours
    )
    with theirs:
        theirs.sendall(sent)
        protocol.shutdown()
        theirs.settimeout(5)
        return await loop.run_in_executor(None, theirs.recv, 4096)


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, Loop])
def test_a_request_that_came_in_this_moment_is_answered_and_is_the_last(factory):
    with asyncio.Runner(loop_factory=factory) as runner:
        answer = runner.run(ended_with(request(review())))

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in answer


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, Loop])
def test_a_connection_that_is_idle_ends_at_once(factory):
    with asyncio.Runner(loop_factory=factory) as runner:
        assert runner.run(ended_with(b"")) == b""
