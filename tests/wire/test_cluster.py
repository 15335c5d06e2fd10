"""Reading from a cluster: a real https server that gives an API server's answers, reached through a kubeconfig."""

import asyncio
import base64
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.wire.minting import Files, serving_files
from webhook.images.onnode import NodeImages
from webhook.keychain.dockerconfig import MAX_BYTES, OversizedSecret
from webhook.keychain.pullsecrets import (
    AbsentSecret,
    AbsentServiceAccount,
    PullSecret,
    SecretState,
    ServiceAccount,
    ServiceAccountState,
    UnreadableSecret,
    UnreadableServiceAccount,
)
from webhook.wire.cluster import (
    MAX_OBJECT_BYTES,
    MAX_THREADS,
    MAX_THREADS_OF_ONE,
    ClusterConfigurationError,
    KubernetesCluster,
    Observe,
)

KEY = ".dockerconfigjson"
READ = PullSecret("a", "kubernetes.io/dockerconfigjson", {KEY: b"{}"})
SECRET = {"apiVersion": "v1", "kind": "Secret", "type": READ.type, "data": {KEY: "e30=", "other": "dg=="}}
ACCOUNT = {"apiVersion": "v1", "kind": "ServiceAccount", "imagePullSecrets": [{"name": "x"}]}


def _status(code: int, reason: str) -> dict[str, object]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}


NOT_FOUND: tuple[int, bytes, dict[str, str]] = (404, json.dumps(_status(404, "NotFound")).encode(), {})


