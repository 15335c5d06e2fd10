"""Secrets, service accounts and node images of the real cluster; the only importer of `kubernetes`."""

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Generic, Literal, Self, TypeVar, TypeVarTuple
from weakref import WeakSet

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException, load_incluster_config, load_kube_config

from webhook import __version__
from webhook.fairness import FairSlots
from webhook.images.onnode import NodeImages, parse_nodes
from webhook.keychain import objects, pullsecrets
from webhook.keychain.pullsecrets import (
    AbsentSecret,
    AbsentServiceAccount,
    PullSecret,
    SecretState,
    ServiceAccountState,
    UnreadableSecret,
    UnreadableServiceAccount,
)
from webhook.wire.cutting import Cutter, make_cuttable

DEFAULT_TIMEOUT_SECONDS = 2.0
"""For one read, connecting included: the API server answers a get by name within milliseconds, and a review waits."""
MAX_THREADS = 8
"""Reads at once. The client is synchronous, each read takes a thread; more of them would only queue there."""
MAX_THREADS_OF_ONE = 4
"""Of them for one namespace: a pod that names 1,000 pull secrets leaves the other half to everybody else."""
MAX_OBJECT_BYTES = 4 * 1024 * 1024
"""Of one answer: etcd holds objects up to 1.5 MiB, base64 of a Secret included."""
_HEADERS = {"Accept": "application/json", "User-Agent": f"pullcheck/{__version__}"}
MAX_NODES_BYTES = 64 * 1024 * 1024
"""Of the list of nodes; one node is some 15 KiB, so this holds a cluster of 4,000."""
_NODES = "/api/v1/nodes?resourceVersion=0"
"""From the API server's own memory: a few seconds old, and no load on etcd."""
Resource = Literal["secrets", "serviceaccounts", "nodes"]
Outcome = Literal["found", "absent", "forbidden", "failed", "silent"]
"""The labels of `pullcheck_cluster_requests_total`."""
Observe = Callable[[Resource, Outcome], None]
Arguments = TypeVarTuple("Arguments")
Value = TypeVar("Value")
State = TypeVar("State")


class ClusterConfigurationError(Exception):
    """There is neither a service account of a pod nor a kubeconfig; the text is one line for the operator."""


@dataclass(frozen=True, slots=True)
class _Found(Generic[State]):
    state: State


@dataclass(frozen=True, slots=True)
class _Absent:
    pass


@dataclass(frozen=True, slots=True)
class _Unreadable:
    reason: str
    outcome: Outcome


_Answer = _Found[State] | _Absent | _Unreadable
_Understand = Callable[[int, bytes], _Answer[State]]
"""Says what a status and a body mean."""
_SILENT = _Unreadable("the API server did not answer in time", "silent")
_UNREACHABLE = _Unreadable("the API server cannot be reached", "failed")
_UNTRUSTED = _Unreadable("the API server's certificate cannot be verified", "failed")
_NO_LOGIN = _Unreadable("the login for the API server cannot be obtained", "failed")
_STRANGE = _Unreadable("the answer is not one of an API server", "failed")
_REFUSALS = {
    401: _Unreadable("the API server does not accept the webhook's login", "forbidden"),
    403: _Unreadable("the webhook may not read it (RBAC)", "forbidden"),
}
_GRACE_SECONDS = 1.0
"""The client's own timeouts are longer by this much, so that it is the read's that ends it and names the cause."""
_NOBODY = ""
"""Asks for the nodes; no namespace has this name."""


