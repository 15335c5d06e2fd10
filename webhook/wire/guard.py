"""The guard at the door: names are resolved here, once a connection, and only judged addresses come out.

Whoever connects must take the addresses from here and connect to nothing else; the TLS name stays the host's. Then a
name that resolves differently a moment later (DNS rebinding) gains nothing.
"""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from webhook.fairness import CURRENT_ASKER, FairSlots
from webhook.registry.addresses import Address, read_literal
from webhook.registry.exchange import AddressRefused, NameNotFound, TimedOut

MAX_LOOKUPS = 64
"""Threads that may wait for DNS. glibc gives a silent server up to 10 s a name and cannot be interrupted, so that a few
dead domains must not hold every thread; an idle thread costs some 20 KiB."""
_MOST_OF_ONE = MAX_LOOKUPS // 4
"""Of them, what may wait for the names of one namespace."""

Judge = Callable[[Address], AddressRefused | None]
LookUp = Callable[[str], list[str]]


def look_up_host(host: str) -> list[str]:
    """Ask the system's resolver for a host's addresses, in its order of preference (RFC 6724).

    The name is asked as written: with `dnsPolicy: Default` the hosts file and the search domains are the node's own.

    Raises:
        socket.gaierror: The name is not known, or nobody answered.
        OSError: Nobody was asked, such as for want of a file.
    """
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class Guard:
    """Resolves hosts in threads of its own, shares lookups that are under way, and judges every answer."""

    def __init__(self, judge: Judge, *, timeout_seconds: float, look_up: LookUp = look_up_host) -> None:
        self.judge = judge
        self._timeout_seconds = timeout_seconds
        self._look_up = look_up
        self._threads = ThreadPoolExecutor(MAX_LOOKUPS, thread_name_prefix="names")
        self._free = FairSlots(MAX_LOOKUPS, most_of_one=_MOST_OF_ONE)
        self._under_way: dict[str, asyncio.Future[list[str]]] = {}

    async def find(self, host: str) -> tuple[Address, ...] | AddressRefused | NameNotFound | TimedOut:
        """Find the addresses of a host that may be connected to.

        Args:
            host: A name, or an address in any spelling; IPv6 without brackets.

        Returns:
            The addresses in the resolver's order, those that the rules refuse left out. `AddressRefused` when that
            leaves none.

        Raises:
            OSError: Nobody was asked, such as for want of a file.
        """
        literal = read_literal(host)
        if literal is not None:
            return self.judge(literal) or (literal,)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answers = await self._resolve(host)
        except TimeoutError:
            return TimedOut()
        except (socket.gaierror, UnicodeError):  # UnicodeError: an empty or overlong label, which IDNA refuses
            return NameNotFound()
        return self._admit([ip_address(answer) for answer in answers])

    def close(self) -> None:
        """Start no further lookup; those under way end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _admit(self, addresses: list[Address]) -> tuple[Address, ...] | AddressRefused | NameNotFound:
        refusals = {address: self.judge(address) for address in addresses}
        admitted = tuple(address for address, refusal in refusals.items() if refusal is None)
        return admitted or next((refusal for refusal in refusals.values() if refusal), NameNotFound())

    async def _resolve(self, host: str) -> list[str]:
        if host not in self._under_way:
            asker = CURRENT_ASKER.get()
            await self._free.acquire(asker)
            # Somebody may have asked for the same host while this one waited.
            if host in self._under_way:
                self._free.release(asker)
            else:
                self._start(host, asker)
        return await asyncio.shield(self._under_way[host])

    def _start(self, host: str, asker: str) -> None:
        future = asyncio.wrap_future(self._threads.submit(self._look_up, host))
        self._under_way[host] = future
        future.add_done_callback(lambda done: self._end(host, asker, done))

    def _end(self, host: str, asker: str, done: asyncio.Future[list[str]]) -> None:
        # The thread is free only now, not when those who asked gave up.
        del self._under_way[host]
        self._free.release(asker)
        if not done.cancelled():
            done.exception()  # Those who asked may have gone; then nobody else looks at it.
