"""Plays scenes inside a world: `python -m tests.truth.play FILE [NAME…]` writes what became of each as JSON.

Each is played for real where nobody guards it, and as a dry run where pullcheck enforces, both against the same
stand-ins, which write down who asked what.
"""

import json
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from tests.cluster import pullcheck
from tests.cluster.here import Cluster
from tests.cluster.processes import wait_until
from tests.truth import guard, node
from tests.truth.node import Node, Settled, Sight
from tests.truth.outcome import Outcome
from tests.truth.scenes import table
from tests.truth.scenes.scene import Scene
from tests.truth.scenes.secrets import Manifest
from tests.truth.standins.sites import SETTINGS
from tests.truth.standins.stage import Stage

ASKING = 3
"""Dry runs at once: most of their time is spent waiting for a registry."""
MAX_TRIES = 4
"""Of a scene whose pod was created faster than the kubelet reads secrets, which happens to one pod in a hundred."""


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
        settings = {"network": {"ca_files": [authority], **SETTINGS}, "memory": {"nodes": "0s"}}
        pullcheck.install(self._cluster, settings)
        spaces = {guard.NAMESPACE: "enforce", node.NAMESPACE: "off"}
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
        begin = self._stage.mark()
        with ThreadPoolExecutor(ASKING) as asking:
            answers = {name: asking.submit(guard.ask, self._cluster, scene.workload) for name, scene in chosen.items()}
            settled = self._settle({name: scene.workload for name, scene in chosen.items()})
        return {name: self._outcome(scene, settled[name], answers[name], begin) for name, scene in chosen.items()}

    def _outcome(self, scene: Scene, settled: Settled, answer: "Future[Any]", begin: int) -> Outcome:
        decision, words = answer.result()
        return Outcome(
            name=scene.name,
            has_pulled=settled.sight.has_pulled,
            node_words=settled.sight.words,
            decision=decision,
            words=words,
            node_requests=tuple(self._stage.records(scene.repository, "node", settled.begin, settled.end)),
            requests=tuple(self._stage.records(scene.repository, "webhook", begin)),
        )

    def _settle(self, workloads: Mapping[str, Manifest]) -> dict[str, Settled]:
        """Apply workloads, a few at a time, and remove each as soon as the kubelet has decided about it."""
        waiting, playing, settled = list(workloads), dict[str, int](), dict[str, Settled]()
        tries = dict.fromkeys(workloads, 0)
        ends_at = time.monotonic() + node.MAX_SECONDS + len(workloads)
        while waiting or playing:
            starting = [waiting.pop(0) for _ in range(min(len(waiting), node.MAX_TOGETHER - len(playing)))]
            mark = self._stage.mark()
            self._node.apply([workloads[name] for name in starting])
            playing |= dict.fromkeys(starting, mark)
            node.wait_between_looks()
            seen = {name: sight for name, sight in self._node.look(playing).items() if not self._may_heal(name, sight)}
            self._node.delete([workloads[name] for name in seen])
            for name, sight in seen.items():
                tries[name] += 1
                if self._was_early(name, sight) and tries[name] < MAX_TRIES:
                    waiting.append(name)
                else:
                    settled[name] = Settled(name, sight, playing[name], self._stage.mark())
                del playing[name]
            if time.monotonic() > ends_at:
                raise TimeoutError(f"the node did not decide about {', '.join(playing)}")
        return settled

    def _may_heal(self, name: str, sight: Sight) -> bool:
        return self._named[name].heals and not sight.has_pulled

    def _was_early(self, name: str, sight: Sight) -> bool:
        """Whether the kubelet could not read secrets that are there: it tries again later, and so do we."""
        scene = self._named[name]
        named = {secret["name"] for secret in _pod_spec(scene.workload).get("imagePullSecrets", ()) if secret}
        existing = {each["metadata"]["name"] for each in scene.support if each["kind"] == "Secret"}  # type: ignore[index]
        return sight.lacked_secret and named <= existing

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


def _pod_spec(workload: Any) -> dict[str, Any]:
    spec: dict[str, Any] = workload["spec"]
    return spec["template"]["spec"] if "template" in spec else spec


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
