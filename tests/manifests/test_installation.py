"""What is installed, in which order, under which names, and with which rights."""

import yaml

from tests.manifests.documents import BASE, FILES, MANIFESTS, documents, find, kustomize, pod


def test_the_files_are_numbered_in_the_order_of_application() -> None:
    listed = yaml.safe_load((BASE / "kustomization.yaml").read_text())["resources"]

    assert listed == [path.name for path in FILES]
    assert [path.name for path in FILES] == [
        "100-namespace.yaml",
        "200-serviceaccount.yaml",
        "210-rbac.yaml",
        "300-configuration.yaml",
        "400-service.yaml",
        "500-deployment.yaml",
        "600-poddisruptionbudget.yaml",
        "700-validatingwebhookconfiguration.yaml",
    ]


def test_everything_is_called_pullcheck_and_lives_in_its_own_namespace() -> None:
    clusterwide = {"Namespace", "ClusterRole", "ClusterRoleBinding", "ValidatingWebhookConfiguration"}
    for document in [document for path in FILES for document in documents(path)]:
        metadata = document["metadata"]

        assert metadata["name"] == "pullcheck"
        assert metadata.get("namespace") == (None if document["kind"] in clusterwide else "pullcheck")
        assert metadata["labels"]["app.kubernetes.io/name"] == "pullcheck"


def test_the_namespace_admits_only_restricted_pods() -> None:
    assert find("Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_it_may_get_secrets_and_service_accounts_and_nothing_else() -> None:
    assert find("ClusterRole")["rules"] == [
        {"apiGroups": [""], "resources": ["secrets", "serviceaccounts"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]},
    ]
    assert "aggregationRule" not in find("ClusterRole")


def test_the_role_is_bound_to_the_account_that_the_pods_run_as() -> None:
    binding = find("ClusterRoleBinding")
    account = find("ServiceAccount")["metadata"]

    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "pullcheck"}
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": account["name"], "namespace": account["namespace"]}
    ]
    assert pod()["serviceAccountName"] == account["name"]


def test_no_secret_is_among_the_manifests() -> None:
    everything = "".join(path.read_text() for path in MANIFESTS.rglob("*.yaml"))

    assert "Secret" not in {document["kind"] for path in FILES for document in documents(path)}
    assert "caBundle:" not in everything
    assert "BEGIN" not in everything


def test_kustomize_builds_the_files_in_their_order_and_unchanged() -> None:
    assert kustomize(BASE) == [document for path in FILES for document in documents(path)]
