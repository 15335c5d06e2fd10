"""What is done to a webhook by somebody who can reach it."""

import asyncio
import contextlib
import itertools
import json
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.serving import Serving

CAPTURE = Path(__file__).parents[1] / "captures" / "create-pod.json"
MIB = 1024 * 1024
HALF_GREETING = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"
"""The first bytes of a TLS handshake that promises more."""
HALF_HEAD = b"POST /validate HTTP/1.1\r\nHost: test\r\nX-Slow: "
HALF_BODY = b"POST /validate?timeout=30s HTTP/1.1\r\nHost: test\r\nContent-Length: 5000\r\n\r\n" + b" " * 4000
CLIENTS = 10_000
ABUSER = "127.0.0.2"
"""Where strangers connect from; the API server has an address of its own in every cluster."""
_BIND_ADDRESS_NO_PORT = 24
"""Of linux/in.h: a port is chosen when connecting, among those that are taken towards others as well."""
_FRESH = itertools.count()


@dataclass(frozen=True, slots=True)
class Target:
    """Where it hurts."""

    address: tuple[str, int]
    trust: ssl.SSLContext
    registry: str
    """Of honest images."""
    endless: str
    """A registry whose answers do not end."""

    def open(self) -> socket.socket:
        """Open a connection from an address that is not the API server's."""
        connection = socket.socket()
        connection.settimeout(30)
        connection.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        try:
            connection.bind((ABUSER, 0))
            connection.connect(self.address)
        except OSError:
            connection.close()
            raise
        return connection

    def connect(self) -> ssl.SSLSocket:
        """Open a connection and shake hands."""
        connection = self.open()
        return self.trust.wrap_socket(connection, server_hostname="localhost")

    def post(self, body: bytes) -> bytes:
        """Send a review and read its answer; empty where there is none."""
        head = f"POST /validate?timeout=5s HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with contextlib.suppress(OSError), self.connect() as connection:
            connection.sendall(head + body)
            return connection.recv(65_536)
        return b""


Abuse = Callable[[Target, float], None]
"""Goes on until a time of the monotonic clock."""


def review(*images: str, padding: str = "", namespace: str = "stranger") -> bytes:
    """The review of a pod with a container for each image, and an annotation of any size."""
    document = json.loads(CAPTURE.read_bytes())
    pod = document["request"]["object"]
    document["request"]["namespace"] = pod["metadata"]["namespace"] = namespace
    pod["spec"]["containers"] = [{"name": f"c{number}", "image": image} for number, image in enumerate(images)]
    pod["metadata"]["annotations"] = {"padding": padding}
    return json.dumps(document, ensure_ascii=False).encode()


def large_bodies(target: Target, ends_at: float) -> None:
    """16 bodies of 7 MiB at once, again and again; in half of them Python needs four bytes for each character."""
    plain = review(f"{target.registry}/team/app:1", padding="x" * 7 * MIB)
    wide = review(f"{target.registry}/team/app:1", padding="x" * 7 * MIB + "\U0001f433")
    _repeat([lambda: target.post(plain), lambda: target.post(wide)] * 8, ends_at)


def many_containers(target: Target, ends_at: float) -> None:
    """Eight pods of 500 containers at once, each with an image that nobody has asked for."""

    def post() -> None:
        target.post(review(*(f"{target.registry}/none/n{next(_FRESH)}:1" for _ in range(500))))

    _repeat([post] * 8, ends_at)


def endless_answers(target: Target, ends_at: float) -> None:
    """Images at a registry whose manifests, tokens and headers do not end."""

    def post() -> None:
        kinds = ("manifest", "headers", "token")
        target.post(review(*(f"{target.endless}/{kind}/n{next(_FRESH)}:1" for kind in kinds for _ in range(4))))

    _repeat([post] * 4, ends_at)


def slow_clients(target: Target, ends_at: float) -> None:
    """10,000 connections: silent, or with half a handshake, half a head, half a body, or idle; then more of them."""
    kinds = itertools.cycle(["silent"] * 4 + ["greeting"] * 3 + ["head", "body", "idle"])
    with contextlib.ExitStack() as opened:
        for number in itertools.count():
            if number >= CLIENTS and time.monotonic() > ends_at:
                return
            with contextlib.suppress(OSError):
                opened.enter_context(_slow_client(target, next(kinds)))
            if number >= CLIENTS:
                time.sleep(0.001)


ABUSES: dict[str, Abuse] = {
    "16 bodies of 7 MiB at once": large_bodies,
    "500 containers": many_containers,
    "endless registry answers": endless_answers,
    "10,000 slow clients": slow_clients,
}


def _slow_client(target: Target, kind: str) -> socket.socket:
    if kind in ("silent", "greeting"):
        connection = target.open()
        connection.sendall(HALF_GREETING if kind == "greeting" else b"")
        return connection
    secure = target.connect()
    secure.sendall({"head": HALF_HEAD, "body": HALF_BODY, "idle": b""}[kind])
    return secure


def _repeat(acts: Sequence[Callable[[], object]], ends_at: float) -> None:
    """Do all at once, each again and again, with a breath between."""

    def repeat(act: Callable[[], object]) -> None:
        while time.monotonic() < ends_at:
            act()
            time.sleep(0.02)

    with ThreadPoolExecutor(len(acts)) as pool:
        list(pool.map(repeat, acts))


class EndlessRegistry(Serving):
    """Its answers do not end: by the first part of a repository's name the manifest, the headers, or the token."""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, for ever."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, path, _ = head.split(" ", 2)
        if path.startswith("/v2/token/"):
            challenge = f'Bearer realm="https://{self.address}/issue",service="endless"'
            writer.write(f"HTTP/1.1 401 No\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n".encode())
        elif path.startswith("/v2/headers/"):
            await _write_on(writer, b"HTTP/1.1 200 OK\r\n", b"X-Endless: " + b"x" * 1000 + b"\r\n")
        elif method == "HEAD":
            writer.write(b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")
        else:
            await _write_on(writer, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", b" " * 65_536)
        await writer.drain()


async def _write_on(writer: asyncio.StreamWriter, first: bytes, again: bytes) -> None:
    writer.write(first)
    while True:
        writer.write(again)
        await writer.drain()
        # Else nobody here would hear that the connection is gone: what may be written at once lets nobody else go on.
        await asyncio.sleep(0)
