"""Where an image stands in a workload, which kind of workload it is, and which pull policy it has."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.truth.scenes import reasons
from tests.truth.scenes.scene import TEMPLATED, Draft, Scene, at_open, pod, scene, templated, with_policy
from tests.truth.scenes.secrets import ABSENT, RIGHT, Manifest
from tests.truth.standins import content
from tests.truth.standins.brands import BASIC, OPEN

Make = Callable[[Draft], Manifest]


def scenes() -> Iterator[Scene]:
    for kind in TEMPLATED:
        low = kind.lower()
        yield scene(f"kind-{low}", f"a {kind}, with the right password", BASIC, RIGHT, workload=templated(kind))
        yield scene(f"kind-{low}-none", f"a {kind}, and it offers nothing", BASIC, workload=templated(kind))
    for policy in ("Always", "IfNotPresent"):
        low, make = policy.lower(), with_policy(policy)
        yield scene(f"policy-{low}", f"policy {policy}", BASIC, RIGHT, workload=make)
        yield scene(f"policy-{low}-none", f"policy {policy}, no login", BASIC, workload=make)
    never, why = with_policy("Never"), reasons.NEVER
    yield scene("policy-never", "policy Never, in the registry", BASIC, RIGHT, workload=never, silence=why)
    title = "policy Never, nowhere"
    yield scene("policy-never-absent", title, BASIC, ABSENT, holds=None, workload=never, silence=why)
    yield from _containers()
    yield from _volumes()


def _containers() -> Iterator[Scene]:
    sidecar = _with_init({"restartPolicy": "Always"})
    yield at_open("place-init", "an init container's, missing", holds=None, workload=_with_init({}))
    yield at_open("place-sidecar", "a sidecar's", workload=sidecar)
    yield at_open("place-sidecar-missing", "a sidecar's, missing", holds=None, workload=sidecar)
    yield at_open("place-second", "the second container's, missing", workload=_with_second("{image}0"))
    yield at_open("place-same", "two containers with one image", workload=_with_second("{image}"))


def _volumes() -> Iterator[Scene]:
    yield at_open("volume", "an image volume's, mounted", workload=_with_volume("{image}"))
    yield at_open("volume-missing", "an image volume's, missing", workload=_with_volume("{image}0"))
    idle = _with_volume("{image}0", is_mounted=False)
    yield at_open("volume-idle", "an image volume's, missing, and none mounts it", workload=idle, spared=reasons.IDLE)
    chart = _with_volume("{image}", app=f"{OPEN}/public/volume:1")
    yield at_open("volume-chart", "an image volume's, a chart", holds=content.artifact, workload=chart)


def _with_init(more: dict[str, Any]) -> Make:
    return lambda draft: pod(draft, initContainers=[{"name": "first", "image": draft.image, **more}])


def _with_second(image: str) -> Make:
    def make(draft: Draft) -> Manifest:
        second = {"name": "second", "image": image.format(image=draft.image)}
        return pod(draft, containers=[{"name": "app", "image": draft.image}, second])

    return make


def _with_volume(image: str, *, is_mounted: bool = True, app: str = "{image}") -> Make:
    def make(draft: Draft) -> Manifest:
        mounts = {"volumeMounts": [{"name": "content", "mountPath": "/content"}]} if is_mounted else {}
        container = {"name": "app", "image": app.format(image=draft.image), **mounts}
        volume = {"name": "content", "image": {"reference": image.format(image=draft.image)}}
        return pod(draft, containers=[container], volumes=[volume])

    return make
