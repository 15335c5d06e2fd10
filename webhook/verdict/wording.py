"""The words that a person reads: the container, the image as written and as resolved, the cause, what was offered.

Only our own words, names from the manifest and hosts are shown, bounded; never what a registry wrote.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from webhook.images.reference import Reference
from webhook.images.uses import ImageUse, Place
from webhook.registry.endpoints import DOCKER_HUB, DOCKER_HUB_HOST
from webhook.registry.resolution import (
    Blocked,
    BlockedCause,
    Invalid,
    Missing,
    MissingCause,
    OfferResult,
    Refused,
    RefusedCause,
    Resolution,
    Resolved,
    Unavailable,
    UnavailableCause,
    Unsupported,
    UnsupportedCause,
    Unverifiable,
    UnverifiableCause,
)
from webhook.verdict.evidence import Evidence

MAX_NAME_CHARACTERS = 100
"""Of an image, a host or a name within a line."""
MAX_USE_CHARACTERS = 400
"""Of the container with its image in a line that has room."""
_NAME_LENGTHS = ((100, True), (60, True), (100, False), (60, False), (40, False))
"""How an image is shortened, step by step, and whether what it means still follows: the cause matters more."""
_DIGEST = re.compile(r"(@[a-z0-9+._-]+:[0-9a-f]{12})[0-9a-f]+\Z")

_HUB_NAME = "Docker Hub"
_SENT = (OfferResult.ACCEPTED, OfferResult.REJECTED, OfferResult.DENIED)
_SAME_ANSWER = "it answers the same for a repository that does not exist"
_PLACES = {
    Place.CONTAINER: "container",
    Place.INIT: "init container",
    Place.EPHEMERAL: "ephemeral container",
    Place.VOLUME: "image volume",
}
_UNSUPPORTED = {
    UnsupportedCause.SCHEMA_1: "has it as a schema 1 image, which containerd no longer pulls",
    UnsupportedCause.MEDIA_TYPE: "has something there that is no image manifest",
    UnsupportedCause.WEB_PAGE: "answers with a web page instead of an image manifest",
    UnsupportedCause.SIZE: "has a manifest there that is larger than nodes take (4 MiB)",
}
_UNVERIFIABLE = {
    UnverifiableCause.NODE_LOGIN: "nodes log in to {registry} by means of their own, which this webhook does not hold",
    UnverifiableCause.PRELOADED: "nodes carry this image",
    UnverifiableCause.FIREWALL: "{registry} refuses this webhook's address; nodes may ask from another",
}
_UNAVAILABLE = {
    UnavailableCause.NAME: "has a name that DNS does not resolve",
    UnavailableCause.SILENT: "did not answer",
    UnavailableCause.DEADLINE: "did not answer in time",
    UnavailableCause.TLS_AUTHORITY: "has a certificate of an unknown authority (network.ca_files names further ones)",
    UnavailableCause.TLS_NAME: "has a certificate for another name",
    UnavailableCause.TLS_EXPIRED: "has a certificate that has expired or is not valid yet",
    UnavailableCause.TLS_HANDSHAKE: "does not complete a TLS handshake",
    UnavailableCause.PLAIN_HTTP: "speaks plain http, which nodes do not (network.insecure_hosts)",
    UnavailableCause.PROXY: "cannot be reached through the proxy",
    UnavailableCause.RATE_LIMITED: "answers that there were too many requests",
    UnavailableCause.SERVER_ERROR: "has trouble of its own",
    UnavailableCause.SICK: "has not answered for a while, and is asked again in a moment",
    UnavailableCause.NOT_A_REGISTRY: "gives an answer that no registry gives",
    UnavailableCause.CHALLENGE: "asks for a login in a way that nodes cannot read",
    UnavailableCause.TOKEN: "gives a token answer that nodes cannot read",
    UnavailableCause.PULL_THROUGH: "is a cache, whose “not found” proves nothing",
    UnavailableCause.NODE_MEANS: "is asked by nodes with a client certificate or header of theirs",
    UnavailableCause.LOGINS: "may want a login of the pod's pull secrets, which hold too many, or too much, to try",
    UnavailableCause.NO_HOST: "has no host in the nodes' hosts.toml that may resolve a tag",
    UnavailableCause.REDIRECTS: "redirects in a way that leads nowhere",
    UnavailableCause.CHANGED: "contradicts itself",
    UnavailableCause.OURS: "could not be asked because of a fault in this webhook",
}
_BLOCKED = {
    BlockedCause.HOST: "this webhook does not contact {host}",
    BlockedCause.ADDRESS: "this webhook does not contact the address of {host}",
    BlockedCause.CREDENTIAL_REALM: "this webhook does not send the pod's login to {host}, where {registry} wants it",
    BlockedCause.CREDENTIAL_PLAIN: "this webhook does not send the pod's login to {host} over plain http",
    BlockedCause.CREDENTIAL_REDIRECT: "this webhook does not send the pod's login to {host}, where {registry} points",
    BlockedCause.CREDENTIAL_MIRROR: "this webhook does not send the pod's login to the mirror {host}",
    BlockedCause.DOWNGRADE: "{registry} redirects to plain http at {host}",
}


def explain(reference: Reference | None, resolution: Resolution, evidence: Evidence) -> str:
    """Say in a sentence what the registry said and what it was offered; empty when it resolved."""
    registry = _registry_name(reference)
    match resolution:
        case Resolved():
            return ""
        case Invalid(reason):
            return f"this is no valid image reference: {reason}"
        case Missing():
            return _explain_missing(registry, reference, resolution, evidence)
        case Refused():
            return _explain_refused(registry, reference, resolution, evidence)
        case Unsupported(_, cause):
            return f"{registry} {_UNSUPPORTED[cause]}"
        case Unverifiable(_, cause):
            return f"could not be checked: {_UNVERIFIABLE[cause].format(registry=registry)}"
        case Unavailable():
            return _explain_unavailable(registry, reference, resolution)
        case Blocked():
            return _explain_blocked(registry, resolution)
        case _:
            assert_never(resolution)


def name_use(use: ImageUse, reference: Reference | None, room_characters: int = MAX_USE_CHARACTERS) -> str:
    """Name the container and its image, as written and, where that differs, as it resolves.

    Args:
        use: The place that names the image.
        reference: The image, parsed; None when it is invalid.
        room_characters: What there is room for. Images are shortened, and what they mean left out, to fit; the last
            form may still be longer.
    """
    names = list(_names(use, reference))
    return next((name for name in names if len(name) <= room_characters), names[-1])


def _names(use: ImageUse, reference: Reference | None) -> Iterator[str]:
    place = f"{_PLACES[use.place]} {_quoted(use.container)}: image "
    is_same = reference is None or str(reference) == use.image
    for most, has_meaning in _NAME_LENGTHS:
        written = f'{place}"{_shortened(use.image, most)}"'
        yield f"{written} means {_shortened(str(reference), most)}" if has_meaning and not is_same else written


def name_workload(kind: str, name: str) -> str:
    """Name a workload as kubectl does: `Deployment/my-app`."""
    return f"{_shown(kind)}/{_shown(name)}"


def _explain_missing(registry: str, reference: Reference | None, missing: Missing, evidence: Evidence) -> str:
    path, tag = (_shown(reference.path), _quoted(reference.tag)) if reference else ("", "")
    said = {
        MissingCause.TAG: f"{registry} has no tag {tag} in {path}",
        MissingCause.DIGEST: f"{registry} has no such digest in {path}",
        MissingCause.REPOSITORY: f"{registry} does not have it: no repository {path}",
        MissingCause.UNSAID: f"{registry} has no such tag: {tag} in {path} (or no such repository, it does not say)",
    }[missing.cause]
    if missing.refused_at:
        said = f"{_shown(missing.host)} does not have it, and {_place(registry, reference, missing.refused_at)} refuses"
    offering = _name_offering(evidence)
    is_telling = bool(evidence.offers or evidence.absent or missing.refused_at) or registry == _HUB_NAME
    return f"{said}; {offering}" if offering and is_telling else said


def _explain_refused(registry: str, reference: Reference | None, refused: Refused, evidence: Evidence) -> str:
    path = _shown(reference.path) if reference else ""
    offered = _name_secrets(offer.secret for offer in evidence.offers) or "the pod"
    rejected = [offer.secret for offer in evidence.offers if offer.result is OfferResult.REJECTED]
    offering = _name_offering(evidence) or "none was given"
    return {
        RefusedCause.LOGIN_WANTED: f"{registry} wants a login, and {offering} ({_SAME_ANSWER})",
        RefusedCause.LOGIN_REJECTED: f"{registry} rejected the login of {_name_secrets(rejected) or offered}",
        RefusedCause.ACCESS_DENIED: f"{registry} denies {offered} access to {path} ({_SAME_ANSWER})",
        RefusedCause.EXPIRED: f"{registry} says that the login of {offered} has expired",
        RefusedCause.POLICY: f"{registry} forbids this pull by a policy of its own",
        RefusedCause.NO_CHALLENGE: f"{registry} denies access to {path} and asks for no login that nodes can give",
        RefusedCause.UNTRANSMITTABLE: f"the login of {offered} is not UTF-8 text, which the kubelet cannot pass on",
        RefusedCause.BROKEN_SECRET: f"{evidence.malformed}; the kubelet then pulls nothing for this pod",
    }[refused.cause]


def _explain_unavailable(registry: str, reference: Reference | None, unavailable: Unavailable) -> str:
    place = _place(registry, reference, unavailable.host)
    status = f" (status {unavailable.status})" if unavailable.status else ""
    return f"could not be checked: {place} {_UNAVAILABLE[unavailable.cause]}{status}"


def _explain_blocked(registry: str, blocked: Blocked) -> str:
    said = _BLOCKED[blocked.cause].format(host=_shown(blocked.host) or "such a host", registry=registry)
    remedy = f" ({blocked.setting} would allow it)" if blocked.setting else ""
    return f"could not be checked: {said}{remedy}"


def _place(registry: str, reference: Reference | None, host: str) -> str:
    """The registry, and where it was asked if that is elsewhere."""
    is_itself = reference is None or host in ("", reference.registry, DOCKER_HUB_HOST)
    return registry if is_itself else f"{registry} (at {_shown(host)})"


def _name_offering(evidence: Evidence) -> str:
    """What the pod had to offer, most telling first; empty where it had something that nobody asked for."""
    if offered := _names_with(evidence, *_SENT):
        return f"{_name_secrets(offered)} {'was' if len(offered) == 1 else 'were'} offered"
    if empty := _names_with(evidence, OfferResult.UNUSABLE):
        return f"{_name_secrets(empty)} {'holds' if len(empty) == 1 else 'hold'} no username and password for it"
    if evidence.offers:
        return ""
    if evidence.absent:
        return f"{_name_secrets(evidence.absent)} {_does(evidence.absent)} not exist"
    if evidence.unreadable:
        return f"{_name_secrets(evidence.unreadable)} could not be read"
    if evidence.account:
        return f"the pull secrets of service account {_quoted(evidence.account)} are not known"
    if evidence.elsewhere:
        return " and ".join(f"pull secret {_quoted(name)} {_name_keys(keys)}" for name, keys in evidence.elsewhere[:2])
    if evidence.ignored:
        return f"the kubelet does not read {_name_secrets(evidence.ignored)} as one"
    return "the pod offers no pull secret"


def _names_with(evidence: Evidence, *results: OfferResult) -> list[str | None]:
    return list(dict.fromkeys(offer.secret for offer in evidence.offers if offer.result in results))


def _name_keys(keys: tuple[str, ...]) -> str:
    return f"is for {_listed([_shown(key) for key in keys])}" if keys else "holds no login"


def _name_secrets(secrets: Iterable[str | None]) -> str:
    distinct = dict.fromkeys(secrets)
    return _listed(
        ["the nodes' own configuration" if name is None else f"pull secret {_quoted(name)}" for name in distinct]
    )


def _listed(names: Sequence[str], most: int = 3) -> str:
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return " and ".join(shown) if len(shown) < 3 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _does(names: Sequence[object]) -> str:
    return "does" if len(names) == 1 else "do"


def _registry_name(reference: Reference | None) -> str:
    if reference is None:
        return ""
    return _HUB_NAME if reference.registry == DOCKER_HUB else _shown(reference.registry)


def _quoted(text: str) -> str:
    return f'"{_shown(text)}"'


def _shortened(image: str, most: int) -> str:
    """Shorten an image where it tells least: the digest's end, then the middle; registry and tag stay."""
    if len(image) <= most:
        return image
    short = _DIGEST.sub(r"\1…", image)
    return short if len(short) <= most else f"{short[: most // 2]}…{short[-(most - most // 2 - 1) :]}"


def _shown(text: str) -> str:
    return text if len(text) <= MAX_NAME_CHARACTERS else f"{text[: MAX_NAME_CHARACTERS - 1]}…"
