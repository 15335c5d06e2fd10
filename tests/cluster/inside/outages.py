"""The scenery of outages: pullcheck in two replicas, a registry that can die, one with faults, and both policies."""

import contextlib
import copy
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import yaml

from tests.cluster import admissions, images, pullcheck, registry, replicas, rollouts, servers, story
from tests.cluster.admissions import Created
from tests.cluster.here import Cluster
from tests.cluster.inside.terminal import Seen, Terminal
from tests.cluster.inside.workloads import manifest
from tests.cluster.processes import Server, StartError, wait_until
from tests.cluster.replicas import Fleet
from tests.demo.story import PASSWORD, USERNAME
from tests.fakes.images import single
from tests.fakes.registry import FakeRegistry
from tests.journeys.manifests import pull_secret

MORTAL, MORTAL_ADDRESS = "registry.example.com", story.REGISTRY_ADDRESS
"""distribution's, a process."""
FAULTY, FAULTY_ADDRESS = "faulty.example.com", "10.88.0.6"
"""A stand-in that answers as it is told."""
IGNORE, FAIL = "ignoring", "failing"
"""The namespaces, by what becomes of a review that cannot be had: the manifests' `failurePolicy`, and `Fail`."""
POLICIES = (IGNORE, FAIL)
SECRET, UNREAD = "regcred", "unread"
"""Two pull secrets with the same content; nothing names the second before its test."""
TAG, ABSENT = "my-app:there", "my-app:absent"
RECOVERED_SECONDS = 5.0
"""From the end of a fault until every verdict is right again."""


@dataclass(slots=True)
class Scenery:
    """What a test of an outage acts on."""

    cluster: Cluster
    terminal: Terminal
    fleet: Fleet
    mortal: Server
    faulty: FakeRegistry

    def try_all(self, name: str, host: str, *, secret: str = SECRET) -> dict[tuple[str, str], Seen]:
        """Create Deployments with kubectl, all at once: under each policy one with a new image and one with none.

        Args:
            name: Of the fault; the new images are called after it, and no memory knows of them.
            host: The registry.
            secret: The pull secret.
        """
        wanted = [(policy, image) for policy in POLICIES for image in (fresh(name, policy), f"{ABSENT}-{name}")]
        with ThreadPoolExecutor(len(wanted)) as beside:
            seen = [beside.submit(self._create, policy, host, image, secret) for policy, image in wanted]
        return {one: future.result() for one, future in zip(wanted, seen, strict=True)}

    def call(self, policy: str, host: str, image: str, secret: str = SECRET) -> Created:
        """Create one without kubectl, and for show."""
        return admissions.create(
            self.cluster, manifest("Deployment", f"{host}/{image}", namespace=policy, secrets=(secret,))
        )

    def wait_until_said(self, words: str) -> None:
        """Wait until the API server goes by what was done to it, and refuses with these words where it fails closed."""
        wait_until(lambda: words in self.call(FAIL, MORTAL, TAG).message, words, [])

    def wait_until_right(self, host: str = MORTAL, *, secret: str = SECRET) -> float:
        """Wait until both policies give the true verdicts; return how many seconds it took.

        Nothing is denied meanwhile that is there.
        """
        begin = time.monotonic()
        wait_until(lambda: all(self._is_right(policy, host, secret) for policy in POLICIES), "right verdicts", [])
        return time.monotonic() - begin

    def trust(self, bundle: str) -> None:
        """Have the API server trust this authority, a `caBundle`, wherever it calls pullcheck."""
        for configuration in (self.fleet.webhooks, failing(self.fleet.webhooks)):
            changed = copy.deepcopy(configuration)
            for webhook in changed["webhooks"]:
                webhook["clientConfig"]["caBundle"] = bundle
            pullcheck.apply(self.cluster, changed)

    def _create(self, policy: str, host: str, image: str, secret: str) -> Seen:
        name = image.replace(":", "-")
        document = manifest("Deployment", f"{host}/{image}", namespace=policy, name=name, secrets=(secret,))
        return self.terminal.type("create --filename=-", text=yaml.safe_dump(document))

    def _is_right(self, policy: str, host: str, secret: str) -> bool:
        good, bad = (self.call(policy, host, image, secret) for image in (TAG, ABSENT))
        assert "denied the request" not in good.message
        return (good.status, good.warnings) == (201, ()) and "denied the request" in bad.message


def fresh(name: str, policy: str) -> str:
    """An image that only one attempt is for."""
    return f"my-app:{name}-{policy}"


def failing(webhooks: Mapping[str, Any]) -> dict[str, Any]:
    """The manifests' refusing webhook as a configuration of its own, which fails closed, in its namespace alone."""
    refuses = webhooks["webhooks"][0]
    selector = {"matchLabels": {"kubernetes.io/metadata.name": FAIL}}
    ours = {**refuses, "name": "failing.pullcheck.dev", "failurePolicy": "Fail", "namespaceSelector": selector}
    return {**webhooks, "metadata": {"name": "pullcheck-failing"}, "webhooks": [ours]}


@contextlib.contextmanager
def set_up(cluster: Cluster, tags: list[str]) -> Iterator[Scenery]:
    """Set everything up; `tags` are pushed to both registries beside what is always there."""
    for address, host in ((MORTAL_ADDRESS, MORTAL), (FAULTY_ADDRESS, FAULTY)):
        cluster.add_address(address, host)
    mortal = start_mortal(cluster)
    tls = registry.issue(cluster, FAULTY).server_context()
    faulty = FakeRegistry(tls=tls, host=FAULTY_ADDRESS, port=443, basic={USERNAME: PASSWORD})
    _push(cluster, faulty, [TAG, *tags])
    pullcheck.apply(cluster, *rollouts.refusing(IGNORE), *rollouts.refusing(FAIL, mode="off"), *_secrets())
    with faulty, replicas.install(cluster) as fleet:
        pullcheck.apply(cluster, failing(fleet.webhooks))
        scenery = Scenery(cluster, Terminal(cluster), fleet, mortal, faulty)
        for host in (MORTAL, FAULTY):
            scenery.wait_until_right(host)
        yield scenery
        scenery.mortal.process.kill()
        scenery.mortal.stop()


def start_mortal(cluster: Cluster) -> Server:
    """Start the registry that can die, with what it held."""
    return registry.start(cluster, MORTAL, MORTAL_ADDRESS, htpasswd=story.HTPASSWD)


def _push(cluster: Cluster, faulty: FakeRegistry, names: list[str]) -> None:
    program = servers.find("pause")
    if not program:
        raise StartError("pause was not found: run `make servers`")
    pusher = registry.pusher(cluster, MORTAL, authorization=story.AUTHORIZATION)
    for name in names:
        pusher.push(name, images.runnable(program, name="one"))
        faulty.add(name, single())


def _secrets() -> list[dict[str, Any]]:
    login = (USERNAME, PASSWORD)
    make: Callable[..., dict[str, Any]] = partial(pull_secret, logins={MORTAL: login, FAULTY: login})
    return [make(name, namespace=policy) for name in (SECRET, UNREAD) for policy in POLICIES]
