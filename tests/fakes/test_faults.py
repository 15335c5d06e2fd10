"""The fakes do what honest servers will not, and remember what they were sent."""

import base64
import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.fakes import images
from tests.fakes.certificates import Authority, Pair
from tests.fakes.exchange import Fault, Request, Response
from tests.fakes.proxy import Proxy
from tests.fakes.registry import FakeRegistry, docker_hub
from tests.fakes.tokens import TokenServer

CANARY = "canary/+ü&=7"
MANIFEST = "/v2/team/app/manifests/1"


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry(tokens=TokenServer(accounts={"team": CANARY})) as registry:
        registry.add("team/app:1", images.index())
        yield registry


def ask(
    registry: FakeRegistry, method: str, target: str, headers: dict[str, str] | None = None, body: str = ""
) -> tuple[int, bytes]:
    with contextlib.closing(http.client.HTTPConnection(registry.address, timeout=10)) as connection:
        connection.request(method, target, body.encode(), headers or {})
        response = connection.getresponse()
        return response.status, response.read()


def test_a_fault_replaces_the_answer_on_its_path_and_method_only(registry: FakeRegistry) -> None:
    registry.faults.append(Fault(path="/v2/team/", method="HEAD", response=Response(503, (("Retry-After", "1"),))))
    assert ask(registry, "HEAD", MANIFEST)[0] == 503
    assert ask(registry, "GET", MANIFEST)[0] == 401
    assert ask(registry, "HEAD", "/v2/other/manifests/1")[0] == 401


def test_a_fault_delays_the_honest_answer(registry: FakeRegistry) -> None:
    registry.faults.append(Fault(delay_seconds=0.2))
    begun = time.monotonic()
    assert ask(registry, "GET", MANIFEST)[0] == 401
    assert time.monotonic() - begun >= 0.2


def test_a_fault_drips_the_answer_byte_by_byte(registry: FakeRegistry) -> None:
    registry.faults.append(Fault(response=Response(200, (), b"slow"), drip_seconds=0.002))
    begun = time.monotonic()
    assert ask(registry, "GET", MANIFEST) == (200, b"slow")
    assert time.monotonic() - begun >= 0.1


def test_a_fault_drops_the_connection(registry: FakeRegistry) -> None:
    registry.faults.append(Fault(is_dropped=True))
    with pytest.raises(http.client.RemoteDisconnected):
        ask(registry, "GET", MANIFEST)
    assert [request.path for request in registry.requests] == [MANIFEST]
    assert not registry.counts()


def test_a_stopped_registry_refuses_connections(registry: FakeRegistry) -> None:
    registry.stop()
    with pytest.raises(ConnectionRefusedError):
        ask(registry, "GET", MANIFEST)


def test_a_port_that_is_taken_is_told(registry: FakeRegistry) -> None:
    with pytest.raises(OSError, match="in use"):
        FakeRegistry(port=registry.port).start()


def test_requests_are_served_over_tls(pair: Pair) -> None:
    with FakeRegistry(tls=pair.server_context()) as registry:
        connection = http.client.HTTPSConnection(registry.address, timeout=10, context=pair.client_context())
        with contextlib.closing(connection):
            connection.request("GET", "/v2/")
            assert connection.getresponse().status == 200
        assert registry.url.startswith("https://127.0.0.1:")
        assert registry.requests[0].is_secure


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return Authority(tmp_path_factory.mktemp("certificates")).issue("127.0.0.1")


@pytest.mark.parametrize(
    ("target", "headers", "body"),
    [
        ("/token?password=" + quote(CANARY), {}, ""),
        ("/token", {"Authorization": "Basic " + base64.b64encode(f"team:{CANARY}".encode()).decode()}, ""),
        ("/token", {"Authorization": "Basic " + base64.b64encode(f"t:{CANARY}".encode()).decode()}, ""),
        ("/token", {"X-Other": quote(CANARY, safe="")}, ""),
        ("/token", {}, "grant_type=password&username=team&password=" + quote(CANARY, safe="")),
        ("/token", {}, json.dumps({"auth": base64.urlsafe_b64encode(f"x{CANARY}".encode()).decode()})),
    ],
)
def test_a_secret_is_found_wherever_it_travels(
    registry: FakeRegistry, target: str, headers: dict[str, str], body: str
) -> None:
    ask(registry, "POST", target, headers, body)
    assert registry.carried(CANARY) == registry.requests
    assert not registry.carried("another secret")


def test_a_record_shows_who_asked_and_hides_what_was_sent(registry: FakeRegistry) -> None:
    encoded = base64.b64encode(f"team:{CANARY}".encode()).decode()
    ask(registry, "GET", "/token?service=s", {"Authorization": f"Basic {encoded}"})
    request = registry.requests[0]
    assert (request.authorization_kind, request.user, request.host) == ("basic", "team", registry.address)
    assert encoded not in repr(request)


