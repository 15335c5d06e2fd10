"""A name server that fails, each time as the name says that it is asked for, and a process that asks no other."""

import contextlib
import os
import random
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.faults.registry import ADDRESSES

PORT = 53
"""The only one that a resolver asks."""
LATE_SECONDS = 0.5
_A = 1
_RECEIVE_SECONDS = 0.1
_LAUNCHER = 'mount --bind "$1" /etc/resolv.conf; mount --bind "$2" /etc/nsswitch.conf; shift 2; exec "$@"'
Answer = Callable[[bytes, str, int], bytes]
"""A query, the first label of its name, and the type that it asks for -> the answer; empty: none comes."""


def _reply(query: bytes, code: int, *records: bytes, flags: int = 0x8180) -> bytes:
    """The question again, with a code and records."""
    end = query.index(b"\0", 12) + 5
    return query[:2] + struct.pack("!HHHHH", flags | code, 1, len(records), 0, 0) + query[12:end] + b"".join(records)


def _honest(query: bytes, label: str, kind: int) -> bytes:
    """The address for the number at the end of a label; no other kind of record."""
    address = socket.inet_aton(ADDRESSES[int(label.rpartition("-")[2]) - 1])
    record = struct.pack("!HHHIH", 0xC00C, _A, 1, 0, 4) + address
    return _reply(query, 0, record) if kind == _A else _reply(query, 0)


def _alias_of_itself(query: bytes, _: str, __: int) -> bytes:
    return _reply(query, 0, struct.pack("!HHHIH", 0xC00C, 5, 1, 0, 2) + b"\xc0\x0c")


SILENT = "did not answer"
UNKNOWN = "has a name that DNS does not resolve"
WAYS: Mapping[str, tuple[Answer, str]] = {
    "dns-silence": (lambda *_: b"", SILENT),
    "dns-no-ipv6-answer": (lambda query, label, kind: _honest(query, label, kind) if kind == _A else b"", SILENT),
    "dns-unknown": (lambda query, _, __: _reply(query, 3), UNKNOWN),
    "dns-servfail": (lambda query, _, __: _reply(query, 2), UNKNOWN),
    "dns-refused": (lambda query, _, __: _reply(query, 5), UNKNOWN),
    "dns-no-data": (lambda query, _, __: _reply(query, 0), UNKNOWN),
    "dns-alias-of-itself": (_alias_of_itself, UNKNOWN),
    "dns-truncated": (lambda query, _, __: _reply(query, 0, flags=0x8380), UNKNOWN),
    "dns-garbage": (lambda query, _, __: query[:2] + b"\xff\0" * 20, SILENT),
    "dns-late": (_honest, ""),
    "dns-sound": (_honest, ""),
}
"""By the beginning of a name: what is answered, and the cause that a warning gives; none: the image resolves."""


class Resolver:
    """Answers over UDP on an address of this machine; over TCP nobody does."""

    def __init__(self) -> None:
        self.address = f"127.{os.getpid() % 250 + 1}.{random.SystemRandom().randrange(250)}.53"
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.address, PORT))
        self._socket.settimeout(_RECEIVE_SECONDS)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                query, client = self._socket.recvfrom(4096)
                label = query[13 : 13 + query[12]].decode().lower()
                way = label.rpartition("-")[0]
                answer = WAYS[way][0](query, label, struct.unpack("!H", query[query.index(b"\0", 12) + 1 :][:2])[0])
                delay_seconds = LATE_SECONDS if way == "dns-late" else 0
                if answer:
                    threading.Timer(delay_seconds, self._send, (answer, client)).start()

    def _send(self, answer: bytes, client: tuple[str, int]) -> None:
        # The test may be over by now.
        with contextlib.suppress(OSError):
            self._socket.sendto(answer, client)


@contextmanager
def resolver() -> Iterator[Resolver]:
    """Run one."""
    running = Resolver()
    try:
        yield running
    finally:
        running.close()


def find_obstacle() -> str:
    """What is lacking for a resolver of the tests' own, and how to get it; empty if nothing is."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.53", PORT))
    except PermissionError:
        return "no name server of the tests' own: be root"
    except OSError:
        pass  # Somebody has that address; ours is another one.
    if not shutil.which("unshare"):
        return "no name server of the tests' own: apt-get install util-linux"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "no name server of the tests' own: allow mount namespaces"


def launcher(folder: Path, address: str) -> list[str | Path]:
    """The command that gives a process mounts of its own, and so this name server alone."""
    resolv, services = folder / "resolv.conf", folder / "nsswitch.conf"
    resolv.write_text(f"nameserver {address}\noptions timeout:2 attempts:2\n")
    services.write_text("hosts: files dns\n")
    own_mounts = ["unshare", "--mount", "--propagation", "private", "sh", "-e", "-c", _LAUNCHER, "launcher"]
    return [*own_mounts, resolv, services]
