"""The demo prints what kubectl 1.37 prints."""

import pytest

from tests.demo.kubectl import command, printed
from tests.fakes.apiserver import Outcome

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}
DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}


@pytest.mark.parametrize(
    ("manifest", "is_dry_run", "said"),
    [
        (POD, False, "pod/web created"),
        (DEPLOYMENT, False, "deployment.apps/web created"),
        (DEPLOYMENT, True, "deployment.apps/web created (server dry run)"),
    ],
)
def test_what_is_admitted_is_created(manifest: dict[str, object], said: str, *, is_dry_run: bool) -> None:
    outcome = Outcome(is_allowed=True, warnings=("one", "two"))
    assert printed(manifest, "f.yaml", outcome, is_dry_run=is_dry_run) == (["one", "two"], said)


@pytest.mark.parametrize(("reason", "shown"), [("Forbidden", " (Forbidden)"), ("", "")])
@pytest.mark.parametrize("is_dry_run", [False, True])
def test_what_is_denied_is_told_with_the_webhook_and_the_reason(reason: str, shown: str, *, is_dry_run: bool) -> None:
    outcome = Outcome(is_allowed=False, message="no\nand why", code=403, reason=reason, warnings=("one",))
    said = 'admission webhook "enforce.pullcheck.dev" denied the request: no\nand why'
    wanted = (["one"], f'Error from server{shown}: error when creating "a/f.yaml": {said}')
    assert printed(DEPLOYMENT, "a/f.yaml", outcome, is_dry_run=is_dry_run) == wanted


def test_the_command_is_the_persons() -> None:
    assert command("f.yaml", is_dry_run=False) == "kubectl apply -f f.yaml"
    assert command("f.yaml", is_dry_run=True) == "kubectl apply -f f.yaml --dry-run=server"