@pytest.mark.parametrize(
    ("authorization", "kind"), [("", "none"), ("Bearer x", "bearer"), ("Negotiate x", "other"), ("Basic !", "basic")]
)
def test_the_kind_of_an_authorization_is_its_scheme(authorization: str, kind: str) -> None:
    request = Request("GET", "/", 1, is_secure=False, headers=(("authorization", authorization),))
    assert (request.authorization_kind, request.login) == (kind, None)


def token(registry: FakeRegistry, password: str, method: str = "POST") -> tuple[int, str]:
    fields = "service=registry.test&scope=repository:team/app:pull"
    if method == "POST":
        login = f"&grant_type=password&client_id=x&username=team&password={quote(password, safe='')}"
        status, body = ask(registry, "POST", "/token", {}, fields + login)
    else:
        basic = base64.b64encode(f"team:{password}".encode()).decode()
        status, body = ask(registry, "GET", f"/token?{fields}", {"Authorization": f"Basic {basic}"})
    return status, json.loads(body).get("access_token", "")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_login_gets_a_token_that_opens_the_registry(registry: FakeRegistry, method: str) -> None:
    status, minted = token(registry, CANARY, method)
    headers = {"Authorization": f"Bearer {minted}", "Accept": images.OCI_INDEX}
    assert (status, ask(registry, "HEAD", MANIFEST, headers)[0]) == (200, 200)
    assert registry.counts() == {"token": 1, "manifest": 1}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_wrong_password_gets_no_token(registry: FakeRegistry, method: str) -> None:
    assert token(registry, "wrong", method) == (401, "")


def test_a_token_server_may_refuse_post(registry: FakeRegistry) -> None:
    assert registry.tokens is not None
    registry.tokens.post_status = 405
    assert token(registry, CANARY)[0] == 405
    assert token(registry, CANARY, "GET")[0] == 200


def test_a_token_server_may_refuse_the_anonymous(registry: FakeRegistry) -> None:
    assert registry.tokens is not None
    registry.tokens.is_anonymous = False
    assert ask(registry, "GET", "/token?scope=repository:team/app:pull")[0] == 401


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("library/nginx/manifests/1", 200, b"schemaVersion"),
        ("library/nginx/manifests/2", 404, b"MANIFEST_UNKNOWN"),
        ("library/my-app/manifests/2.0", 401, b"UNAUTHORIZED"),
    ],
)
def test_docker_hub_grants_a_token_for_anything_and_opens_what_is_public(path: str, status: int, word: bytes) -> None:
    with docker_hub() as hub:
        hub.add("library/nginx:1", images.index())
        repository = path.partition("/manifests/")[0]
        granted = ask(hub, "GET", f"/token?service=registry.docker.io&scope=repository:{repository}:pull")
        headers = {"Authorization": f"Bearer {json.loads(granted[1])['token']}", "Accept": images.OCI_INDEX}
        found = ask(hub, "GET", f"/v2/{path}", headers)
        assert (granted[0], found[0], word in found[1]) == (200, status, True)


def test_challenges_can_be_dishonest(registry: FakeRegistry) -> None:
    registry.challenges = lambda name: [f'Bearer realm="https://elsewhere.test/{name}"', "Basic"]
    with contextlib.closing(http.client.HTTPConnection(registry.address, timeout=10)) as connection:
        connection.request("HEAD", MANIFEST)
        lines = connection.getresponse().headers.get_all("Www-Authenticate")
    assert lines == ['Bearer realm="https://elsewhere.test/team/app"', "Basic"]


def test_the_counts_begin_anew_when_told(registry: FakeRegistry) -> None:
    ask(registry, "HEAD", MANIFEST)
    ask(registry, "GET", "/v2/team/app/tags/list")
    ask(registry, "GET", "/v2/")
    ask(registry, "GET", "/elsewhere")
    assert registry.counts() == {"challenge": 1, "tags": 1, "version": 1, "other": 1}
    registry.forget()
    assert not registry.counts()


def test_a_proxy_leads_names_where_it_was_told_and_nowhere_else(registry: FakeRegistry) -> None:
    with Proxy({"registry.test:80": (registry.host, registry.port)}) as proxy:
        connection = http.client.HTTPConnection(proxy.address, timeout=10)
        with contextlib.closing(connection):
            connection.set_tunnel("registry.test", 80)
            connection.request("GET", "/v2/")
            assert connection.getresponse().status == 401
        other = http.client.HTTPConnection(proxy.address, timeout=10)
        other.set_tunnel("other.test", 80)
        with contextlib.closing(other), pytest.raises(OSError, match="502"):
            other.connect()
        assert proxy.asked == ["registry.test:80", "other.test:80"]
