"""The story, over the wire and by a person's means; and the demo that plays it."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.player import deviations, load
from tests.demo.stage import Servers, check, servers, serving
from tests.demo.story import SCENES, STORY, Act, Scene
from tests.fakes.apiserver import ApiServer
from tests.servers.webhook import CHECKOUT, clean_environment, write_settings

ACTS = [(scene, act) for scene in STORY for act in scene.acts]


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with servers(tmp_path_factory.mktemp("stage")) as behind:
        yield behind


@pytest.fixture(scope="module")
def api_server(tmp_path_factory: pytest.TempPathFactory, behind: Servers) -> Iterator[ApiServer]:
    with serving(tmp_path_factory.mktemp("serving"), behind) as api_server:
        yield api_server


@pytest.mark.parametrize(
    ("scene", "exit_code", "decision", "summary"),
    [
        ("1-wrong-registry", 1, "deny", "1 image: 1 denied, 0 warned about, 0 allowed"),
        ("3-misspelt-secret", 0, "warn", "1 image: 0 denied, 1 warned about, 0 allowed"),
        ("6-all-correct", 0, "allow", "1 image: 0 denied, 0 warned about, 1 allowed"),
    ],
)
def test_a_person_checks_a_scenes_files(
    behind: Servers, tmp_path: Path, *, scene: str, exit_code: int, decision: str, summary: str
) -> None:
    """No settings but how this machine's names lead to the registries; secrets come from the folder itself."""
    settings = write_settings(tmp_path, {**behind.settings, "cluster": "none"}, behind.pair)
    command = [sys.executable, "-m", "webhook", "check", "-f", str(SCENES / scene), "--config", str(settings)]
    ran = subprocess.run(
        command, cwd=CHECKOUT, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr.strip()) == (exit_code, summary)
    assert [line.partition("\t")[0] for line in ran.stdout.splitlines()] == [decision]


@pytest.mark.parametrize(("scene", "act"), ACTS, ids=[f"{act.file}-{act.is_dry_run}" for _, act in ACTS])
def test_a_scene_ends_as_scripted(
    behind: Servers, api_server: ApiServer, tmp_path: Path, scene: Scene, act: Act
) -> None:
    if not scene.is_registry_up:
        behind.registry.stop()
    manifest = load(act.file)
    outcome = api_server.create(manifest, dry_run=act.is_dry_run)
    assert not deviations(act, outcome), outcome.text
    metadata = manifest["metadata"]
    checked = check(tmp_path, behind, [act.file.partition("/")[0]])
    assert checked[f"{metadata['namespace']}/{metadata['name']}"] == act.decision


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo keeps its files, so that its processes can be told by their arguments."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def played(temporary: Path) -> "subprocess.CompletedProcess[str]":
    command, environ = [sys.executable, "-m", "tests.demo"], {**clean_environment(), "TMPDIR": str(temporary)}
    return subprocess.run(command, cwd=CHECKOUT, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_the_demo_ends_well(played: "subprocess.CompletedProcess[str]") -> None:
    assert (played.returncode, played.stderr) == (0, ""), played.stdout


def test_the_demo_prints_as_kubectl_prints(played: "subprocess.CompletedProcess[str]") -> None:
    lines = played.stdout.splitlines()
    assert "$ kubectl apply -f 6-all-correct/deployment.yaml --dry-run=server" in lines
    assert "deployment.apps/my-app created" in lines
    assert "deployment.apps/my-app created (server dry run)" in lines
    denied = 'Error from server (Forbidden): error when creating "1-wrong-registry/deployment.yaml": admission webhook '
    assert any(line.startswith(f'{denied}"enforce.pullcheck.dev" denied the request: ') for line in lines)
    assert any(line.startswith("Warning: Deployment/my-app: ") for line in lines)


def test_the_demo_colours_nothing_in_a_pipe(played: "subprocess.CompletedProcess[str]") -> None:
    assert "\x1b" not in played.stdout


@pytest.mark.parametrize(("more", "has_colours"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_the_demo_colours_on_a_terminal_unless_told_otherwise(more: dict[str, str], *, has_colours: bool) -> None:
    code = "import sys; from tests.demo.terminal import Terminal; Terminal.on(sys.stdout).warning('text')"
    main, other = os.openpty()
    try:
        environ = {**clean_environment(), "TERM": "xterm", **more}
        environ = {name: value for name, value in environ.items() if name != "NO_COLOR" or name in more}
        subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, env=environ, stdout=other, timeout=30, check=True)
        shown = os.read(main, 1000)
    finally:
        os.close(main)
        os.close(other)
    assert shown.strip() == (b"\x1b[33;1mWarning:\x1b[0m text" if has_colours else b"Warning: text")


@pytest.mark.usefixtures("played")
def test_the_demo_leaves_nothing_behind(temporary: Path) -> None:
    assert not list(temporary.iterdir())
    assert not running_with(str(temporary))


def test_the_demo_leaves_nothing_running_when_it_is_ended(tmp_path: Path) -> None:
    command, environ = [sys.executable, "-m", "tests.demo"], {**clean_environment(), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=CHECKOUT, env=environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while b"\n1. " not in b"\n" + process.stdout.readline():
            assert process.poll() is None
        assert running_with(str(tmp_path))
        process.terminate()
        process.stdout.read()
    assert not running_with(str(tmp_path))
    assert not list(tmp_path.iterdir())


def running_with(word: str) -> list[bytes]:
    """The command lines on this machine in which a word stands."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes())
    return [command for command in found if word.encode() in command]
