"""Plays scenes inside a world: `python -m tests.truth.play FILE [NAME…]` writes what became of each as JSON.

Each is played for real where nobody guards it, and as a dry run where pullcheck enforces, by one tenant and then by
another, all against the same stand-ins, which write down who asked what.
"""

import json
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.cluster import pullcheck
from tests.cluster.here import Cluster
from tests.cluster.processes import wait_until
from tests.truth import guard, node
from tests.truth.node import Node, Settled
from tests.truth.outcome import Decision, Outcome
from tests.truth.scenes import table
from tests.truth.scenes.scene import Scene
from tests.truth.scenes.secrets import Manifest
from tests.truth.settling import Settling
from tests.truth.standins.sites import SETTINGS
from tests.truth.standins.stage import Record, Stage
from webhook.registry.pause import MIN_PAUSE_SECONDS

ASKING = 3
"""Dry runs at once: most of their time is spent waiting for a registry."""
TOO_MANY_REQUESTS = 429
PAUSE_SECONDS = MIN_PAUSE_SECONDS + 0.1
"""How long a registry is left alone that asked for it."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one tenant is told, and whom the webhook asked for it."""

    decision: Decision
    words: tuple[str, ...]
    requests: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What both are told."""

    first: Said
    second: Said


class Theatre:
    """A cluster with pullcheck in it, the stand-ins, and the scenes' objects."""

    def __init__(self, cluster: Cluster, scenes: tuple[Scene, ...]) -> None:
        self._cluster = cluster
        self._scenes = scenes
        self._named = {scene.name: scene for scene in scenes}
        self._node = Node(cluster)
        self._stage = Stage(cluster, scenes)

    def prepare(self) -> None:
        """Start everything and create what the workloads name, on both sides."""
        self._stage.start()
        authority = str(self._cluster.authority.folder / "ca.crt")
        pullcheck.install(self._cluster, {"network": {"ca_files": [authority], **SETTINGS}})
        spaces = {guard.FIRST: "enforce", guard.SECOND: "enforce", node.NAMESPACE: "off"}
        node.apply(self._cluster, "default", [_namespace(name, mode) for name, mode in spaces.items()])
        for name in spaces:
            wait_until(partial(self._has_account, name), f"{name} has its service account", [])
            node.apply(self._cluster, name, [each for scene in self._scenes for each in scene.support])

    def _has_account(self, namespace: str) -> bool:
        return self._cluster.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/default")[0] == 200

    def play(self) -> list[Outcome]:
        """Play every scene; the outcomes come in the scenes' order."""
        earlier = [scene for scene in self._scenes if scene.earlier]
        others = [scene for scene in self._scenes if not scene.earlier]
        self._settle({scene.name: scene.earlier for scene in earlier if scene.earlier})
        outcomes = self._play(others)
        if earlier:
            self._wait_until_reported(earlier)
            for scene in earlier:
                if scene.vanishes:
                    self._stage.remove(scene)
            outcomes |= self._play(earlier)
        return [outcomes[scene.name] for scene in self._scenes]

    def _play(self, scenes: Iterable[Scene]) -> dict[str, Outcome]:
        chosen = {scene.name: scene for scene in scenes}
        with ThreadPoolExecutor(ASKING) as asking:
            answers = self._submit(asking, chosen.values())
            settled = self._settle({name: scene.workload for name, scene in chosen.items()})
        return {name: self._outcome(scene, settled[name], answers[name].result()) for name, scene in chosen.items()}

    def _submit(self, asking: ThreadPoolExecutor, scenes: Iterable[Scene]) -> dict[str, "Future[Asked]"]:
        """Ask about each scene; about those that disturb others when all the others are done, one by one."""
        answers: dict[str, Future[Asked]] = {}
        for scene in sorted(scenes, key=lambda scene: scene.is_shy):
            earlier = list(answers.values()) if scene.is_shy else []
            answers[scene.name] = asking.submit(self._ask_after, earlier, scene)
        return answers

    def _ask_after(self, earlier: "list[Future[Asked]]", scene: Scene) -> "Asked":
        wait(earlier)
        return Asked(*(self._ask(scene, tenant) for tenant in (guard.FIRST, guard.SECOND)))

    def _ask(self, scene: Scene, tenant: str) -> "Said":
        begin = self._stage.mark()
        decision, words = guard.ask(self._cluster, tenant, scene.workload)
        requests = tuple(self._stage.records(scene.repository, "webhook", begin))
        if any(request.status == TOO_MANY_REQUESTS for request in requests):
            time.sleep(PAUSE_SECONDS)
        self._stage.next_tenant(scene)
        return Said(decision, words, requests)

    def _outcome(self, scene: Scene, settled: Settled, asked: "Asked") -> Outcome:
        return Outcome(
            name=scene.name,
            has_pulled=settled.sight.has_pulled,
            node_words=settled.sight.words,
            runs=settled.sight.runs,
            decision=asked.first.decision,
            words=asked.first.words,
            node_requests=tuple(self._stage.records(scene.repository, "node", settled.begin, settled.end)),
            requests=asked.first.requests,
            second_decision=asked.second.decision,
            second_words=asked.second.words,
            second_requests=asked.second.requests,
        )

    def _settle(self, workloads: Mapping[str, Manifest]) -> dict[str, Settled]:
        return Settling(self._node, self._stage, self._named, workloads).run()

    def _wait_until_reported(self, scenes: Iterable[Scene]) -> None:
        """Wait until the node's status names the images that it was given; the kubelet lists them every half minute."""
        wanted = {scene.repository for scene in scenes}

        def is_reported() -> bool:
            _, found = self._cluster.get("/api/v1/nodes/node-1")
            names = [name for image in found["status"].get("images", ()) for name in image.get("names", ())]
            return all(any(f"{repository}@" in name for name in names) for repository in wanted)

        wait_until(is_reported, "the node reports its images", [])


def _namespace(name: str, mode: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"pullcheck.dev/mode": mode}}}


def main(file: Path, names: list[str]) -> int:
    """Play the table, or some of it."""
    scenes = tuple(scene for scene in table() if not names or scene.name in names)
    theatre = Theatre(Cluster.here(), scenes)
    theatre.prepare()
    outcomes = theatre.play()
    file.write_text(json.dumps([outcome.to_json() for outcome in outcomes], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