class APIServer(ThreadingHTTPServer):
    """Answers GETs by path; remembers what was asked and with which token."""

    daemon_threads = True

    def __init__(self, files: Files) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.answers: dict[str, tuple[int, bytes, dict[str, str]]] = {}
        self.asked: list[tuple[str, str]] = []
        self.delay_seconds = 0.0
        self.together: threading.Barrier | None = None
        """Answers only when so many have asked."""
        self.hung = "nobody"
        """What is asked below this path is answered only when the gate is open."""
        self.gate = threading.Event()
        self.drips = False
        """Sends a byte of the body now and then."""
        self.connections = 0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that do not trust us, or go away."""

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()

    def put(self, path: str, document: object, status: int = 200, **headers: str) -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        folder = "" if path.startswith("nodes?") else "namespaces/"
        self.answers[f"/api/v1/{folder}{path}"] = (status, body, headers)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: APIServer

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization", "")))
        time.sleep(self.server.delay_seconds)
        if self.server.together:
            self.server.together.wait()
        if self.path.startswith(self.server.hung):
            self.server.gate.wait(30)
        status, body, headers = self.server.answers.get(self.path, NOT_FOUND)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        pieces = (body[at : at + 1] for at in range(len(body))) if self.server.drips else [body]
        for piece in pieces:
            self.wfile.write(piece)
            time.sleep(0.01 if self.server.drips else 0)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return serving_files(tmp_path)


@pytest.fixture
def server(files: Files) -> Iterator[APIServer]:
    server = APIServer(files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


Make = Callable[..., KubernetesCluster]


def _kubeconfig(folder: Path, port: int, ca: bytes) -> str:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [
            {
                "name": "c",
                "cluster": {
                    "server": f"https://127.0.0.1:{port}",
                    "certificate-authority-data": base64.b64encode(ca).decode(),
                },
            }
        ],
        "users": [{"name": "u", "user": {"token": "canary"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(document))
    return str(path)


@pytest.fixture
def make(tmp_path: Path, server: APIServer, files: Files) -> Make:
    def make(*, timeout_seconds: float = 5.0, observe: Observe = lambda _resource, _outcome: None) -> KubernetesCluster:
        kubeconfig = _kubeconfig(tmp_path, server.server_port, files.ca.read_bytes())
        return KubernetesCluster(kubeconfig=kubeconfig, timeout_seconds=timeout_seconds, observe=observe)

    return make


def _secret(cluster: KubernetesCluster, name: str = "a", namespace: str = "team") -> SecretState:
    async def read() -> SecretState:
        async with cluster:
            return await cluster.read_secret(namespace, name)

    return asyncio.run(read())


def _account(cluster: KubernetesCluster, name: str = "a") -> ServiceAccountState:
    async def read() -> ServiceAccountState:
        async with cluster:
            return await cluster.read_service_account("team", name)

    return asyncio.run(read())


def test_a_secret_is_read_by_name_with_the_login(make: Make, server: APIServer) -> None:
    server.put("team/secrets/a", SECRET)
    assert _secret(make()) == READ
    assert server.asked == [("/api/v1/namespaces/team/secrets/a", "Bearer canary")]


def test_a_service_account_is_read_by_name(make: Make, server: APIServer) -> None:
    server.put("team/serviceaccounts/a", ACCOUNT)
    assert _account(make()) == ServiceAccount("a", ("x",))


def test_what_is_not_there_is_absent(make: Make) -> None:
    assert _secret(make()) == AbsentSecret("a")
    assert _account(make()) == AbsentServiceAccount("a")


@pytest.mark.parametrize(
    ("status", "document", "reason"),
    [
        (403, _status(403, "Forbidden"), "the webhook may not read it (RBAC)"),
        (401, _status(401, "Unauthorized"), "the API server does not accept the webhook's login"),
        (429, _status(429, "TooManyRequests"), "the API server answered 429"),
        (500, _status(500, "InternalError"), "the API server answered 500"),
        (503, b"<html>", "the API server answered 503"),
        (404, b"<html>hunter2", "the answer is not one of an API server"),
        (200, b"<html>hunter2", "the answer is not one of an API server"),
        (200, b"[]", "the answer is not one of an API server"),
        (200, b"[" * 100_000, "the answer is not one of an API server"),
        (200, {"kind": "Table"}, "the answer is not one of an API server"),
        (200, {**SECRET, "x": "x" * MAX_OBJECT_BYTES}, "the answer is not one of an API server"),
        (200, {**SECRET, "data": {"k": "!"}}, "a value of data is not base64 (at byte 0)"),
    ],
)
def test_every_other_answer_is_unreadable_in_our_words(
    make: Make, server: APIServer, status: int, document: object, reason: str
) -> None:
    server.put("team/secrets/a", document, status)
    assert _secret(make()) == UnreadableSecret("a", reason)
    assert len(server.asked) == 1


def test_an_account_that_may_not_be_read_is_unreadable(make: Make, server: APIServer) -> None:
    server.put("team/serviceaccounts/a", _status(403, "Forbidden"), 403)
    assert _account(make()) == UnreadableServiceAccount("a", "the webhook may not read it (RBAC)")


def test_a_redirect_is_not_followed(make: Make, server: APIServer) -> None:
    server.put("team/secrets/a", b"", 302, Location="/api/v1/namespaces/team/secrets/b")
    server.put("team/secrets/b", SECRET)
    assert _secret(make()) == UnreadableSecret("a", "the API server answered 302")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("team", "../b"),
        ("team", "a/b"),
        ("team", "A"),
        ("team", ""),
        ("team", "a?b"),
        ("..", "a"),
        ("", "a"),
        ("team", "a" * 254),
    ],
)
def test_nobody_is_asked_for_a_name_that_cannot_be_one(
    make: Make, server: APIServer, namespace: str, name: str
) -> None:
    assert _secret(make(), name, namespace) == AbsentSecret(name)
    assert server.asked == []


def test_a_silent_server_is_unreadable_in_time(make: Make, server: APIServer) -> None:
    server.delay_seconds = 3.0
    began_at = time.monotonic()
    assert _secret(make(timeout_seconds=0.2)) == UnreadableSecret("a", "the API server did not answer in time")
    assert time.monotonic() - began_at < 2.5
    assert len(server.asked) == 1


def test_a_server_that_is_not_there_is_unreadable(make: Make, server: APIServer) -> None:
    server.shutdown()
    server.server_close()
    assert _secret(make()) == UnreadableSecret("a", "the API server cannot be reached")


def test_a_certificate_of_somebody_else_is_unreadable(tmp_path: Path, server: APIServer) -> None:
    (tmp_path / "other").mkdir()
    other = serving_files(tmp_path / "other").ca.read_bytes()
    cluster = KubernetesCluster(kubeconfig=_kubeconfig(tmp_path, server.server_port, other))
    assert _secret(cluster) == UnreadableSecret("a", "the API server's certificate cannot be verified")
    assert server.asked == []


def test_a_login_that_cannot_be_renewed_is_unreadable(make: Make, server: APIServer) -> None:
    cluster = make()

    def fail(_: object) -> None:
        raise ValueError("hunter2")

    cluster._client.configuration.refresh_api_key_hook = fail
    assert _secret(cluster) == UnreadableSecret("a", "the login for the API server cannot be obtained")
    assert server.asked == []


def test_connections_are_kept(make: Make, server: APIServer) -> None:
    server.put("team/secrets/a", SECRET)

    async def read() -> None:
        async with make() as cluster:
            for _ in range(5):
                await cluster.read_secret("team", "a")
                await cluster.read_secret("team", "b")

    asyncio.run(read())
    assert (len(server.asked), server.connections) == (10, 1)


def test_reads_go_side_by_side(make: Make, server: APIServer) -> None:
    server.together = threading.Barrier(MAX_THREADS, timeout=10)

    async def read() -> None:
        async with make() as cluster:
            names = [f"a{number}" for number in range(MAX_THREADS_OF_ONE)]
            await asyncio.gather(*(cluster.read_secret(team, name) for team in ("one", "two") for name in names))

    asyncio.run(read())
    assert len(server.asked) == MAX_THREADS
    assert not server.together.broken, "nobody is answered before all have asked"


def test_a_namespace_that_asks_for_much_holds_up_no_other(make: Make, server: APIServer) -> None:
    server.hung = "/api/v1/namespaces/noisy/"
    server.put("quiet/secrets/a", SECRET)

    async def read() -> list[SecretState]:
        async with make(timeout_seconds=20) as cluster:
            noisy = [asyncio.create_task(cluster.read_secret("noisy", f"a{number}")) for number in range(1000)]
            await asyncio.sleep(0)
            quiet = [await cluster.read_secret("quiet", "a") for _ in range(3)]
            for task in noisy:
                task.cancel()
            server.gate.set()
            await asyncio.wait(noisy)
            return quiet

    assert asyncio.run(read()) == [READ] * 3
    assert sum(path.startswith(server.hung) for path, _ in server.asked) <= MAX_THREADS_OF_ONE


def test_what_was_given_up_keeps_its_thread_and_nothing_queues_behind_it(make: Make, server: APIServer) -> None:
    server.hung = "/api/v1/namespaces/"
    server.put("c/secrets/a", SECRET)

    async def ask(cluster: KubernetesCluster, *namespaces: str) -> None:
        """Ask, and give up when all that can be under way are."""
        reads = [cluster.read_secret(namespace, f"a{number}") for namespace in namespaces for number in range(10)]
        tasks = [asyncio.create_task(read) for read in reads]
        async with asyncio.timeout(10):
            await asyncio.sleep(0.01)
            while len(server.asked) < MAX_THREADS:  # noqa: ASYNC110 (it is other threads that ask)
                await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    async def read() -> tuple[int, int, SecretState]:
        async with make(timeout_seconds=20) as cluster:
            await ask(cluster, "a", "b")
            await ask(cluster, "c", "d")
            queued, asked = cluster._threads._work_queue.qsize(), len(server.asked)
            server.gate.set()
            return queued, asked, await cluster.read_secret("c", "a")

    assert asyncio.run(read()) == (0, MAX_THREADS, READ)


@pytest.mark.parametrize(
    ("status", "document", "images", "outcome"),
    [
        (200, {"items": [{"status": {"images": [{"names": ["a:1"]}]}}]}, ["docker.io/library/a:1"], "found"),
        (200, {"items": []}, [], "found"),
        (200, b"<html>", None, "failed"),
        (403, _status(403, "Forbidden"), None, "forbidden"),
    ],
)
def test_what_nodes_have_is_read_when_they_may_be_listed(
    make: Make, server: APIServer, status: int, document: object, images: list[str] | None, outcome: str
) -> None:
    seen: list[tuple[str, str]] = []
    server.put("nodes?resourceVersion=0", document, status)

    async def read() -> NodeImages | None:
        async with make(observe=lambda *outcome: seen.append(outcome)) as cluster:
            found = await cluster.read_node_images()
            assert not len(cluster._slots)
            return found

    assert asyncio.run(read()) == (None if images is None else NodeImages(tagged=frozenset(images)))
    assert seen == [("nodes", outcome)]


def test_a_body_that_drips_does_not_keep_its_thread(make: Make, server: APIServer) -> None:
    """Each byte comes in time, and the last one in a minute."""
    server.drips = True
    server.put("team/secrets/a", {**SECRET, "x": "x" * 6000})

    async def read() -> SecretState:
        async with make(timeout_seconds=0.2) as cluster:
            state = await cluster.read_secret("team", "a")
            async with asyncio.timeout(20):
                while len(cluster._slots):  # noqa: ASYNC110 (nobody is told when a thread ends)
                    await asyncio.sleep(0.01)
            return state

    assert asyncio.run(read()) == UnreadableSecret("a", "the API server did not answer in time")


def test_large_secrets_are_read_in_threads_and_no_more_than_counts_is_kept(make: Make, server: APIServer) -> None:
    logins = ",".join(f'"{number}":null' for number in range(50_000))
    body = base64.b64encode(f'{{"auths":{{{logins}}}}}'.encode()).decode()
    for name in ("a", "b", "c"):
        server.put(f"team/secrets/{name}", {**SECRET, "data": {KEY: body, "other": body}})

    async def read() -> list[SecretState]:
        async with make() as cluster:
            return await asyncio.gather(*(cluster.read_secret("team", name) for name in ("a", "b", "c")))

    for name, state in zip(("a", "b", "c"), asyncio.run(read()), strict=True):
        assert isinstance(state, PullSecret)
        assert vars(state)["config"] == OversizedSecret(name), "it was read in the thread"
        assert {key: len(value) for key, value in state.data.items()} == {KEY: MAX_BYTES + 1}


def test_each_read_is_observed_once(make: Make, server: APIServer) -> None:
    seen: list[tuple[str, str]] = []
    server.put("team/secrets/found", SECRET)
    server.put("team/secrets/forbidden", _status(403, "Forbidden"), 403)
    server.put("team/secrets/failed", b"", 500)

    async def read() -> None:
        async with make(timeout_seconds=0.5, observe=lambda *outcome: seen.append(outcome)) as cluster:
            for name in ("found", "absent", "forbidden", "failed", "INVALID"):
                await cluster.read_secret("team", name)
            server.delay_seconds = 0.9
            await cluster.read_service_account("team", "silent")

    asyncio.run(read())
    assert seen == [
        ("secrets", "found"),
        ("secrets", "absent"),
        ("secrets", "forbidden"),
        ("secrets", "failed"),
        ("serviceaccounts", "silent"),
    ]


@pytest.mark.parametrize(
    "content", [None, "", "hunter2: [", "{}", "hunter2", '{"current-context": "c", "contexts": []}']
)
def test_without_a_cluster_there_is_a_clear_line(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ClusterConfigurationError) as caught:
        KubernetesCluster(kubeconfig=str(path))
    assert str(caught.value) == (
        "cluster: there is no pod's service account here and no usable kubeconfig "
        "(KUBECONFIG, else ~/.kube/config); `cluster: none` does without a cluster"
    )


def test_the_api_server_is_known_by_its_address(make: Make, server: APIServer) -> None:
    cluster = make()
    assert cluster.host == f"https://127.0.0.1:{server.server_port}"
    asyncio.run(cluster.close())
