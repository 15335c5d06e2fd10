"""Our registry answers as the real one does, on the questions where the real one's answers are known."""

import base64
import contextlib
import http.client
import json
import ssl
import time
from collections.abc import Iterator

import pytest

from tests.fakes import images
from tests.fakes.certificates import Authority, Pair
from tests.fakes.pushing import Pusher
from tests.fakes.registry import FakeRegistry
from tests.fakes.signing import signed_by
from tests.fakes.tokens import Grant, TokenListener, TokenServer
from tests.servers.docker_registry import (
    BASIC,
    PASSWORD,
    USERNAME,
    DockerRegistry,
    docker_registry,
    htpasswd,
    is_installed,
    token,
)

ACCEPT = ", ".join((images.DOCKER_MANIFEST, images.DOCKER_LIST, images.OCI_MANIFEST, images.OCI_INDEX, "*/*"))
ABSENT_DIGEST = "sha256:" + "0" * 64
SERVICE = "registry.test"
Login = tuple[str, str]
STORED = {
    "team/app:1": images.single("app"),
    "team/app:list": images.index("listed", docker=True),
    "team/app:index": images.index("indexed"),
    "team/app:docker": images.single("docker", docker=True),
    "team/chart:1": images.artifact(),
}
PATHS = (
    *(f"/v2/{name.replace(':', '/manifests/')}" for name in STORED),
    f"/v2/team/app/manifests/{STORED['team/app:index'].children[1].digest}",
    "/v2/team/app/manifests/absent",
    "/v2/team/absent/manifests/1",
    f"/v2/team/app/manifests/{ABSENT_DIGEST}",
    "/v2/team/App/manifests/1",
    "/v2/team/app/manifests/.dot",
    "/v2/team/absent/tags/list",
    "/v2/",
    "/elsewhere",
)
KEPT_HEADERS = ("Content-Type", "Content-Length", "Docker-Content-Digest", "Www-Authenticate", "Location", "Etag")
needs_docker_registry = pytest.mark.skipif(
    not is_installed(), reason="docker-registry is not on the PATH: apt-get install docker-registry"
)


