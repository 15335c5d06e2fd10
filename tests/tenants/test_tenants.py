"""Two tenants: neither gets an answer, or sends a login, that is the other's."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import pytest

from tests.clock import JumpingLoop, sleep_until
from tests.tenants.claims import check
from tests.tenants.registries import BEHALF, TOKEN_SECONDS, Exchange
from tests.tenants.script import Author, first_holding
from tests.tenants.world import BASIC, BEARER, HOSTS, Content, Past, World
from webhook.keychain.credential import Credential
from webhook.registry.endpoints import Endpoint
from webhook.registry.exchange import Answer, BasicLogin, BearerToken, FetchManifest, FetchToken, Intent
from webhook.registry.request import build
from webhook.registry.token import read_token

Result = TypeVar("Result")
RED = Credential("red", "red-0")
SCOPE = ("repository:private/one:pull",)


def run(scene: Coroutine[object, object, Result]) -> Result:
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(scene)


def world() -> World:
    """Tenant a holds the login of red, tenant b none."""
    content: Past[Content | None] = Past(Content(((BASIC, ("red", "red-0")),)))
    return World({host: Past(first_holding(host)) for host in HOSTS}, {("a", "first"): content})


async def ask(exchange: Exchange, behalf: str, intent: Intent) -> Answer:
    BEHALF.set(behalf)
    reply = await exchange.exchange(build(intent))
    assert isinstance(reply, Answer)
    return reply


def manifest(host: str, authorization: BasicLogin | BearerToken | None) -> FetchManifest:
    url = f"https://{host}/v2/private/one/manifests/1"
    return FetchManifest(endpoint=Endpoint(url=url), url=url, method="HEAD", authorization=authorization)


@pytest.mark.parametrize("seed", [2, 3])
def test_no_answer_depends_on_the_others_logins_and_each_is_true(seed: int) -> None:
    outcome = check(1000, seed=seed)

    assert outcome.faults == []
    assert outcome.counts["images remembered"] > 50
    assert outcome.counts["tokens remembered"] > 10
    assert min(outcome.counts[decision] for decision in ("allow", "warn", "deny")) > 50


def test_the_same_seed_gives_the_same_steps_and_the_same_outcome() -> None:
    first, second = (tuple(Author(5, is_calm=True).rounds(300)) for _ in range(2))

    assert first == second
    assert check(100, seed=5).counts == check(100, seed=5).counts


@pytest.mark.parametrize(("behalf", "leaks"), [("a", 0), ("b", 1)])
def test_a_login_that_goes_out_for_who_does_not_hold_it_is_noticed(behalf: str, leaks: int) -> None:
    exchange = Exchange(world(), 10)
    reply = run(ask(exchange, behalf, manifest(BASIC, BasicLogin(RED))))

    assert (reply.status, len(exchange.leaks)) == (200, leaks)


def test_a_login_that_was_exchanged_longer_ago_than_secrets_are_remembered_is_noticed() -> None:
    exchange_of = world()
    exchange_of.content("a", "first").change(None, 5)
    exchange = Exchange(exchange_of, 10)

    async def scene(at: float) -> int:
        await sleep_until(at)
        await ask(exchange, "a", manifest(BASIC, BasicLogin(RED)))
        return len(exchange.leaks)

    assert [run(scene(at)) for at in (14, 15)] == [0, 1]


@pytest.mark.parametrize(("behalf", "leaks"), [("a", 0), ("b", 1)])
def test_a_token_that_is_used_by_who_was_not_granted_it_is_noticed(behalf: str, leaks: int) -> None:
    exchange = Exchange(world(), 10)
    url = f"https://auth.{BEARER}/token"
    intent = FetchToken(endpoint=Endpoint(url=url), url=url, grant="password", scopes=SCOPE, credential=RED)

    async def scene() -> list[int]:
        token = read_token(await ask(exchange, "a", intent), is_form=True)
        first = await ask(exchange, behalf, manifest(BEARER, BearerToken(token)))
        await sleep_until(TOKEN_SECONDS + 1)
        return [first.status, (await ask(exchange, behalf, manifest(BEARER, BearerToken(token)))).status]

    assert run(scene()) == [200, 401]
    assert len(exchange.leaks) == leaks


def test_what_a_value_was_is_known_by_the_time() -> None:
    past = Past("a")
    past.change("b", 10)
    past.change("c", 20)

    assert past.now == "c"
    assert list(past.during(5, 9)) == ["a"]
    assert list(past.during(10, 15)) == ["b"]
    assert list(past.during(9, 20)) == ["c", "b", "a"]


def test_time_jumps_and_a_loop_without_a_future_is_told() -> None:
    async def hour() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert run(hour()) == 3600
    with pytest.raises(RuntimeError, match="nothing is left"):
        run(asyncio.Event().wait())
