"""`pullcheck check` as a person runs it: a process of its own, files, pipes and exit codes."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import images
from tests.fakes.certificates import Authority, Pair
from tests.fakes.registry import FakeRegistry
from tests.servers.webhook import CHECKOUT, clean_environment

PASSWORD = "canary-of-the-tests"
Checked = subprocess.CompletedProcess[str]
Check = Callable[..., Checked]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return Authority(tmp_path_factory.mktemp("authority")).issue("127.0.0.1")


@pytest.fixture(scope="module")
def registry(pair: Pair) -> Iterator[FakeRegistry]:
    """An open one; at a port of this machine nodes take any certificate, so no authority needs to be told."""
    with FakeRegistry(tls=pair.server_context()) as registry:
        registry.add("team/app:1", images.single("app"))
        yield registry


@pytest.fixture(scope="module")
def private(pair: Pair) -> Iterator[FakeRegistry]:
    """One that asks for a login."""
    with FakeRegistry(tls=pair.server_context(), basic={"team": PASSWORD}) as registry:
        registry.add("team/app:1", images.single("app"))
        yield registry


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Run the command in a folder of its own; loopback registries are contacted."""

    def check(*arguments: str, stdin: str = "", **environ: str) -> Checked:
        settings = {"PULLCHECK_NETWORK__LOOPBACK": "true", "PYTHONPATH": str(CHECKOUT)}
        return subprocess.run(
            [sys.executable, "-m", "webhook", "check", *arguments],
            cwd=tmp_path,
            env={**clean_environment(), **settings, **environ},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return check


def _pod(image: str, *, name: str = "app", **spec: object) -> dict[str, object]:
    containers = [{"name": "main", "image": image}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers, **spec}}


def _secret(host: str, *, name: str = "regcred", password: str = PASSWORD) -> dict[str, object]:
    auths = {host: {"username": "team", "password": password}}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": json.dumps({"auths": auths})},
    }


def _stream(*documents: Mapping[str, object]) -> str:
    return "\n".join(f"---\n{json.dumps(document)}" for document in documents)


def _lines(done: Checked) -> list[list[str]]:
    return [line.split("\t") for line in done.stdout.splitlines()]


def _results(done: Checked) -> list[Any]:
    results: list[Any] = json.loads(done.stdout)["results"]
    return results


def _decisions(done: Checked) -> list[str]:
    return [line[0] for line in _lines(done)]


def test_an_image_that_is_there_is_allowed(check: Check, registry: FakeRegistry) -> None:
    image = f"{registry.address}/team/app:1"
    done = check(image)
    assert (done.returncode, done.stdout) == (0, f"allow\targument\t-\t-\t{image}\t-\n")
    assert done.stderr == "1 image: 0 denied, 0 warned about, 1 allowed\n"


def test_a_tag_that_is_not_there_is_denied(check: Check, registry: FakeRegistry) -> None:
    done = check(f"{registry.address}/team/app:2", f"{registry.address}/team/app:1")
    assert (done.returncode, _decisions(done)) == (1, ["deny", "allow"])
    assert done.stderr == "2 images: 1 denied, 0 warned about, 1 allowed\n"


@pytest.mark.parametrize(
    ("fail_on", "image", "code"),
    [
        ("deny", "UPPER/x Y", 1),
        ("deny", "127.0.0.1:1/x", 0),
        ("warn", "UPPER/x Y", 1),
        ("warn", "127.0.0.1:1/x", 1),
        ("never", "UPPER/x Y", 0),
    ],
)
def test_what_fails_is_what_was_asked_for(check: Check, fail_on: str, image: str, code: int) -> None:
    assert check("--fail-on", fail_on, image).returncode == code


def test_in_the_mode_warn_nothing_is_denied(check: Check) -> None:
    done = check("UPPER/x Y", PULLCHECK_MODE="warn")
    assert (done.returncode, _decisions(done)) == (0, ["warn"])
    assert _lines(done)[0][5].startswith("would be denied: ")


