"""The image reference grammar and its Docker Hub defaults, as the kubelet has them.

The kubelet parses with distribution/reference 0.6.0 (regexp.go, normalize.go, reference.go) and go-digest. Their
regular expressions never backtrack; ours are possessive and the text is split first, so that a hostile one is linear
too.
"""

import re
from dataclasses import dataclass
from typing import Literal

from webhook.admission.response import clean

_DEFAULT_DOMAIN = "docker.io"
_LEGACY_DEFAULT_DOMAIN = "index.docker.io"
_DEFAULT_TAG = "latest"

MAX_PATH_CHARACTERS = 255
"""RepositoryNameTotalLengthMax: the repository's name without its registry, `library/` included."""
MAX_REASON_CHARACTERS = 256
"""As long as one warning of ours may be; the kubelet's words quote the name, however long it is."""
_MAX_SHOWN_CHARACTERS = MAX_REASON_CHARACTERS - 62
"""What is left for the name beside the longest words around it."""

_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_LABEL = r"[a-zA-Z0-9]++(?:-++[a-zA-Z0-9]++)*+"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*+|\[[a-fA-F0-9:]++\])(?::[0-9]++)?")
_PATH_COMPONENT = r"[a-z0-9]++(?:(?:__|[._]|-++)[a-z0-9]++)*+"
_PATH = re.compile(rf"{_PATH_COMPONENT}(?:/{_PATH_COMPONENT})*+")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*+(?:[-_+.][A-Za-z][A-Za-z0-9]*+)*+:[0-9A-Fa-f]{32,}+")

_HEX_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}
"""The algorithms that the kubelet links (pkg/util/parsers), and the length of their digests in hexadecimal."""
_UNREGISTERED_DIGEST = re.compile(r"[a-z0-9]++(?:[.+_-][a-z0-9]++)*+:[a-zA-Z0-9=_-]++")
_LOWERCASE_HEX = re.compile(r"[a-f0-9]++")

_INVALID_FORMAT = "invalid reference format"
_INVALID_DIGEST_FORMAT = "invalid checksum digest format"


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed image reference, normalised as the kubelet does (pkg/util/parsers, distribution/reference)."""

    repository: str
    """With its registry: `docker.io/library/nginx`."""
    tag: str = ""
    """Empty when only a digest is given."""
    digest: str = ""

    @property
    def registry(self) -> str:
        """The registry as the reference names it: `docker.io`, `reg.example.com:5000`."""
        return self.repository.partition("/")[0]

    @property
    def path(self) -> str:
        """The repository's name at its registry: `library/nginx`."""
        return self.repository.partition("/")[2]

    @property
    def wanted(self) -> str:
        """What the runtime asks for: the digest alone when there is one, else the tag (reference.ParseDockerRef)."""
        return self.digest or self.tag

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"


@dataclass(frozen=True, slots=True)
class InvalidReference:
    """What the kubelet could not parse, and its own words for why."""

    reason: str
    """At most `MAX_REASON_CHARACTERS`, without control and format characters."""


def parse(image: str) -> Reference | InvalidReference:
    """Parse an image as the kubelet does (pkg/util/parsers ParseImageName).

    Args:
        image: The field as the pod has it, of any length and content.

    Returns:
        The reference, with the tag `latest` when there is neither tag nor digest; or the kubelet's reason.
    """
    if _IDENTIFIER.fullmatch(image):
        return InvalidReference(f"invalid repository name ({image}), cannot specify 64-byte hexadecimal strings")
    domain, remainder = _split_domain(image)
    remote = remainder.partition(":")[0]
    if _lowercase(remote) != remote:
        name = _shown(remote)
        return InvalidReference(f"invalid reference format: repository name ({name}) must be lowercase")
    return _parse_normalised(f"{domain}/{remainder}")


