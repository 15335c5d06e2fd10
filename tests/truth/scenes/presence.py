"""Images that the node has already, because it ran them before."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from tests.truth.scenes import reasons
from tests.truth.scenes.answers import BY_DIGEST
from tests.truth.scenes.scene import Draft, Scene, pod, scene, with_policy
from tests.truth.scenes.secrets import ABSENT, BAD, RIGHT, PullSecret, secret
from tests.truth.standins import content
from tests.truth.standins.brands import BASIC, HUB, OPEN

_SAME: dict[str, Any] = {"differs": reasons.ASKS_NOBODY}
_GONE: dict[str, Any] = {"vanishes": True}
_GONE_YET_RUNS: dict[str, Any] = {**_SAME, **_GONE, "doubt": reasons.ON_NODE}


def scenes() -> Iterator[Scene]:
    yield _had("present", "in the registry as well", OPEN, **_SAME)
    yield _had("present-gone", "gone from the registry", OPEN, **_GONE_YET_RUNS)
    yield _had("present-gone-digest", "gone, by digest", OPEN, image=BY_DIGEST, **_GONE_YET_RUNS)
    yield _had("present-gone-always", "gone, policy Always", OPEN, policy="Always", **_GONE)
    yield _had("present-gone-never", "gone, policy Never", OPEN, policy="Never", **_GONE)
    yield _had("present-gone-tag", "gone, and another tag is wanted", OPEN, image="{host}/{repository}:2", **_GONE)
    yield _had("present-gone-spelling", "gone, and spelt otherwise", HUB, at="library", image="{library}:1", **_GONE)
    yield from _with_login()


def _with_login() -> Iterator[Scene]:
    yield _had("present-private", "with the same secret", BASIC, RIGHT, **_SAME)
    yield _had("present-private-gone", "gone, with the same secret", BASIC, RIGHT, **_GONE_YET_RUNS)
    title = "gone, with the same login in another secret"
    yield _had("present-private-same", title, BASIC, RIGHT, secret(), **_GONE_YET_RUNS)
    yield _had("present-private-none", "this pod offers nothing", BASIC, RIGHT, own=())
    yield _had("present-private-wrong", "this pod has a wrong password", BASIC, RIGHT, BAD)
    yield _had("present-private-absent", "this pod's secret does not exist", BASIC, RIGHT, ABSENT)


def _had(
    name: str,
    title: str,
    host: str,
    *secrets: PullSecret,
    policy: str = "IfNotPresent",
    own: Sequence[str] | None = None,
    **more: Any,
) -> Scene:
    """A scene whose image ran before, with the first secret, and under its full name where that is not by digest.

    Args:
        name: Unique.
        title: What is special about it.
        host: The registry.
        secrets: The first is that of the pod that ran before, the last that of the scene's own.
        policy: Of the scene's own pod.
        own: The names of the secrets of the scene's own pod; None: the last.
        more: As for `scene`.
    """
    more = {"at": "private" if secrets else "public", **more}
    made = scene(name, title, host, *secrets, holds=content.large, workload=with_policy(policy), **more)
    names = [f"{name}-{number}" for number in range(1, len(secrets) + 1)]
    workload: Any = made.workload
    image = workload["spec"]["containers"][0]["image"]
    first = image if "@" in image else f"{host}/{made.repository}:1"
    earlier = pod(Draft(name=name, image=first, secrets=tuple(names[:1])))
    earlier["metadata"] = {"name": f"{name}-earlier", "labels": {"scene": name}}
    mine = Draft(name=name, image=image, secrets=tuple(names[-1:] if own is None else own))
    return replace(made, earlier=earlier, workload=with_policy(policy)(mine))
