"""Where the node would ask for a reference: the registry itself, or what containerd's hosts.toml says instead."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
    """Scheme, host, port and path up to the repository's name: `https://reg.example.com/v2`."""
    is_registry: bool = True
    """Whether this is the registry itself or the `server` of its hosts.toml; mirrors get no credential."""
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
class Trust:
    """How a host is trusted: the part of a hosts.toml's table that is about TLS."""

    ca_files: tuple[str, ...] = ()
    skip_verify: bool = False
    undeclared_means: str = ""


@dataclass(frozen=True, slots=True)
class HostsFile:
    """A hosts.toml: the endpoints in the node's order, for references that want to be resolved or only pulled."""

    mirrors: tuple[tuple[Endpoint, frozenset[str]], ...]
    server: Endpoint | None
    """None: the registry itself, with the trust below."""
    server_capabilities: frozenset[str]
    trust: Trust
    """What stands at the top of the file."""


def find_endpoints(reference: Reference, hosts: HostsFile | None, *, is_insecure: bool) -> tuple[Endpoint, ...]:
    """List the endpoints that the node would ask for a reference, in its order (containerd docs/hosts.md).

    A tag is resolved only where the host has the capability `resolve`; a digest needs `pull` alone.

    Args:
        reference: What is to be pulled.
        hosts: The hosts.toml that applies to its registry, or None.
        is_insecure: Whether nodes speak plain http or unverified https to this registry without a hosts.toml
            (`Destinations.is_insecure`: declared so, or loopback on a port that is not 443).
    """
    if hosts is None:
        return (_registry_endpoint(reference.registry, is_insecure=is_insecure),)
    needed = "pull" if reference.digest else "resolve"
    server = hosts.server or _trusted(_registry_endpoint(reference.registry, is_insecure=is_insecure), hosts.trust)
    listed = (*hosts.mirrors, (server, hosts.server_capabilities))
    return tuple(
        replace(endpoint, namespace=_namespace(reference.registry, endpoint.host))
        for endpoint, capabilities in listed
        if needed in capabilities
    )


def parse_hosts(text: str, directory: str) -> HostsFile | None:
    """Read a hosts.toml; None when it is unparsable, which the node ignores as if there were none.

    Args:
        text: The file's content.
        directory: Where it lies: relative `ca` paths start there.
    """
    try:
        document = tomllib.loads(text)
        mirrors = tuple(
            (_host_endpoint(url, table, directory, is_registry=False), _capabilities(table))
            for url, table in document.get("host", {}).items()
        )
        server, capabilities = document.get("server", ""), _capabilities(document)
        endpoint = _host_endpoint(server, document, directory, is_registry=True) if server else None
        return HostsFile(mirrors, endpoint, capabilities if server else _ALL_CAPABILITIES, _trust(document, directory))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _registry_endpoint(registry: str, *, is_insecure: bool) -> Endpoint:
    """The registry itself, spoken to as containerd does without a hosts.toml (config/hosts.go)."""
    if registry == DOCKER_HUB:
        return Endpoint(url=f"https://{DOCKER_HUB_HOST}/v2")
    if not is_insecure:
        return Endpoint(url=f"https://{registry}/v2")
    if registry.endswith(":80"):
        return Endpoint(url=f"http://{registry}/v2")
    return Endpoint(url=f"https://{registry}/v2", skip_verify=True, may_speak_plain=True)


def _host_endpoint(server: str, table: Mapping[str, Any], directory: str, *, is_registry: bool) -> Endpoint:
    parts = urlsplit(server if server.startswith("http") else f"https://{server}")
    if not parts.netloc:
        raise ValueError(server)
    path = parts.path.rstrip("/")
    if not table.get("override_path", False) and not path.endswith("/v2"):
        path += "/v2"
    trust = _trust(table, directory)
    # http with a TLS configuration: containerd tries TLS first, unless the port is plain http's own (config/hosts.go).
    is_ambiguous = parts.scheme == "http" and bool(trust.ca_files or trust.skip_verify) and (parts.port or 80) != 80
    url = f"{'https' if is_ambiguous else parts.scheme}://{parts.netloc}{path}"
    return _trusted(Endpoint(url=url, is_registry=is_registry, may_speak_plain=is_ambiguous), trust)


def _trust(table: Mapping[str, Any], directory: str) -> Trust:
    return Trust(
        ca_files=tuple(_absolute(name, directory) for name in _texts(table.get("ca", ()))),
        skip_verify=bool(table.get("skip_verify", False)),
        undeclared_means=next((key for key in _UNSUPPORTED_KEYS if table.get(key)), ""),
    )


def _trusted(endpoint: Endpoint, trust: Trust) -> Endpoint:
    return replace(
        endpoint,
        ca_files=trust.ca_files,
        skip_verify=endpoint.skip_verify or trust.skip_verify,
        undeclared_means=trust.undeclared_means,
    )


def _capabilities(table: Mapping[str, Any]) -> frozenset[str]:
    """All when none are named; a name that containerd does not know makes the whole file unparsable."""
    named = frozenset(_texts(table.get("capabilities", ())))
    if not named <= _ALL_CAPABILITIES:
        raise ValueError("capabilities")
    return named or _ALL_CAPABILITIES


def _texts(value: object) -> tuple[str, ...]:
    values = (value,) if isinstance(value, str) else value
    if not isinstance(values, list | tuple) or not all(isinstance(item, str) for item in values):
        raise TypeError("a text or a list of texts")
    return tuple(values)


def _absolute(name: str, directory: str) -> str:
    return name if name.startswith("/") else f"{directory}/{name}"


def _namespace(registry: str, host: str) -> str:
    """`?ns=` goes to every host that is not the registry, Docker Hub's own aside (containerd registry.go isProxy)."""
    is_own = host == registry or (registry, host) == (DOCKER_HUB, DOCKER_HUB_HOST)
    return "" if is_own else registry
