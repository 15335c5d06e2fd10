"""A server on a real socket, in a thread of its own."""

import asyncio
import contextlib
import ssl
import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

MAX_HEAD_BYTES = 256 * 1024
"""Ample for any request of a client under test."""
START_SECONDS = 10.0
"""A loaded machine starts a thread and binds a port well within it."""
_BACKLOG = 1024


class Serving(ABC):
    """Serves on `host:port` (0: any free port) from `start` to `stop`, or within a `with` block."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self.tls = tls
        self.host = host
        self.port = port
        self.connections = 0
        """How many were accepted, and shook hands where there is TLS."""
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._failure: OSError | None = None
        self._thread: threading.Thread | None = None

    @abstractmethod
    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, which is closed afterwards; what breaks it off is no fault."""

    @property
    def address(self) -> str:
        """Host and port, as a reference or a Host header names them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def start(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        if not self._started.wait(START_SECONDS):
            raise TimeoutError("the server did not start")
        if self._failure is not None:
            raise self._failure
        return self

    def stop(self) -> None:
        """Close the port and every connection at once; a second call does nothing."""
        if self._loop is not None and self._stopping is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join(START_SECONDS)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            task = asyncio.ensure_future(self._serve_one(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        try:
            server = await asyncio.start_server(
                accept, self.host, self.port, ssl=self.tls, limit=MAX_HEAD_BYTES, backlog=_BACKLOG
            )
        except OSError as failure:
            self._failure = failure
            self._started.set()
            return
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stopping.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, EOFError, ValueError, asyncio.LimitOverrunError):
                await self.connected(reader, writer)
        finally:
            writer.transport.abort()
