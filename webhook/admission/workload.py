"""The kinds that carry a pod spec, where each carries it, and what is read of such an object."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from webhook.admission.fault import READ_FAULTS, describe
from webhook.admission.podspec import PodSpec

MAX_ANNOTATION_BYTES = 256 * 1024
"""Of one value, as JSON. The API server takes no more of all together (TotalAnnotationSizeLimitB); a longer one is a
stranger's, and not looked into: as text it could take four times its bytes."""
MIRROR_ANNOTATION = "kubernetes.io/config.mirror"
"""On the API server's copy of a static pod (corev1.MirrorPodAnnotationKey); any value counts."""
_BUILT_IN = {
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
"""Complete: in the OpenAPI of Kubernetes 1.37.2, alpha kinds included, nothing else holds a PodSpec."""
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*)*")
_RESERVED = frozenset({"metadata", "replicas", "suspend"})
"""What no step of a path may be called: these fields are read beside it."""
_ABSENT = msgspec.Raw(b"")
_ANNOTATION = msgspec.json.Decoder(str | None)


class MalformedWorkloadError(Exception):
    """The object cannot be read as its kind; the text is one line with a path, never a value."""


@dataclass(frozen=True, slots=True)
class CustomKind:
    """A kind of somebody's own that carries a pod spec.

    Raises:
        ValueError: The path is no list of names joined by dots, or leads through a field that has another meaning.
    """

    group: str
    kind: str
    pod_spec: str = "spec.template.spec"
    """The path of the pod spec: names joined by dots."""

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.pod_spec) or not _RESERVED.isdisjoint(self.pod_spec.split(".")):
            raise ValueError("expected a path of names joined by dots, such as spec.template.spec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What an object says about the images that it will have pulled."""

    kind: str
    namespace: str = ""
    """Empty where a bare manifest names none."""
    name: str = ""
    """The name, or the prefix that the API server will complete (`metadata.generateName`)."""
    pod_spec: PodSpec | None = None
    """None where the path leads nowhere, as in a custom object that takes its template from elsewhere."""
    pod_spec_path: str
    annotations: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The object's own, not those of its template. kubectl keeps whole manifests there, passwords included."""
    is_being_deleted: bool = False
    is_inactive: bool = False
    """Whether nothing pulls now: `replicas: 0` or `suspend: true` on the way to the pod spec, or scheduling gates."""
    has_controller_owner: bool = False

    @property
    def is_mirror(self) -> bool:
        """Whether it calls itself a static pod's mirror; anybody may (NodeRestriction binds only kubelets)."""
        return MIRROR_ANNOTATION in self.annotations


class _Owner(msgspec.Struct):
    controller: bool | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    name: str | None = None
    generate_name: str | None = None
    namespace: str | None = None
    annotations: dict[str, msgspec.Raw] | None = None
    deletion_timestamp: str | None = None
    owner_references: tuple[_Owner | None, ...] | None = None


class _Level(msgspec.Struct):
    """An object on the way to the pod spec. `below` is the next one, under the name that the path gives it.

    The other two stay raw, since a custom kind may mean something else by them.
    """

    below: "_Level | PodSpec | None" = None
    replicas: msgspec.Raw = _ABSENT
    suspend: msgspec.Raw = _ABSENT

    @property
    def is_inactive(self) -> bool:
        return self.replicas == msgspec.Raw(b"0") or self.suspend == msgspec.Raw(b"true")


class _Document(_Level):
    """The object itself."""

    metadata: _Metadata | None = None


class WorkloadKind:
    """A kind with a pod spec, and how its objects are read."""

    __slots__ = ("_decoder", "group", "kind", "pod_spec_path")

    def __init__(self, group: str, kind: str, pod_spec_path: str) -> None:
        self.group = group
        self.kind = kind
        self.pod_spec_path = pod_spec_path
        self._decoder: msgspec.json.Decoder[_Document] = msgspec.json.Decoder(_document_type(pod_spec_path.split(".")))

    def read(self, raw: bytes | msgspec.Raw) -> Workload:
        """Read an object of this kind from its JSON.

        Raises:
            MalformedWorkloadError: It is not JSON, or a field that matters has a type that the kind does not give it.
        """
        try:
            document = self._decoder.decode(raw)
        except READ_FAULTS as fault:
            raise MalformedWorkloadError(describe(fault)) from None
        return self._workload(document)

    def _workload(self, document: _Document) -> Workload:
        metadata = document.metadata or _Metadata()
        levels = tuple(_levels(document))
        pod_spec = levels[-1].below
        pod_spec = pod_spec if isinstance(pod_spec, PodSpec) else None
        return Workload(
            kind=self.kind,
            namespace=metadata.namespace or "",
            name=metadata.name or metadata.generate_name or "",
            pod_spec=pod_spec,
            pod_spec_path=self.pod_spec_path,
            annotations={key: _annotation(value) for key, value in (metadata.annotations or {}).items()},
            is_being_deleted=bool(metadata.deletion_timestamp),
            is_inactive=any(level.is_inactive for level in levels) or bool(pod_spec and pod_spec.scheduling_gates),
            has_controller_owner=any(owner and owner.controller for owner in metadata.owner_references or ()),
        )


class WorkloadKinds:
    """Every kind with a pod spec: Kubernetes' own and the configured ones, which win over them."""

    __slots__ = ("_kinds",)

    def __init__(self, custom: Iterable[CustomKind] = ()) -> None:
        paths = _BUILT_IN | {(kind.group, kind.kind): kind.pod_spec for kind in custom}
        self._kinds = {(group, kind): WorkloadKind(group, kind, path) for (group, kind), path in paths.items()}

    def find(self, group: str, kind: str) -> WorkloadKind | None:
        """Find a kind in any of its versions; None: it carries no pod spec that we know of."""
        return self._kinds.get((group, kind))


def _document_type(path: list[str]) -> type[msgspec.Struct]:
    """Make the type of a kind's objects from the inside out, so that msgspec walks the path and names it in errors."""
    below: type[msgspec.Struct] = PodSpec
    for name in reversed(path[1:]):
        below = _enclosing(_Level, name, below)
    return _enclosing(_Document, path[0], below)


def _enclosing(base: type[_Level], name: str, below: type[msgspec.Struct]) -> type[msgspec.Struct]:
    return msgspec.defstruct(base.__name__, [("below", below | None, None)], bases=(base,), rename={"below": name})


def _annotation(value: msgspec.Raw) -> str:
    """Read an annotation's value; empty where it is null, or longer than any that the API server takes."""
    if len(value) > MAX_ANNOTATION_BYTES:
        return ""
    try:
        return _ANNOTATION.decode(value) or ""
    except READ_FAULTS as fault:
        wrong = describe(fault).removeprefix("document")
        raise MalformedWorkloadError(f"metadata.annotations[...]{wrong}") from None


def _levels(document: _Document) -> Iterator[_Level]:
    level: _Level | PodSpec | None = document
    while isinstance(level, _Level):
        yield level
        level = level.below
