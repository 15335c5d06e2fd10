"""The grid: each registry, each kind of login, what is there and what is not."""

from collections.abc import Iterator

from tests.truth.scenes import reasons
from tests.truth.scenes.scene import Scene, scene
from tests.truth.scenes.secrets import BAD, NO_ACCESS, RIGHT, PullSecret, secret
from tests.truth.standins import brands
from tests.truth.standins.brands import MANNERS
from tests.truth.standins.content import single

_ORDINARY = {
    "basic": brands.BASIC,
    "token": brands.TOKEN,
    "hub": brands.HUB,
    "ghcr": brands.GHCR,
    "quay": brands.QUAY,
    "gitlab": brands.GITLAB,
    "gitea": brands.GITEA,
    "harbor": brands.HARBOR,
    "zot": brands.ZOT,
    "nexus": brands.NEXUS,
    "artifactory": brands.ARTIFACTORY,
    "openshift": brands.OPENSHIFT,
}
_CLOUDS = {"gar": (brands.GAR, "oauth2accesstoken"), "acr": (brands.ACR, "alice"), "ecr": (brands.ECR, "AWS")}


def scenes() -> Iterator[Scene]:
    for name, host in _ORDINARY.items():
        yield from _grid(name, host, RIGHT)
        yield scene(f"{name}-public", "public, and the pod offers nothing", host, at="public")
    for name, (host, user) in _CLOUDS.items():
        yield from _grid(name, host, secret(user), silence=reasons.NODES_LOG_IN)
    for name in ("hub", "quay", "ghcr", "harbor", "nexus", "gitlab"):
        host = _ORDINARY[name]
        yield scene(f"{name}-public-wrong", "public, with a wrong password", host, BAD, at="public")


def _grid(name: str, host: str, right: PullSecret, silence: str = "") -> Iterator[Scene]:
    yield scene(f"{name}-right", "private, with the right password", host, right)
    yield scene(f"{name}-none", "private, and the pod offers nothing", host, silence=silence)
    yield scene(f"{name}-wrong", "private, with a wrong password", host, BAD, silence=silence)
    yield scene(f"{name}-no-access", "private, with an account that may not read it", host, NO_ACCESS, silence=silence)
    yield scene(f"{name}-no-tag", "a tag that is not there", host, right, holds=single, image="{host}/{repository}:2")
    yield scene(
        f"{name}-no-repository",
        "a repository that is not there",
        host,
        right,
        holds=None,
        silence=silence if MANNERS[host].hides_absent else "",
    )
