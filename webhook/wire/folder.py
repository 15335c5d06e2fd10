"""A cluster that is known from manifests alone: those of a folder, those that `check` was given, or none."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from webhook.images.onnode import NodeImages
from webhook.keychain import objects
from webhook.keychain.pullsecrets import (
    AbsentSecret,
    AbsentServiceAccount,
    SecretState,
    ServiceAccountState,
    presume_default,
)

DEFAULT_NAMESPACE = "default"
"""Of an object that names none, unless told otherwise: kubectl's own."""
_Key = tuple[str, str, str]


class Cluster(Protocol):
    """What can stand below: for the names that no manifest has."""

    async def read_secret(self, namespace: str, name: str) -> SecretState:
        """Read a secret."""

    async def read_service_account(self, namespace: str, name: str) -> ServiceAccountState:
        """Read a service account."""

    async def close(self) -> None:
        """Close what is open."""

    async def read_node_images(self) -> NodeImages | None:
        """Read which images nodes report to have; None where it does not tell."""


class FolderCluster:
    """Secrets and ServiceAccounts from manifests; other kinds are passed over."""

    def __init__(
        self,
        documents: Iterable[Mapping[str, object]] = (),
        *,
        namespace: str = DEFAULT_NAMESPACE,
        beneath: Cluster | None = None,
    ) -> None:
        """Take the objects as they are; they are read when they are asked for.

        Args:
            documents: From YAML or JSON; of two with one name the later counts, as if applied in this order.
            namespace: Of the objects that name none.
            beneath: Asked for what no manifest has; None: then it is absent, but for the service account `default`,
                which every namespace has: it is taken for one without pull secrets.
        """
        self._documents = {key: document for document in documents if (key := _key(document, namespace))}
        self._beneath = beneath

    async def close(self) -> None:
        """Close what stands beneath; manifests have nothing to close."""
        if self._beneath:
            await self._beneath.close()

    async def read_secret(self, namespace: str, name: str) -> SecretState:
        """Read one Secret."""
        document = self._documents.get(("Secret", namespace, name))
        if document is not None:
            return objects.parse_secret(name, document)
        return await self._beneath.read_secret(namespace, name) if self._beneath else AbsentSecret(name)

    async def read_service_account(self, namespace: str, name: str) -> ServiceAccountState:
        """Read one ServiceAccount."""
        document = self._documents.get(("ServiceAccount", namespace, name))
        if document is not None:
            return objects.parse_service_account(name, document)
        if self._beneath:
            return await self._beneath.read_service_account(namespace, name)
        return presume_default(AbsentServiceAccount(name))

    async def read_node_images(self) -> NodeImages | None:
        """Ask the cluster beneath: manifests hold no nodes."""
        return await self._beneath.read_node_images() if self._beneath else NodeImages()


def _key(document: Mapping[str, object], namespace: str) -> _Key | None:
    """Name an object by kind, namespace and name; None for one of another kind, or without a name."""
    metadata = document.get("metadata")
    if document.get("apiVersion") != "v1" or not isinstance(metadata, Mapping):
        return None
    kind, name = document.get("kind"), metadata.get("name")
    if kind not in {"Secret", "ServiceAccount"} or not isinstance(name, str):
        return None
    return str(kind), str(metadata.get("namespace") or namespace), name
