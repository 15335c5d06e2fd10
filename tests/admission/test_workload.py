import json

import msgspec
import pytest

from webhook.admission.podspec import PodSpec
from webhook.admission.workload import (
    MAX_ANNOTATION_BYTES,
    CustomKind,
    MalformedWorkloadError,
    Workload,
    WorkloadKind,
    WorkloadKinds,
)

BUILT_IN = {
    ("", "Pod"): "spec",
    ("", "PodTemplate"): "template.spec",
    ("", "ReplicationController"): "spec.template.spec",
    ("apps", "Deployment"): "spec.template.spec",
    ("apps", "ReplicaSet"): "spec.template.spec",
    ("apps", "StatefulSet"): "spec.template.spec",
    ("apps", "DaemonSet"): "spec.template.spec",
    ("batch", "Job"): "spec.template.spec",
    ("batch", "CronJob"): "spec.jobTemplate.spec.template.spec",
}
KINDS = WorkloadKinds()


def kind_of(group: str, kind: str) -> WorkloadKind:
    found = KINDS.find(group, kind)
    assert found is not None
    return found


def read_pod(spec: object = None, **metadata: object) -> Workload:
    return kind_of("", "Pod").read(json.dumps({"metadata": metadata, "spec": spec}).encode())


def read_deployment(**spec: object) -> Workload:
    return kind_of("apps", "Deployment").read(json.dumps({"spec": spec}).encode())


def pod_spec_of(spec: object) -> PodSpec:
    read = read_pod(spec).pod_spec
    assert read is not None
    return read


def nest(path: str, value: object) -> bytes:
    for name in reversed(path.split(".")):
        value = {name: value}
    return json.dumps(value).encode()


@pytest.mark.parametrize(("group", "kind"), BUILT_IN)
def test_the_pod_spec_of_every_built_in_kind_is_found(group: str, kind: str) -> None:
    path = BUILT_IN[group, kind]
    workload = kind_of(group, kind).read(nest(path, {"containers": [{"image": "nginx"}]}))
    assert workload.pod_spec_path == path
    assert workload.kind == kind
    assert workload.pod_spec is not None
    assert workload.pod_spec.containers is not None
    assert [container and container.image for container in workload.pod_spec.containers] == ["nginx"]


@pytest.mark.parametrize(
    ("group", "kind"),
    [
        ("", "Service"),
        ("", "Deployment"),
        ("apps", "Pod"),
        ("autoscaling", "Scale"),
        ("argoproj.io", "Rollout"),
        ("", ""),
    ],
)
def test_other_kinds_carry_no_pod_spec(group: str, kind: str) -> None:
    assert KINDS.find(group, kind) is None


@pytest.mark.parametrize("path", ["spec", "template", "spec.template.spec", "spec.a-b.c_d.e1", "a.b.c.d.e.f.g.h"])
def test_a_custom_kind_carries_its_pod_spec_where_it_is_configured(path: str) -> None:
    kind = WorkloadKinds([CustomKind("example.com", "App", path)]).find("example.com", "App")
    assert kind is not None
    workload = kind.read(nest(path, {"nodeName": "here"}))
    assert workload.pod_spec is not None
    assert workload.pod_spec.node_name == "here"


def test_a_configured_kind_wins_over_a_built_in_one() -> None:
    kind = WorkloadKinds([CustomKind("batch", "Job", "spec.elsewhere")]).find("batch", "Job")
    assert kind is not None
    assert kind.pod_spec_path == "spec.elsewhere"


@pytest.mark.parametrize(
    "path",
    ["", ".", "spec.", ".spec", "spec..template", "metadata.x", "spec.metadata", "replicas", "spec.suspend.x", "a[0].b",
     "a b", 'a"b', "spec\n", "é", "a/b", "*"],
)  # fmt: skip
def test_a_path_that_is_no_list_of_names_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a path of names joined by dots"):
        CustomKind("example.com", "App", path)


