"""The repository's own manifests, in the hands of a real API server."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import pullcheck
from tests.cluster.inside.terminal import Terminal
from tests.cluster.inside.workloads import manifest
from tests.cluster.pullcheck import Pullcheck

ACCOUNT = "system:serviceaccount:pullcheck:pullcheck"
WEBHOOK_SECONDS = 5
"""`timeoutSeconds` of the manifests."""


@pytest.mark.parametrize("manifests", [pullcheck.BASE, pullcheck.ENFORCING], ids=["base", "enforce"])
def test_the_manifests_are_taken_whole_and_without_a_warning(terminal: Terminal, manifests: Path) -> None:
    seen = terminal.type(f"apply --dry-run=server --validate=strict --kustomize {manifests}")

    assert seen.code == 0, seen.text
    assert {line.rpartition("pullcheck ")[2] for line in seen.lines} <= {
        "created (server dry run)",
        "configured (server dry run)",
        "unchanged (server dry run)",
    }
    assert "deployment.apps/pullcheck created (server dry run)" in seen.lines


@pytest.mark.parametrize(
    ("verb", "resource", "answer"),
    [
        ("get", "secrets", "yes"),
        ("get", "serviceaccounts", "yes"),
        ("list", "nodes", "yes"),
        ("list", "secrets", "no"),
        ("watch", "secrets", "no"),
        ("create", "serviceaccounts/token", "no"),
        ("get", "pods", "no"),
        ("create", "pods", "no"),
        ("update", "validatingwebhookconfigurations", "no"),
    ],
)
def test_it_may_do_what_it_needs_and_no_more(terminal: Terminal, verb: str, resource: str, answer: str) -> None:
    seen = terminal.type(f"auth can-i {verb} {resource} --all-namespaces --as={ACCOUNT}")

    assert seen.lines[-1] == answer


@pytest.fixture
def _enforcing(terminal: Terminal) -> Iterator[None]:
    """The overlay's webhook configuration; afterwards the base's again."""
    pullcheck.apply_webhooks(terminal.cluster, pullcheck.ENFORCING)
    yield
    pullcheck.apply_webhooks(terminal.cluster, pullcheck.BASE)


@pytest.mark.usefixtures("_enforcing")
def test_the_overlay_refuses_where_no_label_says_otherwise(terminal: Terminal) -> None:
    modes = {"by-overlay": None, "by-overlay-warned": "warn", "by-overlay-off": "off"}
    for namespace, mode in modes.items():
        terminal.make_namespace(namespace, mode, default="enforce")

    seen = {
        namespace: terminal.apply(manifest("Deployment", "my-app:2.0", namespace=namespace, secrets=()))
        for namespace in modes
    }

    assert "denied the request: " in seen["by-overlay"].text
    assert seen["by-overlay-warned"].text.startswith("Warning: Deployment/my-app: would be denied: ")
    assert seen["by-overlay-off"].text == "deployment.apps/my-app created\n"


def test_when_it_hangs_work_goes_on_after_five_seconds(terminal: Terminal, installed: Pullcheck) -> None:
    namespace = terminal.make_namespace("unanswered", "enforce")
    begin = time.monotonic()
    installed.server.process.send_signal(signal.SIGSTOP)

    try:
        seen = terminal.apply(manifest("Deployment", "my-app:2.0", namespace=namespace, secrets=(), replicas=0))
    finally:
        installed.server.process.send_signal(signal.SIGCONT)

    assert seen.text == "deployment.apps/my-app created\n"
    assert WEBHOOK_SECONDS <= time.monotonic() - begin < 2 * WEBHOOK_SECONDS + 5
