"""Every kind that carries a pod spec is judged as the API server completes it, a custom one too."""

import json
from typing import Any

import pytest

from tests.cluster.inside.terminal import Terminal
from tests.cluster.inside.workloads import (
    ABSENT,
    KINDS,
    NAMESPACE,
    PRESENT,
    ROLLOUT_DEFINITION,
    ROLLOUT_RULE,
    manifest,
    rollout,
)

SAID = (
    'admission webhook "enforce.pullcheck.dev" denied the request: container "app": image "{image}": '
    'registry.example.com has no such tag: "2.1" in my-app (or no such repository, it does not say); '
    'pull secret "regcred" was offered\n'
)
DENIED = 'Error from server (Forbidden): error when creating "STDIN": ' + SAID.format(image=ABSENT)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_denied_an_image_that_is_not_there(terminal: Terminal, kind: str) -> None:
    assert terminal.apply(manifest(kind)).text == DENIED


@pytest.mark.parametrize(("kind", "called"), KINDS.items())
def test_a_kind_is_admitted_in_silence_where_all_is_well(terminal: Terminal, kind: str, called: str) -> None:
    seen = terminal.apply(manifest(kind, PRESENT), options="--dry-run=server")

    assert seen.text == f"{called}/my-app created (server dry run)\n"


def test_of_several_objects_in_a_file_only_those_in_need_are_refused(terminal: Terminal) -> None:
    documents = [manifest("PodTemplate"), manifest("PodTemplate", PRESENT, name="good")]

    seen = terminal.apply(*documents, options="--dry-run=server")

    assert seen.text == "podtemplate/good created (server dry run)\n" + DENIED
    assert seen.code == 1


@pytest.mark.parametrize("place", ["initContainers", "volumes"])
def test_every_place_of_an_image_is_judged(terminal: Terminal, place: str) -> None:
    holder: dict[str, Any] = manifest("Deployment", PRESENT)
    further = {
        "initContainers": [{"name": "prepare", "image": ABSENT}],
        "volumes": [{"name": "model", "image": {"reference": ABSENT}}],
    }
    named = {"initContainers": 'init container "prepare"', "volumes": 'image volume "model"'}
    pod = holder["spec"]["template"]["spec"]
    pod[place] = further[place]
    if place == "volumes":
        pod["containers"][0]["volumeMounts"] = [{"name": "model", "mountPath": "/model"}]

    assert terminal.apply(holder).text == DENIED.replace('container "app"', named[place])


@pytest.fixture(scope="module")
def _rollouts_are_judged(terminal: Terminal) -> None:
    """The custom kind is there, and both webhooks have a rule for it, as an operator would add one."""
    terminal.apply(ROLLOUT_DEFINITION)
    terminal.type("wait --for=condition=Established customresourcedefinition/rollouts.argoproj.io")
    added = [{"op": "add", "path": f"/webhooks/{number}/rules/-", "value": ROLLOUT_RULE} for number in (0, 1)]
    terminal.type("patch validatingwebhookconfiguration pullcheck --type=json --patch", json.dumps(added))
    terminal.wait(lambda: "denied" in terminal.apply(rollout(), options="--dry-run=server").text, "rollouts are judged")


@pytest.mark.usefixtures("_rollouts_are_judged")
def test_a_custom_kind_is_judged_where_its_pod_spec_is(terminal: Terminal) -> None:
    assert terminal.apply(rollout()).text == DENIED
    assert terminal.apply(rollout(PRESENT)).text == "rollout.argoproj.io/my-app created\n"

    labelled = terminal.apply(rollout(PRESENT, labels={"team": "shop"}))
    changed = terminal.apply(rollout(ABSENT))

    assert labelled.text == "rollout.argoproj.io/my-app configured\n"
    assert changed.text.endswith(f'for: "STDIN": error when patching "STDIN": {SAID.format(image=ABSENT)}')
    assert terminal.type(f"delete rollout my-app --namespace={NAMESPACE}").code == 0
