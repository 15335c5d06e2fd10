import json
import tracemalloc

import msgspec
import pytest

from tests.captures import EXPECTED, read
from webhook.admission.review import (
    HEAD_BYTES,
    MAX_UID_CHARACTERS,
    MalformedReviewError,
    Review,
    UnreadableReviewError,
    find_uid,
    parse,
)

UID = "24f73488-8392-4928-91c3-feeb2f83819b"
MEBIBYTE = 1024 * 1024


def body_of(
    *, api_version: object = "admission.k8s.io/v1", kind: object = "AdmissionReview", **request: object
) -> bytes:
    """A review as the API server writes it, with the fields of its request replaced."""
    whole = {
        "uid": UID,
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "operation": "CREATE",
        "userInfo": {"username": "admin", "groups": ["system:authenticated"]},
        "object": {"metadata": {"name": "web"}},
        "oldObject": None,
        "dryRun": False,
        "options": None,
    } | request
    return json.dumps({"kind": kind, "apiVersion": api_version, "request": whole}, separators=(",", ":")).encode()


def body_of_kind(kind: object) -> bytes:
    document = json.loads(body_of())
    document["request"]["kind"] = kind
    return json.dumps(document).encode()


def test_all_that_later_stages_need_is_read() -> None:
    review = parse(read("update-pod-ephemeralcontainers"))
    assert (review.uid, review.operation, review.dry_run) == ("55488dea-967a-43f7-ae40-5753bfde2ca8", "UPDATE", False)
    assert (review.group, review.version, review.kind, review.subresource) == ("", "v1", "Pod", "ephemeralcontainers")
    assert (review.namespace, review.name) == ("demo", "plain")
    assert (review.username, review.groups) == ("admin", ("system:masters", "system:authenticated"))
    assert review.object is not None
    assert review.old_object is not None
    assert msgspec.json.decode(review.object)["metadata"]["name"] == "plain"
    assert "ephemeralContainers" not in msgspec.json.decode(review.old_object)["spec"]


def test_a_converted_object_is_of_the_kind_it_was_converted_to() -> None:
    assert parse(read("create-rollout-other-version")).version == "v1alpha1"


def test_a_dry_run_is_told() -> None:
    assert parse(read("create-deployment-dry-run")).dry_run is True


def test_null_stands_wherever_go_writes_a_nil() -> None:
    review = parse(
        body_of(
            subResource=None,
            name=None,
            namespace=None,
            userInfo={"username": None, "groups": None},
            object=None,
            dryRun=None,
        )
    )
    assert review == Review(uid=UID, group="apps", version="v1", kind="Deployment", operation="CREATE")


def test_a_null_user_and_null_groups_are_nobody() -> None:
    assert parse(body_of(userInfo=None)).username == ""
    assert parse(body_of(userInfo={"groups": [None, "a"]})).groups == ("", "a")


def test_null_group_and_version_are_the_core_ones() -> None:
    review = parse(body_of_kind({"kind": "Pod", "group": None, "version": None}))
    assert (review.group, review.version) == ("", "")


def test_unknown_fields_are_passed_over() -> None:
    document = json.loads(body_of(novelty={"deep": [1, {"er": "x"}]}))
    document["response"] = {"uid": 5}
    assert parse(json.dumps(document).encode()).uid == UID


