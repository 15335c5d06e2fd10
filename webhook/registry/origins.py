"""Origins of URLs (RFC 6454): scheme, host and port, read so strictly that no two parsers can disagree."""

import re
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Literal

from webhook.registry.addresses import Place, forms, place

_DEFAULT_PORTS = {"http": 80, "https": 443}
_VISIBLE = re.compile(r"[!-~]+")
_AUTHORITY = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?(?=[/?#]|\Z)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a URL leads; two are equal when scheme, host and effective port are."""

    scheme: Literal["http", "https"]
    host: str
    """In lower case; IPv6 without brackets, in its shortest form."""
    port: int
    has_port: bool = field(default=False, compare=False)
    """Whether the URL names the port."""

    @property
    def netloc(self) -> str:
        """Host and port, the port only where the URL names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.has_port else host

    def is_beside(self, other: "Origin") -> bool:
        """Say whether both have one host and port, or become so when one scheme is put for the other."""
        return self.host == other.host and (self.port == other.port or not (self.has_port or other.has_port))


def read_origin(url: str) -> Origin | None:
    """Read the origin of an absolute http or https URL.

    Returns:
        None for anything else: another scheme, userinfo, a zone, percent signs or letters beyond ASCII in the host, a
        backslash before the path, blanks or control characters anywhere, a port out of range.
    """
    match = _AUTHORITY.match(url) if _VISIBLE.fullmatch(url) else None
    if match is None:
        return None
    scheme: Literal["http", "https"] = "https" if match[1].lower() == "https" else "http"
    host = _plain_host(match[2].lower())
    port = int(match[3]) if match[3] else _DEFAULT_PORTS[scheme]
    return Origin(scheme, host, port, bool(match[3])) if host and 0 < port < 65536 else None


def _plain_host(host: str) -> str:
    if not host.startswith("["):
        return host
    try:
        return str(IPv6Address(host[1:-1]))
    except ValueError:
        return ""


def is_loopback_name(host: str) -> bool:
    """Say whether containerd takes a registry's host for this machine by its name (core/remotes/docker IsLocalhost).

    Args:
        host: `host[:port]` as the reference has it.
    """
    name = without_port(host)
    if name == "localhost":
        return True
    try:
        address = ip_address(name.strip("[]"))
    except ValueError:
        return False
    return place(forms(address)[0]) is Place.LOOPBACK


def without_port(host: str) -> str:
    """Cut the port off `host[:port]`."""
    return re.sub(r":[0-9]*\Z", "", host)