@pytest.mark.parametrize(
    "raw",
    [b"{}", b'{"spec":null}', b'{"spec":{}}', b'{"spec":{"template":null}}', b'{"spec":{"template":{"spec":null}}}',
     b'{"spec":{"workloadRef":{"name":"x"}}}', b'{"metadata":null}'],
)  # fmt: skip
def test_a_path_that_leads_nowhere_gives_no_pod_spec(raw: bytes) -> None:
    kind = WorkloadKinds([CustomKind("argoproj.io", "Rollout")]).find("argoproj.io", "Rollout")
    assert kind is not None
    assert kind.read(raw) == Workload(kind="Rollout", pod_spec_path="spec.template.spec")


def test_a_raw_view_of_a_body_is_read_like_bytes() -> None:
    assert kind_of("", "Pod").read(msgspec.Raw(b'{"metadata":{"name":"a"}}')).name == "a"


@pytest.mark.parametrize(
    ("metadata", "name"),
    [({"name": "web"}, "web"), ({"name": "web-x", "generateName": "web-"}, "web-x"), ({"generateName": "web-"}, "web-"),
     ({"name": "", "generateName": "web-"}, "web-"), ({"name": None}, ""), ({}, "")],
)  # fmt: skip
def test_the_name_falls_back_to_the_prefix_of_a_generated_one(metadata: dict[str, object], name: str) -> None:
    assert read_pod(**metadata).name == name


def test_metadata_is_read_and_null_is_nothing() -> None:
    full = read_pod(namespace="demo", annotations={"pullcheck.dev/mode": "warn", "empty": None})
    assert full.namespace == "demo"
    assert full.annotations == {"pullcheck.dev/mode": "warn", "empty": ""}
    empty = read_pod(namespace=None, annotations=None, ownerReferences=None, deletionTimestamp=None)
    assert empty == read_pod()


@pytest.mark.parametrize(("size_bytes", "is_read"), [(MAX_ANNOTATION_BYTES, True), (MAX_ANNOTATION_BYTES + 1, False)])
def test_an_annotation_that_the_api_server_would_not_take_is_not_looked_into(size_bytes: int, is_read: bool) -> None:
    text = "x" * (size_bytes - len('""'))
    assert read_pod(annotations={"a": text, "b": "c"}).annotations == {"a": text if is_read else "", "b": "c"}


def test_annotations_stay_out_of_the_repr() -> None:
    workload = read_pod(annotations={"kubectl.kubernetes.io/last-applied-configuration": "s3cret"})
    assert "s3cret" not in repr(workload)


def test_an_object_with_a_deletion_timestamp_is_being_deleted() -> None:
    assert read_pod(deletionTimestamp="2026-11-23T06:46:47Z").is_being_deleted
    assert not read_pod().is_being_deleted


@pytest.mark.parametrize(
    ("annotations", "mirror"), [({"kubernetes.io/config.mirror": ""}, True), ({"other": "x"}, False)]
)
def test_the_annotation_makes_a_mirror_whatever_its_value(annotations: dict[str, str], mirror: bool) -> None:
    assert read_pod(annotations=annotations).is_mirror is mirror


@pytest.mark.parametrize(
    ("owners", "expected"),
    [([{"controller": True}], True), ([{"kind": "A"}, {"controller": True}], True), ([{"controller": False}], False),
     ([{"controller": None}], False), ([{}], False), ([None], False), ([], False)],
)  # fmt: skip
def test_only_a_controlling_owner_counts(owners: list[object], expected: bool) -> None:
    assert read_pod(ownerReferences=owners).has_controller_owner is expected


