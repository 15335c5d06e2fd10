"""pullcheck behind a real API server: the tests in `inside` that need it, each group in a world of its own."""

import os
import subprocess
import sys

import pytest

from tests.cluster.conftest import ROOT, RunInside, require

STORY = [f"test_{name}.py" for name in ("story", "kinds", "commands", "modes", "controllers", "installation")]
"""Without a node no image ever gets there, so that what one has already changes nothing."""
NODE = ["test_without.py", "test_on_the_node.py"]


@pytest.mark.parametrize(("level", "files"), [("cluster", STORY), ("node", NODE)], ids=["cluster", "node"])
def test_the_story_ends_in_a_real_cluster_as_it_is_told(run_inside: RunInside, level: str, files: list[str]) -> None:
    code, output = run_inside(level, *files)

    assert code == 0, output


def test_make_cluster_opens_a_shell_with_the_story_at_hand() -> None:
    """As the Makefile says it; the registry is ended as the greeting says it."""
    require("node")
    guests = ["--with", "tests.cluster.story", "--with", "tests.cluster.pullcheck"]
    script = """
        cd tests/demo/scenes
        kubectl apply -f 1-wrong-registry/deployment.yaml 2>&1
        kubectl apply -f 6-all-correct/deployment.yaml 2>&1
        kubectl rollout status deployment/my-app --namespace=all-correct
        pullcheck check -f 2-no-secret/deployment.yaml 2>&1 >/dev/null
        kill $(pidof registry) && sleep 1
        kubectl apply -f 7-registry-down/deployment.yaml 2>&1
    """

    shell = subprocess.run(
        [sys.executable, "-m", "tests.cluster", "shell", *guests],
        cwd=ROOT,
        env=os.environ | {"SHELL": "sh"},
        input=script,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert shell.returncode == 0, shell.stderr
    lines = shell.stdout.splitlines()
    assert [line.split(":")[0] for line in lines if line.startswith(("Error", "Warning"))] == [
        "Error from server (Forbidden)",
        "Warning",
    ]
    assert lines.count("deployment.apps/my-app created") == 2
    assert 'deployment "my-app" successfully rolled out' in lines
    assert "1 image: 1 denied, 0 warned about, 0 allowed" in lines
