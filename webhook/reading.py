"""Reading a pod's keychain from the cluster, under a time limit, with what was read a moment ago."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from webhook.case import Case
from webhook.flights import Flights, Recent
from webhook.images.onnode import NodeImages
from webhook.keychain.dockerconfig import Entries
from webhook.keychain.pullsecrets import (
    Keychain,
    PullSecret,
    SecretState,
    ServiceAccount,
    ServiceAccountState,
    UnreadableSecret,
    UnreadableServiceAccount,
    assemble,
    merged,
)
from webhook.memory import ConclusionMemory, Kind, Memory, Observe, Times, ignore

MAX_SECRETS = 100
"""Of one pod that are read, repeated ones counted. Real pods name a handful; each may cost the API server a request,
and a service account has room for the names of 100,000."""
TOO_MANY = f"it and %d more: of one pod, {MAX_SECRETS} are read"
LOGIN_BYTES = 1024
"""What a login costs in memory beside its text, compiled for comparison with images."""
NAME_BYTES = 70
"""The same for a name in a list."""
LATE = "the cluster did not answer in time"
State = TypeVar("State")


class Cluster(Protocol):
    """Reads what a pod names, in its namespace; absence and trouble are values."""

    async def read_secret(self, namespace: str, name: str) -> SecretState:
        """Read a secret."""

    async def read_service_account(self, namespace: str, name: str) -> ServiceAccountState:
        """Read a service account."""

    async def read_node_images(self) -> NodeImages | None:
        """Read which images nodes report to have; None where nobody tells."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How old what is read may be, and until when it is waited for; both of the loop's clock."""

    not_before: float
    """What was known before this time is read again."""
    until: float


@dataclass(frozen=True, slots=True)
class Dated(Generic[State]):
    """What was read, and when that was asked for, by the loop's clock: it was true at that time or later."""

    state: State
    asked_at: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of what is remembered of the cluster."""

    seconds: float
    """How long; 0: not at all."""
    entries: int
    observe: Observe = ignore
    """Told of each lookup."""


class _Remembered(Generic[State]):
    """Objects of one kind by namespace and name: each is read once at a time, and what exists serves for a while."""

    def __init__(
        self,
        kind: Kind,
        read: Callable[[str, str], Coroutine[Any, Any, State]],
        size_bytes: Callable[[State], int | None],
        bounds: Bounds,
    ) -> None:
        """Take how to read one, and how large it is; None: it is not remembered."""
        self._kind: Kind = kind
        self._read = read
        self._size_bytes = size_bytes
        self._bounds = bounds
        self._known: Memory[tuple[str, str], Dated[State]] = Memory(entries=bounds.entries)
        self._flights: Flights[tuple[str, str], Dated[State]] = Flights()

    async def read(self, namespace: str, name: str, limits: Limits) -> Dated[State]:
        """Give an object as it was at some time within the limits; TimeoutError when that took too long."""
        key = (namespace, name)
        found = self._known.recall(key, asyncio.get_running_loop().time(), not_before=limits.not_before)
        self._bounds.observe(self._kind, found is not None)
        async with asyncio.timeout_at(limits.until):
            # A read that was under way already may be older than is wanted.
            while found is None or found.asked_at < limits.not_before:
                found = await self._flights.join(key, lambda: self._ask(key))
        return found

    async def _ask(self, key: tuple[str, str]) -> Dated[State]:
        asked_at = asyncio.get_running_loop().time()
        state = await self._read(*key)
        found = Dated(state, asked_at)
        size_bytes = self._size_bytes(state)
        if size_bytes is None:
            self._known.forget(key)
        else:
            self._known.keep(key, found, now=asked_at, seconds=self._bounds.seconds, size_bytes=size_bytes)
        return found


class KeychainReader:
    """Reads keychains. What exists is remembered for a while; what does not may come at any moment."""

    def __init__(self, cluster: Cluster, bounds: Bounds, node_entries: Entries | None = None) -> None:
        """Take where to read.

        Args:
            cluster: Reads secrets and service accounts.
            bounds: Of what is remembered.
            node_entries: The node's own docker config, if one is known.
        """
        self._node_entries = node_entries
        self._secrets = _Remembered[SecretState]("secrets", cluster.read_secret, _size_of_secret, bounds)
        self._accounts = _Remembered[ServiceAccountState](
            "accounts", cluster.read_service_account, _size_of_account, bounds
        )

    async def read(self, case: Case, limits: Limits) -> Dated[Keychain]:
        """Read what a pod names; by the limit it is known, or unreadable.

        Returns:
            The keychain, dated as its oldest part is.
        """
        account = await self._read_account(case, limits)
        listed = account.state.pull_secrets if isinstance(account.state, ServiceAccount) else ()
        names = merged(case.wanted, listed)
        readable, rest = names[:MAX_SECRETS], names[MAX_SECRETS:]
        distinct = dict.fromkeys(readable)
        found = await asyncio.gather(*(self._read_secret(case.namespace, name, limits) for name in distinct))
        by_name = {name: one.state for name, one in zip(distinct, found, strict=True)}
        unread = [UnreadableSecret(rest[0], TOO_MANY % (len(rest) - 1))] if rest else []
        keychain = assemble([*(by_name[name] for name in readable), *unread], self._node_entries, account.state)
        return Dated(keychain, min(account.asked_at, *(one.asked_at for one in found), float("inf")))

    async def _read_account(self, case: Case, limits: Limits) -> Dated[ServiceAccountState | None]:
        name = case.wanted.service_account
        if name is None:
            return Dated(None, float("inf"))
        try:
            found = await self._accounts.read(case.namespace, name, limits)
        except TimeoutError:
            return Dated(UnreadableServiceAccount(name, LATE), float("inf"))
        return Dated(found.state, found.asked_at)

    async def _read_secret(self, namespace: str, name: str, limits: Limits) -> Dated[SecretState]:
        try:
            return await self._secrets.read(namespace, name, limits)
        except TimeoutError:
            return Dated(UnreadableSecret(name, LATE), float("inf"))


def _size_of_secret(state: SecretState) -> int | None:
    """What it holds, and again what is read in it."""
    if not isinstance(state, PullSecret):
        return None
    logins = len(state.config.logins) if isinstance(state.config, Entries) else 0
    return 2 * sum(map(len, state.data.values())) + LOGIN_BYTES * logins


def _size_of_account(state: ServiceAccountState) -> int | None:
    if not isinstance(state, ServiceAccount):
        return None
    return sum(map(len, state.pull_secrets)) + NAME_BYTES * len(state.pull_secrets)


@dataclass(frozen=True, slots=True)
class Memories:
    """What is known for a while: the cluster's objects and nodes, and images that resolved."""

    keychains: KeychainReader
    node_images: Recent[NodeImages]
    conclusions: ConclusionMemory

    @classmethod
    def of(
        cls,
        cluster: Cluster,
        times: Times,
        *,
        entries: int,
        node_entries: Entries | None = None,
        observe: Observe = ignore,
    ) -> "Memories":
        """Make them all, empty.

        Args:
            cluster: Where secrets, service accounts and nodes are read.
            times: How long each serves.
            entries: How many each holds.
            node_entries: The node's own docker config, if one is known.
            observe: Told of each lookup.
        """
        bounds = Bounds(times.secrets_seconds, entries, observe)
        return cls(
            KeychainReader(cluster, bounds, node_entries),
            Recent(cluster.read_node_images, times.nodes_seconds, lambda is_hit: observe("nodes", is_hit)),
            ConclusionMemory(times, entries=entries, observe=observe),
        )
