"""Secrets and service accounts as Kubernetes writes them."""

import pytest

from webhook.keychain import objects
from webhook.keychain.pullsecrets import PullSecret, ServiceAccount, UnreadableSecret, UnreadableServiceAccount


@pytest.mark.parametrize(
    ("document", "secret"),
    [
        ({}, PullSecret("a", "Opaque", {})),
        ({"type": None, "data": None, "stringData": None}, PullSecret("a", "Opaque", {})),
        ({"type": "t", "data": {"k": "dg=="}}, PullSecret("a", "t", {"k": b"v"})),
        ({"data": {"k": "d\ng=\r\n="}}, PullSecret("a", "Opaque", {"k": b"v"})),
        ({"data": {"k": "dh=="}}, PullSecret("a", "Opaque", {"k": b"v"})),
        ({"data": {"k": None}}, PullSecret("a", "Opaque", {"k": b""})),
        ({"data": {"k": "dg==", "l": ""}, "stringData": {"k": "w"}}, PullSecret("a", "Opaque", {"k": b"w", "l": b""})),
        ({"stringData": {"k": "é\ud800", "l": None}}, PullSecret("a", "Opaque", {"k": "é\ufffd".encode(), "l": b""})),
    ],
)
def test_a_secret_is_read_as_the_api_server_takes_it(document: dict[str, object], secret: PullSecret) -> None:
    assert objects.parse_secret("a", document) == secret


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"data": {"k": "hunter2"}}, "a value of data is not base64 (at byte 4)"),
        ({"data": {"k": "d g="}}, "a value of data is not base64 (at byte 1)"),
        ({"data": {"k": "\ud800"}}, "a value of data is not base64 (at byte 0)"),
        ({"data": {"k": 5}}, "data holds something that is no text"),
        ({"data": ["k"]}, "data is no map"),
        ({"stringData": {"k": {"auths": {}}}}, "stringData holds something that is no text"),
        ({"stringData": "k"}, "stringData is no map"),
        ({"type": 5}, "type holds something that is no text"),
    ],
)
def test_a_secret_that_the_api_server_would_not_take_is_unreadable(document: dict[str, object], reason: str) -> None:
    assert objects.parse_secret("a", document) == UnreadableSecret("a", reason)


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ({}, ()),
        ({"imagePullSecrets": None}, ()),
        ({"imagePullSecrets": [{"name": "x"}, {}, {"name": None}, None, {"name": "x"}]}, ("x", "", "", "", "x")),
    ],
)
def test_the_list_of_a_service_account_keeps_its_places(document: dict[str, object], names: tuple[str, ...]) -> None:
    assert objects.parse_service_account("a", document) == ServiceAccount("a", names)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"imagePullSecrets": {"name": "x"}}, "imagePullSecrets is no list"),
        ({"imagePullSecrets": ["x"]}, "imagePullSecrets holds no maps"),
        ({"imagePullSecrets": [{"name": 5}]}, "name holds something that is no text"),
    ],
)
def test_a_service_account_of_another_form_is_unreadable(document: dict[str, object], reason: str) -> None:
    assert objects.parse_service_account("a", document) == UnreadableServiceAccount("a", reason)
