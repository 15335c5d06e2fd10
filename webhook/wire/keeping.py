"""Connections that are kept for the next request: for how long and how many, and which are fit for one."""

from collections import OrderedDict
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

IDLE_SECONDS = 30.0
"""How long an unused connection is kept: within what registries and load balancers keep (nginx 75 s, AWS ALB 60 s)."""
MAX_IDLE = 256
"""Unused connections that a connector keeps, to all registries. Clusters use tens of registries, with 8 requests at
once to each by default; but a pod may name hundreds, and each one kept is an open file, of 4,096 for everybody."""


class Connector(aiohttp.TCPConnector):
    """Keeps up to `MAX_IDLE` connections; for one more, the one is cut that is longest unused.

    It uses no connection again on which something came unasked, such as a body after HEAD. That would be taken for the
    next answer, and each answer after it for that of the request before.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 (handed on as they are)
        """Take aiohttp's options; must be called inside the event loop."""
        super().__init__(**options)
        self._idle: OrderedDict[ResponseHandler, ConnectionKey] = OrderedDict()
        """In the order in which they were last used. aiohttp orders them by server alone."""
        self._factory = partial(_Handler, self._idle, loop=self._loop)  # type: ignore[assignment]

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        for handler, _ in self._conns.get(key, ()):
            if handler.should_close:
                handler.abort()
        found = await super()._get(key, traces)
        if found is not None and found.protocol is not None:
            self._idle.pop(found.protocol, None)
        return found

    def _release(self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        super()._release(key, protocol, should_close=should_close)
        if protocol.transport is not None:
            # The last answer's parser would swallow half an answer unseen; without one, any byte counts, and few stay.
            protocol._parser = None  # noqa: SLF001 (nothing public tells of a byte that came)
            self._idle[protocol] = key
            if len(self._idle) > MAX_IDLE:
                self._cut_longest_idle()

    def _cut_longest_idle(self) -> None:
        handler, key = self._idle.popitem(last=False)
        handler.abort()
        # aiohttp remembers what has ended until its next sweep, up to a minute: enough for tens of thousands of them.
        kept = self._conns[key]
        while kept and not kept[0][0].is_connected():
            kept.popleft()
        if not kept:
            del self._conns[key]


class _Handler(ResponseHandler):
    """Ends without a goodbye: one of TLS goes on reading, for uvloop's 30 s, from a peer that goes on sending."""

    def __init__(self, idle: OrderedDict[ResponseHandler, ConnectionKey], loop: Any) -> None:  # noqa: ANN401 (aiohttp's)
        super().__init__(loop)
        self._idle = idle

    def close(self) -> None:
        self.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        # What the server has ended takes no other's place.
        self._idle.pop(self, None)
