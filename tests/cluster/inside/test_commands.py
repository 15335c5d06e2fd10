"""Every other command by which an image comes to a cluster, and those that bring none."""

import json
from collections.abc import Iterator

import pytest
import yaml

from tests.cluster.inside.journal import Journal
from tests.cluster.inside.terminal import Terminal
from tests.cluster.inside.workloads import ABSENT, NAMESPACE, manifest

OTHER = "registry.example.com/my-app:1.9"
"""Also there."""
HERE = f"--namespace={NAMESPACE}"
SAID = 'admission webhook "enforce.pullcheck.dev" denied the request: '
CAUSE = (
    f'image "{ABSENT}": registry.example.com has no such tag: "2.1" in my-app (or no such repository, it does not '
    'say); pull secret "regcred" was offered\n'
)
NO_SECRET = (
    'image "registry.example.com/my-app:2.0": registry.example.com wants a login, and the pod offers no pull secret '
    "(it answers the same for a repository that does not exist)\n"
)
SET_IMAGE = "error: failed to patch image update to pod template: "
FORBIDDEN = "Error from server (Forbidden): "
CHANGED = yaml.safe_dump(manifest("Deployment", ABSENT))
IMAGE_PATCH = json.dumps({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": ABSENT}]}}}})


@pytest.fixture(scope="module")
def pod(terminal: Terminal) -> Iterator[str]:
    """A pod of the sixth scene's Deployment, which was admitted and stays until the last test."""
    terminal.type("apply -f 6-all-correct/deployment.yaml")
    terminal.type(f"wait deployment/my-app {HERE} --for=jsonpath={{.status.replicas}}=2")
    # The garbage collector may not yet have been at the pods of an earlier test's.
    newest_last = f"get pods {HERE} --selector=app=my-app --sort-by=.metadata.creationTimestamp --output=name"
    yield terminal.type(newest_last).lines[-1]
    terminal.type(f"delete deployment my-app {HERE}")


@pytest.mark.parametrize(
    ("command", "expected", "code"),
    [
        (
            "set image deployment/my-app app={absent}",
            "error: failed to patch image update to pod template: {denied}",
            1,
        ),
        ("set image {pod} app={absent}", SET_IMAGE + "{denied}", 1),
        ("debug {pod} --copy-to=copy --set-image=app={absent}", FORBIDDEN + "{denied}", 1),
        ("diff -f -", FORBIDDEN + 'error when patching "STDIN": {denied}', 2),
        ("replace -f -", FORBIDDEN + 'error when replacing "STDIN": {denied}', 1),
        ("apply --server-side --force-conflicts -f -", FORBIDDEN + "{denied}", 1),
    ],
)
@pytest.mark.parametrize("mode", ["", "--dry-run=server"])
def test_a_change_to_an_image_that_is_not_there_is_refused(
    terminal: Terminal, pod: str, command: str, expected: str, code: int, mode: str
) -> None:
    options = "" if command.partition(" ")[0] in ("debug", "diff") else mode  # they know no dry run

    seen = terminal.type(f"{command.format(pod=pod, absent=ABSENT)} {HERE} {options}", text=CHANGED)

    assert seen.text == expected.format(denied=f'{SAID}container "app": {CAUSE}')
    assert seen.code == code


@pytest.mark.usefixtures("pod")
def test_an_apply_to_an_existing_object_ends_with_the_denial(terminal: Terminal) -> None:
    seen = terminal.type("apply -f -", text=CHANGED)

    assert seen.lines[0] == FORBIDDEN + "error when applying patch:"
    assert seen.text.endswith(f'\nfor: "STDIN": error when patching "STDIN": {SAID}container "app": {CAUSE}')


@pytest.mark.usefixtures("pod")
def test_a_patch_is_refused(terminal: Terminal) -> None:
    seen = terminal.type(f"patch deployment my-app {HERE} --patch", IMAGE_PATCH)

    assert seen.text == f'{FORBIDDEN}{SAID}container "app": {CAUSE}'


def test_an_ephemeral_container_is_judged(terminal: Terminal, pod: str) -> None:
    refused = terminal.type(f"debug {pod} {HERE} --image={ABSENT} --container=debugger")
    admitted = terminal.type(f"debug {pod} {HERE} --image={OTHER} --container=debugger")
    names = terminal.type(f"get {pod} {HERE} --output=jsonpath={{.spec.ephemeralContainers[*].image}}").text

    assert refused.text == f'{FORBIDDEN}{SAID}ephemeral container "debugger": {CAUSE}'
    assert (admitted.text, admitted.code, names) == ("", 0, OTHER)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("run app", FORBIDDEN + "{denied}"),
        ("create job app", "error: failed to create job: {denied}"),
        ("create cronjob app --schedule=@daily", "error: failed to create cronjob: {denied}"),
        # Its container has the image's name.
        ("create deployment app", "error: failed to create deployment: {denied_my_app}"),
    ],
)
def test_what_is_made_without_a_file_is_judged(terminal: Terminal, command: str, expected: str) -> None:
    seen = terminal.type(f"{command} --namespace=no-secret --image=registry.example.com/my-app:2.0")

    denied = {
        "denied": f'{SAID}container "app": {NO_SECRET}',
        "denied_my_app": f'{SAID}container "my-app": {NO_SECRET}',
    }
    assert (seen.text, seen.code) == (expected.format(**denied), 1)


@pytest.mark.usefixtures("pod")
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("label deployment/my-app team=shop", "deployment.apps/my-app labeled\n"),
        ("annotate deployment/my-app team=shop", "deployment.apps/my-app annotated\n"),
        ("scale deployment/my-app --replicas=3", "deployment.apps/my-app scaled\n"),
        ("rollout restart deployment/my-app", "deployment.apps/my-app restarted\n"),
    ],
)
def test_what_brings_no_image_goes_by_unasked(
    terminal: Terminal, journal: Journal, command: str, expected: str
) -> None:
    """Of these the API server makes no review of the Deployment; of what the controllers then do, some."""
    mark = journal.mark()

    assert terminal.type(f"{command} {HERE}").text == expected

    assert journal.since(mark, kind="Deployment") == []


@pytest.mark.usefixtures("pod")
def test_a_change_that_leaves_the_image_costs_no_request(terminal: Terminal, journal: Journal) -> None:
    mark = journal.mark()

    seen = terminal.type(f"set env deployment/my-app A=b {HERE}")

    (review,) = journal.since(mark, kind="Deployment")
    assert seen.text == "deployment.apps/my-app env updated\n"
    assert (review["operation"], review["decision"], review["requests"]) == ("UPDATE", "allow", 0)


@pytest.mark.usefixtures("pod")
def test_a_change_to_another_image_that_is_there_is_silent(terminal: Terminal) -> None:
    """And shows as a difference first."""
    changed = yaml.safe_dump(manifest("Deployment", OTHER))

    difference = terminal.type("diff -f -", text=changed)
    seen = terminal.type(f"set image deployment/my-app app={OTHER} {HERE}")

    added = [line for line in difference.lines if line.startswith("+ ") and line.endswith(f"image: {OTHER}")]
    assert (difference.code, len(added)) == (1, 1)
    assert seen.text == "deployment.apps/my-app image updated\n"
