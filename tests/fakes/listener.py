"""A small HTTP/1.1 server on a real socket, in a thread of its own, that remembers every request it was asked."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http import HTTPStatus

from tests.fakes.exchange import Fault, Request, Response
from tests.fakes.serving import Serving

MAX_BODY_BYTES = 16 * 1024 * 1024
"""Ample for any request of a client under test."""
HOLD_SECONDS = 0.01
"""Between two looks at whether an answer is still held back."""

Answering = Callable[[Request], Response]


class Listener(Serving):
    """Serves `answer` on `host:port` (0: any free port) from `start` to `stop`; with TLS where a context is given."""

    def __init__(
        self, answer: Answering, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        super().__init__(tls=tls, host=host, port=port)
        self.requests: list[Request] = []
        """Every request, from the moment it has come in."""
        self.answered: list[tuple[Request, int]] = []
        """The requests that were answered, with the status."""
        self.faults: list[Fault] = []
        self._answer = answer

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.address}"

    def carried(self, secret: str) -> list[Request]:
        """The requests in which a secret stood."""
        return [request for request in list(self.requests) if request.carries(secret)]

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request after the other."""
        while request := await self._read(reader):
            self.requests.append(request)
            fault = next((fault for fault in self.faults if fault.concerns(request)), Fault())
            await asyncio.sleep(fault.delay_seconds)
            while fault.is_held():  # noqa: ASYNC110 (it is another thread that opens)
                await asyncio.sleep(HOLD_SECONDS)
            if fault.is_dropped:
                return
            response = fault.response or self._answer(request)
            self.answered.append((request, response.status))
            await _send(writer, bytes_of(request, response), fault.drip_seconds)

    async def _read(self, reader: asyncio.StreamReader) -> Request | None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        method, target, _ = first.split(" ")
        headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
        request = Request(method, target, self.port, self.tls is not None, headers)
        length = int(request.header("Content-Length") or 0)
        if length > MAX_BODY_BYTES:
            return None
        body = await reader.readexactly(length)
        return Request(method, target, self.port, self.tls is not None, headers, body)


def bytes_of(request: Request, response: Response) -> bytes:
    """An answer as it goes over the wire."""
    reason = HTTPStatus(response.status).phrase if response.status in list(HTTPStatus) else ""
    names = {name.lower() for name, _ in response.headers}
    lines = [f"HTTP/1.1 {response.status} {reason}", *(f"{name}: {value}" for name, value in response.headers)]
    lines += [f"Date: {formatdate(usegmt=True)}"]
    if not names & {"content-length", "transfer-encoding"}:
        lines += [f"Content-Length: {len(response.body)}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (b"" if request.method == "HEAD" else response.body)


def _pieces(content: bytes, *, is_dripping: bool) -> Iterator[bytes]:
    size = 1 if is_dripping else len(content) or 1
    return (content[start : start + size] for start in range(0, len(content), size))


async def _send(writer: asyncio.StreamWriter, content: bytes, drip_seconds: float) -> None:
    for piece in _pieces(content, is_dripping=drip_seconds > 0):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(drip_seconds)
