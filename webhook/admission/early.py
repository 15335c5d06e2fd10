"""Which reviews are allowed before anybody is asked, and which objects a controller made of what was judged before."""

import re
from enum import StrEnum

from webhook.admission.review import Review
from webhook.admission.workload import Workload, WorkloadKind

EPHEMERAL_CONTAINERS = "ephemeralcontainers"
"""The one subresource through which new images reach a pod; its object is the whole Pod."""
NODES_GROUP = "system:nodes"
_CONTROLLER = re.compile(
    r"system:serviceaccount:kube-system:[a-z0-9.-]+-controller"
    # All of them under one name, where kube-controller-manager runs without --use-service-account-credentials.
    r"|system:kube-controller-manager"
)
_MADE_BY_CONTROLLERS = frozenset({("", "Pod"), ("apps", "ReplicaSet"), ("batch", "Job")})


class EarlyReason(StrEnum):
    """Why nothing needs to be asked."""

    OPERATION = "operation"
    """Neither CREATE nor UPDATE: it brings no image."""
    NO_POD_SPEC = "no pod spec"
    SUBRESOURCE = "subresource"
    BEING_DELETED = "being deleted"
    MIRROR_POD = "mirror pod"
    """A kubelet's copy of a static pod, which runs already."""


def early_allow(review: Review, kind: WorkloadKind | None, workload: Workload | None) -> EarlyReason | None:
    """Say why a review can be allowed with nothing asked, if it can.

    Args:
        review: The request.
        kind: What `WorkloadKinds.find` knows of the request's kind.
        workload: The object; None while it has not been read, so that the answer may spare the reading.

    Returns:
        None: the object has to be read, or its images have to be asked for.
    """
    return _before_reading(review, kind) or (_after_reading(review, workload) if workload else None)


def is_controlled(review: Review, workload: Workload) -> bool:
    """Whether a controller made the object of an owner that was judged when it was applied.

    Both the requester and the owner count: anybody may write `ownerReferences`, and `kubectl create job --from` does.
    """
    return (
        (review.group, review.kind) in _MADE_BY_CONTROLLERS
        and workload.has_controller_owner
        and _CONTROLLER.fullmatch(review.username) is not None
    )


def _before_reading(review: Review, kind: WorkloadKind | None) -> EarlyReason | None:
    if review.operation not in ("CREATE", "UPDATE"):
        return EarlyReason.OPERATION
    if kind is None or review.object is None:
        return EarlyReason.NO_POD_SPEC
    if review.subresource and (kind.group, kind.kind, review.subresource) != ("", "Pod", EPHEMERAL_CONTAINERS):
        return EarlyReason.SUBRESOURCE
    return None


def _after_reading(review: Review, workload: Workload) -> EarlyReason | None:
    if workload.pod_spec is None:
        return EarlyReason.NO_POD_SPEC
    if workload.is_being_deleted:
        return EarlyReason.BEING_DELETED
    # The annotation alone proves nothing: with spec.nodeName set the API server takes it from anybody.
    if workload.is_mirror and workload.kind == "Pod" and NODES_GROUP in review.groups:
        return EarlyReason.MIRROR_POD
    return None
