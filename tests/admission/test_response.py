import json
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.admission.warning_header import filtered
from webhook.admission.response import (
    MAX_IMAGES_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_POD_MESSAGE_BYTES,
    MAX_WARNING_CHARACTERS,
    MAX_WARNINGS_CHARACTERS,
    AuditedImage,
    bound_images,
    bound_message,
    bound_warnings,
    clean,
    render,
)

HOSTILE = st.text(
    st.one_of(st.characters(), st.sampled_from('\n\t\x1b\x7f\x85\u202e\u200b\u2028\u2029\ud800\udfff"\\é漢\U0001f600')),
    max_size=400,
)
LONG = st.builds(lambda text, times: text * times, HOSTILE, st.integers(1, 40))


def is_clean(text: str) -> bool:
    return not any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in text)


# What the API server makes of so many warnings of such a length; its model must agree before it judges us.


def of_length(count: int, length: int) -> list[str]:
    return [f"{number:04}".ljust(length, "x") for number in range(count)]


@pytest.mark.parametrize("text", ["a\nb", "a\tb", ""])
def test_the_api_server_drops_control_characters_and_nothing(text: str) -> None:
    assert filtered([text]) == []


def test_the_api_server_takes_equal_warnings_once() -> None:
    assert filtered(["a", "a", "b"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("count", "length", "out_count", "out_length"),
    [(1, 2000, 1, 2000), (1, 5000, 1, 256), (13, 300, 13, 300), (20, 300, 16, 256), (17, 256, 17, 256),
     (40, 120, 35, 120), (60, 100, 41, 100)],
)  # fmt: skip
def test_the_api_server_cuts_and_drops_beyond_4096_characters(
    count: int, length: int, out_count: int, out_length: int
) -> None:
    out = filtered(of_length(count, length))
    assert [len(text) for text in out] == [out_length] * out_count


def test_the_limits_are_those_that_users_were_promised() -> None:
    assert (MAX_POD_MESSAGE_BYTES, MAX_MESSAGE_BYTES, MAX_IMAGES_BYTES) == (900, 2048, 8192)
    assert (MAX_WARNING_CHARACTERS, MAX_WARNINGS_CHARACTERS) == (256, 4096)


# clean


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("", ""),
        ("plain é 漢 \U0001f600", "plain é 漢 \U0001f600"),
        ("a\nb\r\tc", "a b  c"),
        ("\x1b[31mred\x07", " [31mred "),
        ("\x00\x7f\x85\x9b", "    "),
        ("\u202eevil\u202c", "evil"),
        ("zero\u200bwidth\ufeff\u2066\u00ad", "zerowidth"),
        ("tag\U000e0041", "tag"),
        ("a\u2028b\u2029c", "a b c"),
        ("\ud800x\udfff", "\ufffdx\ufffd"),
        ("no\u00a0break", "no\u00a0break"),
    ],
)
def test_control_and_format_characters_do_not_pass(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_a_newline_stays_only_where_it_is_allowed() -> None:
    assert clean("a\nb\rc", allow_newlines=True) == "a\nb c"
    assert clean("a\nb\rc") == "a b c"


@given(HOSTILE)
def test_cleaning_is_complete_and_done_once(text: str) -> None:
    assert is_clean(clean(text))
    assert clean(clean(text)) == clean(text)
    assert is_clean(clean(text, allow_newlines=True).replace("\n", ""))


# bound_message


def test_lines_that_fit_are_joined() -> None:
    assert bound_message(["first", "second"], MAX_POD_MESSAGE_BYTES) == "first\nsecond"


def test_no_line_is_an_empty_message() -> None:
    assert bound_message([], MAX_POD_MESSAGE_BYTES) == ""
    assert bound_message([" ", "\x1b"], MAX_POD_MESSAGE_BYTES) == ""


def test_a_line_stays_one_line() -> None:
    assert bound_message(["first\nSECOND", "", "third"], MAX_POD_MESSAGE_BYTES) == "first SECOND\nthird"


def test_lines_that_do_not_fit_are_counted() -> None:
    message = bound_message([f"{number}" + "x" * 99 for number in range(10)], MAX_POD_MESSAGE_BYTES)
    lines = message.split("\n")
    assert lines[-1] == "and 2 more"
    assert len(lines) == 9
    assert len(message.encode()) <= MAX_POD_MESSAGE_BYTES


@pytest.mark.parametrize("limit", [MAX_POD_MESSAGE_BYTES, MAX_MESSAGE_BYTES])
def test_a_message_may_fill_its_limit_to_the_byte(limit: int) -> None:
    assert bound_message(["a" * limit], limit) == "a" * limit
    assert bound_message(["a" * (limit - 4), "bcd"], limit) == "a" * (limit - 4) + "\nbcd"
    assert bound_message(["a" * (limit - 11), "b" * 11], limit) == "a" * (limit - 11) + "\nand 1 more"
    over = bound_message(["a" * (limit + 1)], limit)
    assert over == "a" * (limit - 3) + "…"


@pytest.mark.parametrize("character", ["é", "漢", "\U0001f600"])
def test_the_first_line_is_cut_between_characters(character: str) -> None:
    message = bound_message([character * 1000, *["other"] * 7], MAX_POD_MESSAGE_BYTES)
    first, last = message.split("\n")
    assert first.rstrip("…") == character * len(first.rstrip("…"))
    assert last == "and 7 more"
    assert MAX_POD_MESSAGE_BYTES - 4 < len(message.encode()) <= MAX_POD_MESSAGE_BYTES


@settings(max_examples=200)
@given(st.lists(LONG, max_size=30), st.sampled_from([MAX_POD_MESSAGE_BYTES, MAX_MESSAGE_BYTES]))
def test_a_message_is_within_its_limit_clean_and_honest(lines: list[str], limit: int) -> None:
    message = bound_message(lines, limit)
    assert len(message.encode()) <= limit
    assert is_clean(message.replace("\n", ""))
    said = [line for line in map(str.strip, map(clean, lines)) if line]
    shown = message.split("\n") if message else []
    if shown and shown != said and re.fullmatch(r"and \d+ more", shown[-1]):
        assert shown.pop() == f"and {len(said) - len(shown)} more"
    assert shown[1:] == said[1 : len(shown)]
    assert bool(shown) == bool(said)


# bound_warnings


def test_warnings_that_fit_pass_in_order_equal_ones_once() -> None:
    assert bound_warnings(["b", "a", "b", "", "a\n", "\x00"]) == ("b", "a")


def test_a_long_warning_is_cut_and_says_so() -> None:
    (warning,) = bound_warnings(["x" * 257])
    assert warning == "x" * 255 + "…"
    assert bound_warnings(["x" * 256]) == ("x" * 256,)


def test_warnings_equal_after_the_cut_are_one() -> None:
    assert len(bound_warnings(["x" * 300, "x" * 400])) == 1


def test_sixteen_warnings_fill_the_limit_to_the_character() -> None:
    assert len(bound_warnings(of_length(16, 256))) == 16
    assert bound_warnings([*of_length(16, 256), "x"])[-1] == "and 2 more"


def test_what_does_not_fit_is_counted_under_the_workloads_name() -> None:
    warnings = bound_warnings(of_length(100, 100), subject="Deployment/my-app")
    assert warnings[-1] == "Deployment/my-app: and 60 more"
    assert len(warnings) == 41


def test_a_hostile_subject_is_cleaned_and_cut() -> None:
    last = bound_warnings(of_length(100, 100), subject="Pod/\x1b" + "n" * 1000)[-1]
    assert last.startswith("Pod/ nnn")
    assert len(last) <= MAX_WARNING_CHARACTERS
    assert last.endswith("…: and 61 more")


@settings(max_examples=200)
@given(st.lists(LONG, max_size=60), HOSTILE)
def test_the_api_server_passes_all_our_warnings_unchanged(warnings: list[str], subject: str) -> None:
    bound = bound_warnings(warnings, subject=subject)
    assert filtered(bound) == list(bound)
    assert sum(map(len, bound)) <= MAX_WARNINGS_CHARACTERS
    assert all(0 < len(warning) <= MAX_WARNING_CHARACTERS and is_clean(warning) for warning in bound)


# bound_images


def audited(count: int, digest: str | None = "sha256:" + "a" * 64) -> list[AuditedImage]:
    return [AuditedImage(f"spec.containers[{number}].image", "Resolved", digest) for number in range(count)]


def test_images_are_a_json_list() -> None:
    images = [AuditedImage("spec.containers[0].image", "Resolved", "sha256:0"), AuditedImage("spec.x", "Missing")]
    assert json.loads(bound_images(images)) == [
        {"field": "spec.containers[0].image", "resolution": "Resolved", "digest": "sha256:0"},
        {"field": "spec.x", "resolution": "Missing", "digest": None},
    ]
    assert bound_images([]) == "[]"


def test_images_that_do_not_fit_are_counted() -> None:
    text = bound_images(audited(500))
    assert len(text.encode()) <= MAX_IMAGES_BYTES
    entries = json.loads(text)
    assert entries[-1] == {"more": 500 - (len(entries) - 1)}
    assert [entry["field"] for entry in entries[:-1]] == [image.field for image in audited(len(entries) - 1)]


def test_one_image_beyond_the_limit_leaves_a_count() -> None:
    assert bound_images([AuditedImage("f" * MAX_IMAGES_BYTES, "Missing")]) == '[{"more":1}]'


@pytest.mark.parametrize("surplus", [0, 1])
def test_images_may_fill_their_limit_to_the_byte(surplus: int) -> None:
    frame = len(bound_images([AuditedImage("", "Missing")]))
    text = bound_images([AuditedImage("f" * (MAX_IMAGES_BYTES - frame + surplus), "Missing")])
    assert text == '[{"more":1}]' if surplus else len(text) == MAX_IMAGES_BYTES


@given(st.lists(st.builds(AuditedImage, HOSTILE, HOSTILE, st.none() | HOSTILE), max_size=60))
def test_images_are_valid_json_within_their_limit(images: list[AuditedImage]) -> None:
    text = bound_images(images)
    assert len(text.encode()) <= MAX_IMAGES_BYTES
    assert is_clean(text)
    assert len(json.loads(text)) <= len(images)


# render


def test_an_allowed_review_is_answered_in_the_form_of_admission_v1() -> None:
    assert json.loads(render("u-1", allowed=True, audit_annotations={"decision": "allow"})) == {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": "u-1", "allowed": True, "auditAnnotations": {"decision": "allow"}},
    }


def test_a_denial_is_forbidden_and_carries_the_warnings_of_other_images() -> None:
    answer = render(
        "u-1",
        allowed=False,
        message="first\nsecond",
        warnings=("Pod/x: other",),
        audit_annotations={"decision": "deny"},
    )
    assert json.loads(answer)["response"] == {
        "uid": "u-1",
        "allowed": False,
        "status": {"code": 403, "reason": "Forbidden", "message": "first\nsecond"},
        "warnings": ["Pod/x: other"],
        "auditAnnotations": {"decision": "deny"},
    }


@given(HOSTILE, st.lists(HOSTILE, max_size=5))
def test_no_text_breaks_the_answer_or_the_terminal(text: str, warnings: list[str]) -> None:
    answer = json.loads(render("u", allowed=False, message=text, warnings=warnings, audit_annotations={"images": text}))
    response = answer["response"]
    assert is_clean(response["status"]["message"].replace("\n", ""))
    assert all(map(is_clean, response.get("warnings", [])))
    assert is_clean(response["auditAnnotations"]["images"])


def test_bounded_text_passes_through_the_answer_unchanged() -> None:
    message = bound_message(["é\x1b" * 900, "more"], MAX_POD_MESSAGE_BYTES)
    warnings = bound_warnings(["\u202e漢" * 300, *of_length(40, 120)], subject="Pod/x")
    images = bound_images(audited(500))
    response = json.loads(
        render("u", allowed=False, message=message, warnings=warnings, audit_annotations={"images": images})
    )["response"]
    assert response["status"]["message"] == message
    assert response["warnings"] == list(warnings)
    assert response["auditAnnotations"]["images"] == images
