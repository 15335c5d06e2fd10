"""When the API server calls, whom, and what it does when nobody answers."""

import json
import re
from collections.abc import Mapping, Sequence

import pytest

from tests.manifests.documents import BASE, MANIFESTS, Manifest, kustomize, webhooks

RULES = {
    ("", "pods"),
    ("", "pods/ephemeralcontainers"),
    ("", "replicationcontrollers"),
    ("", "podtemplates"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("batch", "jobs"),
    ("batch", "cronjobs"),
}


def selects(webhook: Manifest, labels: Mapping[str, str]) -> bool:
    """Match a namespace's labels as the API server does: NotIn holds for a label that is not there."""
    expressions = webhook["namespaceSelector"]["matchExpressions"]
    return all(
        (labels.get(expression["key"]) in expression["values"]) is (expression["operator"] == "In")
        for expression in expressions
    )


def called(configured: Sequence[Manifest], *, namespace: str = "team", mode: str | None = None) -> list[str]:
    """List the paths that are called for an object in the namespace, whose label says the mode."""
    labels = {"kubernetes.io/metadata.name": namespace} | ({"pullcheck.dev/mode": mode} if mode else {})
    return [webhook["clientConfig"]["service"]["path"] for webhook in configured if selects(webhook, labels)]


@pytest.mark.parametrize("name", ["enforce.pullcheck.dev", "warn.pullcheck.dev"])
def test_a_webhook_fails_open_in_five_seconds_and_changes_nothing(name: str) -> None:
    webhook = webhooks()[name]

    assert webhook["failurePolicy"] == "Ignore"
    assert webhook["timeoutSeconds"] == 5
    assert webhook["sideEffects"] == "None"
    assert webhook["matchPolicy"] == "Equivalent"
    assert webhook["admissionReviewVersions"] == ["v1"]
    assert "objectSelector" not in webhook  # whoever writes the object could opt out


@pytest.mark.parametrize("name", ["enforce.pullcheck.dev", "warn.pullcheck.dev"])
def test_every_kind_with_a_pod_spec_is_asked_about_when_made_and_when_changed(name: str) -> None:
    rules = webhooks()[name]["rules"]

    assert {(group, kind) for rule in rules for group in rule["apiGroups"] for kind in rule["resources"]} == RULES
    for rule in rules:
        assert (rule["operations"], rule["scope"], rule["apiVersions"]) == (["CREATE", "UPDATE"], "Namespaced", ["v1"])


def test_the_two_webhooks_differ_in_name_path_and_selector_alone() -> None:
    enforce, warn = (
        {key: value for key, value in webhook.items() if key not in {"name", "clientConfig", "namespaceSelector"}}
        for webhook in webhooks().values()
    )

    assert enforce == warn
    assert {name: webhook["clientConfig"]["service"]["path"] for name, webhook in webhooks().items()} == {
        "enforce.pullcheck.dev": "/validate/enforce",
        "warn.pullcheck.dev": "/validate/warn",
    }


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (None, ["/validate/warn"]),
        ("enforce", ["/validate/enforce"]),
        ("warn", ["/validate/warn"]),
        ("off", []),
        ("no-such-mode", ["/validate/warn"]),
    ],
)
def test_a_namespace_is_asked_about_once_in_the_mode_of_its_label(mode: str | None, expected: list[str]) -> None:
    assert called(list(webhooks().values()), mode=mode) == expected


@pytest.mark.parametrize("namespace", ["pullcheck", "kube-system"])
@pytest.mark.parametrize("mode", [None, "enforce", "warn", "off"])
def test_the_cluster_and_pullcheck_start_without_being_asked_about(namespace: str, mode: str | None) -> None:
    assert called(list(webhooks().values()), namespace=namespace, mode=mode) == []


def test_what_cannot_change_a_pull_is_not_asked_about() -> None:
    conditions = webhooks()["warn.pullcheck.dev"]["matchConditions"]
    expressions = {condition["name"]: condition["expression"] for condition in conditions}

    assert set(expressions) == {"not-being-deleted", "pod-spec-is-new"}
    assert expressions["not-being-deleted"] == "!has(object.metadata.deletionTimestamp)"
    # An expression that fails skips the webhook silently (failurePolicy Ignore): what a kind may lack is optional.
    paths = set(re.findall(r"[oO]bject\.([a-zA-Z.?]+)", expressions["pod-spec-is-new"]))
    assert paths == {"spec", "?template.?spec", "?spec.?template.?spec", "?spec.?jobTemplate.?spec.?template.?spec"}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (None, ["/validate/enforce"]),
        ("enforce", ["/validate/enforce"]),
        ("no-such-mode", ["/validate/enforce"]),
        ("warn", ["/validate/warn"]),
        ("off", []),
    ],
)
def test_the_enforce_overlay_refuses_wherever_nothing_else_is_said(mode: str | None, expected: list[str]) -> None:
    built = kustomize(MANIFESTS / "overlays" / "enforce")[-1]["webhooks"]

    assert called(built, mode=mode) == expected
    assert called(built, namespace="pullcheck", mode=mode) == called(built, namespace="kube-system", mode=mode) == []


def test_the_enforce_overlay_changes_the_selectors_alone() -> None:
    base, overlay = kustomize(BASE), kustomize(MANIFESTS / "overlays" / "enforce")
    for webhook in (*base[-1]["webhooks"], *overlay[-1]["webhooks"]):
        del webhook["namespaceSelector"]

    assert json.dumps(overlay, sort_keys=True) == json.dumps(base, sort_keys=True)
