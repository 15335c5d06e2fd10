"""One verdict for a workload."""

import pytest

from tests.verdict.making import keychain, reference, use
from webhook.images.uses import ImageUse
from webhook.registry.resolution import (
    Conclusion,
    Missing,
    MissingCause,
    Refused,
    RefusedCause,
    Resolution,
    Resolved,
    Unavailable,
    UnavailableCause,
)
from webhook.verdict.judgement import Judgement, judge
from webhook.verdict.policy import Circumstances, Decision, Mode, Rules
from webhook.verdict.summary import summarise
from webhook.verdict.wording import name_use

GONE = Missing("registry.example.com", MissingCause.TAG)
SILENT = Unavailable("registry.example.com", UnavailableCause.SILENT)


def judged(resolution: Resolution, name: str = "app", mode: Mode = Mode.ENFORCE) -> Judgement:
    one: ImageUse = use(name=name)
    return judge(one, reference(), Conclusion(resolution), keychain(), Circumstances(mode=mode), Rules())


def test_no_image_is_no_objection() -> None:
    verdict = summarise("Deployment", "my-app", [])

    assert (verdict.decision, verdict.message, verdict.warnings) == (Decision.ALLOW, "", ())


def test_what_resolves_is_passed_in_silence() -> None:
    verdict = summarise("Deployment", "my-app", [judged(Resolved("sha256:0"))])

    assert (verdict.decision, verdict.message, verdict.warnings) == (Decision.ALLOW, "", ())
    assert (verdict.judgements[0].resolution_name, verdict.judgements[0].digest) == ("Resolved", "sha256:0")


def test_a_denial_names_every_image_and_carries_the_warnings_of_the_others() -> None:
    verdict = summarise("Deployment", "my-app", [judged(GONE, "a"), judged(SILENT, "b"), judged(GONE, "c")])

    assert verdict.decision is Decision.DENY
    first, second = verdict.message.splitlines()
    assert first == (
        'container "a": image "registry.example.com/team/my-app:2.0": registry.example.com has no tag "2.0" in '
        "team/my-app"
    )
    assert second.startswith('container "c": ')
    (warning,) = verdict.warnings
    assert warning == (
        'Deployment/my-app: container "b": image "registry.example.com/team/my-app:2.0": could not be checked: '
        "registry.example.com did not answer"
    )


def test_in_mode_warn_the_warning_says_that_it_would_be_a_denial() -> None:
    verdict = summarise("Pod", "my-app", [judged(GONE, mode=Mode.WARN)])

    assert (verdict.decision, verdict.message) == (Decision.WARN, "")
    assert verdict.warnings[0].startswith('Pod/my-app: would be denied: container "app": ')


def test_a_note_is_a_warning() -> None:
    verdict = summarise("Pod", "my-app", [judged(Resolved("sha256:0"))], ["pull secret could not be read"])

    assert verdict.decision is Decision.WARN
    assert verdict.warnings == ("Pod/my-app: pull secret could not be read",)


def test_a_pods_message_is_shorter_than_others_and_what_does_not_fit_is_counted() -> None:
    judgements = [judged(GONE, f"container-{number}") for number in range(40)]
    pod = summarise("Pod", "my-app", judgements).message
    deployment = summarise("Deployment", "my-app", judgements).message

    assert len(pod.encode()) <= 900 < len(deployment.encode()) <= 2048
    assert pod.splitlines()[-1] == f"and {40 - len(pod.splitlines()) + 1} more"


LONG = "registry.example.com/" + "team/" * 30 + "my-app:2.0"
PINNED = "nginx:1.27@sha256:" + "a" * 64


@pytest.mark.parametrize("image", [LONG, PINNED, f"{LONG}@sha256:{'a' * 64}"])
@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("resolution", [GONE, SILENT, Refused("registry.example.com", RefusedCause.LOGIN_WANTED)])
def test_the_cause_of_a_warning_survives_any_name(image: str, mode: Mode, resolution: Resolution) -> None:
    circumstances = Circumstances(mode=mode, has_absent_secret=mode is Mode.ENFORCE)
    one = judge(use(image), reference(image), Conclusion(resolution), keychain("gone"), circumstances, Rules())
    (warning,) = summarise("Deployment", "my-app", [one]).warnings

    assert len(warning) <= 256
    assert warning.startswith("Deployment/my-app: ")
    cause = one.reason.partition(" (")[0]
    assert cause in warning or len(cause) > 120


def test_an_image_is_shortened_where_it_tells_least() -> None:
    digest = "sha256:" + "a" * 12 + "…"

    assert name_use(use(PINNED), reference(PINNED), 140) == (
        f'container "app": image "nginx:1.27@{digest}" means docker.io/library/nginx:1.27@{digest}'
    )
    assert name_use(use(LONG), reference(LONG), 90) == (
        'container "app": image "registry.example.com/team/team…eam/team/team/team/my-app:2.0"'
    )
    assert len(name_use(use("x" * 5000), None, 10)) < 90
