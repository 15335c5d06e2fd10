"""What a pod's status says about its images."""

from typing import Any

import pytest

from tests.truth.node import read_pod, read_volumes

RUNNING: dict[str, Any] = {"running": {}}
PULLING = {"waiting": {"reason": "ContainerCreating"}}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def pod(*states: dict[str, Any], inits: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {
        "status": {
            "initContainerStatuses": [{"state": state} for state in inits],
            "containerStatuses": [{"state": state} for state in states],
        }
    }


@pytest.mark.parametrize(
    "state",
    [
        RUNNING,
        {"terminated": {"exitCode": 1}},
        waiting("CrashLoopBackOff"),
        waiting("CreateContainerError", "no command specified"),
    ],
)
def test_a_container_that_came_as_far_as_this_has_its_image(state: dict[str, Any]) -> None:
    assert read_pod(pod(state)) == (True, "")


@pytest.mark.parametrize("state", [{}, PULLING, waiting("PodInitializing"), waiting("")])
def test_until_the_kubelet_says_more_nothing_is_known(state: dict[str, Any]) -> None:
    assert read_pod(pod(RUNNING, state)) is None
    assert read_pod({"metadata": {}}) is None


@pytest.mark.parametrize(
    ("reason", "message", "words"),
    [
        ("ErrImagePull", "not found", "ErrImagePull: not found"),
        ("ImagePullBackOff", 'Back-off pulling image "a:1": ErrImagePull: not found', "ErrImagePull: not found"),
        ("ErrImageNeverPull", "absent", "ErrImageNeverPull: absent"),
        ("illegal base64 data", "illegal base64 data", "illegal base64 data"),
    ],
)
def test_one_image_that_is_not_to_be_had_decides(reason: str, message: str, words: str) -> None:
    assert read_pod(pod(RUNNING, waiting(reason, message), PULLING)) == (False, words)
    assert read_pod(pod(PULLING, inits=(waiting(reason, message),))) == (False, words)


def event(reason: str, message: str) -> dict[str, str]:
    return {"reason": reason, "message": message}


def test_image_volumes_are_known_by_their_events() -> None:
    volumes = [{"name": "content", "image": {"reference": "a:1"}}, {"name": "data", "emptyDir": {}}]
    mounting = {"spec": {"volumes": volumes}}
    pulled = event("Pulled", 'Successfully pulled image "a:1" in 10ms')
    failed = event("Failed", 'Failed to pull image "a:1": not found')

    assert read_volumes({"spec": {}}, []) == (True, "")
    assert read_volumes({"spec": {}}, [failed]) == (True, "")
    assert read_volumes(mounting, [failed, pulled]) == (True, "")
    assert read_volumes(mounting, [event("Pulled", 'Successfully pulled image "b:1"')]) is None
    assert read_volumes(mounting, [pulled]) == (True, "")
    assert read_volumes(mounting, [event("Failed", "Error: ErrImagePull"), failed]) == (False, failed["message"])
