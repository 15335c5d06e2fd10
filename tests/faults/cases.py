"""How a fault is played: by tag and by digest, with and without a login, in a pod and in what makes pods."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal, TypeVar

import pytest

from tests.fakes.apiserver import Manifest, completed, review
from tests.faults.registry import DIGEST, PRIVATE, PUBLIC, repository
from tests.journeys.manifests import pod_spec, workload

Form = Literal["tag", "digest"]
Login = Literal["no secret", "pod secret", "account secret"]
Kind = Literal["Pod", "Deployment", "CronJob"]
FORMS: tuple[Form, ...] = ("tag", "digest")
LOGINS: tuple[Login, ...] = ("no secret", "pod secret", "account secret")
KINDS: tuple[Kind, ...] = ("Pod", "Deployment", "CronJob")
Test = TypeVar("Test", bound=Callable[..., None])
SECRET, ACCOUNT = "regcred", "puller"
DOMAIN = "faults.test"


@dataclass(frozen=True, slots=True)
class Way:
    """One of the ways."""

    form: Form
    login: Login
    kind: Kind

    @property
    def number(self) -> int:
        """From 1 on; the number of the address where it is played."""
        return WAYS.index(self) + 1

    @property
    def path(self) -> str:
        """The repository, and the tag or digest: open to everybody where there is no login."""
        name = repository(PUBLIC if self.login == "no secret" else PRIVATE, self.number)
        return f"{name}:1" if self.form == "tag" else f"{name}@{DIGEST}"

    def __str__(self) -> str:
        return f"{self.form}-{self.login}-{self.kind}"


WAYS = tuple(Way(*way) for way in product(FORMS, LOGINS, KINDS))


def in_every_way(test: Test) -> Test:
    """Have a test played by each form, with each login, in each kind."""
    for name, values in (("form", FORMS), ("login", LOGINS), ("kind", KINDS)):
        test = pytest.mark.parametrize(name, values)(test)
    return test


@dataclass(frozen=True, slots=True)
class Case:
    """A fault, by its name, played in a way."""

    fault: str
    way: Way

    @property
    def registry(self) -> str:
        """Its name, in references."""
        return f"{self.fault}-{self.way.number}.{DOMAIN}".lower()

    @property
    def namespace(self) -> str:
        """One of its own, so that nothing remembered is shared."""
        return f"{self.fault}-{self.way.number}".lower()

    def image(self, port: int | None = None) -> str:
        """The image as the manifest names it, with a port if there is one."""
        return f"{self.registry}{f':{port}' if port else ''}/{self.way.path}"

    def review(self, port: int | None = None) -> Manifest:
        """What the API server asks."""
        return asked(self.way, self.namespace, self.image(port))


def asked(way: Way, namespace: str, *names: str) -> Manifest:
    """A review as the API server sends it, which copies the service account's secrets into pods, not into templates."""
    is_copied = way.login == "account secret" and way.kind == "Pod"
    account = ACCOUNT if way.login == "account secret" else ""
    spec = pod_spec(*names, secrets=[SECRET] if way.login == "pod secret" or is_copied else [], account=account)
    return review(completed(workload(way.kind, spec, namespace=namespace)))


def of(fault: str) -> Iterator[Case]:
    """Every way of a fault."""
    return (Case(fault, way) for way in WAYS)
