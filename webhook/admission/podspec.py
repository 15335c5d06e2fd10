"""The parts of a pod spec that say which images are pulled, and with what; null is taken wherever Go writes a nil."""

import msgspec


class Container(msgspec.Struct, frozen=True, rename="camel"):
    """A container of any of the three lists."""

    name: str | None = None
    image: str | None = None
    image_pull_policy: str | None = None


class ImageVolume(msgspec.Struct, frozen=True, rename="camel"):
    """The source of a volume that is an image (KEP-4639)."""

    reference: str | None = None
    pull_policy: str | None = None


class Volume(msgspec.Struct, frozen=True):
    """A volume, of which only an image source matters."""

    name: str | None = None
    image: ImageVolume | None = None


class LocalObjectReference(msgspec.Struct, frozen=True):
    """The name of an object in the same namespace."""

    name: str | None = None


class PodSpec(msgspec.Struct, frozen=True, rename="camel"):
    """A pod spec as sent; the properties give what the kubelet makes of it."""

    containers: tuple[Container | None, ...] | None = None
    init_containers: tuple[Container | None, ...] | None = None
    ephemeral_containers: tuple[Container | None, ...] | None = None
    volumes: tuple[Volume | None, ...] | None = None
    pull_secret_entries: tuple[LocalObjectReference | None, ...] | None = msgspec.field(
        default=None, name="imagePullSecrets"
    )
    account_name: str | None = msgspec.field(default=None, name="serviceAccountName")
    deprecated_account_name: str | None = msgspec.field(default=None, name="serviceAccount")
    scheduling_gates: tuple[msgspec.Raw, ...] | None = None
    node_name: str | None = None

    @property
    def image_pull_secrets(self) -> tuple[str, ...]:
        """The names in order, the empty ones included: they keep the service account's secrets away."""
        return tuple((entry and entry.name) or "" for entry in self.pull_secret_entries or ())

    @property
    def service_account_name(self) -> str:
        """The name, or its deprecated alias where it is empty (Kubernetes pkg/apis/core/v1/conversion.go)."""
        return self.account_name or self.deprecated_account_name or ""
