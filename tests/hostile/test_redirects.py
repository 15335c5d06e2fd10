"""Neither a credential nor a token follows a redirect to another origin; nothing follows one to plain http."""

import pytest

from tests.fakes.exchange import Fault, Response
from tests.hostile.conftest import CANARY, IMAGE, REGISTRY, Den, apply
from tests.journeys.outcomes import resolutions
from tests.servers.webhook import Webhook


def redirect(path: str, status: int, location: str) -> Fault:
    return Fault(path=path, response=Response(status, (("Location", location),)))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("post_status", [200, 405])
@pytest.mark.parametrize("thief", ["secure", "neighbour", "plain"])
def test_the_credential_never_follows_a_token_server_elsewhere(
    den: Den, guarded: Webhook, *, thief: str, status: int, post_status: int
) -> None:
    assert den.registry.tokens is not None
    den.registry.tokens.post_status = post_status
    location = f"{getattr(den, thief).url}/token"
    if post_status == 200:
        den.registry.faults.append(redirect("/token", status, location))
    else:
        den.registry.faults.append(
            Fault(path="/token", method="GET", response=Response(status, (("Location", location),)))
        )
    outcome = apply(guarded, f"{REGISTRY}/{IMAGE}")
    assert den.registry.carried(CANARY), "the realm itself is the registry's own"
    assert not den.stolen()
    assert (outcome.decision, resolutions(outcome)) == ("warn", ["Blocked"])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("thief", ["secure", "neighbour"])
def test_neither_credential_nor_token_follows_a_manifest_elsewhere(
    den: Den, guarded: Webhook, *, thief: str, status: int
) -> None:
    den.registry.faults.append(redirect("/v2/", status, f"{getattr(den, thief).url}/v2/team/app/manifests/1"))
    outcome = apply(guarded, f"{REGISTRY}/{IMAGE}")
    assert getattr(den, thief).requests, "the redirect is followed, without a login"
    assert not den.stolen()
    assert (outcome.decision, resolutions(outcome)) == ("warn", ["Blocked"])


@pytest.mark.parametrize("thief", ["secure", "neighbour"])
def test_a_token_does_not_follow_a_redirect_that_comes_after_the_login(den: Den, guarded: Webhook, thief: str) -> None:
    target = f"{getattr(den, thief).url}/v2/team/app/manifests/1"
    moved = Response(307, (("Location", target),))
    den.registry.faults.append(Fault(path="/v2/", is_for=lambda request: bool(request.bearer), response=moved))
    outcome = apply(guarded, f"{REGISTRY}/{IMAGE}")
    assert den.registry.counts()["token"] == 1
    assert getattr(den, thief).requests
    assert not den.stolen()
    assert (outcome.decision, resolutions(outcome)) == ("warn", ["Blocked"])


def test_nothing_follows_a_redirect_to_plain_http(den: Den, guarded: Webhook) -> None:
    den.registry.faults.append(redirect("/v2/", 307, f"{den.plain.url}/v2/team/app/manifests/1"))
    outcome = apply(guarded, f"{REGISTRY}/{IMAGE}")
    assert not den.plain.requests
    assert (outcome.decision, resolutions(outcome)) == ("warn", ["Blocked"])
