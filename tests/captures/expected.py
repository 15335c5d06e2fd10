"""What must be read out of each capture, written down from the captures by eye and by `jq`."""

from dataclasses import dataclass

POD = "spec"
TEMPLATE = "spec.template.spec"
DIGEST = "sha256:" + "a" * 64

Use = tuple[str, str, str, str, str]
"""Field, container, image, pull policy, place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    uses: tuple[Use, ...] = ()
    """Of the object, whether or not anybody asks for them."""
    asked: tuple[str, ...] | None = None
    """The images that the registry is asked for; None: those of all uses."""
    early: str | None = None
    controlled: bool = False
    inactive: bool = False
    pull_secrets: tuple[str, ...] = ()
    service_account: str = ""


def app(path: str, image: str = "localhost/pause:1", name: str = "app") -> tuple[Use]:
    return ((f"{path}.containers[0].image", name, image, "IfNotPresent", "container"),)


DEBUGGER: tuple[Use] = (
    (
        "spec.ephemeralContainers[0].image",
        "debugger-tb4sr",
        "registry.example.com:5000/tools/debug:1",
        "IfNotPresent",
        "ephemeral",
    ),
)


def pod(
    *uses: Use, early: str | None = None, controlled: bool = False, asked: tuple[str, ...] | None = None
) -> Expected:
    return Expected(uses=uses or app(POD), early=early, controlled=controlled, asked=asked, service_account="default")


DELETED = Expected(early="operation")
UNCHANGED = Expected(uses=app(TEMPLATE), asked=())

EXPECTED: dict[str, Expected] = {
    "connect-pod-exec": Expected(early="operation"),
    "create-cronjob": Expected(uses=app("spec.jobTemplate.spec.template.spec")),
    "create-daemonset": Expected(uses=app(TEMPLATE)),
    "create-deployment": Expected(uses=app(TEMPLATE)),
    "create-deployment-dry-run": Expected(uses=app(TEMPLATE, name="pause")),
    "create-deployment-server-side-apply": Expected(uses=app(TEMPLATE), inactive=True),
    "create-deployment-service-account": Expected(uses=app(TEMPLATE), service_account="puller"),
    "create-job": Expected(uses=app(TEMPLATE)),
    "create-job-from-cronjob": Expected(uses=app(TEMPLATE)),
    "create-pod": pod(),
    "create-pod-binding": Expected(early="no pod spec"),
    "create-pod-by-daemonset-controller": pod(controlled=True),
    "create-pod-by-job-controller": pod(controlled=True),
    "create-pod-by-replicaset-controller": pod(controlled=True),
    "create-pod-by-replicaset-controller-service-account": Expected(
        uses=app(POD), controlled=True, pull_secrets=("sa-cred", "sa-cred-2"), service_account="puller"
    ),
    "create-pod-by-statefulset-controller": pod(controlled=True),
    "create-pod-debug-copy": pod(
        *app(POD, "localhost/pause:7"),
        (
            "spec.containers[1].image",
            "debugger-hthx7",
            "registry.example.com:5000/tools/debug:1",
            "IfNotPresent",
            "container",
        ),
    ),
    "create-pod-empty-pull-secret-name": Expected(uses=app(POD), pull_secrets=("",), service_account="puller"),
    "create-pod-eviction": Expected(early="no pod spec"),
    "create-pod-generate-name": pod(),
    "create-pod-image-volume": pod(
        *app(POD),
        ("spec.volumes[0].image.reference", "model", "registry.example.com:5000/models/a:1", "IfNotPresent", "volume"),
        ("spec.volumes[1].image.reference", "other", "registry.example.com:5000/models/b", "IfNotPresent", "volume"),
    ),
    "create-pod-kubectl-run": pod(*app(POD, name="ran")),
    "create-pod-mirror": Expected(uses=app(POD), early="mirror pod"),
    "create-pod-own-and-service-account-pull-secrets": Expected(
        uses=app(POD), pull_secrets=("mine",), service_account="puller"
    ),
    "create-pod-pull-secrets": Expected(uses=app(POD), pull_secrets=("regcred", "other"), service_account="default"),
    "create-pod-service-account-pull-secrets": Expected(
        uses=app(POD), pull_secrets=("sa-cred", "sa-cred-2"), service_account="puller"
    ),
    "create-pod-sidecar": pod(
        *app(POD),
        ("spec.initContainers[0].image", "proxy", "localhost/pause:1", "IfNotPresent", "init"),
        ("spec.initContainers[1].image", "migrate", "localhost/pause:latest", "IfNotPresent", "init"),
    ),
    "create-pod-tags-and-digests": pod(
        ("spec.containers[0].image", "a", "nginx", "Always", "container"),
        ("spec.containers[1].image", "b", f"nginx:1@{DIGEST}", "IfNotPresent", "container"),
        ("spec.containers[2].image", "c", f"nginx:latest@{DIGEST}", "Always", "container"),
        ("spec.containers[3].image", "e", "UPPER/x Y", "IfNotPresent", "container"),
    ),
    "create-podtemplate": Expected(uses=app("template.spec")),
    "create-replicaset": Expected(uses=app(TEMPLATE), inactive=True),
    "create-replicaset-by-deployment-controller": Expected(uses=app(TEMPLATE), controlled=True),
    "create-replicationcontroller": Expected(uses=app(TEMPLATE)),
    "create-rollout": Expected(uses=app(TEMPLATE), pull_secrets=("regcred",)),
    "create-rollout-other-version": Expected(uses=app(TEMPLATE), pull_secrets=("regcred",)),
    "create-statefulset": Expected(uses=app(TEMPLATE)),
    "delete-deployment": DELETED,
    "delete-pod": DELETED,
    "delete-pod-by-garbage-collector": DELETED,
    "delete-pod-by-namespace-controller": DELETED,
    "delete-pod-by-node": DELETED,
    "update-deployment-apply-image": Expected(uses=app(TEMPLATE)),
    "update-deployment-by-garbage-collector": Expected(
        uses=app(TEMPLATE, "localhost/pause:3"), asked=(), early="being deleted", inactive=True
    ),
    "update-deployment-deleting-image": Expected(uses=app(TEMPLATE, "nginx:9"), early="being deleted", inactive=True),
    "update-deployment-deleting-label": Expected(uses=app(TEMPLATE), asked=(), early="being deleted", inactive=True),
    "update-deployment-diff": Expected(uses=app(TEMPLATE, "localhost/pause:9")),
    "update-deployment-finalizer-removed": Expected(
        uses=app(TEMPLATE, "nginx:9"), asked=(), early="being deleted", inactive=True
    ),
    "update-deployment-labels": UNCHANGED,
    "update-deployment-rollout-restart": UNCHANGED,
    "update-deployment-scale": Expected(early="no pod spec"),
    "update-deployment-server-side-apply": Expected(uses=app(TEMPLATE, "localhost/pause:3"), inactive=True),
    "update-deployment-set-image": Expected(uses=app(TEMPLATE, "localhost/pause:2")),
    "update-deployment-status": Expected(uses=app(TEMPLATE), asked=(), early="subresource"),
    "update-pod-ephemeralcontainers": pod(*app(POD), *DEBUGGER, asked=("registry.example.com:5000/tools/debug:1",)),
    "update-pod-finalizer-removed": pod(asked=(), early="being deleted"),
    "update-pod-image": pod(*app(POD, "localhost/pause:8"), *DEBUGGER, asked=("localhost/pause:8",)),
    "update-pod-labels": pod(*app(POD, "localhost/pause:8"), *DEBUGGER, asked=()),
    "update-pod-resize": pod(asked=(), early="subresource"),
    "update-pod-status": pod(asked=(), early="subresource"),
    "update-replicaset-by-deployment-controller": Expected(uses=app(TEMPLATE), asked=(), controlled=True),
    "update-rollout": Expected(uses=app(TEMPLATE, "localhost/pause:2"), pull_secrets=("regcred",)),
}
