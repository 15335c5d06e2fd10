"""The kubelet's keyring: which credentials it would try for a repository, and in which order.

The rules are those of pkg/credentialprovider/keyring.go (Add, Lookup, URLsMatch). They are stranger than they look: a
path matches as a plain prefix (`gcr.io/foo` opens `gcr.io/foobar`), ports must be equal as texts, and the order is the
reverse of the keys' bytes, not specificity.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from webhook.keychain import goglob, gojson, gourl
from webhook.keychain.credential import Credential

_DOCKER_HUB_KEY = b"index.docker.io"
_DOCKER_HUB_NAMES = ("docker.io", "index.docker.io")
_SCHEMES = ("https://", "http://")
_VERSIONS = (b"/v1/", b"/v2/")


@dataclass(frozen=True, slots=True)
class _Place:
    """A key or a repository, taken apart as URLsMatch compares them."""

    labels: tuple[bytes, ...]
    port: bytes
    path: bytes

    def opens(self, target: "_Place") -> bool:
        """Say whether what is kept under this key is for the target (keyring.go URLsMatch)."""
        return (
            self.port == target.port
            and len(self.labels) == len(target.labels)
            and target.path.startswith(self.path)
            and all(map(goglob.matches, self.labels, target.labels))
        )


@dataclass(frozen=True, slots=True)
class Keyring:
    """The credentials of several docker configs together, in the order in which the node would try them."""

    credentials: Mapping[bytes, tuple[Credential, ...]] = field(default_factory=dict)
    """By key; under one key in the order of the configs."""
    places: Mapping[bytes, _Place] = field(default_factory=dict)
    """The keys that can match anything, in reverse byte order."""

    def lookup(self, repository: str) -> tuple[Credential, ...]:
        """Give the credentials for a repository, in the node's order.

        Docker Hub's old key `index.docker.io` counts only when no key matched, and then for every repository whose
        first segment does not look like a registry, `localhost/x` among them.

        Args:
            repository: Normalised, without tag and digest, as `Reference.repository` is.
        """
        if not self.credentials:
            return ()
        target = _place(_encode(repository))
        keys = [key for key, place in self.places.items() if place.opens(target)] if target else []
        if not keys and _is_default_registry(repository):
            return self.credentials.get(_DOCKER_HUB_KEY, ())
        return tuple(credential for key in keys for credential in self.credentials[key])


def build(entries: Iterable[tuple[str, Credential]]) -> Keyring:
    """Build a keyring of the entries of all docker configs together (keyring.go Add).

    Args:
        entries: Keys as the configs have them, with the credentials; in the order of the configs. An entry whose key
            is no URL is dropped. Two spellings of one key in one config (`reg.io`, `https://reg.io`) stay in the
            config's order; in the kubelet theirs is random.

    Returns:
        A keyring whose credentials carry its own form of the key.
    """
    grouped: dict[bytes, list[Credential]] = {}
    for written, credential in entries:
        key = _index_key(written)
        if key is not None:
            grouped.setdefault(key, []).append(replace(credential, key=gojson.decode_utf8(key)))
    places = ((key, _place(key)) for key in sorted(grouped, reverse=True))
    return Keyring(
        {key: tuple(credentials) for key, credentials in grouped.items()},
        {key: place for key, place in places if place},
    )


def matches(pattern: str, repository: str) -> bool:
    """Say whether a pattern matches as `matchImages` of a credential provider does (keyring.go URLsMatchStr).

    The pattern is `host[:port][/prefix]`, with `*` within a label of the host. No scheme is taken off and Docker Hub
    has no other name than `docker.io`. A pattern that is no URL matches nothing.
    """
    place, target = _place(_encode(pattern)), _place(_encode(repository))
    return place is not None and target is not None and place.opens(target)


def is_pattern(text: str) -> bool:
    """Say whether a text can be a pattern at all: the kubelet does not start with a `matchImages` that is no URL."""
    return _place(_encode(text)) is not None


def _encode(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _index_key(written: str) -> bytes | None:
    """Give the key under which the keyring keeps an entry: without scheme, query and API version; None for no URL."""
    url = gourl.parse(_encode(written if written.startswith(_SCHEMES) else f"https://{written}"))
    if url is None:
        return None
    path = url.path[len("/v1") :] if url.path.startswith(_VERSIONS) else url.path
    return url.host if path == b"/" else url.host + path


def _place(text: bytes) -> _Place | None:
    """Take a schemeless URL apart; None when it is none. Of a key this is the second decoding: Go does it twice."""
    url = gourl.parse(b"https://" + text)
    if url is None:
        return None
    host, port = gourl.split_host_port(url.host)
    return _Place(tuple(host.split(b".")), port, url.path)


def _is_default_registry(repository: str) -> bool:
    """Say whether the kubelet takes it for an image of Docker Hub (keyring.go isDefaultRegistryMatch)."""
    first, slash, _ = repository.partition("/")
    return bool(first) and (not slash or first in _DOCKER_HUB_NAMES or not ("." in first or ":" in first))
