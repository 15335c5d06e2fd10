import json

import pytest

from webhook.admission.podspec import PodSpec
from webhook.admission.workload import Workload, WorkloadKinds
from webhook.images.uses import ImageUse, Place, changed_uses, find_uses

POD = WorkloadKinds().find("", "Pod")
BASE = {"containers": [{"name": "app", "image": "app:1"}, {"name": "side", "image": "side:1"}]}


def pod(spec: object) -> Workload:
    assert POD is not None
    return POD.read(json.dumps({"spec": spec}).encode())


def uses_of(workload: Workload) -> tuple[ImageUse, ...]:
    return find_uses(workload.pod_spec or PodSpec(), workload.pod_spec_path)


def found(spec: object) -> list[tuple[str, str, str, str, str]]:
    return [(use.field, use.container, use.image, use.pull_policy, use.place) for use in uses_of(pod(spec))]


def asked(old: object, new: object, *, operation: str = "UPDATE", subresource: str = "") -> list[str]:
    workload = pod(new)
    old_workload = None if old is None else pod(old)
    return [use.image for use in changed_uses(uses_of(workload), old_workload, workload, operation, subresource)]


def test_every_place_that_names_an_image_is_a_use_with_its_path() -> None:
    spec = {
        "volumes": [
            {"name": "data", "emptyDir": {}},
            {"name": "model", "image": {"reference": "model:1", "pullPolicy": "Always"}},
            {"name": "disk", "rbd": {"image": "no-reference"}},
        ],
        "ephemeralContainers": [{"name": "debug", "image": "debug:1", "imagePullPolicy": "Never"}],
        "initContainers": [{"name": "setup", "image": "setup:1", "imagePullPolicy": "IfNotPresent"}],
        "containers": [{"name": "a", "image": "a:1", "imagePullPolicy": "Always"}, {"name": "b", "image": "b:1"}],
    }
    assert found(spec) == [
        ("spec.containers[0].image", "a", "a:1", "Always", Place.CONTAINER),
        ("spec.containers[1].image", "b", "b:1", "IfNotPresent", Place.CONTAINER),
        ("spec.initContainers[0].image", "setup", "setup:1", "IfNotPresent", Place.INIT),
        ("spec.ephemeralContainers[0].image", "debug", "debug:1", "Never", Place.EPHEMERAL),
        ("spec.volumes[1].image.reference", "model", "model:1", "Always", Place.VOLUME),
    ]


def test_paths_begin_where_the_pod_spec_is() -> None:
    (use,) = find_uses(
        pod({"containers": [{"image": "a"}]}).pod_spec or PodSpec(), "spec.jobTemplate.spec.template.spec"
    )
    assert use.field == "spec.jobTemplate.spec.template.spec.containers[0].image"


@pytest.mark.parametrize(
    ("image", "policy"),
    [("nginx", "Always"), ("nginx:latest", "Always"), ("nginx:1", "IfNotPresent"), (" ", "IfNotPresent")],
)
@pytest.mark.parametrize("key", ["absent", "null", "empty"])
def test_a_pull_policy_that_lacks_is_defaulted_in_every_place(image: str, policy: str, key: str) -> None:
    value = {"null": None, "empty": ""}.get(key)
    written: dict[str, object] = {} if key == "absent" else {"imagePullPolicy": value, "pullPolicy": value}
    containers: list[object] = [{"image": image, **written}]
    volumes: list[object] = [{"image": {"reference": image, **written}}]
    spec = {
        "containers": containers,
        "initContainers": containers,
        "ephemeralContainers": containers,
        "volumes": volumes,
    }
    assert [use[3] for use in found(spec)] == [policy] * 4


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"containers": None, "initContainers": None, "ephemeralContainers": None, "volumes": None},
        {"containers": [], "volumes": []},
        {"containers": [{}, None, {"image": None}, {"image": ""}]},
        {
            "volumes": [
                {},
                None,
                {"image": None},
                {"image": {}},
                {"image": {"reference": None}},
                {"image": {"reference": ""}},
            ]
        },
    ],
)
def test_what_names_no_image_is_no_use(spec: dict[str, object]) -> None:
    assert found(spec) == []


def test_gaps_do_not_shift_the_index() -> None:
    assert found({"containers": [None, {"image": ""}, {"image": "a:1"}]})[0][:2] == ("spec.containers[2].image", "")


