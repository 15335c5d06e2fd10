"""Workloads applied a few at a time, until the kubelet has decided about each."""

import time
from collections import Counter
from collections.abc import Mapping

from tests.truth.node import Node, Settled, Sight
from tests.truth.scenes.scene import Scene
from tests.truth.scenes.secrets import Manifest
from tests.truth.standins.stage import Stage

LOOK_SECONDS = 0.3
"""Between two looks; a failed pull is tried again after 10 s, and its requests would count."""
MAX_TOGETHER = 30
"""Workloads that are waited for at once: more only wait for each other on a small machine."""
MAX_SECONDS = 300.0
"""For all of them, and a second more for each: a silent server costs containerd 30 s, two cores play three a second."""
MAX_TRIES = 4
"""Of a pod that the kubelet saw before it could read its secrets, which happens to one in a hundred."""


class Settling:
    """One round of workloads, by scene."""

    def __init__(
        self, node: Node, stage: Stage, scenes: Mapping[str, Scene], workloads: Mapping[str, Manifest]
    ) -> None:
        self._node = node
        self._stage = stage
        self._scenes = scenes
        self._workloads = workloads
        self._waiting = list(workloads)
        self._playing: dict[str, int] = {}
        """Where in the record of requests each began."""
        self._tries: Counter[str] = Counter()
        self._settled: dict[str, Settled] = {}

    def run(self) -> dict[str, Settled]:
        """Play the round.

        Raises:
            TimeoutError: The node took too long.
        """
        ends_at = time.monotonic() + MAX_SECONDS + len(self._workloads)
        while self._waiting or self._playing:
            self._start()
            time.sleep(LOOK_SECONDS)
            self._finish(self._node.look(self._playing))
            if time.monotonic() > ends_at:
                raise TimeoutError(f"the node did not decide about {', '.join(self._playing)}")
        return self._settled

    def _start(self) -> None:
        count = min(len(self._waiting), MAX_TOGETHER - len(self._playing))
        starting, self._waiting = self._waiting[:count], self._waiting[count:]
        self._playing |= dict.fromkeys(starting, self._stage.mark())
        self._node.apply([self._workloads[name] for name in starting])

    def _finish(self, seen: Mapping[str, Sight]) -> None:
        """Remove what is settled, so that nothing of it is tried again."""
        settled = {name: sight for name, sight in seen.items() if sight.has_pulled or not self._scenes[name].heals}
        self._node.delete([self._workloads[name] for name in settled])
        for name, sight in settled.items():
            begin = self._playing.pop(name)
            self._tries[name] += 1
            if self._was_early(name, sight) and self._tries[name] < MAX_TRIES:
                if sight.has_pulled and not self._was_there(name):
                    self._node.forget(self._scenes[name].repository)
                self._waiting.append(name)
            else:
                self._settled[name] = Settled(sight, begin, self._stage.mark())

    def _was_early(self, name: str, sight: Sight) -> bool:
        """Whether the kubelet lacked secrets that are there: with the next try it would have them.

        A pull that was good all the same is made again, too: another login, or nobody's, may have been offered first.
        """
        existing = {str(each["metadata"]["name"]) for each in self._scenes[name].support}
        return not existing.isdisjoint(sight.lacked)

    def _was_there(self, name: str) -> bool:
        """Whether the node has the image from an earlier pod, and shall keep it."""
        return self._scenes[name].earlier not in (None, self._workloads[name])
