"""Random steps: what two tenants apply, and what changes between."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from tests.tenants.world import BASIC, BEARER, HOSTS, OPEN, TENANTS, Content, Holding, Manner, Trouble, is_public

USERS = ("red", "blue")
"""At every registry. Few, so that both tenants often hold the same login."""
REPOSITORIES = ("public/one", "private/one", "private/two")
TAGS = ("1", "2")
SECRETS = ("first", "second")
GAPS_SECONDS = (*(1, 2, 3, 5) * 5, *(8, 9, 10, 11, 20, 30) * 2, 59, 60, 61, 120, 289, 290, 300, 3600)
"""Between two rounds: most within each time for which something is remembered, some around its end."""
FAVOURITES = 5
"""Images that a world's tenants apply most of the time."""
CHANGES = ("secret", "secret", "secret", "account", "tag", "tag", "access", "access", "password", "manner")
TROUBLES: tuple[Trouble, ...] = ("rate limited", "unavailable", "silent")
MANNERS: Mapping[str, Manner] = {OPEN: "open", BASIC: "basic", BEARER: "bearer"}


@dataclass(frozen=True, slots=True)
class Review:
    """A pod that a tenant applies."""

    namespace: str
    images: tuple[str, ...]
    secrets: tuple[str, ...]
    has_account: bool
    """Whether it takes its service account's pull secrets instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What changes at one time, and the reviews that follow at once."""

    at: float
    """A whole second, later by at least one than the round before."""
    holdings: Mapping[str, Holding] = field(default_factory=dict)
    contents: Mapping[tuple[str, str], Content | None] = field(default_factory=dict)
    accounts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    troubles: Mapping[str, Trouble] = field(default_factory=dict)
    """All that there are."""
    reviews: tuple[Review, ...] = ()

    @property
    def steps(self) -> int:
        changes = (self.holdings, self.contents, self.accounts, self.troubles)
        return len(self.reviews) + sum(len(each) for each in changes)


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def first_holding(host: str) -> Holding:
    """How every registry begins: all tags there, and each private repository for one account."""
    places = [(repository, tag) for repository in REPOSITORIES for tag in TAGS]
    return Holding(
        manner=MANNERS[host],
        tags={place: digest(number) for number, place in enumerate(places)},
        passwords={user: f"{user}-0" for user in USERS},
        access=frozenset(zip(USERS, REPOSITORIES[1:], strict=True)),
    )