def ask(
    address: str, method: str, path: str, headers: dict[str, str], tls: ssl.SSLContext | None = None
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = (
        http.client.HTTPSConnection(address, timeout=10, context=tls)
        if tls
        else http.client.HTTPConnection(address, timeout=10)
    )
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read(), response.headers


def comparable(address: str, method: str, path: str, headers: dict[str, str]) -> tuple[object, ...]:
    """An answer without what differs between any two servers: the date, the address."""
    status, body, found = ask(address, method, path, headers)
    kept = {name: found.get(name, "").replace(address, "ADDRESS") for name in KEPT_HEADERS}
    return status, kept, json.loads(body) if body.startswith(b"{") else body


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return Authority(tmp_path_factory.mktemp("certificates")).issue("127.0.0.1")


@pytest.fixture(scope="module")
def real_open(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with docker_registry(tmp_path_factory.mktemp("open")) as registry:
        for name, image in STORED.items():
            Pusher(url=registry.url).push(name, image)
        yield registry


@pytest.fixture(scope="module")
def real_htpasswd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    folder = tmp_path_factory.mktemp("htpasswd")
    with docker_registry(folder, auth=htpasswd(folder)) as registry:
        for name, image in STORED.items():
            Pusher(url=registry.url, authorization=BASIC).push(name, image)
        yield registry


def fill(registry: FakeRegistry) -> FakeRegistry:
    for name, image in STORED.items():
        registry.add(name, image)
    return registry


@pytest.fixture(scope="module")
def fake_open() -> Iterator[FakeRegistry]:
    with fill(FakeRegistry()) as registry:
        yield registry


@pytest.fixture(scope="module")
def fake_basic() -> Iterator[FakeRegistry]:
    with fill(FakeRegistry(basic={USERNAME: PASSWORD})) as registry:
        yield registry


@needs_docker_registry
@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("path", PATHS)
def test_an_open_registry_answers_as_the_real_one(
    real_open: DockerRegistry, fake_open: FakeRegistry, path: str, method: str
) -> None:
    headers = {"Accept": ACCEPT}
    assert comparable(fake_open.address, method, path, headers) == comparable(real_open.address, method, path, headers)


@needs_docker_registry
@pytest.mark.parametrize("name", STORED)
def test_a_registry_hides_what_the_accept_header_does_not_name_as_the_real_one(
    real_open: DockerRegistry, fake_open: FakeRegistry, name: str
) -> None:
    path = f"/v2/{name.replace(':', '/manifests/')}"
    real, fake = (ask(address, "GET", path, {"Accept": "*/*"}) for address in (real_open.address, fake_open.address))
    assert fake[0] == real[0]
    assert json.loads(fake[1]).get("errors", [{}])[0].get("code") == json.loads(real[1]).get("errors", [{}])[0].get(
        "code"
    )


@needs_docker_registry
@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("authorization", ["", BASIC, "Basic dGVhbTp3cm9uZw==", "Basic !", "Bearer abc"])
@pytest.mark.parametrize("path", PATHS)
def test_a_basic_registry_answers_as_the_real_one(
    real_htpasswd: DockerRegistry, fake_basic: FakeRegistry, path: str, authorization: str, method: str
) -> None:
    headers = {"Accept": ACCEPT, **({"Authorization": authorization} if authorization else {})}
    fake, real = (comparable(address, method, path, headers) for address in (fake_basic.address, real_htpasswd.address))
    assert fake == real


@pytest.fixture(scope="module")
def token_server(pair: Pair) -> Iterator[TokenListener]:
    """A token server on a port of its own, for both the real registry and ours."""
    tokens = TokenServer(
        accounts={USERNAME: PASSWORD, "guest": "guest"},
        private={"guest": frozenset()},
        service=SERVICE,
        mint=signed_by(pair, issuer="tests", service=SERVICE),
    )
    with TokenListener(tokens) as listener:
        yield listener


@pytest.fixture(scope="module")
def real_token(tmp_path_factory: pytest.TempPathFactory, token_server: TokenListener, pair: Pair) -> Iterator[str]:
    realm = f"{token_server.url}/token"
    auth = token(realm=realm, service=SERVICE, issuer="tests", bundle=pair.certificate)
    grant = Grant(USERNAME, {name.partition(":")[0]: "pull,push" for name in STORED}, time.time() + 60)
    pushing = token_server.tokens.mint(grant)
    with docker_registry(tmp_path_factory.mktemp("token"), auth=auth) as registry:
        for name, image in STORED.items():
            Pusher(url=registry.url, authorization=f"Bearer {pushing}").push(name, image)
        yield registry.address


@pytest.fixture(scope="module")
def fake_token(token_server: TokenListener) -> Iterator[str]:
    with fill(FakeRegistry(tokens=token_server.tokens, realm=f"{token_server.url}/token")) as registry:
        yield registry.address


def token_of(server: TokenListener, login: Login | None, repository: str) -> str:
    encoded = base64.b64encode(":".join(login).encode()).decode() if login else ""
    headers = {"Authorization": f"Basic {encoded}"} if login else {}
    target = f"/token?service={SERVICE}&scope=repository:{repository}:pull"
    return str(json.loads(ask(server.address, "GET", target, headers)[1])["token"])


@needs_docker_registry
@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("login", [(USERNAME, PASSWORD), ("guest", "guest"), None])
@pytest.mark.parametrize("path", PATHS)
def test_a_token_registry_answers_a_token_as_the_real_one(
    real_token: str, fake_token: str, *, token_server: TokenListener, path: str, login: Login | None, method: str
) -> None:
    repository = "team/absent" if "absent/" in path else "team/chart" if "chart" in path else "team/app"
    headers = {"Accept": ACCEPT, "Authorization": f"Bearer {token_of(token_server, login, repository)}"}
    assert comparable(fake_token, method, path, headers) == comparable(real_token, method, path, headers)


@needs_docker_registry
@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("authorization", ["", "Bearer abc", BASIC])
@pytest.mark.parametrize("path", PATHS)
def test_a_token_registry_challenges_as_the_real_one(
    real_token: str, fake_token: str, path: str, authorization: str, method: str
) -> None:
    headers = {"Accept": ACCEPT, **({"Authorization": authorization} if authorization else {})}
    assert comparable(fake_token, method, path, headers) == comparable(real_token, method, path, headers)


@needs_docker_registry
def test_the_real_registry_names_its_requests(real_open: DockerRegistry) -> None:
    before = len(real_open.requests())
    ask(real_open.address, "HEAD", "/v2/team/app/manifests/counted", {})
    assert real_open.requests()[before:] == [("HEAD", "/v2/team/app/manifests/counted", 404)]
