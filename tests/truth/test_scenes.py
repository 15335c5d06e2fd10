"""The table of scenes: as large and as varied as it has to be, each scene apart from every other."""

from collections import Counter

import pytest

from tests.cluster import levels
from tests.truth.scenes import reasons, table
from tests.truth.scenes.__main__ import main
from tests.truth.scenes.scene import Scene
from tests.truth.standins.brands import MANNERS
from tests.truth.standins.sites import SITES, UNNAMED

FEWEST = 150
MAX_NAME = 40
"""A Deployment's pods add 17 characters, and names hold 63."""
REASONS = {value for name, value in vars(reasons).items() if name.isupper()}


@pytest.fixture(scope="module")
def scenes() -> tuple[Scene, ...]:
    if obstacle := levels.find_obstacle("node"):
        pytest.skip(obstacle)
    return table()


def test_there_are_enough_of_every_kind(scenes: tuple[Scene, ...]) -> None:
    assert len(scenes) >= FEWEST
    assert {scene.host for scene in scenes} >= MANNERS.keys() - {"us-central1-docker.pkg.dev"}
    assert {scene.host for scene in scenes if not scene.sites} <= SITES.keys() | {UNNAMED, "registry-1.docker.io"}
    assert {str(scene.workload["kind"]) for scene in scenes} == {"Pod", "Deployment", "StatefulSet", "DaemonSet", "Job"}


def test_no_scene_shares_its_name_its_repository_or_its_image(scenes: tuple[Scene, ...]) -> None:
    names, repositories = (Counter(getattr(scene, each) for scene in scenes) for each in ("name", "repository"))
    digests = Counter(digest for scene in scenes for digest in {store.image.digest for store in scene.stores})

    assert {*names.values(), *repositories.values(), *digests.values()} == {1}
    assert max(map(len, names)) <= MAX_NAME


def test_a_registry_of_a_scenes_own_is_met_by_no_other(scenes: tuple[Scene, ...]) -> None:
    owners = Counter(host for scene in scenes for host in scene.sites)

    assert {*owners.values()} == {1}
    assert owners.keys().isdisjoint(SITES)
    assert all(host.startswith(f"{scene.name}.") for scene in scenes for host in scene.sites)


def test_every_reason_is_one_of_those_that_are_listed_and_each_is_used(scenes: tuple[Scene, ...]) -> None:
    given = {
        reason for scene in scenes for reason in (scene.silence, scene.doubt, scene.spared, scene.differs) if reason
    }

    assert given == REASONS


def test_a_scene_is_printed_as_plain_yaml(scenes: tuple[Scene, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert (main(["basic-right"]), main(["no-such-scene"])) == (0, 2)

    output = capsys.readouterr().out
    assert "image: basic.example.com/private/basic-right:1" in output
    assert "kind: Secret" in output
    assert "&id" not in output
    assert scenes
