"""A cluster of manifests: what is given, what is absent, what is asked for beneath."""

import asyncio

import pytest

from webhook.keychain.pullsecrets import (
    AbsentSecret,
    AbsentServiceAccount,
    PullSecret,
    SecretState,
    ServiceAccount,
    ServiceAccountState,
    UnreadableSecret,
)
from webhook.wire.folder import FolderCluster


def _object(kind: str, name: object, namespace: str | None = None, **fields: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, **fields}


def _secret(cluster: FolderCluster, namespace: str, name: str) -> SecretState:
    return asyncio.run(cluster.read_secret(namespace, name))


def _account(cluster: FolderCluster, namespace: str, name: str) -> ServiceAccountState:
    return asyncio.run(cluster.read_service_account(namespace, name))


def test_a_given_secret_is_read_in_its_namespace_only() -> None:
    cluster = FolderCluster([_object("Secret", "regcred", "team", stringData={"k": "v"})])
    assert _secret(cluster, "team", "regcred") == PullSecret("regcred", "Opaque", {"k": b"v"})
    assert _secret(cluster, "default", "regcred") == AbsentSecret("regcred")


def test_an_object_without_a_namespace_is_in_the_one_that_was_told() -> None:
    documents = [_object("Secret", "regcred")]
    assert isinstance(_secret(FolderCluster(documents), "default", "regcred"), PullSecret)
    assert isinstance(_secret(FolderCluster(documents, namespace="team"), "team", "regcred"), PullSecret)


def test_of_two_with_one_name_the_later_counts() -> None:
    cluster = FolderCluster([_object("Secret", "a", stringData={"k": "1"}), _object("Secret", "a", type="t")])
    assert _secret(cluster, "default", "a") == PullSecret("a", "t", {})


def test_a_secret_that_cannot_be_decoded_is_unreadable() -> None:
    cluster = FolderCluster([_object("Secret", "a", data={"k": "!"})])
    assert _secret(cluster, "default", "a") == UnreadableSecret("a", "a value of data is not base64 (at byte 0)")


def test_a_given_service_account_has_its_list() -> None:
    cluster = FolderCluster([_object("ServiceAccount", "default", imagePullSecrets=[{"name": "x"}])])
    assert _account(cluster, "default", "default") == ServiceAccount("default", ("x",))


def test_only_the_default_account_is_presumed() -> None:
    assert _account(FolderCluster(), "team", "default") == ServiceAccount("default")
    assert _account(FolderCluster(), "team", "builder") == AbsentServiceAccount("builder")


@pytest.mark.parametrize(
    "document",
    [
        {"apiVersion": "v1", "kind": "Secret"},
        {"apiVersion": "v1", "kind": "Secret", "metadata": "a"},
        {"apiVersion": "example.com/v1", "kind": "Secret", "metadata": {"name": "a"}},
        _object("Secret", 5),
        _object("ConfigMap", "a"),
    ],
)
def test_what_is_no_secret_with_a_name_is_passed_over(document: dict[str, object]) -> None:
    assert _secret(FolderCluster([document]), "default", "a") == AbsentSecret("a")


def test_what_no_manifest_has_is_asked_for_beneath() -> None:
    beneath = FolderCluster([_object("Secret", "low"), _object("ServiceAccount", "builder")])
    cluster = FolderCluster([_object("Secret", "high")], beneath=beneath)
    assert isinstance(_secret(cluster, "default", "high"), PullSecret)
    assert isinstance(_secret(cluster, "default", "low"), PullSecret)
    assert _secret(cluster, "default", "none") == AbsentSecret("none")
    assert _account(cluster, "default", "builder") == ServiceAccount("builder")


class FakeCluster(FolderCluster):
    """One that remembers that it was closed."""

    is_closed = False

    async def close(self) -> None:
        self.is_closed = True


def test_closing_closes_what_stands_beneath() -> None:
    beneath = FakeCluster()
    asyncio.run(FolderCluster(beneath=beneath).close())
    assert beneath.is_closed
    asyncio.run(FolderCluster().close())
