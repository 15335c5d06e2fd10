"""Plays one scene: asks the webhook as the API server does, prints what kubectl would, and compares with the script."""

from concurrent.futures import Future
from dataclasses import dataclass

import yaml

from tests.demo import kubectl
from tests.demo.story import SCENES, Act, Scene
from tests.demo.terminal import Terminal
from tests.fakes.apiserver import ApiServer, Manifest, Outcome

_ENDED = {"allow": "admitted in silence", "warn": "admitted with a warning", "deny": "denied"}


@dataclass(frozen=True, slots=True)
class Player:
    """Plays scenes."""

    terminal: Terminal
    api_server: ApiServer
    checked: "Future[dict[str, str]]"
    """What `pullcheck check` decides about the same files, by namespace and name."""

    def play(self, number: int, scene: Scene) -> int:
        """Play a scene; returns how many of its acts did not end as scripted."""
        self.terminal.plain()
        self.terminal.title(f"{number}. {scene.title}")
        self.terminal.note(f"   {scene.background}")
        return sum(not self._play_act(act) for act in scene.acts)

    def _play_act(self, act: Act) -> bool:
        manifest = load(act.file)
        self.terminal.command(kubectl.command(act.file, is_dry_run=act.is_dry_run))
        outcome = self.api_server.create(manifest, dry_run=act.is_dry_run)
        warnings, said = kubectl.printed(manifest, act.file, outcome, is_dry_run=act.is_dry_run)
        for warning in warnings:
            self.terminal.warning(warning)
        self.terminal.plain(said)
        deviations = self._deviations(act, manifest, outcome)
        for deviation in deviations:
            self.terminal.bad(f"   not as scripted: {deviation}")
        if not deviations:
            self.terminal.good(f"   as scripted: {_ENDED[act.decision]}")
        return not deviations

    def _deviations(self, act: Act, manifest: Manifest, outcome: Outcome) -> list[str]:
        found = deviations(act, outcome)
        metadata = manifest["metadata"]
        checked = self.checked.result().get(f"{metadata['namespace']}/{metadata['name']}", "nothing")
        if checked != act.decision:
            found.append(f"`pullcheck check` was to say {act.decision}, and said {checked}")
        return found


def load(file: str) -> Manifest:
    """Read the one manifest of a scene's file."""
    manifest: Manifest = yaml.safe_load((SCENES / file).read_text(encoding="utf-8"))
    return manifest


def deviations(act: Act, outcome: Outcome) -> list[str]:
    """How what happened differs from the script."""
    found = [f"the text lacks “{word}”" for word in act.words if word not in outcome.text]
    if outcome.decision != act.decision:
        found.insert(0, f"was to be {_ENDED[act.decision]}, and was {_ENDED[outcome.decision]}")
    return found
