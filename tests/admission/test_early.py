import msgspec
import pytest

from webhook.admission.early import early_allow, is_controlled
from webhook.admission.podspec import PodSpec
from webhook.admission.review import Review
from webhook.admission.workload import Workload, WorkloadKinds

POD = ("", "Pod")
DEPLOYMENT = ("apps", "Deployment")
KINDS = WorkloadKinds()
NODE = ("system:nodes", "system:authenticated")
MIRROR = {"kubernetes.io/config.mirror": "hash"}
REPLICASET_CONTROLLER = "system:serviceaccount:kube-system:replicaset-controller"


def review_of(
    kind: tuple[str, str] = POD,
    *,
    operation: str = "CREATE",
    subresource: str = "",
    groups: tuple[str, ...] = (),
    username: str = "admin",
    has_object: bool = True,
) -> Review:
    return Review(
        uid="u", group=kind[0], version="v1", kind=kind[1], operation=operation, subresource=subresource, groups=groups,
        username=username, object=msgspec.Raw(b"{}") if has_object else None,
    )  # fmt: skip


def workload_of(
    kind: str = "Pod",
    *,
    has_pod_spec: bool = True,
    annotations: dict[str, str] | None = None,
    is_being_deleted: bool = False,
    has_controller_owner: bool = True,
) -> Workload:
    return Workload(
        kind=kind,
        pod_spec=PodSpec() if has_pod_spec else None,
        pod_spec_path="spec",
        annotations=annotations or {},
        is_being_deleted=is_being_deleted,
        has_controller_owner=has_controller_owner,
    )


def reason_of(review: Review, workload: Workload | None = None) -> str | None:
    return early_allow(review, KINDS.find(review.group, review.kind), workload)


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE"])
@pytest.mark.parametrize("kind", [POD, DEPLOYMENT])
def test_a_workload_that_comes_or_changes_is_looked_into(operation: str, kind: tuple[str, str]) -> None:
    review = review_of(kind, operation=operation)
    assert reason_of(review) is None
    assert reason_of(review, workload_of(kind[1])) is None


@pytest.mark.parametrize("operation", ["DELETE", "CONNECT", "", "create", "TELEPORT"])
def test_other_operations_bring_no_image(operation: str) -> None:
    assert reason_of(review_of(operation=operation)) == "operation"


@pytest.mark.parametrize("kind", [("", "Service"), ("autoscaling", "Scale"), ("argoproj.io", "Rollout")])
def test_kinds_without_a_pod_spec_are_allowed(kind: tuple[str, str]) -> None:
    assert reason_of(review_of(kind)) == "no pod spec"


def test_a_review_without_an_object_has_no_pod_spec() -> None:
    assert reason_of(review_of(has_object=False)) == "no pod spec"


def test_an_object_without_a_pod_spec_is_allowed() -> None:
    assert reason_of(review_of(), workload_of(has_pod_spec=False)) == "no pod spec"


@pytest.mark.parametrize(
    ("kind", "subresource", "reason"),
    [
        (POD, "ephemeralcontainers", None),
        (POD, "status", "subresource"),
        (POD, "resize", "subresource"),
        (DEPLOYMENT, "status", "subresource"),
        (DEPLOYMENT, "ephemeralcontainers", "subresource"),
    ],
)
def test_only_one_subresource_brings_images(kind: tuple[str, str], subresource: str, reason: str | None) -> None:
    assert reason_of(review_of(kind, operation="UPDATE", subresource=subresource), workload_of(kind[1])) == reason


def test_an_object_that_is_being_deleted_is_allowed() -> None:
    assert reason_of(review_of(operation="UPDATE"), workload_of(is_being_deleted=True)) == "being deleted"


@pytest.mark.parametrize(
    ("kind", "annotations", "groups", "reason"),
    [
        (POD, MIRROR, NODE, "mirror pod"),
        (POD, MIRROR, ("system:masters", "system:authenticated"), None),
        (POD, MIRROR, ("system:nodes:x",), None),
        (POD, MIRROR, (), None),
        (POD, {}, NODE, None),
        (DEPLOYMENT, MIRROR, NODE, None),
    ],
)
def test_a_mirror_pod_needs_a_node_as_its_requester(
    kind: tuple[str, str], annotations: dict[str, str], groups: tuple[str, ...], reason: str | None
) -> None:
    assert reason_of(review_of(kind, groups=groups), workload_of(kind[1], annotations=annotations)) == reason


@pytest.mark.parametrize(
    ("username", "controlled"),
    [
        *((f"system:serviceaccount:kube-system:{name}-controller", True) for name in (
            "replicaset", "deployment", "statefulset", "daemon-set", "job", "cronjob", "replication")),
        ("system:kube-controller-manager", True),
        ("admin", False),
        ("", False),
        ("system:serviceaccount:default:replicaset-controller", False),
        ("system:serviceaccount:kube-system:default", False),
        ("system:serviceaccount:kube-system:-controller", False),
        ("system:serviceaccount:kube-system:generic-garbage-collector", False),
        ("system:serviceaccount:kube-system:x:y-controller", False),
        ("system:serviceaccount:kube-system:job-controller\n", False),
        ("xsystem:serviceaccount:kube-system:job-controller", False),
        ("system:kube-controller-manager-x", False),
        ("system:node:node-1", False),
    ],
)  # fmt: skip
def test_only_a_controller_of_kube_system_controls(username: str, controlled: bool) -> None:
    assert is_controlled(review_of(username=username), workload_of()) is controlled


@pytest.mark.parametrize(
    ("kind", "controlled"),
    [(POD, True), (("apps", "ReplicaSet"), True), (("batch", "Job"), True), (DEPLOYMENT, False),
     (("batch", "CronJob"), False), (("example.com", "Pod"), False)],
)  # fmt: skip
def test_only_what_controllers_make_is_controlled(kind: tuple[str, str], controlled: bool) -> None:
    assert is_controlled(review_of(kind, username=REPLICASET_CONTROLLER), workload_of(kind[1])) is controlled


def test_a_controller_without_an_owner_controls_nothing() -> None:
    assert not is_controlled(review_of(username=REPLICASET_CONTROLLER), workload_of(has_controller_owner=False))
