"""Every captured review, from its bytes to what is asked about it."""

from pathlib import Path

import pytest

from tests.captures import EXPECTED, read
from webhook.admission.early import early_allow, is_controlled
from webhook.admission.review import Review, find_uid, parse
from webhook.admission.workload import CustomKind, Workload, WorkloadKinds
from webhook.images.uses import ImageUse, changed_uses, find_uses

KINDS = WorkloadKinds([CustomKind("argoproj.io", "Rollout")])
NAMES = sorted(EXPECTED)


def workload_of(review: Review, *, old: bool = False) -> Workload | None:
    kind = KINDS.find(review.group, review.kind)
    raw = review.old_object if old else review.object
    return kind.read(raw) if kind and raw else None


def uses_of(workload: Workload | None) -> tuple[ImageUse, ...]:
    spec = workload.pod_spec if workload else None
    return find_uses(spec, workload.pod_spec_path) if workload and spec else ()


def test_every_capture_has_an_expectation() -> None:
    assert {path.stem for path in (Path(__file__).parents[1] / "captures").glob("*.json")} == set(NAMES)
    assert len(NAMES) == 60


@pytest.mark.parametrize("name", NAMES)
def test_every_image_use_is_found(name: str) -> None:
    uses = uses_of(workload_of(parse(read(name))))
    found = tuple((use.field, use.container, use.image, use.pull_policy, use.place) for use in uses)
    assert found == EXPECTED[name].uses


@pytest.mark.parametrize("name", NAMES)
def test_only_new_images_are_asked_for(name: str) -> None:
    review = parse(read(name))
    workload = workload_of(review)
    if workload is None:
        assert EXPECTED[name].uses == ()
        return
    asked = changed_uses(
        uses_of(workload), workload_of(review, old=True), workload, review.operation, review.subresource
    )
    expected = EXPECTED[name].asked
    assert tuple(use.image for use in asked) == (
        tuple(use[2] for use in EXPECTED[name].uses) if expected is None else expected
    )


@pytest.mark.parametrize("name", NAMES)
def test_what_needs_no_question_is_allowed_early(name: str) -> None:
    review = parse(read(name))
    reason = early_allow(review, KINDS.find(review.group, review.kind), workload_of(review))
    assert reason == EXPECTED[name].early


@pytest.mark.parametrize("name", NAMES)
def test_state_and_login_of_the_workload_are_read(name: str) -> None:
    expected = EXPECTED[name]
    review = parse(read(name))
    workload = workload_of(review)
    if workload is None:
        assert expected.uses == ()
        return
    assert workload.pod_spec is not None
    assert (workload.namespace, workload.name) == (review.namespace, review.name)
    assert is_controlled(review, workload) == expected.controlled
    assert workload.is_inactive == expected.inactive
    assert workload.pod_spec.image_pull_secrets == expected.pull_secrets
    assert workload.pod_spec.service_account_name == expected.service_account


@pytest.mark.parametrize("name", NAMES)
def test_the_uid_is_found_in_the_head_alone(name: str) -> None:
    body = read(name)
    assert find_uid(body) == parse(body).uid
