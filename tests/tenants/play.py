"""Plays rounds against the real judging, registry driver, shortcuts and patience, and checks each answer."""

import asyncio
import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.clock import JumpingLoop, sleep_until
from tests.registry.playing import DESTINATIONS
from tests.tenants.registries import BEHALF, TOKEN_SECONDS, Exchange
from tests.tenants.script import Review, Round
from tests.tenants.world import Content, Holding, Login, Past, World, state_of
from tests.verdict.making import reference, use
from webhook.case import Case
from webhook.images.onnode import NodeImages
from webhook.images.reference import Reference
from webhook.judging import Judging
from webhook.keychain.pullsecrets import SecretState, ServiceAccount, ServiceAccountState, Wanted
from webhook.memory import Kind, Times
from webhook.reading import Memories
from webhook.registry.resolution import Resolved, Unavailable
from webhook.road import Road
from webhook.shortcuts import Shortcuts
from webhook.verdict.judgement import Judgement, Verdict
from webhook.verdict.policy import Decision, Mode, Rules
from webhook.wire.registries import Registries

TIMES = Times()
FORGETFUL = Times(*(0.0 for _ in range(5)))
ENTRIES = 10_000
ACCOUNT = "puller"
DEADLINE_SECONDS = 5.0
READING_SECONDS = 0.005
"""What the cluster takes to answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tenant gets to see."""

    decision: Decision
    message: str
    warnings: tuple[str, ...]
    digests: tuple[str | None, ...]

    @classmethod
    def of(cls, verdict: Verdict) -> "Answer":
        digests = tuple(judgement.digest for judgement in verdict.judgements)
        return cls(verdict.decision, verdict.message, verdict.warnings, digests)


@dataclass
class Played:
    """What a play showed."""

    answers: dict[tuple[float, int, str], tuple[Review, Answer]] = field(default_factory=dict)
    """By the round's time, and the place among the tenant's own reviews in it."""
    faults: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def of(self, tenant: str) -> dict[tuple[float, int, str], tuple[Review, Answer]]:
        return {key: answered for key, answered in self.answers.items() if key[2] == tenant}


