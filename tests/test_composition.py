"""From settings to a pipeline: what the settings say arrives where it counts."""

import asyncio
from pathlib import Path

import pytest

from webhook.case import Case
from webhook.composition import compose, open_cluster
from webhook.images.uses import ImageUse, Place
from webhook.keychain.pullsecrets import AbsentSecret, PullSecret, Wanted
from webhook.settings import Settings, SettingsError
from webhook.verdict.judgement import Verdict
from webhook.verdict.policy import Decision, Mode

NOTHING = Wanted((), None)


def settings(folder: Path, text: str) -> Settings:
    file = folder / "pullcheck.yaml"
    file.write_text(text)
    return Settings.read({}, file)


def judged(configuration: Settings, image: str, environ: dict[str, str] | None = None) -> Verdict:
    async def scene() -> Verdict:
        composition = compose(configuration, environ or {})
        use = ImageUse(field="f", container="app", image=image, pull_policy="Always", place=Place.CONTAINER)
        case = Case(kind="Pod", namespace="shop", name="app", uses=(use,), wanted=NOTHING, mode=Mode.ENFORCE)
        try:
            return await composition.pipeline.judge(case, 3)
        finally:
            await composition.close()

    return asyncio.run(scene())


def test_the_policy_is_the_settings(tmp_path: Path) -> None:
    assert judged(settings(tmp_path, "cluster: none"), "NGINX").decision is Decision.DENY
    assert judged(settings(tmp_path, "{cluster: none, policy: {invalid: allow}}"), "NGINX").decision is Decision.ALLOW


def test_hosts_that_are_denied_are_not_asked(tmp_path: Path) -> None:
    configuration = settings(tmp_path, "{cluster: none, network: {denied_hosts: [registry.example.com]}}")

    assert judged(configuration, "registry.example.com/app:1").judgements[0].resolution_name == "Blocked"


def test_ignored_images_and_custom_kinds_arrive(tmp_path: Path) -> None:
    configuration = settings(
        tmp_path, "{cluster: none, ignored_images: [later], workloads: [{group: g.example, kind: Widget}]}"
    )

    assert judged(configuration, "later").judgements == ()

    async def kinds() -> bool:
        composition = compose(configuration, {})
        try:
            return composition.kinds.find("g.example", "Widget") is not None
        finally:
            await composition.close()

    assert asyncio.run(kinds())


def test_the_api_servers_own_address_is_no_registry(tmp_path: Path) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}
    verdict = judged(settings(tmp_path, "cluster: none"), "10.96.0.1:443/app:1", environ)

    assert verdict.judgements[0].resolution_name == "Blocked"


def test_a_hosts_file_and_a_docker_config_of_the_nodes_are_read(tmp_path: Path) -> None:
    directory = tmp_path / "certs.d" / "registry.example.com"
    directory.mkdir(parents=True)
    (directory / "hosts.toml").write_text('server = "https://127.0.0.1:1"')
    (tmp_path / "config.json").write_text('{"auths":{"registry.example.com":{"username":"u","password":"p"}}}')
    configuration = settings(
        tmp_path,
        f"{{cluster: none, network: {{loopback: true}}, "
        f"nodes: {{hosts_directory: {tmp_path / 'certs.d'}, docker_config: {tmp_path / 'config.json'}}}}}",
    )
    verdict = judged(configuration, "registry.example.com/app:1")

    assert "(at 127.0.0.1:1) did not answer" in verdict.warnings[0]
    assert [offer.secret for offer in verdict.judgements[0].offers] == [None]


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_authorities_that_cannot_be_read_stop_the_start(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "ca.crt").write_text(content)
    configuration = settings(tmp_path, f"{{cluster: none, network: {{ca_files: [{tmp_path / 'ca.crt'}]}}}}")

    with pytest.raises(SettingsError, match=r"settings: network.ca_files=.*: expected a readable file"):
        judged(configuration, "nginx")


@pytest.mark.parametrize("key", ["hosts_directory", "docker_config"])
def test_what_nodes_have_must_be_there_when_it_is_named(tmp_path: Path, key: str) -> None:
    configuration = settings(tmp_path, f"{{cluster: none, nodes: {{{key}: {tmp_path / 'gone'}}}}}")

    with pytest.raises(SettingsError, match=rf"settings: nodes\.{key}=.*: expected "):
        judged(configuration, "nginx")


def test_a_docker_config_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    configuration = settings(tmp_path, f"{{cluster: none, nodes: {{docker_config: {tmp_path / 'config.json'}}}}}")

    with pytest.raises(SettingsError, match="expected a readable docker config"):
        judged(configuration, "nginx")


def test_a_folder_is_a_cluster(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text(
        "{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: shop}, type: Opaque, stringData: {k: v}}"
    )
    cluster = open_cluster(str(tmp_path))

    assert asyncio.run(cluster.read_secret("shop", "a")) == PullSecret("a", "Opaque", {"k": b"v"})
    assert asyncio.run(cluster.read_secret("other", "a")) == AbsentSecret("a")
    assert asyncio.run(open_cluster("none").read_secret("shop", "a")) == AbsentSecret("a")
