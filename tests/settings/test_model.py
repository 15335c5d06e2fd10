"""Every key of the settings, its default and what a wrong value is answered."""

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from webhook.settings import Settings, SettingsError
from webhook.settings.forms import Address
from webhook.settings.model import CLOUD_REGISTRIES

EVERY_KEY = """
mode: enforce
listen: 0.0.0.0:8443
probes: 0.0.0.0:8080
log_level: info
tls: {source: files, certificate: tls.crt, key: tls.key, client_ca: null, client_names: []}
cluster: kubernetes
deadline: {default: 10s, margin: 500ms, most: 8s}
shutdown_delay: 5s
policy: {missing: deny, refused: deny, invalid: deny, unsupported: warn,
  unverifiable: allow, unavailable: warn, blocked: warn}
softened: {absent_secret: warn, controlled: warn, inactive: warn, on_node: warn}
override_annotation: pullcheck.dev/mode
memory: {tags: 60s, digests: 1h, tokens: 1h, secrets: 10s, nodes: 30s, entries: 10000}
network:
  allowed_hosts: ["*"]
  denied_hosts: []
  loopback: false
  private: true
  allowed_networks: []
  denied_networks: []
  ca_files: []
  insecure_hosts: []
  realms: {}
  connect_timeout: 1500ms
  response_timeout: 2s
  per_registry: 8
nodes:
  runtime: containerd
  hosts_directory: null
  docker_config: null
  credential_provider_config: null
  credential_provider_bin_directory: null
  preloaded: []
  pull_through: []
  platforms: []
workloads: []
ignored_images: [auto]
"""
"""The file that says nothing but the defaults."""

