"""What the node of a world can do; run by `test_levels.py`."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cluster import images, registry, servers
from tests.cluster.here import Cluster

REGISTRY = "registry.example.com"


def wait_for_pod(cluster: Cluster, name: str, expected: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The state of the pod's first container as soon as it is as expected, or after a while as it is then."""
    end = time.monotonic() + 30
    state: dict[str, Any] = {}
    while not expected(state) and time.monotonic() < end:
        _, pod = cluster.get(f"/api/v1/namespaces/default/pods/{name}")
        state = pod["status"].get("containerStatuses", [{"state": {}}])[0]["state"]
        time.sleep(0.05)
    return state


def is_running(state: dict[str, Any]) -> bool:
    return "running" in state


def has_failed_to_pull(state: dict[str, Any]) -> bool:
    return state.get("waiting", {}).get("reason") in ("ErrImagePull", "ImagePullBackOff")


@pytest.fixture(scope="module")
def _registry(cluster: Cluster) -> Iterator[None]:
    program = servers.find("pause")
    assert program
    with registry.start(cluster, REGISTRY, "10.88.0.2"):
        registry.pusher(cluster, REGISTRY).push("team/app:1", images.runnable(program))
        yield


def test_a_pod_with_an_imported_image_runs(cluster: Cluster) -> None:
    cluster.kubectl("run", "imported", "--image=localhost/pause:1")

    assert is_running(wait_for_pod(cluster, "imported", is_running))


def test_an_image_on_a_name_that_nobody_serves_is_not_pulled(cluster: Cluster) -> None:
    cluster.kubectl("run", "unknown", "--image=nobody.example.org/app:1")

    state = wait_for_pod(cluster, "unknown", lambda state: state.get("waiting", {}).get("reason") == "ErrImagePull")

    assert state["waiting"]["message"].endswith("lookup nobody.example.org on 10.88.0.1:53: no such host")


@pytest.mark.usefixtures("_registry")
def test_an_image_on_a_real_registry_is_pulled(cluster: Cluster) -> None:
    """The distribution registry listens on 443 of an address of its own, and the node is told its authority."""
    cluster.kubectl("run", "untrusting", f"--image={REGISTRY}/team/app:1")
    untrusting = wait_for_pod(cluster, "untrusting", has_failed_to_pull)
    cluster.trust(REGISTRY)
    cluster.kubectl("run", "trusting", f"--image={REGISTRY}/team/app:1")
    trusting = wait_for_pod(cluster, "trusting", is_running)

    assert has_failed_to_pull(untrusting)
    assert is_running(trusting), trusting


@pytest.mark.usefixtures("_registry")
def test_an_absent_tag_is_not_pulled(cluster: Cluster) -> None:
    cluster.trust(REGISTRY)
    cluster.kubectl("run", "absent", f"--image={REGISTRY}/team/app:2")

    state = wait_for_pod(cluster, "absent", lambda state: state.get("waiting", {}).get("reason") == "ErrImagePull")

    assert "registry.example.com/team/app:2: not found" in state["waiting"]["message"]
