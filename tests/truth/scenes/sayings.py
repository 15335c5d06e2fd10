"""What only one brand of registry says."""

from collections.abc import Iterator

from tests.fakes.exchange import Response
from tests.truth.scenes import reasons
from tests.truth.scenes.scene import Scene, at_open, scene
from tests.truth.scenes.secrets import BAD, RIGHT, secret
from tests.truth.standins.asking import Asked
from tests.truth.standins.brands import ACR, ECR, ECR_PUBLIC, GHCR, HARBOR, HUB, QUAY, TOKEN, ZOT
from tests.truth.standins.registry import error
from tests.truth.standins.twists import challenge, on, redirect, status, times

_FIREWALL = on("manifest", error(403, "DENIED", "client with IP '10.1.2.3' is not allowed access"))
_EXPIRED = on("manifest", error(403, "DENIED", "Your authorization token has expired. Reauthenticate and try again."))
_RATE = error(429, "TOOMANYREQUESTS", "You have reached your pull rate limit.")


def scenes() -> Iterator[Scene]:
    yield scene("acr-firewall", "its firewall refuses us", ACR, RIGHT, twist=_FIREWALL, silence=reasons.FIREWALL)
    yield at_open("open-firewall", "a firewall refuses us", twist=_FIREWALL, silence=reasons.FIREWALL)
    title = "an expired login"
    yield scene("ecr-expired", title, ECR, secret("AWS"), twist=_EXPIRED, silence=reasons.NODES_LOG_IN)
    yield scene("zot-expired", f"{title}, where no cloud is", ZOT, RIGHT, twist=_EXPIRED)
    yield scene("ecr-public", "public", ECR_PUBLIC, at="public")
    yield scene("ecr-public-no-tag", "public, a missing tag", ECR_PUBLIC, at="public", image="{host}/{repository}:2")
    yield scene("hub-rate", "too many requests", HUB, at="public", twist=status(429), is_shy=True)
    yield scene(
        "hub-token-rate", "too many requests for tokens", HUB, at="public", twist=on("token", _RATE), is_shy=True
    )
    disabled = on("token", error(405, "DENIED", "namespace disabled"))
    yield scene("quay-disabled", "a disabled namespace", QUAY, RIGHT, twist=disabled)
    expired = on("manifest", error(404, "TAG_EXPIRED", "tag expired"), is_by_tag=True)
    yield scene("quay-expired-tag", "a tag that has expired", QUAY, RIGHT, twist=expired)
    yield scene("ghcr-absent", "a package that is not there, and no login", GHCR, holds=None)
    yield scene("token-public-wrong", "public, with a wrong password", TOKEN, BAD, at="public")
    yield from _of_harbor()


def _of_harbor() -> Iterator[Scene]:
    yield scene("harbor-policy", "its policy forbids the pull", HARBOR, RIGHT, twist=_policy)
    yield scene("harbor-no-project", "a project that is not there", HARBOR, RIGHT, holds=None, twist=_no_project)
    plain = challenge(f'Bearer realm="http://{HARBOR}/service/token",service="harbor-registry"')
    yield scene("harbor-http-realm", "a realm in plain http", HARBOR, RIGHT, twist=plain)
    moved = times(1, redirect("{path}", code=301))
    yield scene("harbor-moved", "a redirect within it, before any login", HARBOR, RIGHT, twist=moved)


def _policy(asked: Asked, honest: Response) -> Response:
    if asked.role == "manifest" and honest.status == 200:
        return error(412, "PROJECTPOLICYVIOLATION", "the image has too many vulnerabilities")
    return honest


def _no_project(asked: Asked, honest: Response) -> Response:
    if asked.role == "manifest" and asked.request.bearer:
        return error(401, "UNAUTHORIZED", "project private not found", ("Www-Authenticate", ""))
    return honest