PATTERN = "a registry pattern, host[:port][/prefix], without scheme or tag"
Read = Callable[..., Settings]
NO_PLUGINS = "null (credential provider plugins: not in this version)"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read settings from a text, as from a file."""

    def read(text: str, **environ: str) -> Settings:
        path = tmp_path / "pullcheck.yaml"
        path.write_text(text)
        return Settings.read(environ, path)

    return read


def _fault(read: Read, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(text)
    return str(caught.value)


def test_a_file_that_says_the_defaults_changes_nothing(read: Read) -> None:
    assert read(EVERY_KEY).model_dump() == Settings.read({}, None).model_dump()


def test_the_file_that_says_the_defaults_names_every_key() -> None:
    document = yaml.safe_load(EVERY_KEY)
    document["nodes"]["authenticated"] = []
    settings = Settings.read({}, None)
    for section, keys in document.items():
        if isinstance(keys, dict):
            fields = {field.alias for field in type(getattr(settings, section)).model_fields.values()}
            assert set(keys) == fields
    assert set(document) == {field.alias or name for name, field in Settings.model_fields.items()}


def test_values_reach_code_in_its_own_forms(read: Read) -> None:
    settings = read("""
        listen: "[::1]:0"
        deadline: {default: 1m30s, margin: 0s}
        shutdown_delay: 0s
        network:
          allowed_networks: [10.0.0.0/8, "fd00::/8"]
          realms: {"*.example.com": ["auth.example.net", "auth.example.net:8443"]}
          connect_timeout: 250ms
        nodes: {hosts_directory: /etc/containerd/certs.d}
        workloads: [{group: argoproj.io, kind: Rollout}, {group: example.com, kind: Fleet, pod_spec: spec.pod}]
    """)
    assert settings.listen == Address("::1", 0)
    assert (settings.deadline.default_seconds, settings.deadline.margin_seconds) == (90.0, 0.0)
    assert settings.shutdown_delay_seconds == 0
    assert settings.network.allowed_networks == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert settings.network.realms == {"*.example.com": ("auth.example.net", "auth.example.net:8443")}
    assert settings.network.connect_timeout_seconds == 0.25
    assert settings.nodes.hosts_directory == Path("/etc/containerd/certs.d")
    assert [(each.group, each.kind, each.pod_spec) for each in settings.workloads] == [
        ("argoproj.io", "Rollout", "spec.template.spec"),
        ("example.com", "Fleet", "spec.pod"),
    ]


def test_the_nodes_of_the_big_clouds_log_in_by_themselves() -> None:
    assert {"*.dkr.ecr.*.amazonaws.com", "*.azurecr.io", "*.pkg.dev", "gcr.io"} < set(CLOUD_REGISTRIES)
    assert Settings.read({}, None).nodes.authenticated == CLOUD_REGISTRIES


def test_the_environment_wins_over_the_file(read: Read) -> None:
    settings = read(
        "mode: warn\nnetwork: {loopback: false, private: false, allowed_hosts: [a.example.com]}",
        PULLCHECK_MODE="enforce",
        PULLCHECK_SHUTDOWN_DELAY="1m",
        PULLCHECK_NETWORK__LOOPBACK="true",
        PULLCHECK_NETWORK__ALLOWED_HOSTS='["b.example.com"]',
    )
    assert (settings.mode, settings.shutdown_delay_seconds) == ("enforce", 60)
    assert settings.network.loopback
    assert not settings.network.private
    assert settings.network.allowed_hosts == ("b.example.com",)


def test_a_section_may_come_as_json_and_its_keys_beside_it() -> None:
    environ = {"PULLCHECK_NETWORK": '{"loopback": true, "per_registry": 2}', "PULLCHECK_NETWORK__PER_REGISTRY": "3"}
    settings = Settings.read(environ, None)
    assert (settings.network.loopback, settings.network.per_registry) == (True, 3)


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "pullcheck.yaml"
    path.write_text("mode: warn")
    assert Settings.read({"PULLCHECK_CONFIG": str(path)}, None).mode == "warn"


def test_the_option_wins_over_the_file_that_the_environment_names(read: Read) -> None:
    assert read("mode: warn", PULLCHECK_CONFIG="/nowhere/pullcheck.yaml").mode == "warn"


def test_an_empty_name_of_a_file_is_none() -> None:
    assert Settings.read({"PULLCHECK_CONFIG": ""}, None).mode == "enforce"


@pytest.mark.parametrize("null", ["null", ""])
def test_the_environment_can_take_a_path_back(read: Read, null: str) -> None:
    assert read("nodes: {docker_config: a.json}", PULLCHECK_NODES__DOCKER_CONFIG=null).nodes.docker_config is None


def test_the_environment_may_say_that_what_this_version_lacks_is_not_wanted() -> None:
    environ = {"PULLCHECK_NODES__CREDENTIAL_PROVIDER_CONFIG": "null"}
    assert Settings.read(environ, None).nodes.credential_provider_config is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("mode: wran", "mode=wran: expected enforce or warn"),
        ("mode: off", "mode=false: expected enforce or warn"),
        ("log_level: loud", "log_level=loud: expected debug, info, warning or error"),
        ("listen: 8443", "listen=8443: expected host:port, such as 0.0.0.0:8443 or [::]:8443"),
        ("cluster: ''", "cluster=: expected a text that is not empty"),
        ("tls: {source: managed}", "tls.source=managed: expected files (managed certificates: not in this version)"),
        ("tls: {source: vault}", "tls.source=vault: expected files (managed certificates: not in this version)"),
        ("tls: {certificate: 5}", "tls.certificate=5: expected a path"),
        ("tls: {client_names: [apiserver]}", 'tls.client_names=["apiserver"]: expected tls.client_ca beside it'),
        ("tls: files", "tls=files: expected a map"),
        ("deadline: {most: 0s}", "deadline.most=0s: expected a duration above zero, such as 500ms or 10s"),
        ("deadline: {most: 8}", "deadline.most=8: expected a duration with a unit, such as 500ms, 10s or 1m30s"),
        ("deadline: {margin: 10s}", "deadline.margin=10s: expected less than deadline.default"),
        ("shutdown_delay: 5", "shutdown_delay=5: expected a duration with a unit, such as 500ms, 10s or 1m30s"),
        ("policy: {missing: refuse}", "policy.missing=refuse: expected allow, warn or deny"),
        ("softened: {inactive: true}", "softened.inactive=true: expected allow, warn or deny"),
        (
            "override_annotation: a b",
            'override_annotation=a b: expected an annotation key, such as pullcheck.dev/mode, or ""',
        ),
        ("memory: {entries: 0}", "memory.entries=0: expected at least 1"),
        ("memory: {entries: 1.5}", "memory.entries=1.5: expected a whole number"),
        ("memory: {entries: many}", "memory.entries=many: expected a whole number"),
        ("memory: {entries: []}", "memory.entries=[]: expected a whole number"),
        ("network: {loopback: maybe}", "network.loopback=maybe: expected true or false"),
        ("network: {loopback: []}", "network.loopback=[]: expected true or false"),
        ("network: {per_registry: 1001}", "network.per_registry=1001: expected at most 1000"),
        ("network: {allowed_hosts: a.io}", 'network.allowed_hosts=a.io: expected a list, such as ["a", "b"]'),
        (
            "network: {denied_hosts: [a.io, 'https://b.io']}",
            f"network.denied_hosts[1]=https://b.io: expected {PATTERN}",
        ),
        (
            "network: {allowed_networks: [10.0.0.1/8]}",
            "network.allowed_networks[0]=10.0.0.1/8: expected a network such as 10.0.0.0/8, without host bits",
        ),
        ("network: {realms: []}", "network.realms=[]: expected a map"),
        ("network: {realms: {a.io: [b.io/x]}}", "network.realms.a.io[0]=b.io/x: expected host[:port]"),
        (
            "network: {realms: {'a b': []}}",
            f"network.realms.a b=a b: expected {PATTERN}",
        ),
        ("nodes: {runtime: cri-o}", "nodes.runtime=cri-o: expected containerd (other runtimes: not in this version)"),
        (
            "nodes: {credential_provider_config: /a}",
            f"nodes.credential_provider_config=/a: expected {NO_PLUGINS}",
        ),
        (
            "nodes: {credential_provider_bin_directory: [a]}",
            f'nodes.credential_provider_bin_directory=["a"]: expected {NO_PLUGINS}',
        ),
        ("nodes: {hosts_directory: [a]}", 'nodes.hosts_directory=["a"]: expected a path'),
        ("nodes: {platforms: [amd64]}", "nodes.platforms[0]=amd64: expected os/architecture, such as linux/amd64"),
        ("workloads: [{group: a.io}]", "workloads[0].kind=: expected a value"),
        ("workloads: [Rollout]", "workloads[0]=Rollout: expected a map"),
        ("workloads: [{group: a.io, kind: rollout}]", "workloads[0].kind=rollout: expected a kind, such as Rollout"),
        (
            "workloads: [{group: a.io, kind: A, pod_spec: '$.spec'}]",
            "workloads[0].pod_spec=$.spec: expected a path, such as spec.template.spec",
        ),
        ("workloads: [{group: A, kind: A}]", "workloads[0].group=A: expected an API group, such as argoproj.io"),
        ("ignored_images: ['']", "ignored_images[0]=: expected a text that is not empty"),
        ("netwrok: {}", "netwrok=…: expected a known key (did you mean network?)"),
        ("network: {lopback: true}", "network.lopback=…: expected a known key (did you mean network.loopback?)"),
        (
            "network: {connect_timeout_seconds: 1s}",
            "network.connect_timeout_seconds=…: expected a known key (did you mean network.connect_timeout?)",
        ),
        ("qqqqq: 1", "qqqqq=…: expected a known key"),
        ("5: 1", "5=…: expected a known key"),
        ("mode: a\nlisten: b\nprobes: c", "mode=a: expected enforce or warn (and 2 more)"),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_what_was_expected(read: Read, text: str, fault: str) -> None:
    assert _fault(read, text) == f"settings: {fault}"


@pytest.mark.parametrize("name", ["PULLCHECK_NETWORK__ALLOWED_HOSTS", "PULLCHECK_NETWORK__CA_FILES"])
def test_a_list_in_the_environment_that_is_no_json_is_named_by_its_whole_key(name: str) -> None:
    with pytest.raises(SettingsError, match=r"^settings: network\.\w+=\[: expected a list, such as"):
        Settings.read({name: "["}, None)


def test_settings_cannot_be_changed() -> None:
    settings = Settings.read({}, None)
    with pytest.raises(ValidationError):
        settings.mode = "warn"
    with pytest.raises(ValidationError):
        settings.network.loopback = True


def test_nothing_comes_from_the_process_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULLCHECK_MODE", "warn")
    assert Settings.read({}, None).mode == "enforce"


def test_variables_that_kubernetes_injects_are_told_and_ignored() -> None:
    environ = {"PULLCHECK_PORT": "tcp://10.0.0.1:443", "PULLCHECK_SERVICE_HOST": "10.0.0.1", "PATH": "/bin"}
    settings = Settings.read(environ, None)
    assert settings.warnings == (
        "settings: PULLCHECK_PORT: no such setting, ignored",
        "settings: PULLCHECK_SERVICE_HOST: no such setting, ignored",
    )
    assert settings.model_dump() == Settings.read({}, None).model_dump()


def test_what_has_no_effect_yet_is_told_when_it_was_set(read: Read) -> None:
    settings = read(
        "memory: {tags: 0s, entries: 5}\nsoftened: {on_node: deny, inactive: deny}\nnodes: {platforms: [linux/amd64]}"
    )
    assert settings.warnings == ("settings: nodes.platforms: has no effect in this version",)


def test_defaults_are_nothing_to_warn_about() -> None:
    assert Settings.read({}, None).warnings == ()
