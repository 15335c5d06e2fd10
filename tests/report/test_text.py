"""The text report: a line an image use, six fields."""

import pytest

from tests.report.sample import ALLOWED, DENIED, UNASKED, WARNED, judged, result, use
from webhook.report import text
from webhook.report.result import Subject
from webhook.verdict.policy import Decision


def test_each_image_use_is_a_line_of_six_fields() -> None:
    place = "spec.template.spec.containers"
    assert list(text.render([result(DENIED, WARNED), result(ALLOWED, UNASKED, source="-")])) == [
        f"deny\tdeploy.yaml\tDeployment/default/my-app\t{place}[0].image\tmy-app:2.0\tregistry wants a login",
        f"warn\tdeploy.yaml\tDeployment/default/my-app\t{place}[1].image\tUPPER\twould be denied: no valid reference",
        f"allow\t-\tDeployment/default/my-app\t{place}[2].image\ta:1\t-",
        f"allow\t-\tDeployment/default/my-app\t{place}[3].image\tb\tnot asked: its pull policy is Never",
    ]


def test_an_image_of_the_command_line_has_neither_object_nor_field() -> None:
    [line] = text.render([result(DENIED, subject=None, source="argument")])
    assert line == "deny\targument\t-\t-\tmy-app:2.0\tregistry wants a login"


def test_an_object_without_a_name_keeps_its_place() -> None:
    [line] = text.render([result(ALLOWED, subject=Subject("v1", "Pod", "default", ""))])
    assert line.split("\t")[2] == "Pod/default/-"


def test_no_field_breaks_the_line_or_reaches_the_terminal() -> None:
    hostile = "a\tb\nc\x1b[31m"
    subject = Subject("v1", hostile, hostile, hostile)
    image = judged(Decision.DENY, reason=hostile, of=use(hostile))
    [line] = text.render([result(image, subject=subject, source=hostile)])
    assert len(line.split("\t")) == 6
    assert line.replace("\t", "").isprintable()


def test_a_field_that_is_cleaned_away_still_holds_its_place() -> None:
    [line] = text.render([result(judged(Decision.WARN, reason="\u200b", of=use("\u200b")))])
    assert line.split("\t")[4:] == ["-", "-"]


@pytest.mark.parametrize(
    ("images", "summary"),
    [
        ((DENIED, WARNED, ALLOWED), "3 images: 1 denied, 1 warned about, 1 allowed"),
        ((UNASKED,), "1 image: 0 denied, 0 warned about, 1 allowed"),
        ((), "0 images: 0 denied, 0 warned about, 0 allowed"),
    ],
)
def test_the_summary_counts(images: tuple[object, ...], summary: str) -> None:
    assert text.summarise([result(*images)]) == summary  # type: ignore[arg-type]