class FakeCluster:
    """Reads the world as it is now."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def read_secret(self, namespace: str, name: str) -> SecretState:
        content = self._world.content(namespace, name).now
        await asyncio.sleep(READING_SECONDS)
        return state_of(name, content)

    async def read_service_account(self, namespace: str, name: str) -> ServiceAccountState:
        listed = self._world.account(namespace).now
        await asyncio.sleep(READING_SECONDS)
        return ServiceAccount(name, listed)

    async def read_node_images(self) -> NodeImages:
        return NodeImages()


def make_judging(world: World, exchange: Exchange, times: Times, counts: Counter[str]) -> Judging:
    """Put the stages together as the webhook does, with everything to be remembered."""

    def observe(kind: Kind, is_hit: bool) -> None:
        counts[f"{kind} {'remembered' if is_hit else 'looked for'}"] += 1

    key = b"key"
    shortcuts = Shortcuts(key, seconds=times.tokens_seconds, entries=ENTRIES, observe=observe)
    registries = Registries(
        exchange,
        judge_url=DESTINATIONS.judge_url,
        find_proxy=lambda _: None,
        per_registry=8,
        shortcuts=shortcuts,
    )
    memories = Memories.of(FakeCluster(world), times, entries=ENTRIES, observe=observe)
    return Judging(
        registries=registries,
        road=Road(destinations=DESTINATIONS),
        rules=Rules(),
        process_key=key,
        memories=memories,
    )


class Player:
    """One process of the webhook in one world."""

    def __init__(self, *, is_checked: bool, is_calm: bool) -> None:
        """Begin; `is_checked`: each answer is compared with the world, too."""
        self._is_checked = is_checked
        self._is_calm = is_calm
        self._world = World({})
        self._exchange = Exchange(self._world, TIMES.secrets_seconds)
        self.played = Played()
        self._judging = make_judging(self._world, self._exchange, TIMES, self.played.counts)

    async def play(self, rounds: Sequence[Round]) -> None:
        """Play all rounds, each at its time; one is over long before the next."""
        for one in rounds:
            await sleep_until(one.at)
            self._change(one)
            verdicts = await asyncio.gather(*(self._judge(self._judging, review) for review in one.reviews))
            places: Counter[str] = Counter()
            for review, verdict in zip(one.reviews, verdicts, strict=True):
                key = (one.at, places[review.namespace], review.namespace)
                places[review.namespace] += 1
                self.played.answers[key] = (review, Answer.of(verdict))
                if self._is_checked:
                    await self._check(one, review, verdict)
        self.played.counts.update(self._exchange.counts)
        self.played.faults += self._exchange.leaks

    def _change(self, one: Round) -> None:
        for host, holding in one.holdings.items():
            self._world.holdings.setdefault(host, Past(holding)).change(holding, one.at)
        for key, content in one.contents.items():
            self._world.content(*key).change(content, one.at)
        for tenant, listed in one.accounts.items():
            self._world.account(tenant).change(listed, one.at)
        self._world.troubles = one.troubles

    async def _judge(self, judging: Judging, review: Review) -> Verdict:
        BEHALF.set(review.namespace)
        account = ACCOUNT if review.has_account else None
        case = Case(
            kind="Pod",
            namespace=review.namespace,
            name="pod",
            uses=tuple(use(image, policy="Always") for image in review.images),
            wanted=Wanted(review.secrets, account),
            mode=Mode.ENFORCE,
        )
        return await judging.judge(case, DEADLINE_SECONDS)

    async def _check(self, one: Round, review: Review, verdict: Verdict) -> None:
        """Compare every yes with what is or was so, and all else with what somebody says who remembers nothing."""
        self.played.counts[verdict.decision] += 1
        self.played.counts["images remembered"] += sum(judgement.is_remembered for judgement in verdict.judgements)
        others = [judgement for judgement in verdict.judgements if not isinstance(judgement.resolution, Resolved)]
        for judgement in verdict.judgements:
            if judgement.digest and judgement.digest not in set(self._true_digests(one.at, review, judgement)):
                self._fault(one, review, f"{judgement.use.image} did not resolve to {judgement.digest} for this pod")
            if judgement.digest and self._is_anothers(one.at, review, judgement):
                self._fault(one, review, f"{judgement.use.image} was never shown to this tenant")
        if not others:
            return
        fresh = await self._judge_afresh(review)
        for mine, theirs in zip(verdict.judgements, fresh.judgements, strict=True):
            if mine in others and not self._is_same(mine, theirs):
                said = f"{mine.resolution} is said, {theirs.resolution} is so"
                self._fault(one, review, f"{mine.use.image}: {said}; {mine.reason} / {theirs.reason}")

    def _is_same(self, mine: Judgement, fresh: Judgement) -> bool:
        """Whether a no, or a doubt, is what it should be. Where registries have trouble, a doubt is always right."""
        if isinstance(mine.resolution, Unavailable) and not self._is_calm:
            return True
        return (mine.resolution, mine.decision, mine.reason) == (fresh.resolution, fresh.decision, fresh.reason)

    async def _judge_afresh(self, review: Review) -> Verdict:
        exchange = Exchange(self._world, 0)
        verdict = await self._judge(make_judging(self._world, exchange, FORGETFUL, Counter()), review)
        assert not exchange.leaks
        return verdict

    def _true_digests(self, at: float, review: Review, judgement: Judgement) -> Iterator[str]:
        """What an image stood for, for this pod, at a time that may be remembered."""
        parsed = reference(judgement.use.image)
        begin = at - TIMES.of(parsed)
        past = self._world.holdings[parsed.registry]
        keychains = list(self._keychains(at, review, parsed))
        # A token serves on when the account has lost its access, at the registry as well.
        admitting = [*past.during(begin, at), *_with_tokens(past, begin - TOKEN_SECONDS, at)]
        if not any(holding.admits(logins, parsed.path) for holding in admitting for logins in keychains):
            return
        for holding in past.during(begin, at):
            yield holding.find(parsed.path, parsed.digest or parsed.tag or "") or ""

    def _is_anothers(self, at: float, review: Review, judgement: Judgement) -> bool:
        """Whether it takes a login to see an image, and it was shown to the other tenant alone."""
        parsed = reference(judgement.use.image)
        begin = at - TIMES.of(parsed)
        if any(holding.admits((), parsed.path) for holding in self._world.holdings[parsed.registry].during(begin, at)):
            return False
        key = (review.namespace, parsed.registry, parsed.path, parsed.digest or parsed.tag or "")
        return self._exchange.shown.get(key, -math.inf) < begin

    def _keychains(self, at: float, review: Review, parsed: Reference) -> Iterator[tuple[Login, ...]]:
        """Every keychain of the pod that may be remembered, but those that are broken."""
        begin, namespace = at - TIMES.secrets_seconds, review.namespace
        lists = [review.secrets] if not review.has_account else list(self._world.account(namespace).during(begin, at))
        for names in lists:
            pasts = [self._world.content(namespace, name).during(begin, at) for name in names]
            for contents in itertools.product(*map(list, pasts)):
                if not any(content and content.is_malformed for content in contents):
                    yield tuple(_logins(contents, parsed.registry))

    def _fault(self, one: Round, review: Review, words: str) -> None:
        self.played.faults.append(f"at {one.at:g}: {review.namespace}: {words}")


def _with_tokens(past: Past[Holding], begin: float, end: float) -> Iterator[Holding]:
    return (holding for holding in past.during(begin, end) if holding.manner == "bearer")


def _logins(contents: Sequence[Content | None], host: str) -> Iterator[Login]:
    return (login for content in contents if content for login in content.of(host))


def play(rounds: Sequence[Round], *, is_checked: bool, is_calm: bool) -> Played:
    """Play rounds in a process of their own, as it were: nothing is remembered at the start."""

    async def run() -> Played:
        player = Player(is_checked=is_checked, is_calm=is_calm)
        await player.play(rounds)
        return player.played

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(run())
