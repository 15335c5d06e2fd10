"""Where the node would ask for a reference: the registry itself, or what containerd's hosts.toml says instead."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from webhook.images.reference import Reference

DOCKER_HUB = "docker.io"
DOCKER_HUB_HOST = "registry-1.docker.io"
_ALL_CAPABILITIES = frozenset({"pull", "resolve", "push", "referrers"})
_UNSUPPORTED_KEYS = ("client", "header")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One host of the node's road, and how the node speaks to it."""

    url: str
    """Scheme, host, port and path up to the repository's name, without a trailing slash: `https://reg.example.com/v2`."""
    is_registry: bool = True
    """Whether this is the registry itself (or the `server` of its hosts.toml), not a mirror: mirrors get no credential."""
    namespace: str = ""
    """The value of `?ns=`, which tells a mirror whose image is wanted; empty: not sent (containerd hosts.md)."""
    ca_files: tuple[str, ...] = ()
    """PEM files trusted beside the system's; paths as hosts.toml gives them."""
    skip_verify: bool = False
    may_speak_plain: bool = False
    """Whether the node falls back to plain http when the answer to TLS is not TLS (loopback, declared insecure)."""
    undeclared_means: str = ""
    """What the node has for this host and we do not (`client`, `header` of hosts.toml); empty when there is nothing."""

    @property
    def host(self) -> str:
        """Host and port, as written."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True, slots=True)
class HostsFile:
    """A hosts.toml: the endpoints in the node's order, for references that want to be resolved or only pulled."""

    mirrors: tuple[tuple[Endpoint, frozenset[str]], ...]
    server: Endpoint | None
    """None: the registry itself."""
    server_capabilities: frozenset[str] = _ALL_CAPABILITIES