def test_every_place_that_names_an_image_is_a_line(check: Check, tmp_path: Path) -> None:
    spec = {
        "initContainers": [{"name": "init", "image": "a B"}],
        "containers": [
            {"name": "main", "image": "never", "imagePullPolicy": "Never"},
            {"name": "mesh", "image": "auto"},
        ],
        "volumes": [{"name": "model", "image": {"reference": "c D"}}],
    }
    cronjob = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "nightly", "namespace": "team"},
        "spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}},
    }
    (tmp_path / "job.yaml").write_text(json.dumps(cronjob))
    path = "spec.jobTemplate.spec.template.spec"
    assert [line[:5] for line in _lines(check("-f", "job.yaml"))] == [
        ["allow", "job.yaml", "CronJob/team/nightly", f"{path}.containers[0].image", "never"],
        ["allow", "job.yaml", "CronJob/team/nightly", f"{path}.containers[1].image", "auto"],
        ["deny", "job.yaml", "CronJob/team/nightly", f"{path}.initContainers[0].image", "a B"],
        ["deny", "job.yaml", "CronJob/team/nightly", f"{path}.volumes[0].image.reference", "c D"],
    ]


def test_what_nobody_had_to_be_asked_about_says_so(check: Check, tmp_path: Path) -> None:
    spec = [{"name": "a", "image": "never", "imagePullPolicy": "Never"}, {"name": "b", "image": "auto"}]
    (tmp_path / "a.yaml").write_text(_stream(_pod("x") | {"spec": {"containers": spec}}))
    assert [line[5] for line in _lines(check("-f", "a.yaml"))] == [
        "not asked: its pull policy is Never",
        "not asked: something else rewrites it (ignored_images)",
    ]


def test_the_standard_input_is_checked(check: Check) -> None:
    done = check("-f", "-", stdin=_stream(_pod("a B", name="one"), _pod("a B", name="two")))
    assert [line[1:3] for line in _lines(done)] == [["-", "Pod/default/one"], ["-", "Pod/default/two"]]


def test_results_come_in_the_order_of_the_command_line(check: Check, tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.yaml").write_text(_stream(_pod("a B", name=name)))
    done = check("-f", "b.yaml", "-f", "a.yaml", "z Z")
    assert [line[1] for line in _lines(done)] == ["argument", "b.yaml", "a.yaml"]


def test_other_kinds_are_passed_over(check: Check, tmp_path: Path) -> None:
    fleet = {"apiVersion": "example.com/v1", "kind": "Deployment", "spec": {"template": {"spec": {"containers": [{}]}}}}
    (tmp_path / "a.yaml").write_text(_stream(fleet, {"apiVersion": "v1", "kind": "ConfigMap"}))
    done = check("-f", ".")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "0 images: 0 denied, 0 warned about, 0 allowed\n"


def test_a_custom_kind_is_checked_when_the_settings_name_it(check: Check, tmp_path: Path) -> None:
    spec = {"template": {"spec": {"containers": [{"name": "main", "image": "a B"}]}}}
    rollout = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "app"}}
    (tmp_path / "a.json").write_text(json.dumps(rollout | {"spec": spec}))
    (tmp_path / "settings.yml").write_text("workloads: [{group: argoproj.io, kind: Rollout}]")
    done = check("-f", "a.json", "--config", "settings.yml")
    assert _lines(done)[0][2] == "Rollout/default/app"


def test_an_object_that_is_being_deleted_is_checked_all_the_same(check: Check) -> None:
    pod = _pod("a B")
    pod["metadata"] = {"name": "app", "deletionTimestamp": "2026-01-01T00:00:00Z"}
    assert _decisions(check("-f", "-", stdin=_stream(pod))) == ["deny"]


