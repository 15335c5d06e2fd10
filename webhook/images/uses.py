"""The places in a pod spec that name an image, and which of them an UPDATE leaves as they were."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from webhook.admission.early import EPHEMERAL_CONTAINERS
from webhook.admission.podspec import Container, PodSpec, Volume
from webhook.admission.workload import Workload
from webhook.images.reference import default_pull_policy


class Place(StrEnum):
    """Which list of the pod spec an image use stands in."""

    CONTAINER = "container"
    INIT = "init"
    EPHEMERAL = "ephemeral"
    VOLUME = "volume"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageUse:
    """One place that names an image. Every text is as the manifest has it: unbounded, and not cleaned."""

    field: str
    """The path from the object's root: `spec.template.spec.containers[0].image`."""
    container: str
    """The container's name, or the volume's."""
    image: str
    pull_policy: str
    """As written, else as the API server defaults it."""
    place: Place

    @property
    def is_never_pulled(self) -> bool:
        """Whether the node takes only what it has: the kubelet reports ErrImageNeverPull, and no registry is asked."""
        return self.pull_policy == "Never"


def find_uses(pod_spec: PodSpec, path: str) -> tuple[ImageUse, ...]:
    """Find every image use: containers, then init and ephemeral containers, then volumes, each in its order.

    A container or volume that names no image is no use. The API server refuses one in every built-in kind before any
    webhook is asked (pkg/apis/core/validation), and in a custom object its controller may fill it in later.

    Args:
        pod_spec: What the object carries.
        path: Where the object carries it: `spec.template.spec`.
    """
    return (
        *_in_containers(pod_spec.containers, f"{path}.containers", Place.CONTAINER),
        *_in_containers(pod_spec.init_containers, f"{path}.initContainers", Place.INIT),
        *_in_containers(pod_spec.ephemeral_containers, f"{path}.ephemeralContainers", Place.EPHEMERAL),
        *_in_volumes(pod_spec.volumes, f"{path}.volumes"),
    )


def changed_uses(
    uses: Sequence[ImageUse],
    old_workload: Workload | None,
    workload: Workload,
    operation: str,
    subresource: str = "",
) -> tuple[ImageUse, ...]:
    """Leave out the uses that an UPDATE did not change: the registry was asked when they came.

    A use is unchanged when the same image with the same pull policy occurs in the old object, in whatever place, and
    neither the pull secrets nor the service account are others now.

    Args:
        uses: Those of the new object.
        old_workload: `oldObject`; None where there is none, or where it cannot be read.
        workload: `object`.
        operation: The review's.
        subresource: The review's. Under `ephemeralcontainers` only ephemeral containers that are new count.
    """
    old_spec = old_workload.pod_spec if old_workload and operation == "UPDATE" else None
    old_uses = find_uses(old_spec, workload.pod_spec_path) if old_spec else ()
    if subresource == EPHEMERAL_CONTAINERS:
        uses = _new_ephemeral(uses, old_uses)
    if old_spec is None or _login(old_spec) != _login(workload.pod_spec):
        return tuple(uses)
    known = {(use.image, use.pull_policy) for use in old_uses}
    return tuple(use for use in uses if (use.image, use.pull_policy) not in known)


def _in_containers(containers: Sequence[Container | None] | None, path: str, place: Place) -> Iterator[ImageUse]:
    for index, container in enumerate(containers or ()):
        if container and container.image:
            yield ImageUse(
                field=f"{path}[{index}].image",
                container=container.name or "",
                image=container.image,
                pull_policy=container.image_pull_policy or default_pull_policy(container.image),
                place=place,
            )


def _in_volumes(volumes: Sequence[Volume | None] | None, path: str) -> Iterator[ImageUse]:
    for index, volume in enumerate(volumes or ()):
        if volume and volume.image and volume.image.reference:
            yield ImageUse(
                field=f"{path}[{index}].image.reference",
                container=volume.name or "",
                image=volume.image.reference,
                pull_policy=volume.image.pull_policy or default_pull_policy(volume.image.reference),
                place=Place.VOLUME,
            )


def _new_ephemeral(uses: Sequence[ImageUse], old_uses: Sequence[ImageUse]) -> list[ImageUse]:
    old_names = {use.container for use in old_uses if use.place is Place.EPHEMERAL}
    return [use for use in uses if use.place is Place.EPHEMERAL and use.container not in old_names]


def _login(pod_spec: PodSpec | None) -> tuple[tuple[str, ...], str] | None:
    return (pod_spec.image_pull_secrets, pod_spec.service_account_name) if pod_spec else None