class KubernetesCluster:
    """Reads by name, each bounded in time, none repeated; what goes wrong is a value, never an exception.

    Namespaces take turns at the threads. A read waits for its turn no longer than for its answer.

    Attributes:
        host: The API server's address, `https://10.96.0.1:443`.
    """

    def __init__(
        self,
        *,
        kubeconfig: str | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        observe: Observe = lambda _resource, _outcome: None,
    ) -> None:
        """Find out how to reach the cluster; nothing is asked yet.

        Args:
            kubeconfig: The file for where there is no pod's service account; None: KUBECONFIG, else `~/.kube/config`.
            timeout_seconds: For one read.
            observe: Told the outcome of each read.

        Raises:
            ClusterConfigurationError: When there is neither.
        """
        configuration = _configure(kubeconfig)
        self.host: str = configuration.host
        self._client = ApiClient(configuration)
        make_cuttable(self._client.rest_client.pool_manager)
        self._cutters = WeakSet[Cutter]()
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="cluster")
        self._slots = FairSlots(MAX_THREADS, most_of_one=MAX_THREADS_OF_ONE)
        self._parsing = threading.Lock()  # The event loop waits 5 ms for each thread that works in Python.
        self._timeout_seconds = timeout_seconds
        self._observe = observe

    async def __aenter__(self) -> Self:
        """Give itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close what is open."""
        await self.close()

    async def close(self) -> None:
        """Drop the connections; reads under way are cut, since the process waits for their threads when it ends."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for cutter in list(self._cutters):
            cutter.cut()
        self._client.close()  # type: ignore[no-untyped-call]

    async def read_secret(self, namespace: str, name: str) -> SecretState:
        """Read one Secret."""
        match await self._read("secrets", namespace, name, _parse_secret):
            case _Found(state):
                return state
            case _Absent():
                return AbsentSecret(name)
            case _Unreadable(reason):
                return UnreadableSecret(name, reason)

    async def read_service_account(self, namespace: str, name: str) -> ServiceAccountState:
        """Read one ServiceAccount."""
        match await self._read("serviceaccounts", namespace, name, objects.parse_service_account):
            case _Found(state):
                return state
            case _Absent():
                return AbsentServiceAccount(name)
            case _Unreadable(reason):
                return UnreadableServiceAccount(name, reason)

    async def _read(
        self, resource: Resource, namespace: str, name: str, parse: Callable[[str, Mapping[str, object]], State]
    ) -> _Answer[State]:
        """Read one object, unless its name cannot be one: then it is absent, and nobody is asked."""
        if not (pullsecrets.is_object_name(namespace) and pullsecrets.is_object_name(name)):
            return _Absent()
        path = f"/api/v1/namespaces/{namespace}/{resource}/{name}"

        def understand(status: int, body: bytes) -> _Answer[State]:
            with self._parsing:
                return _judge(status, body, partial(parse, name))

        answer = await self._get(namespace, path, MAX_OBJECT_BYTES, understand)
        self._observe(resource, _outcome(answer))
        return answer

    async def read_node_images(self) -> NodeImages | None:
        """Read which images nodes report to have; None where the API server does not tell."""
        answer = await self._get(_NOBODY, _NODES, MAX_NODES_BYTES, _judge_nodes)
        self._observe("nodes", _outcome(answer))
        return answer.state if isinstance(answer, _Found) else None

    async def _get(self, asker: str, path: str, limit_bytes: int, understand: _Understand[State]) -> _Answer[State]:
        """Ask the API server, in a thread that is cut at the timeout, also when nobody waits for it any more."""
        cutter = Cutter()
        self._cutters.add(cutter)
        cutting = asyncio.get_running_loop().call_later(self._timeout_seconds, cutter.cut)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answer = await self._run(asker, self._send, cutter, path, limit_bytes, understand)
        except TimeoutError:
            return _SILENT
        cutting.cancel()
        return _SILENT if cutter.is_cut else answer

    async def _run(self, asker: str, function: Callable[[*Arguments], Value], *args: *Arguments) -> Value:
        """Run a function in a thread when it is the asker's turn."""
        await self._slots.acquire(asker)
        running = asyncio.get_running_loop().run_in_executor(self._threads, function, *args)
        # The slot is free when the thread is, not when who asked gave up: else reads would queue behind hung ones.
        running.add_done_callback(lambda _: self._slots.release(asker))
        return await asyncio.shield(running)

    def _send(self, cutter: Cutter, path: str, limit_bytes: int, understand: _Understand[State]) -> _Answer[State]:
        try:
            method, url, headers, _, _ = self._client.param_serialize(
                "GET", path, header_params=dict(_HEADERS), auth_settings=["BearerToken"]
            )
        except Exception:  # noqa: BLE001 (login plugins and token files raise what they like)
            return _NO_LOGIN
        try:
            with cutter:
                response = self._exchange(method, url, headers, limit_bytes)
        except ApiException:
            return _UNTRUSTED
        except Exception:  # noqa: BLE001 (the client lets its transport's exceptions through)
            return _UNREACHABLE
        return understand(*response)

    def _exchange(self, method: str, url: str, headers: dict[str, str], limit_bytes: int) -> tuple[int, bytes]:
        """Send one request and read its answer, up to a byte more than the limit; redirects are not followed."""
        timeout_seconds = self._timeout_seconds + _GRACE_SECONDS
        response = self._client.call_api(method, url, headers, _request_timeout=timeout_seconds).response
        try:
            return response.status, response.read(limit_bytes + 1)
        finally:
            response.close()


def _configure(kubeconfig: str | None) -> Configuration:
    """Take a pod's service account if there is one, else the kubeconfig."""
    configuration = Configuration()
    try:
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except (ConfigException, OSError):
        _load_kubeconfig(kubeconfig, configuration)
    configuration.retries = False
    configuration.connection_pool_maxsize = MAX_THREADS
    return configuration


def _load_kubeconfig(path: str | None, configuration: Configuration) -> None:
    try:
        load_kube_config(  # type: ignore[no-untyped-call]
            config_file=path, client_configuration=configuration, persist_config=False
        )
    except Exception:  # noqa: BLE001 (its YAML errors would show what stands in the file)
        raise ClusterConfigurationError(
            "cluster: there is no pod's service account here and no usable kubeconfig "
            "(KUBECONFIG, else ~/.kube/config); `cluster: none` does without a cluster"
        ) from None


def _judge(status: int, body: bytes, parse: Callable[[Mapping[str, object]], State]) -> _Answer[State]:
    """Say what an answer means. Only a Status of the API server's own makes an object absent."""
    document = _parse(body)
    match status, document.get("kind"):
        case 200, "Secret" | "ServiceAccount":
            return _Found(parse(document))
        case 404, "Status":
            return _Absent()
        case 200 | 404, _:
            return _STRANGE
        case _:
            return _REFUSALS.get(status, _Unreadable(f"the API server answered {status}", "failed"))


def _judge_nodes(status: int, body: bytes) -> _Answer[NodeImages]:
    images = parse_nodes(body) if status == 200 else None
    return _REFUSALS.get(status, _STRANGE) if images is None else _Found(images)


def _parse_secret(name: str, document: Mapping[str, object]) -> SecretState:
    secret = objects.parse_secret(name, document)
    return secret.reduced() if isinstance(secret, PullSecret) else secret


def _parse(body: bytes) -> Mapping[str, object]:
    if len(body) > MAX_OBJECT_BYTES:
        return {}
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _outcome(answer: _Answer[State]) -> Outcome:
    match answer:
        case _Found():
            return "found"
        case _Absent():
            return "absent"
        case _Unreadable(outcome=outcome):
            return outcome
