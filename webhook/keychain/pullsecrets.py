"""Which pull secrets a pod offers, and the keychain that they make together with the node's own logins."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from webhook.images.reference import Reference
from webhook.keychain import dockerconfig, matching
from webhook.keychain.credential import Credential
from webhook.keychain.dockerconfig import (
    MAX_BYTES,
    MAX_LOGINS,
    Entries,
    IgnoredSecret,
    MalformedSecret,
    OversizedSecret,
    ReadSecret,
)
from webhook.keychain.matching import Keyring

DEFAULT_SERVICE_ACCOUNT = "default"
"""The one of a pod that names none (plugin/pkg/admission/serviceaccount)."""
MAX_NAME_CHARACTERS = 253
"""DNS1123SubdomainMaxLength of apimachinery's validation."""
_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_OBJECT_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


@dataclass(frozen=True)
class PullSecret:
    """A secret that the pod names, as the cluster has it."""

    name: str
    type: str
    data: Mapping[str, bytes] = field(repr=False)

    @cached_property
    def config(self) -> ReadSecret:
        """What the kubelet reads in it. It is read once: who remembers the secret remembers this too."""
        return dockerconfig.parse_secret(self.name, self.type, self.data)

    def reduced(self) -> "PullSecret":
        """Give it read, with the data that counts alone; of what is too large, no more than shows that it is."""
        key = dockerconfig.counting_key(self.type)
        data = {key: self.data[key][: MAX_BYTES + 1]} if key in self.data else {}
        reduced = PullSecret(self.name, self.type, data)
        _ = reduced.config
        return reduced


@dataclass(frozen=True, slots=True)
class AbsentSecret:
    """A secret that the pod names and the namespace does not have."""

    name: str


@dataclass(frozen=True, slots=True)
class UnreadableSecret:
    """A secret of which the cluster did not tell whether it is there, or what it holds."""

    name: str
    reason: str


