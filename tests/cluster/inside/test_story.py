"""The seven scenes through the real API server: the terminal shows what the demo shows, word for word."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.inside import shown
from tests.cluster.inside.terminal import Terminal
from tests.cluster.pullcheck import CHECKOUT
from tests.cluster.story import Stage
from tests.demo.player import load
from tests.demo.story import SCENES, STORY
from tests.fakes import images

SCENE_OF_FILE = {act.file: scene for scene in STORY for act in scene.acts}
CREATED, APPLIED = "deployment.apps/my-app created", "deployment.apps/my-app serverside-applied"
DRY = " (server dry run)"
SOURCE = 'error when creating "{}": '


@pytest.fixture(scope="module")
def demo() -> dict[str, str]:
    return shown.play_demo()


@pytest.fixture(params=sorted(SCENE_OF_FILE))
def file(request: pytest.FixtureRequest, terminal: Terminal, stage: Stage) -> Iterator[str]:
    """A scene's file, while the registry is as the scene wants it; what was made of it is gone afterwards."""
    scene = SCENE_OF_FILE[request.param]
    if not scene.is_registry_up:
        stage.private.stop()
    yield request.param
    terminal.type(f"delete deployment --all --namespace={load(request.param)['metadata']['namespace']}")
    if not scene.is_registry_up:
        stage.restart_private()


@pytest.fixture
def expected(demo: dict[str, str], file: str) -> str:
    """What the demo prints when the file is applied."""
    return demo[f"kubectl apply -f {file}"]


def test_it_is_applied(terminal: Terminal, file: str, expected: str) -> None:
    seen = terminal.type(f"apply -f {file}")

    assert seen.text == expected
    assert seen.code == (0 if CREATED in expected else 1)


def test_it_is_applied_as_a_dry_run(terminal: Terminal, file: str, expected: str) -> None:
    seen = terminal.type(f"apply -f {file} --dry-run=server")

    assert seen.text == expected.replace(CREATED, CREATED + DRY)


def test_it_is_created(terminal: Terminal, file: str, expected: str) -> None:
    assert terminal.type(f"create -f {file}").text == expected


def test_it_is_applied_by_the_server(terminal: Terminal, file: str, expected: str) -> None:
    """There kubectl names no file."""
    bare = expected.replace(SOURCE.format(file), "").replace(CREATED, APPLIED)

    assert terminal.type(f"apply --server-side -f {file} --dry-run=server").text == bare.replace(APPLIED, APPLIED + DRY)
    assert terminal.type(f"apply --server-side -f {file}").text == bare


def test_the_demo_shows_the_dry_run_as_it_is(terminal: Terminal, demo: dict[str, str]) -> None:
    command = "apply -f 6-all-correct/deployment.yaml --dry-run=server"

    assert terminal.type(command).text == demo[f"kubectl {command}"]


def test_every_command_of_the_demo_was_compared(demo: dict[str, str]) -> None:
    compared = {f"kubectl apply -f {file}" for file in SCENE_OF_FILE}

    assert set(demo) == compared | {"kubectl apply -f 6-all-correct/deployment.yaml --dry-run=server"}


def test_a_warning_begins_in_yellow_where_somebody_looks_on(terminal: Terminal, demo: dict[str, str]) -> None:
    file = "3-misspelt-secret/deployment.yaml"

    text = terminal.type_in_colour(f"apply -f {file} --dry-run=server")

    coloured = demo[f"kubectl apply -f {file}"].replace("Warning:", "\x1b[33;1mWarning:\x1b[0m")
    assert text == coloured.replace(CREATED, CREATED + DRY)


def test_the_readme_shows_what_kubectl_prints(terminal: Terminal, tmp_path: Path) -> None:
    shutil.copy(SCENES / "1-wrong-registry" / "deployment.yaml", tmp_path)

    seen = terminal.type("apply -f deployment.yaml", folder=tmp_path)

    assert seen.text.strip() == shown.read_readme()["kubectl apply -f deployment.yaml"].strip()


def test_the_readme_shows_what_the_check_prints(terminal: Terminal, stage: Stage, tmp_path: Path) -> None:
    """With registries that are these: nginx is on the stand-in for Docker Hub."""
    stage.hub.add("library/nginx:1.27", images.index())
    (tmp_path / "deploy").mkdir()
    manifest = (SCENES / "1-wrong-registry" / "deployment.yaml").read_text()
    (tmp_path / "deploy" / "app.yaml").write_text(manifest.replace("  namespace: wrong-registry\n", ""))
    authority = terminal.cluster.authority.folder / "ca.crt"
    environment = {"PYTHONPATH": str(CHECKOUT), "PULLCHECK_NETWORK__CA_FILES": f'["{authority}"]'}

    ran = subprocess.run(
        [sys.executable, "-m", "webhook", "check", "-f", "deploy/", "nginx:1.27"],
        cwd=tmp_path,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert (ran.stdout, ran.returncode) == (shown.read_readme()["pullcheck check -f deploy/ nginx:1.27"], 1)


def test_the_installation_s_own_proof_is_a_warning_first(terminal: Terminal) -> None:
    """As manifests/README.md says of its last step."""
    seen = terminal.type(
        "create deployment sample --image=registry.k8s.io/pause:no-such-tag --dry-run=server --namespace=default"
    )

    first, second = seen.lines
    assert first.startswith("Warning: Deployment/sample: ")
    assert second == "deployment.apps/sample created (server dry run)"
