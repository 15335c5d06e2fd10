"""The pod is as restricted as can be, and its parts fit each other and the settings."""

from pathlib import Path

import pytest

from certs.__main__ import DEFAULT_NAMES
from tests.manifests.documents import container, find, pod, webhooks
from webhook.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings as the webhook reads them, from the file and an environment without any."""
    file = tmp_path / "pullcheck.yaml"
    file.write_text(find("ConfigMap")["data"]["pullcheck.yaml"])
    return Settings.read({}, file)


def test_the_settings_are_read_without_a_complaint(settings: Settings) -> None:
    assert settings.warnings == ()
    assert settings.cluster == "kubernetes"


def test_the_api_server_reaches_the_https_port_through_the_service(settings: Settings) -> None:
    service = find("Service")
    (port,) = service["spec"]["ports"]
    ports = {entry["name"]: entry["containerPort"] for entry in container()["ports"]}

    for webhook in webhooks().values():
        target = webhook["clientConfig"]["service"]
        assert (target["name"], target["namespace"]) == (service["metadata"]["name"], service["metadata"]["namespace"])
        assert target["port"] == port["port"]
    assert ports[port["targetPort"]] == settings.listen.port == 8443
    assert settings.listen.host == settings.probes.host == "0.0.0.0"


def test_the_selectors_find_the_pods() -> None:
    labels = find("Deployment")["spec"]["template"]["metadata"]["labels"]
    constraints = pod()["topologySpreadConstraints"]

    assert find("Service")["spec"]["selector"] == labels
    assert find("Deployment")["spec"]["selector"]["matchLabels"] == labels
    assert find("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    assert all(constraint["labelSelector"]["matchLabels"] == labels for constraint in constraints)


def test_the_probes_ask_the_plain_port(settings: Settings) -> None:
    ports = {entry["name"]: entry["containerPort"] for entry in container()["ports"]}
    asked = {name: container()[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}

    assert {name: probe["path"] for name, probe in asked.items()} == {
        "startupProbe": "/livez",
        "livenessProbe": "/livez",
        "readinessProbe": "/readyz",
    }
    for probe in asked.values():
        assert ports[probe["port"]] == settings.probes.port == 8080
        assert probe.get("scheme", "HTTP") == "HTTP"


def test_the_command_reads_the_settings_that_the_config_map_holds() -> None:
    mounts = {mount["name"]: mount for mount in container()["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod()["volumes"]}

    assert container()["args"] == ["serve", "--config", "/etc/pullcheck/pullcheck.yaml"]
    assert mounts["configuration"]["mountPath"] == "/etc/pullcheck"
    assert volumes["configuration"]["configMap"]["name"] == find("ConfigMap")["metadata"]["name"]
    assert list(find("ConfigMap")["data"]) == ["pullcheck.yaml"]


def test_the_certificate_is_read_where_the_secret_is_mounted(settings: Settings) -> None:
    mounts = {mount["name"]: mount for mount in container()["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod()["volumes"]}

    assert volumes["tls"]["secret"]["secretName"] == "pullcheck-tls"
    assert mounts["tls"]["mountPath"] == "/etc/pullcheck/tls"
    # The keys of a secret of type kubernetes.io/tls.
    assert (settings.tls.certificate, settings.tls.key) == (
        Path("/etc/pullcheck/tls/tls.crt"),
        Path("/etc/pullcheck/tls/tls.key"),
    )
    assert all(mount["readOnly"] for mount in mounts.values())


def test_the_certificate_of_python_m_certs_is_for_the_name_that_the_api_server_calls() -> None:
    service = find("Service")["metadata"]

    assert f"{service['name']}.{service['namespace']}.svc" in DEFAULT_NAMES


def test_the_pod_is_restricted() -> None:
    security = pod()["securityContext"]

    assert security == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_pod_sees_the_names_that_nodes_see_and_no_injected_settings() -> None:
    assert pod()["dnsPolicy"] == "Default"
    assert pod()["enableServiceLinks"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod())
    assert "env" not in container()


def test_one_replica_may_go_without_anybody_noticing() -> None:
    deployment = find("Deployment")["spec"]
    budget = find("PodDisruptionBudget")["spec"]

    assert deployment["replicas"] == 2
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
    assert {constraint["whenUnsatisfiable"] for constraint in pod()["topologySpreadConstraints"]} == {"ScheduleAnyway"}


def test_a_leaving_pod_has_time_to_answer(settings: Settings) -> None:
    needed_seconds = settings.shutdown_delay_seconds + 2 * settings.deadline.most_seconds

    assert pod()["terminationGracePeriodSeconds"] >= needed_seconds
    assert "lifecycle" not in container()


def test_a_leaving_pod_is_known_not_to_be_ready_before_it_stops_to_listen(settings: Settings) -> None:
    probe = container()["readinessProbe"]

    assert probe["periodSeconds"] * probe["failureThreshold"] < settings.shutdown_delay_seconds


def test_memory_is_bounded_and_the_processor_is_not_throttled() -> None:
    assert set(container()["resources"]["requests"]) == {"cpu", "memory"}
    assert set(container()["resources"]["limits"]) == {"memory"}
