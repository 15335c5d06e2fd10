"""The demo tells when something did not end as scripted."""

import io
import json
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from tests.demo.player import Player, deviations
from tests.demo.story import STORY, Act
from tests.demo.terminal import Terminal
from tests.fakes.apiserver import ApiServer, Outcome
from tests.fakes.certificates import Authority
from tests.fakes.exchange import Request, Response
from tests.fakes.listener import Listener

FORBIDDEN = {"code": 403, "reason": "Forbidden", "message": "docker.io/library/my-app:2.0, no pull secret"}
"""What the first scene's script asks for."""


@pytest.fixture
def said() -> dict[str, object]:
    """The response of the webhook below; a test changes it."""
    return {"allowed": False, "status": FORBIDDEN}


@pytest.fixture
def api_server(tmp_path_factory: pytest.TempPathFactory, said: dict[str, object]) -> Iterator[ApiServer]:
    def answer(request: Request) -> Response:
        response = {"uid": json.loads(request.body)["request"]["uid"], **said}
        body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        return Response.of_json(200, body)

    pair = Authority(tmp_path_factory.mktemp("certificates")).issue("127.0.0.1")
    with Listener(answer, tls=pair.server_context()) as listener:
        yield ApiServer(listener.url, pair.client_context())


def play(api_server: ApiServer, checked: str = "deny") -> tuple[int, str]:
    future: Future[dict[str, str]] = Future()
    future.set_result({"wrong-registry/my-app": checked})
    stream = io.StringIO()
    failures = Player(Terminal(stream, has_colours=False), api_server, future).play(1, STORY[0])
    return failures, stream.getvalue()


def test_a_scene_that_ends_as_scripted_counts_for_nothing(api_server: ApiServer) -> None:
    failures, shown = play(api_server)
    assert failures == 0
    assert "as scripted: denied" in shown


def test_a_scene_that_ends_otherwise_is_counted_and_told(api_server: ApiServer, said: dict[str, object]) -> None:
    said |= {"allowed": True, "status": None}
    failures, shown = play(api_server)
    assert failures == 1
    assert "not as scripted: was to be denied, and was admitted in silence" in shown


def test_a_check_that_differs_is_counted_and_told(api_server: ApiServer) -> None:
    failures, shown = play(api_server, "allow")
    assert failures == 1
    assert "not as scripted: `pullcheck check` was to say deny, and said allow" in shown


@pytest.mark.parametrize(
    ("outcome", "found"),
    [
        (Outcome(is_allowed=False, message="a word"), []),
        (Outcome(is_allowed=False, message="nothing"), ["the text lacks “word”"]),
        (Outcome(is_allowed=True, warnings=("a word",)), ["was to be denied, and was admitted with a warning"]),
    ],
)
def test_an_outcome_is_compared_with_its_script(outcome: Outcome, found: list[str]) -> None:
    assert deviations(Act("file", "deny", ("word",)), outcome) == found