SecretState = PullSecret | AbsentSecret | UnreadableSecret


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A service account, as the cluster has it."""

    name: str
    pull_secrets: tuple[str, ...] = ()
    """The names of its `imagePullSecrets`, as given."""


@dataclass(frozen=True, slots=True)
class AbsentServiceAccount:
    """A service account that the namespace does not have."""

    name: str


@dataclass(frozen=True, slots=True)
class UnreadableServiceAccount:
    """A service account of which the cluster did not tell whether it is there."""

    name: str
    reason: str


ServiceAccountState = ServiceAccount | AbsentServiceAccount | UnreadableServiceAccount


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must be known to know a pod's pull secrets."""

    names: tuple[str, ...]
    """The secrets that it names itself, in its order, repeated ones repeated."""
    service_account: str | None
    """The service account whose list it would get; None when it gets none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keychain:
    """What a pod offers in all: its pull secrets' logins, then the node's."""

    pod: Keyring = field(default_factory=Keyring)
    node: Keyring = field(default_factory=Keyring)
    malformed: MalformedSecret | None = None
    """The first secret that the kubelet cannot read: it then pulls nothing for this pod."""
    absent: tuple[str, ...] = ()
    """The pull secrets that are absent or unreadable, each once."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Those of the absent that may be there, with the reason why nobody knows."""
    absent_account: AbsentServiceAccount | UnreadableServiceAccount | None = None
    """The service account whose list the pod would get, if nobody knows that list."""
    ignored: tuple[IgnoredSecret, ...] = ()
    is_too_large: bool = False
    """Whether the secrets hold more than is read, or more logins than are looked through; then there are none here."""
    secret_hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By pull secret, the host keys that it holds, fit to be shown."""

    @property
    def is_incomplete(self) -> bool:
        """Whether something that the pod names is absent or unreadable, so that it may yet offer more."""
        return bool(self.absent) or self.absent_account is not None

    @property
    def is_unreadable(self) -> bool:
        """Whether the cluster did not tell of something that the pod names whether it is there, or what it holds."""
        return bool(self.unreadable) or isinstance(self.absent_account, UnreadableServiceAccount)

    def credentials_for(self, reference: Reference) -> tuple[Credential, ...]:
        """Give what the node would try, in its order (UnionDockerKeyring: the pod's, then the node's, repeats kept).

        Empty when a secret is malformed: the lookup as a whole fails then, the node's own logins included.
        """
        if self.malformed:
            return ()
        return self.pod.lookup(reference.repository) + self.node.lookup(reference.repository)


def is_object_name(name: str) -> bool:
    """Say whether secrets and service accounts can have the name (a DNS-1123 subdomain).

    To be asked before a path is built from a name: one that cannot be is absent.
    """
    return len(name) <= MAX_NAME_CHARACTERS and _OBJECT_NAME.fullmatch(name) is not None


def wanted(image_pull_secrets: Sequence[str], service_account: str, *, is_completed: bool) -> Wanted:
    """Say what must be read to know a pod's pull secrets.

    The API server copies the service account's list into a new pod that has no list of its own; one entry, even with
    an empty name, is a list (plugin/pkg/admission/serviceaccount Admit). The kubelet skips empty names in silence.

    Args:
        image_pull_secrets: The names of the pod spec's `imagePullSecrets`, as given.
        service_account: The pod spec's `serviceAccountName`; empty: `default`.
        is_completed: Whether the API server has done so already: on a Pod in a review, not on a template and not on
            a bare manifest.
    """
    if is_completed or image_pull_secrets:
        return Wanted(_named(image_pull_secrets), None)
    return Wanted((), service_account or DEFAULT_SERVICE_ACCOUNT)


def merged(wants: Wanted, account_names: Sequence[str]) -> tuple[str, ...]:
    """Give the names of a pod's pull secrets, in its order, repeated ones repeated.

    Args:
        wants: As `wanted` gives it.
        account_names: The list of the service account that it asks for; not looked at when it asks for none.
    """
    return wants.names if wants.service_account is None else _named(account_names)


def presume_default(account: ServiceAccountState) -> ServiceAccountState:
    """Take an absent `default` for one without pull secrets: for where manifests are all that is known of a cluster.

    Every namespace of a cluster has it, but hardly any folder of manifests.
    """
    if account == AbsentServiceAccount(DEFAULT_SERVICE_ACCOUNT):
        return ServiceAccount(DEFAULT_SERVICE_ACCOUNT)
    return account


def assemble(
    secrets: Sequence[SecretState], node_entries: Entries | None = None, account: ServiceAccountState | None = None
) -> Keychain:
    """Make the keychain of what the cluster told.

    Args:
        secrets: What the names of `merged` lead to, in their order, repeated ones repeated.
        node_entries: The node's own docker config, if one is known.
        account: The service account that was asked for, if one was.
    """
    given = [secret for secret in secrets if isinstance(secret, PullSecret)]
    read = [secret.config for secret in given]
    entries = {secret.name: one for secret, one in zip(given, read, strict=True) if isinstance(one, Entries)}
    logins = [login for one in read if isinstance(one, Entries) for login in one.logins]
    is_too_large = len(logins) > MAX_LOGINS or any(isinstance(one, OversizedSecret) for one in read)
    return Keychain(
        pod=matching.build(() if is_too_large else logins),
        is_too_large=is_too_large,
        node=matching.build(node_entries.logins if node_entries else ()),
        malformed=next((one for one in read if isinstance(one, MalformedSecret)), None),
        absent=tuple(dict.fromkeys(secret.name for secret in secrets if not isinstance(secret, PullSecret))),
        unreadable={secret.name: secret.reason for secret in secrets if isinstance(secret, UnreadableSecret)},
        absent_account=None if isinstance(account, ServiceAccount) else account,
        ignored=tuple(dict.fromkeys(one for one in read if isinstance(one, IgnoredSecret))),
        secret_hosts={name: one.host_keys for name, one in entries.items()},
    )


def _named(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name)
