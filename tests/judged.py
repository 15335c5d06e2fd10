"""A pipeline with small real fakes for the world: a cluster of a dict, registries of a function."""

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.registry.playing import DESTINATIONS
from webhook.admission.workload import CustomKind, WorkloadKinds
from webhook.images.onnode import NodeImages
from webhook.judging import Judging
from webhook.keychain.pullsecrets import (
    AbsentSecret,
    AbsentServiceAccount,
    PullSecret,
    SecretState,
    ServiceAccount,
    ServiceAccountState,
)
from webhook.memory import Times
from webhook.pipeline import Pipeline
from webhook.places import MAX_REVIEWS_OF_ONE
from webhook.reading import Memories
from webhook.registry.exchange import Intent, Reply
from webhook.registry.resolution import Conclusion
from webhook.road import Road
from webhook.verdict.policy import Rules


@dataclass
class FakeCluster:
    secrets: Mapping[str, SecretState] = field(default_factory=dict)
    accounts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    on_nodes: NodeImages | None = field(default_factory=NodeImages)
    delay_seconds: float = 0
    reads: list[str] = field(default_factory=list)

    async def read_secret(self, namespace: str, name: str) -> SecretState:
        self.reads.append(f"{namespace}/secret/{name}")
        await asyncio.sleep(self.delay_seconds)
        return self.secrets.get(name, AbsentSecret(name))

    async def read_service_account(self, namespace: str, name: str) -> ServiceAccountState:
        self.reads.append(f"{namespace}/account/{name}")
        await asyncio.sleep(self.delay_seconds)
        if name in self.accounts:
            return ServiceAccount(name, tuple(self.accounts[name]))
        return AbsentServiceAccount(name)

    async def read_node_images(self) -> NodeImages | None:
        self.reads.append("nodes")
        await asyncio.sleep(self.delay_seconds)
        return self.on_nodes


@dataclass
class FakeRegistries:
    """Answers every intent by a function; what it raises is a fault of ours."""

    answers: Callable[[Intent], Reply]
    delay_seconds: float = 0
    slow_at: str = ""
    """What a URL holds that is answered with the delay; empty: all of them are."""
    conversations: int = 0
    intents: list[Intent] = field(default_factory=list)
    askers: list[tuple[str, str]] = field(default_factory=list)
    """Namespace and account, of each conversation."""

    async def hold(
        self, start: Callable[[], Generator[Intent, Reply, Conclusion]], *, namespace: str, account: str
    ) -> Conclusion:
        self.conversations += 1
        self.askers.append((namespace, account))
        conversation = start()
        try:
            intent = next(conversation)
            while True:
                self.intents.append(intent)
                await asyncio.sleep(self.delay_seconds if self.slow_at in intent.url else 0)
                intent = conversation.send(self.answers(intent))
        except StopIteration as end:
            conclusion: Conclusion = end.value
            return conclusion


def make_pipeline(
    registries: FakeRegistries,
    cluster: FakeCluster | None = None,
    *,
    rules: Rules | None = None,
    times: Times | None = None,
    max_of_one: int = MAX_REVIEWS_OF_ONE,
    **network: object,
) -> Pipeline:
    judging = Judging(
        registries=registries,
        road=Road(destinations=replace(DESTINATIONS, **network)),  # type: ignore[arg-type]
        rules=rules or Rules(),
        process_key=b"key",
        memories=Memories.of(cluster or FakeCluster(), times or Times(), entries=1000),
    )
    kinds = WorkloadKinds([CustomKind("argoproj.io", "Rollout")])
    return Pipeline(judging, kinds, rules or Rules(), max_of_one=max_of_one)


def pull_secret(name: str, body: bytes) -> PullSecret:
    return PullSecret(name, "kubernetes.io/dockerconfigjson", {".dockerconfigjson": body})
