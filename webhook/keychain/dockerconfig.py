"""What the kubelet reads of pull secrets and of a node's config.json, and what of them it cannot read.

The rules are those of pkg/credentialprovider/config.go and secrets/secrets.go, with Go's decoding of JSON into its
structs. One broken entry makes a whole secret malformed, and one malformed secret the whole lookup.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from webhook.admission.response import clean
from webhook.keychain import gobase64, gojson
from webhook.keychain.credential import Credential

_DOCKER_CONFIG_JSON = ".dockerconfigjson"
_KEYS = MappingProxyType(
    {"kubernetes.io/dockerconfigjson": _DOCKER_CONFIG_JSON, "kubernetes.io/dockercfg": ".dockercfg"}
)
"""By the type of secret, the one key of its data that counts."""

MAX_BYTES = 256 * 1024
"""Of a pull secret's docker config that is read: one key file for each of Google's 40 regions takes as much."""
MAX_PIECES = 10_000
"""Of values and escapes in it: reading so many takes up to 30 ms, and etcd would take 50 times as many."""
MAX_LOGINS = 250
"""Of all pull secrets of a pod. Real ones hold a handful; each is compared with each image."""
MAX_SHOWN_CHARACTERS = 100
"""Of a host key, a secret's type or another stranger's text; registry names are far shorter."""

_FIELDS = ("username", "password", "email", "auth")
_GO_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""What strings.TrimSpace trims; Python's strip takes four separators more."""
_Logins = dict[str, Credential]
_NO_COLON = "unable to parse auth field, must be formatted as base64(username:password)"


@dataclass(frozen=True, slots=True)
class Entries:
    """The logins of one docker config, in its order."""

    name: str | None
    """The pull secret; None for the node's own configuration."""
    logins: tuple[tuple[str, Credential], ...] = field(repr=False)
    """The host keys as written, each once, with what stands under them. A key too may hold a password."""

    @property
    def host_keys(self) -> tuple[str, ...]:
        """The host keys, fit to be shown."""
        return tuple(show_host_key(written) for written, _ in self.logins)


@dataclass(frozen=True, slots=True)
class IgnoredSecret:
    """A secret that the kubelet passes over in silence."""

    name: str
    reason: str
    """Completes "pull secret NAME is ignored: "."""


@dataclass(frozen=True, slots=True)
class OversizedSecret:
    """A secret that holds more than is read here; the kubelet reads it all, so that nobody knows what it would do."""

    name: str


@dataclass(frozen=True, slots=True)
class MalformedConfig:
    """A docker config that the kubelet cannot read."""

    reason: str
    """What is wrong and where; shows host keys and names of fields, never what is secret."""
    go_error: str
    """The kubelet's own words: it shows them as the waiting reason of the container (1.33 and later)."""


@dataclass(frozen=True, slots=True)
class MalformedSecret:
    """A pull secret so broken that the kubelet gives up before it asks any registry, for all images of the pod."""

    name: str
    key: str
    """Which of its data is broken: `.dockerconfigjson` or `.dockercfg`."""
    reason: str
    go_error: str


ReadSecret = Entries | IgnoredSecret | OversizedSecret | MalformedSecret


def counting_key(secret_type: str) -> str:
    """Give the one key of a secret's data that counts, by its type; empty: none does."""
    return _KEYS.get(secret_type, "")


def parse_secret(name: str, secret_type: str, data: Mapping[str, bytes]) -> ReadSecret:
    """Read a pull secret as the kubelet does (secrets.go).

    Args:
        name: Its name.
        secret_type: Its `type`; two types count, each with one key of the data.
        data: Its `data`, decoded.
    """
    key = counting_key(secret_type)
    if not key:
        return IgnoredSecret(name, f"its type is {_shown(secret_type) or 'empty'}, not {' or '.join(_KEYS)}")
    body = data.get(key)
    if not body:
        return IgnoredSecret(name, f"it has no {key}")
    if _is_too_large(body):
        return OversizedSecret(name)
    read = _parse_config(body, name, has_auths=key == _DOCKER_CONFIG_JSON)
    if isinstance(read, MalformedConfig):
        return MalformedSecret(name, key, read.reason, read.go_error)
    return Entries(name, tuple(read.items())) if len(read) <= MAX_LOGINS else OversizedSecret(name)


def parse_node_config(body: bytes) -> Entries | MalformedConfig:
    """Read a node's config.json (config.go); the kubelet passes over one that is malformed, so that it has no entries.

    `credsStore` and `credHelpers` are ignored, as the kubelet ignores them.
    """
    read = _parse_config(body, None, has_auths=True)
    return read if isinstance(read, MalformedConfig) else Entries(None, tuple(read.items()))


def show_host_key(written: str) -> str:
    """Make a host key fit to be shown: cleaned and bounded, without the userinfo and query that it may hold."""
    userinfo, at, rest = written.rpartition("@")
    shown = rest.partition("#")[0].partition("?")[0]
    return _shown(f"…@{shown}" if at and userinfo else shown)


def _is_too_large(body: bytes) -> bool:
    """Say so without reading it: what begins a value or an escape is counted, within texts as well."""
    return len(body) > MAX_BYTES or sum(map(body.count, (b",", b"[", b"{", b"\\"))) > MAX_PIECES


