"""What the tests of the story share: pullcheck and the registries, started once in the world that the tests run in."""

from collections.abc import Iterator

import pytest

from tests.cluster import pullcheck, story
from tests.cluster.here import Cluster
from tests.cluster.inside.journal import Journal
from tests.cluster.inside.terminal import Terminal
from tests.cluster.pullcheck import Pullcheck
from tests.cluster.story import Stage

SETTINGS = {
    "workloads": [{"group": "argoproj.io", "kind": "Rollout", "pod_spec": "spec.template.spec"}],
    # What a node reports shall count at once.
    "memory": {"nodes": "0s"},
    # A loaded machine is no registry that is down.
    "network": {"connect_timeout": "4s", "response_timeout": "4s"},
}


@pytest.fixture(scope="session")
def stage(cluster: Cluster) -> Iterator[Stage]:
    """The registries, and the scenes' namespaces."""
    stage = story.set_up(cluster)
    yield stage
    stage.stop()


@pytest.fixture(scope="session")
def installed(cluster: Cluster, stage: Stage) -> Iterator[Pullcheck]:
    """pullcheck, which also knows a custom kind."""
    del stage
    running = pullcheck.install(cluster, SETTINGS)
    yield running
    running.server.stop()


@pytest.fixture(scope="session")
def terminal(cluster: Cluster, installed: Pullcheck) -> Terminal:
    """Where a person types kubectl, with pullcheck in the cluster."""
    del installed
    return Terminal(cluster)


@pytest.fixture(scope="session")
def journal(terminal: Terminal, installed: Pullcheck) -> Journal:
    """pullcheck's log."""
    return Journal(terminal, installed)