def test_nothing_pulls_where_there_are_no_replicas(check: Check) -> None:
    spec = {"replicas": 0, "template": {"spec": {"containers": [{"name": "main", "image": "127.0.0.1:1/a B"}]}}}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app"}, "spec": spec}
    assert _decisions(check("-f", "-", stdin=_stream(deployment))) == ["warn"]


def test_an_object_may_turn_its_denials_into_warnings(check: Check) -> None:
    pod = _pod("a B")
    pod["metadata"] = {"name": "app", "annotations": {"pullcheck.dev/mode": "warn"}}
    assert _decisions(check("-f", "-", stdin=_stream(pod))) == ["warn"]


def test_a_secret_among_the_manifests_opens_the_registry(check: Check, private: FakeRegistry) -> None:
    pod = _pod(f"{private.address}/team/app:1", imagePullSecrets=[{"name": "regcred"}])
    done = check("-f", "-", "--output", "json", stdin=_stream(_secret(private.address), pod))
    [image] = _results(done)[0]["images"]
    assert (done.returncode, image["resolution"], image["digest"]) == (0, "Resolved", images.single("app").digest)
    assert image["credentials"] == [{"secret": "regcred", "result": "accepted"}]
    assert done.stderr == ""


def test_a_wrong_password_is_denied_and_never_shown(check: Check, private: FakeRegistry) -> None:
    pod = _pod(f"{private.address}/team/app:1", imagePullSecrets=[{"name": "regcred"}])
    done = check("-f", "-", "--output", "json", stdin=_stream(_secret(private.address, password="hunter2-canary"), pod))
    [image] = _results(done)[0]["images"]
    assert (done.returncode, image["resolution"]) == (1, "Refused")
    assert image["credentials"] == [{"secret": "regcred", "result": "rejected"}]
    assert "hunter2" not in done.stdout + done.stderr


def test_a_secret_that_is_not_given_softens_the_denial(check: Check, private: FakeRegistry) -> None:
    pod = _pod(f"{private.address}/team/app:1", imagePullSecrets=[{"name": "regcerd"}])
    assert _decisions(check("-f", "-", stdin=_stream(_secret(private.address), pod))) == ["warn"]


def test_a_secret_of_another_namespace_is_not_there(check: Check, private: FakeRegistry) -> None:
    secret, pod = (
        _secret(private.address),
        _pod(f"{private.address}/team/app:1", imagePullSecrets=[{"name": "regcred"}]),
    )
    secret["metadata"] = {"name": "regcred", "namespace": "other"}
    stream = _stream(secret, pod)
    assert _decisions(check("-f", "-", stdin=stream)) == ["warn"]
    assert _decisions(check("-f", "-", "-n", "other", stdin=stream)) == ["allow"]


def test_a_bare_pod_gets_its_service_accounts_secrets(check: Check, private: FakeRegistry) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    stream = (_secret(private.address), {**account, "imagePullSecrets": [{"name": "regcred"}]})
    assert _decisions(check("-f", "-", stdin=_stream(*stream, _pod(f"{private.address}/team/app:1")))) == ["allow"]


def test_a_default_account_that_is_not_given_has_no_secrets_and_any_other_is_absent(
    check: Check, private: FakeRegistry
) -> None:
    image = f"{private.address}/team/app:1"
    done = check("-f", "-", stdin=_stream(_pod(image, name="one"), _pod(image, name="two", serviceAccountName="other")))
    assert _decisions(done) == ["deny", "warn"]


def test_an_image_is_asked_for_with_the_secrets_that_are_named(
    check: Check, private: FakeRegistry, tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "builder"}}
    state = _stream(_secret(private.address), {**account, "imagePullSecrets": [{"name": "regcred"}]})
    (tmp_path / "state" / "a.yaml").write_text(state)
    image = f"{private.address}/team/app:1"
    assert _decisions(check(image)) == ["deny"]
    assert _decisions(check(image, "--cluster", "state", "--pull-secret", "regcred")) == ["allow"]
    assert _decisions(check(image, "--cluster", "state", "--service-account", "builder")) == ["allow"]
    assert _decisions(check(image, "--cluster", "state", "--service-account", "nobody")) == ["warn"]


