"""A scene: a workload, what it names, the registries that it meets, and what is said where one cannot know."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.exchange import Fault
from tests.fakes.images import Image
from tests.truth.scenes.secrets import Manifest, PullSecret
from tests.truth.standins import content
from tests.truth.standins.brands import HUB, OPEN
from tests.truth.standins.registry import Twist
from tests.truth.standins.sites import Site, own

LABEL = "scene"
TOO_SLOW_SECONDS = 6.0
"""Longer than the webhook may take, and well within the 30 s that containerd waits."""
TEMPLATED = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "Job": "batch/v1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """An image in a registry."""

    host: str
    repository: str
    tag: str
    image: Image = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One row of the table."""

    group: str
    name: str
    """Also of its objects, and the last part of its repository."""
    title: str
    host: str
    """The registry that the reference names."""
    repository: str
    support: tuple[Manifest, ...] = field(repr=False)
    """What the workload names: secrets, a service account."""
    workload: Manifest = field(repr=False)
    stores: tuple[Store, ...] = ()
    twists: Mapping[str, Twist] = field(default_factory=dict)
    """By registry."""
    faults: tuple[Fault, ...] = ()
    sites: Mapping[str, Site] = field(default_factory=dict, repr=False)
    """Registries of the scene's own, by name."""
    is_shy: bool = False
    """Whether a registry that others share asks to be left alone: then it is asked when nobody else is."""
    earlier: Manifest | None = field(default=None, repr=False)
    """A workload that the node runs first, so that it has the image."""
    vanishes: bool = False
    """Whether the registry has lost the image when the scene itself is played."""
    heals: bool = False
    """Whether the trouble is over when the node tries again: then it is that try which counts."""
    silence: str = ""
    """Why nobody can know, where the node fails and we allow without a word."""
    doubt: str = ""
    """Why we cannot be sure, where the node pulls and we warn."""
    spared: str = ""
    """Why the pod runs all the same, where the node fails to get one of its images."""
    differs: str = ""
    """Why the webhook offers logins otherwise than the node."""


def scene(
    name: str,
    title: str,
    host: str,
    *secrets: PullSecret,
    at: str = "private",
    path: str = "",
    image: str = "",
    holds: content.Make | None = content.single,
    stored: Mapping[str, content.Make] | None = None,
    twist: Twist | Mapping[str, Twist] | None = None,
    workload: Callable[["Draft"], Manifest] | None = None,
    account: tuple[str, ...] = (),
    **more: Any,
) -> Scene:
    """Write a scene; its group is named by `grouped`.

    Args:
        name: Unique.
        title: What is special about it.
        host: The registry that the reference names.
        secrets: What the pod names.
        at: The repository's first word: `public`, `private`, or `library` on Docker Hub.
        path: What stands between that and the scene's name.
        image: As it is written; `{host}`, `{repository}`, `{digest}` and `{sha512}` may stand in it. Tag `1` exists.
        holds: What the registry has; None: nothing.
        stored: What each registry has, where it is not only that one.
        twist: What becomes of the honest answers, of that registry or by registry.
        workload: Makes the object; the default is a Pod with one container.
        account: The pull secrets of a service account that is called like the scene; empty: there is none.
        more: Further fields of `Scene`.
    """
    repository = "/".join(filter(None, (at, path, name)))
    makes = dict(stored) if stored is not None else ({host: holds} if holds else {})
    stores = tuple(Store(host=where, repository=repository, tag="1", image=make(name)) for where, make in makes.items())
    words = {"host": host, "repository": repository, "library": name}
    if stores:
        words |= {"digest": stores[0].image.digest, "sha512": content.sha512(stores[0].image)}
    written = (image or "{host}/{repository}:1").format(**words)
    names = _names(name, secrets)
    draft = Draft(name=name, image=written, secrets=names)
    key = "https://index.docker.io/v1/" if host == HUB else host
    support = [
        each.manifest(named, key)
        for each, named in zip(secrets, names, strict=True)
        if each.exists and not each.is_same_as_first
    ]
    return Scene(
        group="",
        name=name,
        title=title,
        host=host,
        repository=repository,
        support=(*support, *([_account(name, account)] if account else [])),
        workload=(workload or pod)(draft),
        stores=stores,
        twists=twist if isinstance(twist, Mapping) else {host: twist} if twist else {},
        **more,
    )


def at_open(name: str, title: str, *secrets: PullSecret, **more: Any) -> Scene:
    """Write a scene at a registry that asks nobody for a login."""
    return scene(name, title, OPEN, *secrets, at="public", **more)


def alone(name: str, title: str, host: str, *secrets: PullSecret, beside: tuple[str, ...] = (), **more: Any) -> Scene:
    """Write a scene at a registry of its own, for what fails: a registry that does is left alone for a while.

    Args:
        name: Unique; the registry's name begins with it.
        title: What is special about it.
        host: What the registry is like.
        secrets: What the pod names.
        beside: Further registries that it shares with no other scene.
        more: As for `scene`.
    """
    return scene(name, title, f"{name}.{host}", *secrets, sites=own(name, host, *beside), **more)


def _account(name: str, secrets: Sequence[str]) -> Manifest:
    listed = [{"name": secret} for secret in secrets]
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}, "imagePullSecrets": listed}


def _names(name: str, secrets: Sequence[PullSecret]) -> tuple[str, ...]:
    named = [f"{name}-{number}" for number in range(1, len(secrets) + 1)]
    return tuple(named[0] if each.is_same_as_first else one for each, one in zip(secrets, named, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a workload is made of."""

    name: str
    image: str
    secrets: tuple[str, ...]

    @property
    def spec(self) -> dict[str, Any]:
        """A pod spec with one container; nothing in it that does not matter."""
        spec: dict[str, Any] = {"containers": [{"name": "app", "image": self.image}]}
        if self.secrets:
            spec["imagePullSecrets"] = [{"name": secret} for secret in self.secrets]
        return spec | {"automountServiceAccountToken": False, "terminationGracePeriodSeconds": 0}


def pod(draft: Draft, **more: Any) -> Manifest:
    """A Pod; `more` stands in its spec."""
    metadata = {"name": draft.name, "labels": {LABEL: draft.name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**draft.spec, **more}}


def with_policy(policy: str) -> Callable[[Draft], Manifest]:
    """Makes a Pod with this pull policy."""

    def make(draft: Draft) -> Manifest:
        containers = [{"name": "app", "image": draft.image, "imagePullPolicy": policy}]
        return pod(draft, containers=containers)

    return make


def templated(kind: str, **more: Any) -> Callable[[Draft], Manifest]:
    """Makes an object that carries a pod template; `more` stands in the pod's spec."""

    def make(draft: Draft) -> Manifest:
        labels = {LABEL: draft.name}
        template = {"metadata": {"labels": labels}, "spec": {**draft.spec, **more}}
        spec: dict[str, Any] = {"template": template}
        if kind == "Job":
            template["spec"]["restartPolicy"] = "Never"
        else:
            spec["selector"] = {"matchLabels": labels}
        metadata = {"name": draft.name, "labels": labels}
        return copy.deepcopy({"apiVersion": TEMPLATED[kind], "kind": kind, "metadata": metadata, "spec": spec})

    return make
