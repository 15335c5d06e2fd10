"""Whether a 2xx for a manifest is one that the node takes: digest, media type, size."""

import hashlib
from dataclasses import dataclass

from webhook.images.reference import Reference, is_digest
from webhook.registry.exchange import MANIFEST_MEDIA_TYPES, MAX_MANIFEST_BYTES, Answer
from webhook.registry.resolution import (
    Resolved,
    Unavailable,
    UnavailableCause,
    Unsupported,
    UnsupportedCause,
)

_SCHEMA_1 = (
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "text/plain",  # containerd takes it for schema 1 (resolver.go getManifestMediaType)
)


@dataclass(frozen=True, slots=True)
class BodyNeeded:
    """The headers do not say digest or size: the node fetches the body and computes them."""


def weigh_headers(reference: Reference, host: str, answer: Answer) -> Resolved | Unsupported | Unavailable | BodyNeeded:
    """Judge a 2xx by its headers, as containerd's Resolve does (core/remotes/docker/resolver.go).

    By digest the node asks for no digest header; one that contradicts the reference is still no proof that the image
    is there. By tag the header must be there and valid.
    """
    length = answer.header("content-length")
    named = answer.header("docker-content-digest")
    if not length.isascii() or not length.isdigit() or not (named or reference.digest):
        return BodyNeeded()
    if named and not (reference.digest or is_digest(named)):
        return Unavailable(host, UnavailableCause.NOT_A_REGISTRY, answer.status)
    if reference.digest and _contradicts(named, reference.digest):
        return Unavailable(host, UnavailableCause.CHANGED, answer.status)
    return _weigh(host, answer, reference.digest or named, int(length))


def weigh_body(reference: Reference, host: str, answer: Answer) -> Resolved | Unsupported | Unavailable:
    """Judge the answer to the GET that followed: the digest is computed, and by digest compared.

    The answer holds up to one byte more of the body than the node takes.
    """
    if not 200 <= answer.status < 300:
        return Unavailable(host, UnavailableCause.CHANGED, answer.status)
    if not answer.is_complete:
        return _weigh(host, answer, "", MAX_MANIFEST_BYTES + 1)
    algorithm = reference.digest.partition(":")[0] or "sha256"
    digest = f"{algorithm}:{hashlib.new(algorithm, answer.body).hexdigest()}"
    if reference.digest and digest != reference.digest:
        return Unavailable(host, UnavailableCause.CHANGED, answer.status)
    return _weigh(host, answer, digest, len(answer.body))


def _weigh(host: str, answer: Answer, digest: str, size: int) -> Resolved | Unsupported | Unavailable:
    # As it is written: containerd compares it so, and takes neither capitals nor a space before the semicolon.
    media_type = answer.header("content-type").partition(";")[0]
    if size == 0:
        return Unavailable(host, UnavailableCause.NOT_A_REGISTRY, answer.status)  # "reports content size of zero"
    if size > MAX_MANIFEST_BYTES:
        return Unsupported(host, UnsupportedCause.SIZE)
    if media_type in _SCHEMA_1:
        return Unsupported(host, UnsupportedCause.SCHEMA_1)
    if media_type not in MANIFEST_MEDIA_TYPES:
        is_page = "html" in media_type.lower()
        return Unsupported(host, UnsupportedCause.WEB_PAGE if is_page else UnsupportedCause.MEDIA_TYPE)
    return Resolved(digest)


def _contradicts(named: str, wanted: str) -> bool:
    return named.partition(":")[0] == wanted.partition(":")[0] and named != wanted