class Author:
    """Draws rounds; the same seed gives the same ones."""

    def __init__(self, seed: int, *, is_calm: bool) -> None:
        """Begin.

        Args:
            seed: Of all chances.
            is_calm: Whether registries are always well, and what is public only comes and never goes. What anybody may
                see is remembered for everybody, so only then does nobody's yes depend on when the other one asked.
        """
        self._random = Random(seed)  # noqa: S311 (reproducible, not secret)
        self._is_calm = is_calm
        self._holdings = {host: first_holding(host) for host in HOSTS}
        if is_calm:
            self._holdings[BASIC] = replace(self._holdings[BASIC], tags=_without_public(self._holdings[BASIC].tags))
        self._drawn = 0
        self._favourites = tuple(self._any_image() for _ in range(FAVOURITES))

    def rounds(self, steps: int) -> Iterator[Round]:
        """Draw rounds of so many steps together; the first fills the cluster."""
        first = {(tenant, name): self._content() for tenant in TENANTS for name in SECRETS}
        yield Round(at=1, holdings=dict(self._holdings), contents=first, accounts=dict.fromkeys(TENANTS, SECRETS[:1]))
        at = 1.0
        while steps > 0:
            at += self._random.choice(GAPS_SECONDS)
            drawn = self._round(at)
            steps -= drawn.steps
            yield drawn

    def _round(self, at: float) -> Round:
        random = self._random
        troubles = {host: random.choice(TROUBLES) for host in HOSTS if not self._is_calm and random.random() < 0.1}
        drawn = Round(at=at, troubles=troubles)
        for _ in range(random.choice((0, 0, 0, 1, 1))):
            drawn = self._change(drawn)
        reviews = tuple(self._review() for _ in range(random.choice((1, 1, 2, 2, 3, 4))))
        return replace(drawn, reviews=reviews)

    def _change(self, drawn: Round) -> Round:
        random, kind = self._random, self._random.choice(CHANGES)
        tenant, host = random.choice(TENANTS), random.choice(HOSTS)
        if kind == "secret":
            key = (tenant, random.choice(SECRETS))
            return replace(drawn, contents={**drawn.contents, key: self._content()})
        if kind == "account":
            listed = tuple(name for name in SECRETS if random.random() < 0.6)
            return replace(drawn, accounts={**drawn.accounts, tenant: listed})
        self._holdings[host] = self._other_holding(self._holdings[host], host, kind)
        return replace(drawn, holdings={**drawn.holdings, host: self._holdings[host]})

    def _other_holding(self, old: Holding, host: str, kind: str) -> Holding:
        random = self._random
        user, repository = random.choice(USERS), random.choice(REPOSITORIES[1:])
        if kind == "access":
            return replace(old, access=old.access ^ {(user, repository)})
        if kind == "password":
            self._drawn += 1
            return replace(old, passwords={**old.passwords, user: f"{user}-{self._drawn}"})
        if kind == "manner":
            return replace(old, manner=random.choice(("basic", "bearer"))) if host != OPEN else old
        return replace(old, tags=self._other_tags(old.tags, host))

    def _other_tags(self, old: Mapping[tuple[str, str], str], host: str) -> Mapping[tuple[str, str], str]:
        """Let a tag come, go, or point elsewhere; a public one only come, where it is calm."""
        place = (self._random.choice(REPOSITORIES), self._random.choice(TAGS))
        # An open registry shows everybody everything.
        if self._is_calm and (is_public(place[0]) or host == OPEN):
            return old if place in old else {**old, place: digest(0)}
        if place in old and self._random.random() < 0.6:
            return {one: number for one, number in old.items() if one != place}
        return {**old, place: digest(self._random.randrange(8))}

    def _content(self) -> Content | None:
        random = self._random
        kind = random.random()
        if kind < 0.08:
            return None if kind < 0.05 else Content(is_malformed=True)
        hosts = [host for host in HOSTS if random.random() < 0.8]
        return Content(tuple((host, self._login(host)) for host in hosts))

    def _login(self, host: str) -> tuple[str, str]:
        user = self._random.choice(USERS)
        is_wrong = self._random.random() < 0.1
        return user, f"{user}-wrong" if is_wrong else self._holdings[host].passwords[user]

    def _review(self) -> Review:
        random = self._random
        images = tuple(self._image() for _ in range(random.choice((1, 1, 1, 2))))
        names = tuple(name for name in SECRETS if random.random() < 0.6)
        has_account = random.random() < 0.25
        return Review(random.choice(TENANTS), images, () if has_account else names, has_account)

    def _image(self) -> str:
        return self._random.choice(self._favourites) if self._random.random() < 0.8 else self._any_image()

    def _any_image(self) -> str:
        random = self._random
        host, repository = random.choice((*HOSTS, BASIC, BEARER)), random.choice(REPOSITORIES)
        if random.random() < 0.2:
            return f"{host}/{repository}@{digest(random.randrange(6))}"
        return f"{host}/{repository}:{random.choice(TAGS)}"


def _without_public(tags: Mapping[tuple[str, str], str]) -> Mapping[tuple[str, str], str]:
    return {place: number for place, number in tags.items() if not is_public(place[0])}


def without_reviews(rounds: tuple[Round, ...], tenant: str) -> tuple[Round, ...]:
    """The same, had a tenant never applied anything."""
    return tuple(
        replace(one, reviews=tuple(review for review in one.reviews if review.namespace != tenant)) for one in rounds
    )


def with_other_logins(rounds: tuple[Round, ...], tenant: str, seed: int) -> tuple[Round, ...]:
    """The same, with other contents of a tenant's secrets."""
    random = Random(seed)  # noqa: S311 (reproducible, not secret)
    return tuple(replace(one, contents=dict(_exchanged(one.contents, tenant, random))) for one in rounds)


def _exchanged(
    contents: Mapping[tuple[str, str], Content | None], tenant: str, random: Random
) -> Iterator[tuple[tuple[str, str], Content | None]]:
    for key, content in contents.items():
        if key[0] != tenant:
            yield key, content
            continue
        logins = tuple((host, (user := random.choice(USERS), f"{user}-{random.randrange(3)}")) for host in HOSTS)
        yield key, Content(logins)