def default_pull_policy(image: str) -> Literal["Always", "IfNotPresent"]:
    """Say which pull policy the API server gives an image that has none (pkg/apis/core/v1/defaults.go).

    `latest`, written or implied and even beside a digest, is Always; all else, what cannot be parsed too, IfNotPresent.
    """
    parsed = parse(image)
    if isinstance(parsed, Reference) and parsed.tag == _DEFAULT_TAG:
        return "Always"
    return "IfNotPresent"


def is_digest(text: str) -> bool:
    """Say whether go-digest's Validate takes it, with sha256, sha384 and sha512 linked in."""
    return not _digest_fault(text)


def _split_domain(image: str) -> tuple[str, str]:
    """Split off the registry (normalize.go splitDockerDomain): what stands before the first slash, if it looks so."""
    first, slash, rest = image.partition("/")
    if not slash:
        return _DEFAULT_DOMAIN, f"library/{image}"
    if first == _LEGACY_DEFAULT_DOMAIN:
        domain, remainder = _DEFAULT_DOMAIN, rest
    elif first == "localhost" or "." in first or ":" in first or _lowercase(first) != first:
        domain, remainder = first, rest
    else:
        domain, remainder = _DEFAULT_DOMAIN, image
    if domain == _DEFAULT_DOMAIN and "/" not in remainder:
        remainder = f"library/{remainder}"
    return domain, remainder


def _parse_normalised(text: str) -> Reference | InvalidReference:
    """Parse `domain/path[:tag][@digest]` (reference.go Parse)."""
    split = _split(text)
    if split is None:
        needs_lowercase = _split(_lowercase(text)) is not None
        return InvalidReference("repository name must be lowercase" if needs_lowercase else _INVALID_FORMAT)
    name, tag, digest = split
    if len(_path_of(name)) > MAX_PATH_CHARACTERS:
        return InvalidReference(f"repository name must not be more than {MAX_PATH_CHARACTERS} characters")
    if digest and (fault := _digest_fault(digest)):
        return InvalidReference(fault)
    return Reference(name, tag or ("" if digest else _DEFAULT_TAG), digest)


def _split(text: str) -> tuple[str, str, str] | None:
    """Split into name, tag and digest; None when one of them breaks the grammar.

    Neither name nor tag may hold "@", and of a name only the registry, which a slash ends, may hold ":".
    """
    head, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        return None
    colon = head.find(":", head.rfind("/") + 1)
    name, tag = (head, None) if colon < 0 else (head[:colon], head[colon + 1 :])
    if tag is not None and not _TAG.fullmatch(tag):
        return None
    if not _PATH.fullmatch(_path_of(name)):
        return None
    return name, tag or "", digest


def _path_of(name: str) -> str:
    """Give the name without its registry; all of it when what stands first breaks the grammar of registries.

    `foo_bar.com/x` is such a one: split off as a registry, then parsed as a path of two components.
    """
    first, slash, rest = name.partition("/")
    return rest if slash and _DOMAIN.fullmatch(first) else name


def _digest_fault(digest: str) -> str:
    """Say why go-digest does not take it (digest.go Validate); empty when it does."""
    algorithm, _, encoded = digest.partition(":")
    if not algorithm or not encoded:
        return _INVALID_DIGEST_FORMAT
    length = _HEX_LENGTHS.get(algorithm)
    if length is None:
        well_formed = _UNREGISTERED_DIGEST.fullmatch(digest)
        return "unsupported digest algorithm" if well_formed else _INVALID_DIGEST_FORMAT
    if len(encoded) != length:
        return "invalid checksum digest length"
    return "" if _LOWERCASE_HEX.fullmatch(encoded) else _INVALID_DIGEST_FORMAT


def _lowercase(text: str) -> str:
    """Lowercase as Go does, character by character: there a dotted capital I becomes a plain i."""
    return text.replace("\u0130", "i").lower()


def _shown(text: str) -> str:
    """Make a name fit to be quoted in a reason, which stays within its bound."""
    return clean(text if len(text) <= _MAX_SHOWN_CHARACTERS else f"{text[: _MAX_SHOWN_CHARACTERS - 1]}…")