def test_text_is_taken_as_it_is() -> None:
    name = "\x1b[31m" + "n" * 10_000
    assert found({"containers": [{"name": name, "image": " UPPER/x Y\n"}]})[0][1:3] == (name, " UPPER/x Y\n")


@pytest.mark.parametrize(
    ("policy", "never"), [("Never", True), ("IfNotPresent", False), ("Always", False), ("never", False)]
)
def test_only_the_policy_never_is_never_pulled(policy: str, never: bool) -> None:
    (use,) = uses_of(pod({"containers": [{"image": "a", "imagePullPolicy": policy}]}))
    assert use.is_never_pulled is never


@pytest.mark.parametrize(
    ("change", "images"),
    [
        ({}, []),
        ({"containers": [{"name": "app", "image": "app:2"}, {"name": "side", "image": "side:1"}]}, ["app:2"]),
        ({"containers": [{"name": "app", "image": "app:1", "imagePullPolicy": "Always"}]}, ["app:1"]),
        ({"containers": [{"name": "app", "image": "app:1", "imagePullPolicy": "IfNotPresent"}]}, []),
        ({"containers": [{"name": "renamed", "image": "side:1"}]}, []),
        ({"initContainers": [{"name": "new", "image": "app:1"}]}, []),
        ({"initContainers": [{"name": "new", "image": "setup:1"}]}, ["setup:1"]),
        ({"volumes": [{"name": "new", "image": {"reference": "model:1"}}]}, ["model:1"]),
        ({"imagePullSecrets": [{"name": "regcred"}]}, ["app:1", "side:1"]),
        ({"imagePullSecrets": [{}]}, ["app:1", "side:1"]),
        ({"imagePullSecrets": []}, []),
        ({"serviceAccountName": "other"}, ["app:1", "side:1"]),
        ({"serviceAccount": "other"}, ["app:1", "side:1"]),
        ({"nodeName": "elsewhere"}, []),
    ],
)
def test_an_update_asks_only_for_what_it_changed(change: dict[str, object], images: list[str]) -> None:
    assert asked(BASE, BASE | change) == images


def test_the_order_of_pull_secrets_is_a_change() -> None:
    a, b = {"name": "a"}, {"name": "b"}
    assert asked(BASE | {"imagePullSecrets": [a, b]}, BASE | {"imagePullSecrets": [b, a]}) == ["app:1", "side:1"]


def test_without_an_old_object_all_is_new() -> None:
    assert asked(None, BASE) == ["app:1", "side:1"]
    assert asked(None, BASE, operation="CREATE") == ["app:1", "side:1"]


def test_an_old_object_without_a_pod_spec_leaves_nothing_unchanged() -> None:
    assert asked(None, BASE) == asked({}, BASE) == ["app:1", "side:1"]
    assert POD is not None
    workload = pod(BASE)
    bare = POD.read(b"{}")
    assert len(changed_uses(uses_of(workload), bare, workload, "UPDATE")) == 2


def test_only_an_update_has_unchanged_uses() -> None:
    assert asked(BASE, BASE, operation="CREATE") == ["app:1", "side:1"]


def test_a_workload_that_lost_its_pod_spec_asks_for_nothing() -> None:
    assert POD is not None
    assert changed_uses((), pod(BASE), POD.read(b"{}"), "UPDATE") == ()


def with_debuggers(*containers: tuple[str, str], **other: object) -> dict[str, object]:
    return BASE | {"ephemeralContainers": [{"name": name, "image": image} for name, image in containers]} | other


@pytest.mark.parametrize(
    ("old", "new", "images"),
    [
        (BASE, with_debuggers(("d1", "debug:1")), ["debug:1"]),
        (with_debuggers(("d1", "debug:1")), with_debuggers(("d1", "debug:1"), ("d2", "debug:2")), ["debug:2"]),
        (with_debuggers(("d1", "debug:1")), with_debuggers(("d1", "debug:1")), []),
        # The very image runs in the pod already.
        (BASE, with_debuggers(("d1", "app:1")), []),
        # The API server refuses the next two; they show that nothing but new ephemeral containers counts.
        (BASE, with_debuggers(("d1", "debug:1"), initContainers=[{"image": "setup:1"}]), ["debug:1"]),
        (with_debuggers(("d1", "debug:1")), with_debuggers(("d1", "debug:2")), []),
    ],
)
def test_under_ephemeralcontainers_only_new_ones_count(
    old: dict[str, object], new: dict[str, object], images: list[str]
) -> None:
    assert asked(old, new, subresource="ephemeralcontainers") == images
