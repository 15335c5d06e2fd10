"""Our side of the API server asks as the real one asked, and takes what the real one takes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.apiserver import ApiServer, BadAnswerError, Manifest, completed, delivered, review
from tests.fakes.certificates import Authority, Pair
from tests.fakes.exchange import Fault, Request, Response
from tests.fakes.listener import Listener

CAPTURES = Path(__file__).parents[1] / "captures"
POD: Manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": []}}


def captured(name: str) -> Manifest:
    document: Manifest = json.loads((CAPTURES / f"{name}.json").read_text())
    return document


@pytest.mark.parametrize(
    "name",
    [
        "create-pod",
        "create-deployment",
        "create-deployment-dry-run",
        "create-cronjob",
        "update-deployment-set-image",
        "update-pod-ephemeralcontainers",
        "delete-deployment",
    ],
)
def test_a_review_has_the_form_of_a_captured_one(name: str) -> None:
    real = captured(name)
    asked = real["request"]
    ours = review(
        asked["object"],
        asked["oldObject"],
        operation=asked["operation"],
        subresource=asked.get("subResource", ""),
        user=asked["userInfo"],
        dry_run=asked["dryRun"],
    )
    assert list(ours) == list(real)
    assert list(ours["request"]) == list(asked)
    differing = {"uid", "options"}
    assert {key: value for key, value in ours["request"].items() if key not in differing} == {
        key: value for key, value in asked.items() if key not in differing
    }


def test_pull_policies_are_completed_as_captured() -> None:
    pod = captured("create-pod-tags-and-digests")["request"]["object"]
    wanted = [container["imagePullPolicy"] for container in pod["spec"]["containers"]]
    for container in pod["spec"]["containers"]:
        del container["imagePullPolicy"]
    assert [container["imagePullPolicy"] for container in completed(pod)["spec"]["containers"]] == wanted


def test_warnings_are_handed_on_without_empty_equal_and_control_ones() -> None:
    assert delivered(["a", "", "b\n", "a", "c\x85", "\u200bd"]) == ("a", "\u200bd")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return Authority(tmp_path_factory.mktemp("certificates")).issue("127.0.0.1")


@pytest.fixture
def answering(pair: Pair) -> Iterator[tuple[Listener, dict[str, object], ApiServer]]:
    """A webhook that answers what the test puts into the response, beside the request's uid."""
    response: dict[str, object] = {"allowed": True}

    def answer(request: Request) -> Response:
        uid = json.loads(request.body)["request"]["uid"]
        body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {"uid": uid, **response}}
        return Response.of_json(200, body)

    with Listener(answer, tls=pair.server_context()) as listener:
        yield listener, response, ApiServer(listener.url, pair.client_context())


Answering = tuple[Listener, dict[str, object], ApiServer]


def test_a_denial_is_read_with_its_words(answering: Answering) -> None:
    listener, response, api_server = answering
    response |= {"allowed": False, "status": {"code": 403, "reason": "Forbidden", "message": "no"}, "warnings": ["w"]}
    outcome = api_server.create(POD, path="/validate")
    assert (outcome.decision, outcome.message, outcome.code, outcome.warnings) == ("deny", "no", 403, ("w",))
    assert outcome.text == "w\nno"
    assert listener.requests[0].target == "/validate?timeout=5s"
    assert listener.requests[0].header("User-Agent") == "kube-apiserver-admission"


@pytest.mark.parametrize(("warnings", "decision"), [(None, "allow"), ([], "allow"), (["w"], "warn")])
def test_what_is_allowed_is_a_warning_when_it_has_one(
    answering: Answering, warnings: list[str] | None, decision: str
) -> None:
    answering[1]["warnings"] = warnings
    assert answering[2].create(POD).decision == decision


@pytest.mark.parametrize("more", [{"uid": "another"}, {"patch": "W10="}])
def test_an_answer_that_the_api_server_does_not_take_is_a_failed_call(
    answering: Answering, more: dict[str, object]
) -> None:
    answering[1].update(more)
    with pytest.raises(BadAnswerError):
        answering[2].create(POD)


def test_an_error_status_is_a_failed_call(answering: Answering) -> None:
    listener, _, api_server = answering
    listener.faults.append(Fault(response=Response(500)))
    with pytest.raises(BadAnswerError, match="500"):
        api_server.create(POD)