def test_fields_come_in_any_order() -> None:
    document = json.loads(body_of())
    assert parse(json.dumps(dict(reversed(document.items()))).encode()).uid == UID


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "document: expected JSON: input data was truncated"),
        (b"   ", "document: expected JSON: input data was truncated"),
        (b"null", "document: expected object, got null"),
        (b"[]", "document: expected object, got array"),
        (b'"AdmissionReview"', "document: expected object, got str"),
        (b"{}", "apiVersion: expected admission.k8s.io/v1"),
        (b"uid=5", "document: expected JSON: invalid character (byte 0)"),
        (body_of() + b"{}", f"document: expected JSON: trailing characters (byte {len(body_of()) + 1})"),
        (body_of(api_version="admission.k8s.io/v1beta1"), "apiVersion: expected admission.k8s.io/v1"),
        (body_of(api_version=None), "apiVersion: expected admission.k8s.io/v1"),
        (body_of(api_version=1), "apiVersion: expected str or null, got int"),
        (body_of(kind="Pod"), "kind: expected AdmissionReview"),
        (b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}', "request: expected object"),
        (b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":null}', "request: expected object"),
        (body_of(uid=None), "request.uid: expected str, got null"),
        (body_of(uid=""), "request.uid: expected 1 to 128 characters"),
        (body_of(uid="u" * (MAX_UID_CHARACTERS + 1)), "request.uid: expected 1 to 128 characters"),
        (body_of_kind(None), "request.kind: expected object, got null"),
        (body_of_kind({"group": "apps"}), "request.kind: object missing required field kind"),
        (body_of(operation=3), "request.operation: expected str, got int"),
        (body_of(dryRun="s3cret"), "request.dryRun: expected bool or null, got str"),
        (
            body_of(userInfo={"groups": ["a", {"s3cret": 1}]}),
            "request.userInfo.groups[1]: expected str or null, got object",
        ),
        (body_of(name="s3cret").replace(b"s3cret", b"s3cret\xff"), "document: expected UTF-8"),
        (body_of(name="s3cret").replace(b"s3cret", rb"\ud800"), "document: expected JSON: input data was truncated"),
    ],
)
def test_what_is_no_review_is_refused_in_one_line_without_a_value(body: bytes, words: str) -> None:
    with pytest.raises(MalformedReviewError) as caught:
        parse(body)
    assert str(caught.value) == words


@pytest.mark.parametrize("uid", ["u", "u" * MAX_UID_CHARACTERS])
def test_a_uid_is_any_text_of_bounded_length(uid: str) -> None:
    assert parse(body_of(uid=uid)).uid == find_uid(body_of(uid=uid)) == uid


def test_an_unknown_operation_is_still_a_review() -> None:
    assert parse(body_of(operation="TELEPORT")).operation == "TELEPORT"


NESTED = b"[" * 100_000 + b"]" * 100_000


def test_an_object_nested_too_deeply_is_a_review_that_cannot_be_understood() -> None:
    body = body_of(object={"metadata": "DEEP"}).replace(b'"DEEP"', NESTED)
    with pytest.raises(UnreadableReviewError) as caught:
        parse(body)
    assert caught.value.uid == UID
    assert str(caught.value) == "document: nested too deeply"


def test_nesting_outside_a_review_is_no_review() -> None:
    with pytest.raises(MalformedReviewError, match=r"^document: nested too deeply$"):
        parse(b'{"other":' + NESTED + b"}")


def compact(name: str) -> bytes:
    return json.dumps(json.loads(read(name)), separators=(",", ":")).encode()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_uid_stands_within_the_first_120_bytes_of_what_the_api_server_sends(name: str) -> None:
    assert find_uid(compact(name)[:120]) == parse(read(name)).uid


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"{",
        body_of()[:100],
        body_of(uid=""),
        body_of(uid="u" * (MAX_UID_CHARACTERS + 1)),
        body_of(uid='a"b'),
        body_of(uid="a\nb"),
        body_of(uid=5),
        body_of(api_version="admission.k8s.io/v1beta1"),
        body_of(kind="Other"),
        b'{"kind":"Pod","uid":"24f73488"}',
        b'["kind","AdmissionReview"]',
        b" " * HEAD_BYTES + body_of(),
    ],
)
def test_no_uid_is_found_where_no_review_of_the_api_server_begins(head: bytes) -> None:
    assert find_uid(head) == ""


def test_a_body_of_32_mebibytes_is_read_without_a_copy_of_its_objects() -> None:
    filling = "\\u003c" * (32 * MEBIBYTE // 6 // 2)
    body = body_of(object={"env": "FILL"}, oldObject={"env": "FILL"}).replace(b"FILL", filling.encode())
    assert len(body) > 31 * MEBIBYTE
    tracemalloc.start()
    review = parse(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert review.object is not None
    assert review.uid == UID
    assert peak < MEBIBYTE