@pytest.mark.parametrize(
    ("spec", "inactive"),
    [
        ({}, False),
        ({"replicas": 0}, True),
        ({"replicas": 1}, False),
        ({"replicas": None}, False),
        ({"replicas": "0"}, False),
        ({"replicas": [{}]}, False),
        ({"suspend": True}, True),
        ({"suspend": False}, False),
        ({"suspend": None}, False),
        ({"suspend": "true"}, False),
        ({"template": {"spec": {"schedulingGates": [{"name": "kueue.x-k8s.io/admission"}]}}}, True),
        ({"template": {"spec": {"schedulingGates": []}}}, False),
        ({"template": {"spec": {"schedulingGates": None}}}, False),
    ],
)
def test_what_pulls_nothing_now_is_inactive(spec: dict[str, object], inactive: bool) -> None:
    assert read_deployment(**spec).is_inactive is inactive


def test_a_number_is_read_through_white_space() -> None:
    assert kind_of("apps", "Deployment").read(b'{ "spec" : { "replicas" : 0 , "x" : 1 } }').is_inactive


@pytest.mark.parametrize("spec", [{"suspend": True}, {"jobTemplate": {"spec": {"suspend": True}}}])
def test_a_cron_job_is_inactive_when_it_or_its_jobs_are_suspended(spec: dict[str, object]) -> None:
    assert kind_of("batch", "CronJob").read(nest("spec", spec)).is_inactive


def test_a_gated_pod_is_inactive() -> None:
    assert read_pod({"schedulingGates": [{"name": "wait"}]}).is_inactive


@pytest.mark.parametrize(
    ("entries", "names"),
    [(None, ()), ([], ()), ([{}], ("",)), ([{"name": ""}], ("",)), ([{"name": None}, None], ("", "")),
     ([{"name": "b"}, {"name": "a"}, {"name": "b"}], ("b", "a", "b"))],
)  # fmt: skip
def test_pull_secrets_keep_order_repetitions_and_empty_names(
    entries: list[object] | None, names: tuple[str, ...]
) -> None:
    assert pod_spec_of({"imagePullSecrets": entries}).image_pull_secrets == names


@pytest.mark.parametrize(
    ("spec", "account"),
    [({"serviceAccountName": "a", "serviceAccount": "b"}, "a"),
     ({"serviceAccountName": "", "serviceAccount": "b"}, "b"),
     ({"serviceAccountName": None, "serviceAccount": "b"}, "b"), ({"serviceAccount": None}, ""), ({}, "")],
)  # fmt: skip
def test_the_deprecated_service_account_counts_where_the_name_is_empty(spec: dict[str, object], account: str) -> None:
    assert pod_spec_of(spec).service_account_name == account


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "document: expected JSON: input data was truncated"),
        (b"null", "document: expected object, got null"),
        (b"[]", "document: expected object, got array"),
        (b'{"metadata":[]}', "metadata: expected object or null, got array"),
        (b'{"metadata":{"annotations":{"s3cret":1}}}', "metadata.annotations[...]: expected str or null, got int"),
        (b'{"spec":"s3cret"}', "spec: expected object or null, got str"),
        (b'{"spec":{"template":[]}}', "spec.template: expected object or null, got array"),
        (
            b'{"spec":{"template":{"spec":{"containers":{}}}}}',
            "spec.template.spec.containers: expected array or null, got object",
        ),
        (
            b'{"spec":{"template":{"spec":{"containers":[{},{"image":["s3cret"]}]}}}}',
            "spec.template.spec.containers[1].image: expected str or null, got array",
        ),
        (
            b'{"spec":{"template":{"spec":{"imagePullSecrets":["s3cret"]}}}}',
            "spec.template.spec.imagePullSecrets[0]: expected object or null, got str",
        ),
        (b'{"spec":{"template":{"spec":{"nodeName":"\xff"}}}}', "document: expected UTF-8"),
        (b'{"spec":{"x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}}", "document: nested too deeply"),
    ],
)
def test_what_cannot_be_read_says_where_without_a_value(raw: bytes, words: str) -> None:
    with pytest.raises(MalformedWorkloadError) as caught:
        kind_of("apps", "Deployment").read(raw)
    assert str(caught.value) == words
