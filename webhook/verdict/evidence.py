"""What is known of the pod's pull secrets, by name only: who was offered, who is missing, who is for another host."""

from dataclasses import dataclass

from webhook.images.reference import Reference
from webhook.keychain.pullsecrets import Keychain, UnreadableServiceAccount
from webhook.registry.resolution import Conclusion, OfferResult


@dataclass(frozen=True, slots=True)
class Offer:
    """A login that the node would have tried, and what became of it."""

    secret: str | None
    """The pull secret; None for the node's own configuration."""
    result: OfferResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What wording needs to say about the pod's side."""

    offers: tuple[Offer, ...] = ()
    """The logins that match the reference, in the kubelet's order."""
    absent: tuple[str, ...] = ()
    """Pull secrets that do not exist."""
    unreadable: tuple[str, ...] = ()
    """Pull secrets that could not be read."""
    account: str = ""
    """The service account whose pull secrets nobody knows."""
    elsewhere: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Pull secrets without a login for the reference, and the host keys that they have."""
    ignored: tuple[str, ...] = ()
    """Pull secrets that the kubelet passes over."""
    malformed: str = ""
    """The pull secret that spoils the whole lookup, and how it is broken, in words."""


def gather(keychain: Keychain, reference: Reference | None, conclusion: Conclusion) -> Evidence:
    """Collect what there is to say.

    Args:
        keychain: What the pod offers.
        reference: Of the image; None when it is invalid, and nobody was asked.
        conclusion: Of the conversation, its offers in the keychain's order for this reference.
    """
    credentials = keychain.credentials_for(reference) if reference else ()
    offers = tuple(
        Offer(credential.secret, result) for credential, result in zip(credentials, conclusion.offers, strict=False)
    )
    offered = {credential.secret for credential in credentials}
    broken = keychain.malformed
    return Evidence(
        offers=offers,
        absent=tuple(name for name in keychain.absent if name not in keychain.unreadable),
        unreadable=tuple(keychain.unreadable),
        account=keychain.absent_account.name if keychain.absent_account else "",
        elsewhere=tuple(item for item in keychain.secret_hosts.items() if item[0] not in offered),
        ignored=tuple(secret.name for secret in keychain.ignored),
        malformed=f'pull secret "{broken.name}" is broken: {broken.key}: {broken.reason}' if broken else "",
    )


def note_unreadable(keychain: Keychain) -> tuple[str, ...]:
    """Say what the cluster did not tell: the images were checked without it, and the person should know."""
    notes = [
        f'pull secret "{name}" could not be read ({reason}); checked without it'
        for name, reason in keychain.unreadable.items()
    ]
    account = keychain.absent_account
    if isinstance(account, UnreadableServiceAccount):
        notes.append(f'service account "{account.name}" could not be read ({account.reason}); checked without it')
    return tuple(notes)
