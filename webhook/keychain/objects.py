"""Secrets and service accounts as Kubernetes writes them, into the keychain's values."""

import re
from collections.abc import Iterator, Mapping

from webhook.keychain import gobase64
from webhook.keychain.gobase64 import MalformedBase64
from webhook.keychain.pullsecrets import (
    PullSecret,
    ServiceAccount,
    UnreadableSecret,
    UnreadableServiceAccount,
)

DEFAULT_SECRET_TYPE = "Opaque"  # noqa: S105 (a type)
"""Of a secret without a type (pkg/apis/core/v1 SetDefaults_Secret)."""
_SURROGATES = re.compile("[\ud800-\udfff]")


class _WrongTypeError(Exception):
    """A field is not what the API server takes; the text names the field, never its value."""


def parse_secret(name: str, document: Mapping[str, object]) -> PullSecret | UnreadableSecret:
    """Read a Secret as the API server takes it: `data` is base64 (Go's), `stringData` wins over it.

    Args:
        name: As it was asked for.
        document: The object, from JSON or YAML.

    Returns:
        The secret, or why the API server would not take it; the reason holds no value.
    """
    try:
        kind = _text(document, "type") or DEFAULT_SECRET_TYPE
        return PullSecret(name, kind, {**dict(_decoded(document)), **dict(_plain(document))})
    except _WrongTypeError as fault:
        return UnreadableSecret(name, str(fault))


def parse_service_account(name: str, document: Mapping[str, object]) -> ServiceAccount | UnreadableServiceAccount:
    """Read the list of pull secrets of a ServiceAccount; an entry without a name keeps its place.

    Args:
        name: As it was asked for.
        document: The object, from JSON or YAML.
    """
    try:
        entries = _list(document, "imagePullSecrets")
        return ServiceAccount(name, tuple(_text(_map(entry, "imagePullSecrets"), "name") for entry in entries))
    except _WrongTypeError as fault:
        return UnreadableServiceAccount(name, str(fault))


def _decoded(document: Mapping[str, object]) -> Iterator[tuple[str, bytes]]:
    for key, value in _map(document.get("data"), "data").items():
        text = _as_text(value, "data")
        decoded = gobase64.decode(text.encode(errors="replace"), is_padded=True)
        if isinstance(decoded, MalformedBase64):
            raise _WrongTypeError(f"a value of data is not base64 (at byte {decoded.offset})")
        yield key, decoded


def _plain(document: Mapping[str, object]) -> Iterator[tuple[str, bytes]]:
    for key, value in _map(document.get("stringData"), "stringData").items():
        yield key, _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", _as_text(value, "stringData")).encode()


def _text(document: Mapping[str, object], key: str) -> str:
    return _as_text(document.get(key), key)


def _as_text(value: object, where: str) -> str:
    """Take null for the empty text, as Go does."""
    if value is not None and not isinstance(value, str):
        raise _WrongTypeError(f"{where} holds something that is no text")
    return value or ""


def _list(document: Mapping[str, object], key: str) -> list[object]:
    value = document.get(key)
    if value is not None and not isinstance(value, list):
        raise _WrongTypeError(f"{key} is no list")
    return value or []


def _map(value: object, where: str) -> Mapping[str, object]:
    if value is not None and not isinstance(value, dict):
        raise _WrongTypeError(f"{where} is no map" if where != "imagePullSecrets" else f"{where} holds no maps")
    return value or {}
