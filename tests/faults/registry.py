"""A registry that meets one fault, at an address of its own for each way in which the fault is played."""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.fakes import images
from tests.fakes.listener import bytes_of
from tests.fakes.registry import FakeRegistry
from tests.fakes.serving import Serving
from tests.fakes.tokens import TokenServer
from tests.faults.acts import Speech, Struck
from tests.faults.fault import Fault

MAX_ADDRESSES = 18
ADDRESSES = tuple(f"127.0.9.{number}" for number in range(1, MAX_ADDRESSES + 1))
"""Patience is with a host and port: so every play of a fault has its own, and meets the fault itself."""
USERNAME, PASSWORD = "team", "a-password-of-the-tests"
PUBLIC, PRIVATE = "public", "private"
IMAGE = images.index("faulty")
DIGEST = IMAGE.digest
_ANY = "0.0.0.0"


class FaultyRegistry(FakeRegistry):
    """Holds a public and a private repository for each address, with a token server at the same address."""

    def __init__(self, fault: Fault, tls: ssl.SSLContext, port: int = 0) -> None:
        tokens = TokenServer(accounts={USERNAME: PASSWORD}, is_public=lambda name: name.startswith(PUBLIC))
        super().__init__(tls=tls, host=_ANY, port=port, tokens=tokens)
        self.challenges = self._challenges
        self._fault = fault
        self._host = ""
        """As which it is being asked: what the realm is on."""
        self._struck: Counter[str] = Counter()
        for number in range(1, MAX_ADDRESSES + 1):
            for side in (PUBLIC, PRIVATE):
                if fault.is_present:
                    self.add(f"{repository(side, number)}:1", IMAGE)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request after the other, honestly or as the fault says."""
        while request := await self._read(reader):
            self.requests.append(request)
            self._host = request.host
            honest = bytes_of(request, self._answer(request))
            if self._fault.act is None or not self._fault.when(request):
                writer.write(honest)
                await writer.drain()
                continue
            earlier = self._struck[request.path]
            self._struck[request.path] += 1
            await self._fault.act(Struck(writer, request, honest, earlier))

    def _challenges(self, name: str) -> list[str]:
        if self._fault.challenge is not None:
            return list(self._fault.challenge(self._host))
        return [f'Bearer realm="https://{self._host}/token",service="registry.test",scope="repository:{name}:pull"']


class Speaker(Serving):
    """Says one thing on every connection, whatever comes."""

    def __init__(self, speech: Speech) -> None:
        super().__init__(host=_ANY)
        self._speech = speech

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say it."""
        await self._speech(reader, writer)


def repository(side: str, number: int) -> str:
    """The repository for the number of an address."""
    return f"{side}/app-{number}"


@contextmanager
def closed_port() -> Iterator[int]:
    """A port where connections are refused, and that nobody else gets meanwhile."""
    with socket.socket() as held:
        held.bind((_ANY, 0))
        yield int(held.getsockname()[1])