def _parse_config(body: bytes, name: str | None, *, has_auths: bool) -> _Logins | MalformedConfig:
    value = gojson.parse(body)
    if isinstance(value, gojson.MalformedJson):
        return MalformedConfig("it is no JSON", value.reason)
    if value is None:
        return {}
    if not isinstance(value, gojson.Object):
        go_type = "credentialprovider.DockerConfigJSON" if has_auths else "credentialprovider.DockerConfig"
        return _wrong_type("it", gojson.kind_of(value), "an object", f"value of type {go_type}")
    return _read_config(value, name) if has_auths else _read_logins(value, name, "")


def _read_config(value: gojson.Object, name: str | None) -> _Logins | MalformedConfig:
    """Read `{"auths": {…}, "HttpHeaders": {…}}` (DockerConfigJSON).

    Go reads on after a wrong type, so that a broken entry further down is what it complains of; repeated `auths` are
    merged, but null empties them.
    """
    logins: _Logins = {}
    wrong_types: list[MalformedConfig] = []
    for written, found in value.pairs:
        if gojson.is_same_name(written, "HttpHeaders"):
            wrong_types += _judge_headers(found)
        elif not gojson.is_same_name(written, "auths"):
            continue
        elif isinstance(found, gojson.Object):
            read = _read_logins(found, name, "DockerConfigJSON.auths")
            if isinstance(read, MalformedConfig):
                return read
            logins |= read
        elif found is None:
            logins = {}
        else:
            field = "struct field DockerConfigJSON.auths of type credentialprovider.DockerConfig"
            wrong_types.append(_wrong_type("auths", gojson.kind_of(found), "an object", field))
    return wrong_types[0] if wrong_types else logins


def _judge_headers(value: gojson.Value) -> Iterator[MalformedConfig]:
    """Give what is wrong with `HttpHeaders`, which must be texts by name and otherwise do nothing."""
    field = "struct field DockerConfigJSON.HttpHeaders of type"
    if isinstance(value, gojson.Object):
        for _, header in value.pairs:
            if header is not None and not isinstance(header, str):
                yield _wrong_type("a value of HttpHeaders", gojson.kind_of(header), "a string", f"{field} string")
    elif value is not None:
        yield _wrong_type("HttpHeaders", gojson.kind_of(value), "an object", f"{field} map[string]string")


def _read_logins(value: gojson.Object, name: str | None, go_path: str) -> _Logins | MalformedConfig:
    """Read the entries by host key; of a repeated key the last one counts, but all must be sound."""
    logins: _Logins = {}
    for host_key, found in value.pairs:
        login = _read_login(host_key, found, name, go_path)
        if isinstance(login, MalformedConfig):
            return login
        logins[host_key] = login
    return logins


def _read_login(host_key: str, value: gojson.Value, name: str | None, go_path: str) -> Credential | MalformedConfig:
    """Read an entry (DockerConfigEntry.UnmarshalJSON): `auth` counts before username and password, null is empty."""
    if value is None:
        return Credential("", "", name)
    shown = show_host_key(host_key)
    if not isinstance(value, gojson.Object):
        field = f"struct field {go_path}" if go_path else "value"
        return _wrong_type(
            shown, gojson.kind_of(value), "an object", f"{field} of type credentialprovider.dockerConfigEntryWithAuth"
        )
    fields = gojson.read_texts(value, _FIELDS)
    if isinstance(fields, gojson.WrongType):
        field = f"struct field {go_path or 'dockerConfigEntryWithAuth'}.{fields.name} of type string"
        return _wrong_type(f"the {fields.name} of {shown}", fields.found, "a string", field)
    if not fields["auth"]:
        return Credential(fields["username"], fields["password"], name)
    return _decode_auth(fields["auth"], name, shown)


def _decode_auth(auth: str, name: str | None, shown: str) -> Credential | MalformedConfig:
    """Decode `auth` (decodeDockerConfigFieldAuth): it is padded when it ends with "=", white space not counted."""
    decoded = gobase64.decode(auth.encode(), is_padded=auth.strip(_GO_SPACE).endswith("="))
    if isinstance(decoded, gobase64.MalformedBase64):
        return MalformedConfig(f"the auth of {shown} is not base64", decoded.go_error)
    username, colon, password = decoded.partition(b":")
    if not colon:
        return MalformedConfig(f"the auth of {shown} is not the base64 of username:password", _NO_COLON)
    return Credential(username.decode(errors="surrogateescape"), password.decode(errors="surrogateescape"), name)


def _wrong_type(what: str, found: str, wanted: str, go_field: str) -> MalformedConfig:
    """Say that a value has the wrong type: in our words, and in Go's (json.UnmarshalTypeError)."""
    article = "an" if found.startswith(("a", "o")) else "a"
    return MalformedConfig(
        f"{what} is {article} {found}, not {wanted}", f"json: cannot unmarshal {found} into Go {go_field}"
    )


def _shown(text: str) -> str:
    """Make a stranger's text fit to be shown."""
    return clean(text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[: MAX_SHOWN_CHARACTERS - 1]}…")
