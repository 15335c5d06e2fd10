"""What there is, and what there was: registries, and what the cluster knows of two namespaces."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from webhook.keychain.pullsecrets import AbsentSecret, PullSecret, SecretState

Manner = Literal["open", "basic", "bearer"]
Trouble = Literal["rate limited", "unavailable", "silent"]
Login = tuple[str, str]
Value = TypeVar("Value")

OPEN, BASIC, BEARER = "open.test", "basic.test", "bearer.test"
HOSTS = (OPEN, BASIC, BEARER)
TENANTS = ("a", "b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What a registry has, and who may read it, at one time."""

    manner: Manner
    tags: Mapping[tuple[str, str], str]
    """Digest, by repository and tag. A manifest is there as long as a tag points to it."""
    passwords: Mapping[str, str]
    access: frozenset[tuple[str, str]]
    """Users and the private repositories that they may read."""

    def find(self, repository: str, wanted: str) -> str | None:
        """Give the digest of what a tag, or a digest, stands for."""
        if ":" in wanted:
            digests = (digest for (place, _), digest in self.tags.items() if place == repository)
            return wanted if wanted in digests else None
        return self.tags.get((repository, wanted))

    def knows(self, login: Login) -> bool:
        return self.passwords.get(login[0]) == login[1]

    def may_read(self, user: str, repository: str) -> bool:
        """Whether an account (empty: anybody) may read a repository."""
        return is_public(repository) or (user, repository) in self.access

    def admits(self, logins: Iterable[Login], repository: str) -> bool:
        """Whether a pod with these logins gets to see a repository, as nodes try them."""
        known = [login for login in logins if self.knows(login)]
        if self.manner == "open" or any(self.may_read(user, repository) for user, _ in known):
            return True
        # A wrong password opens nothing where everybody has to have a token.
        return is_public(repository) and (self.manner == "basic" or not list(logins))


def is_public(repository: str) -> bool:
    return repository.startswith("public/")


@dataclass(frozen=True, slots=True)
class Content:
    """What a pull secret holds: a login for each of some registries."""

    logins: tuple[tuple[str, Login], ...] = ()
    is_malformed: bool = False

    def state(self, name: str) -> PullSecret:
        auths = {host: {"username": user, "password": password} for host, (user, password) in self.logins}
        body = json.dumps({"auths": 1 if self.is_malformed else auths}).encode()
        return PullSecret(name, "kubernetes.io/dockerconfigjson", {".dockerconfigjson": body})

    def of(self, host: str) -> Iterator[Login]:
        return (login for at, login in self.logins if at == host)


def state_of(name: str, content: Content | None) -> SecretState:
    """A secret as the cluster's API tells it; None: there is none."""
    return AbsentSecret(name) if content is None else content.state(name)


class Past(Generic[Value]):
    """A value, and all that it was before."""

    def __init__(self, value: Value) -> None:
        self._since = [(float("-inf"), value)]

    @property
    def now(self) -> Value:
        return self._since[-1][1]

    def change(self, value: Value, at: float) -> None:
        self._since.append((at, value))

    def during(self, begin: float, end: float) -> Iterator[Value]:
        """Every value that it had at some time between, the newest first."""
        until = float("inf")
        for since, value in reversed(self._since):
            if until <= begin:
                return
            if since <= end:
                yield value
            until = since


@dataclass
class World:
    """All of it; changed only between reviews."""

    holdings: dict[str, Past[Holding]]
    contents: dict[tuple[str, str], Past[Content | None]] = field(default_factory=dict)
    """By namespace and secret."""
    accounts: dict[str, Past[tuple[str, ...]]] = field(default_factory=dict)
    """The pull secrets of each namespace's service account."""
    troubles: Mapping[str, Trouble] = field(default_factory=dict)

    def content(self, namespace: str, name: str) -> Past[Content | None]:
        return self.contents.setdefault((namespace, name), Past(None))

    def account(self, namespace: str) -> Past[tuple[str, ...]]:
        return self.accounts.setdefault(namespace, Past(()))

    def holds_login(self, namespace: str, login: Login, begin: float, end: float) -> bool:
        """Whether some secret of a namespace held a login at some time between."""
        pasts = (past for (owner, _), past in self.contents.items() if owner == namespace)
        found = (content for past in pasts for content in past.during(begin, end) if content)
        return any(login == held for content in found for _, held in content.logins)
