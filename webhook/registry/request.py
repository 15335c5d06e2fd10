"""What an intent looks like on the wire: the requests that containerd makes, byte for byte where a server can tell."""

import base64
import re
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import parse_qsl, quote_plus, urlencode

from webhook import __version__
from webhook.keychain.credential import Credential
from webhook.registry.exchange import (
    ACCEPT,
    MAX_TOKEN_BYTES,
    Authorization,
    BasicLogin,
    FetchManifest,
    FetchToken,
    Intent,
)

CLIENT = "pullcheck"
"""The client_id of token requests, and the User-Agent's product (zot and others treat `docker` in a special way)."""
_BROKEN_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")

Header = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, complete but for what a connection adds (Host, Content-Length); its repr hides the login."""

    method: Literal["HEAD", "GET", "POST"]
    url: str
    """Already encoded: nothing is quoted or normalised on the way."""
    headers: tuple[Header, ...] = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    max_body_bytes: int
    """What is read of the answer's body."""
    ca_files: tuple[str, ...] = ()
    """PEM files trusted beside those that are trusted anyway."""
    skip_verify: bool = False
    proxy: str | None = field(default=None, repr=False)
    """The URL of the proxy to go through; it may hold a password."""


def build(intent: Intent, *, proxy: str | None = None) -> Request:
    """Build the request of an intent.

    Args:
        intent: What the conversation wants.
        proxy: The proxy to go through.
    """
    # Nobody decodes what comes, so that nothing may come encoded.
    common = (("User-Agent", f"{CLIENT}/{__version__}"), ("Accept-Encoding", "identity"))
    request = _manifest(intent, common) if isinstance(intent, FetchManifest) else _token(intent, common)
    endpoint = intent.endpoint
    return replace(request, ca_files=endpoint.ca_files, skip_verify=endpoint.skip_verify, proxy=proxy)


def _manifest(intent: FetchManifest, common: tuple[Header, ...]) -> Request:
    return Request(
        method=intent.method,
        url=intent.url,
        headers=(*common, ("Accept", ACCEPT), *_authorization(intent.authorization)),
        max_body_bytes=intent.max_body_bytes,
    )


def _authorization(authorization: Authorization | None) -> tuple[Header, ...]:
    if authorization is None:
        return ()
    if isinstance(authorization, BasicLogin):
        return (_basic(authorization.credential),)
    return (("Authorization", f"Bearer {authorization.token}"),)


def _basic(credential: Credential) -> Header:
    login = f"{credential.username}:{credential.password}".encode(errors="surrogateescape")
    return ("Authorization", f"Basic {base64.b64encode(login).decode()}")


def _token(intent: FetchToken, common: tuple[Header, ...]) -> Request:
    if intent.grant == "password":
        form = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
        return Request(
            method="POST",
            url=intent.url,
            headers=(*common, form),
            body=_form(intent).encode(),
            max_body_bytes=MAX_TOKEN_BYTES,
        )
    login = (_basic(intent.credential),) if intent.grant == "basic" and intent.credential else ()
    return Request(method="GET", url=_token_url(intent), headers=(*common, *login), max_body_bytes=MAX_TOKEN_BYTES)


def _form(intent: FetchToken) -> str:
    """The form of containerd's FetchTokenWithOAuth, sorted by name as Go's url.Values.Encode does."""
    credential = intent.credential or Credential("", "")
    fields = {"client_id": CLIENT, "grant_type": "password", "password": credential.password}
    if intent.scopes:
        fields["scope"] = " ".join(intent.scopes)
    fields |= {"service": intent.service, "username": credential.username}
    return urlencode(fields, errors="surrogateescape")


def _token_url(intent: FetchToken) -> str:
    """The realm with `scope` and `service` beside its own parameters, sorted by name as Go's url.Values.Encode does."""
    address, _, query = intent.url.partition("?")
    added = [("service", intent.service)] if intent.service else []
    pairs = [*_own_parameters(query), *added, *(("scope", scope) for scope in intent.scopes)]
    encoded = urlencode(sorted(pairs, key=lambda pair: pair[0]), quote_via=quote_plus)
    return f"{address}?{encoded}" if encoded else address


def _own_parameters(query: str) -> list[tuple[str, str]]:
    # Go's url.ParseQuery leaves out what holds a semicolon or a broken escape.
    kept = (part for part in query.split("&") if ";" not in part and not _BROKEN_ESCAPE.search(part))
    return parse_qsl("&".join(kept), keep_blank_values=True)
