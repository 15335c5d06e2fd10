"""Each level comes up and passes the tests in `inside`, which run in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import levels, servers
from tests.cluster.conftest import ROOT, Run, RunInside, require


@pytest.mark.parametrize(("level", "files"), [("api", ["test_api.py"]), ("node", ["test_api.py", "test_node.py"])])
def test_a_level_comes_up_and_passes_its_tests(run_inside: RunInside, level: str, files: list[str]) -> None:
    code, output = run_inside(level, *files, options=("--address", "10.88.0.2=registry.example.com,docker.io"))

    assert code == 0, output


def test_controllers_make_pods_without_a_node(start_cluster: Run) -> None:
    script = """
        kubectl create deployment one --image=nobody.example.org/one:1
        for attempt in $(seq 100); do kubectl get pods --output=name | grep pod/one- && exit; done; exit 1
    """

    with start_cluster("cluster", "sh", "-c", script) as process:
        output, _ = process.communicate(timeout=120)

    assert process.returncode == 0, output


def test_the_exit_code_is_the_command_s(start_cluster: Run) -> None:
    with start_cluster("api", "sh", "-c", "exit 7") as process:
        process.communicate(timeout=120)

    assert process.returncode == 7


def test_logs_are_kept_after_a_failure(start_cluster: Run, tmp_path: Path) -> None:
    with start_cluster("api", "false", options=("--logs", str(tmp_path / "logs"))) as process:
        process.communicate(timeout=120)

    assert {"etcd.log", "kube-apiserver.log"} <= {path.name for path in (tmp_path / "logs").iterdir()}


def test_a_guest_is_started_before_the_command(
    start_cluster: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way for a stand-in registry or the webhook itself to join: a module with `start(cluster)`."""
    (tmp_path / "guest.py").write_text("def start(cluster):\n    (cluster.directory / 'guest').write_text('came')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    with start_cluster("api", "sh", "-c", "cat $CLUSTER_DIRECTORY/guest", options=("--with", "guest")) as process:
        output, _ = process.communicate(timeout=120)

    assert output == "came"


def test_an_authority_can_be_trusted_by_everybody(start_cluster: Run) -> None:
    """As a public one is: without any setting of the client's, here kubectl's."""
    identity = [
        f"--client-{kind}=/run/cluster/pki/admin.{ending}" for kind, ending in (("certificate", "crt"), ("key", "key"))
    ]
    command = ["kubectl", "--kubeconfig=/dev/null", "--server=https://10.88.0.1:6443", *identity, "get", "--raw=/livez"]

    with (
        start_cluster("api", *command) as distrusting,
        start_cluster("api", *command, options=("--publicly-trusted",)) as trusting,
    ):
        outputs = [process.communicate(timeout=120)[0] for process in (distrusting, trusting)]

    assert "certificate signed by unknown authority" in outputs[0]
    assert outputs[1] == "ok"


def test_a_proxy_outside_is_not_asked(start_cluster: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")

    with start_cluster("api", "kubectl", "version") as process:
        output, _ = process.communicate(timeout=120)

    assert process.returncode == 0, output


def test_a_shell_says_what_it_is_and_takes_commands() -> None:
    require("api")
    command = [sys.executable, "-m", "tests.cluster", "shell", "--level", "api"]

    shell = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"SHELL": "sh"},
        input="kubectl get namespace default --output=name; exit 3",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert shell.returncode == 3, shell.stderr
    assert shell.stdout.startswith("A Kubernetes of your own (api, ready after ")
    assert shell.stdout.endswith("namespace/default\n")


def test_a_server_that_ends_tells_why(start_cluster: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an etcd that gives up: its last words are shown, and the exit code is the harness's own."""
    require("api")
    for name in levels.PROGRAMS["api"]:
        (tmp_path / name).symlink_to(servers.find(name) or "/nonexistent")
    (tmp_path / "etcd").unlink()
    (tmp_path / "etcd").write_text("#!/bin/sh\necho no space left; exit 1\n")
    (tmp_path / "etcd").chmod(0o755)
    monkeypatch.setenv("PULLCHECK_SERVERS", str(tmp_path / "nothing"))
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))

    with start_cluster("api", "true") as process:
        output, _ = process.communicate(timeout=120)

    assert process.returncode == 125
    assert output == "cluster: etcd ended\n--- etcd\nno space left\n"


@pytest.mark.parametrize("level", levels.PROGRAMS)
def test_what_is_lacking_is_said_in_one_line_whatever_the_level(level: str, tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path), "PULLCHECK_SERVERS": str(tmp_path), "PYTHONPATH": str(ROOT)}

    check = subprocess.run(
        [sys.executable, "-m", "tests.cluster", "check", "--level", level],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert check.stderr.startswith("cluster: no Kubernetes of the tests' own: ")
    assert check.stderr.endswith(
        "apt-get install iproute2 mount runc util-linux; install Go 1.26.6 or later; make servers\n"
    )
    assert check.stderr.count("\n") == 1