def test_what_is_given_wins_over_the_cluster(check: Check, private: FakeRegistry, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "a.yaml").write_text(_stream(_secret(private.address, password="stale")))
    pod = _pod(f"{private.address}/team/app:1", imagePullSecrets=[{"name": "regcred"}])
    assert _decisions(check("-f", "-", "--cluster", "state", stdin=_stream(pod))) == ["deny"]
    stream = _stream(_secret(private.address), pod)
    assert _decisions(check("-f", "-", "--cluster", "state", stdin=stream)) == ["allow"]


def test_the_settings_may_name_the_cluster(check: Check, private: FakeRegistry, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "a.yaml").write_text(_stream(_secret(private.address)))
    (tmp_path / "settings.yml").write_text("cluster: state")
    arguments = (f"{private.address}/team/app:1", "--pull-secret", "regcred", "--config", "settings.yml")
    assert _decisions(check(*arguments)) == ["allow"]
    assert _decisions(check(*arguments, "--cluster", "none")) == ["warn"]


def test_a_nodes_docker_config_is_offered(check: Check, private: FakeRegistry, tmp_path: Path) -> None:
    auths = {private.address: {"username": "team", "password": PASSWORD}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    assert _decisions(check(f"{private.address}/team/app:1", "--docker-config", "config.json")) == ["allow"]


def test_a_review_is_judged_as_the_webhook_would(check: Check) -> None:
    captures = CHECKOUT / "tests" / "captures"
    done = check("-f", str(captures / "create-pod-tags-and-digests.json"), PULLCHECK_NETWORK__DENIED_HOSTS='["*.*"]')
    assert [(line[0], line[2]) for line in _lines(done)][-1] == ("deny", "Pod/demo/td")
    for name in ("delete-pod", "create-pod-mirror", "create-pod-binding", "update-deployment-scale"):
        assert check("-f", str(captures / f"{name}.json")).stdout == ""


def test_what_a_review_leaves_unchanged_is_not_asked_for(check: Check) -> None:
    path = CHECKOUT / "tests" / "captures" / "update-deployment-labels.json"
    [line] = _lines(check("-f", str(path)))
    assert (line[0], line[5]) == ("allow", "not asked: unchanged")


def test_the_json_names_object_and_image(check: Check, registry: FakeRegistry, tmp_path: Path) -> None:
    image = f"{registry.address}/team/app"
    (tmp_path / "a.yaml").write_text(_stream(_pod(image)))
    done = check("-f", "a.yaml", "--output", "json", "a B")
    document = json.loads(done.stdout)
    assert (document["apiVersion"], document["kind"]) == ("pullcheck.dev/v1", "CheckReport")
    assert document["summary"] == {"images": 2, "deny": 2, "warn": 0, "allow": 0}
    argument, pod = document["results"]
    assert (argument["source"], argument["object"], argument["images"][0]["field"]) == ("argument", None, "image")
    assert pod["object"] == {"apiVersion": "v1", "kind": "Pod", "namespace": "default", "name": "app"}
    assert pod["images"][0]["container"] == "main"
    assert pod["images"][0]["reference"] == f"{image}:latest"
    assert pod["images"][0]["pullPolicy"] == "Always"
    assert pod["message"]


def test_many_objects_are_judged_side_by_side(check: Check, registry: FakeRegistry) -> None:
    pods = [_pod(f"{registry.address}/team/app:1", name=f"p{number}") for number in range(200)]
    done = check("-f", "-", stdin=_stream(*pods))
    assert (done.returncode, _decisions(done)) == (0, ["allow"] * 200)


@pytest.mark.parametrize(
    ("arguments", "stdin", "fault"),
    [
        ([], "", "nothing to check: name an IMAGE, or manifests with -f"),
        (["-f", "-"], "", "-: no objects in it"),
        (["-f", "-"], "---\n# nothing\n", "-: no objects in it"),
        (["-f", "nowhere.yaml"], "", "nowhere.yaml: cannot be read (No such file or directory)"),
        (["-f", "-"], "a: [hunter2", "-: document 1, line 2: is not YAML (did not find expected … or …)"),
        (["-f", "-"], "apiVersion: v1\nkind: A\n---\n\nkind: B", "-: document 2, line 5: has no apiVersion"),
        (
            ["-f", "-"],
            "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: [hunter2]}]}",
            "-: document 1, line 1: is no Pod (spec.containers[0].image: expected str or null, got array)",
        ),
        (
            ["-f", "-"],
            "apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\nresponse: {}",
            "-: document 1, line 1: is no AdmissionReview (request: expected object)",
        ),
        (["a", "--config", "nowhere.yml"], "", "settings: nowhere.yml: cannot be read (No such file or directory)"),
        (["a", "--cluster", "nowhere"], "", "nowhere: cannot be read (No such file or directory)"),
        (["a", "--docker-config", "nowhere"], "", "nowhere: cannot be read"),
        (["a", "--output", "xml"], "", "Invalid value for '--output': 'xml' is not one of 'text', 'json'."),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(check: Check, arguments: list[str], stdin: str, fault: str) -> None:
    done = check(*arguments, stdin=stdin)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"pullcheck: {fault}\n"


def test_a_docker_config_that_is_none_is_refused(check: Check, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"auths": {"a.io": {"auth": "hunter2"}}}')
    done = check("a", "--docker-config", "config.json")
    assert done.returncode == 2
    assert done.stderr.startswith("pullcheck: config.json: is no docker config (")
    assert "hunter2" not in done.stderr


def test_a_folder_without_manifests_is_refused(check: Check, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    done = check("-f", "folder")
    assert (done.returncode, done.stderr) == (2, "pullcheck: folder: no objects in it\n")


def test_a_file_as_an_argument_is_refused(check: Check, tmp_path: Path) -> None:
    (tmp_path / "deploy.yaml").write_text(_stream(_pod("a")))
    done = check("deploy.yaml")
    assert (done.returncode, done.stderr) == (2, "pullcheck: deploy.yaml is a file; did you mean -f deploy.yaml?\n")


def test_a_folder_of_an_images_name_is_no_mistake(check: Check, tmp_path: Path) -> None:
    (tmp_path / "UPPER").mkdir()
    assert check("UPPER", "x" * 5000).returncode == 1


def test_a_cluster_that_nothing_leads_to_is_refused(check: Check) -> None:
    done = check("a", "--cluster", "kubernetes")
    assert done.returncode == 2
    assert done.stderr.startswith("pullcheck: cluster: there is no pod's service account here")


def test_a_cluster_that_cannot_be_reached_is_a_warning(check: Check, registry: FakeRegistry, tmp_path: Path) -> None:
    cluster = {"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    users = [{"name": "u", "user": {"token": "t"}}]
    document = {"kind": "Config", "current-context": "c", "contexts": [context], "clusters": [cluster], "users": users}
    (tmp_path / "kubeconfig").write_text(json.dumps(document))
    image = f"{registry.address}/team/app"
    done = check(f"{image}:1", f"{image}:2", "--cluster", "kubernetes", KUBECONFIG=str(tmp_path / "kubeconfig"))
    assert (done.returncode, _decisions(done)) == (0, ["allow", "warn"])
    assert "Warning: " in done.stderr
    assert "cannot be reached" in done.stderr


def test_unknown_variables_are_told_once(check: Check) -> None:
    done = check("a B", PULLCHECK_PORT="tcp://10.0.0.1:443")
    assert done.stderr.splitlines()[0] == "pullcheck: settings: PULLCHECK_PORT: no such setting, ignored"
