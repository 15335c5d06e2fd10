"""Where the stand-ins are found: an address for each name, and what is wrong with some of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from tests.truth.standins.brands import BASIC, FURTHER_NAMES, HUB, LISTED, MANNERS, TOKEN
from tests.truth.standins.manner import Manner

Certificate = Literal["good", "for another name", "of an unknown authority", "expired", "none"]

WRONG_NAME, UNKNOWN_CA, EXPIRED = "wrong-name.example.com", "unknown-ca.example.com", "expired.example.com"
KNOWN_CA, SKIPPED = "known-ca.example.com", "skipped.example.com"
PLAIN, PLAIN_PORT = "plain.example.com", "plain-port.example.com:5000"
DEAD, UNROUTED, UNNAMED = "dead.example.com", "unrouted.example.com", "unnamed.example.com"
LOCAL, LOCAL_TLS = "localhost:5000", "localhost:5001"
NUMBERED, UNDERSCORE, PORT = "10.88.0.200", "under_score.example.com", "port.example.com:5443"

MIRROR, LOGIN_MIRROR = "mirror.example.net", "login-mirror.example.net"
MIRRORED, CLOSED_MIRRORED, DEAD_MIRRORED = (
    "mirrored.example.com",
    "closed-mirrored.example.com",
    "dead-mirrored.example.com",
)
BLIND_MIRRORED, PATH_MIRRORED, MOVED = "blind-mirrored.example.com", "path-mirrored.example.com", "moved.example.com"
LOGIN_MIRRORED, BROKEN_TOML = "login-mirrored.example.com", "broken-toml.example.com"
BASIC_MIRRORED = "basic-mirrored.example.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One registry's place in the world."""

    manner: Manner = field(default_factory=Manner)
    names: tuple[str, ...] = ()
    """Host names that lead to it, each with an address of its own; empty: the registry's own name."""
    certificate: Certificate = "good"
    listens: bool = True
    has_address: bool = True
    hosts_toml: str = ""
    """What the node's certs.d says of it; `{ca}` stands for the world's authority, `{other_ca}` for the unknown one."""


def _known(host: str, manner: Manner) -> Site:
    further = FURTHER_NAMES.get(host, ())
    return Site(manner=manner, names=further if host == HUB else (host, *further))


def _mirrored(mirror: str, *lines: str, top: str = "", manner: Manner | None = None) -> Site:
    text = "\n".join([top, f'[host."{mirror}"]', *(f"  {line}" for line in lines), ""])
    return Site(manner=manner or Manner(), hosts_toml=text)


_RESOLVES = 'capabilities = ["pull", "resolve"]'

SITES: dict[str, Site] = {host: _known(host, manner) for host, manner in MANNERS.items()} | {
    WRONG_NAME: Site(certificate="for another name"),
    UNKNOWN_CA: Site(certificate="of an unknown authority"),
    EXPIRED: Site(certificate="expired"),
    KNOWN_CA: Site(certificate="of an unknown authority", hosts_toml='ca = "{other_ca}"\n'),
    SKIPPED: Site(certificate="of an unknown authority", hosts_toml="skip_verify = true\n"),
    PLAIN: Site(certificate="none"),
    PLAIN_PORT: Site(certificate="none"),
    DEAD: Site(listens=False),
    UNROUTED: Site(listens=False, has_address=False),
    LOCAL: Site(certificate="none"),
    LOCAL_TLS: Site(certificate="of an unknown authority"),
    NUMBERED: Site(),
    UNDERSCORE: Site(),
    PORT: Site(manner=MANNERS[BASIC]),
    MIRROR: Site(),
    LOGIN_MIRROR: Site(manner=MANNERS[BASIC]),
    MIRRORED: _mirrored(f"https://{MIRROR}", _RESOLVES),
    BASIC_MIRRORED: _mirrored(f"https://{MIRROR}", _RESOLVES, manner=MANNERS[BASIC]),
    LOGIN_MIRRORED: _mirrored(f"https://{LOGIN_MIRROR}", _RESOLVES),
    CLOSED_MIRRORED: _mirrored(f"https://{LOGIN_MIRROR}", _RESOLVES, manner=MANNERS[BASIC]),
    DEAD_MIRRORED: _mirrored(f"https://{DEAD}", _RESOLVES),
    BLIND_MIRRORED: _mirrored(f"https://{MIRROR}", 'capabilities = ["pull"]'),
    PATH_MIRRORED: _mirrored(f"https://{MIRROR}/proxy/here", _RESOLVES, "override_path = true"),
    MOVED: Site(hosts_toml=f'server = "https://{MIRROR}"\n'),
    BROKEN_TOML: _mirrored(f"https://{DEAD}", 'capabilities = ["pull", "everything"]'),
}
"""By the registry's name as references have it."""


def own(name: str, *hosts: str) -> Mapping[str, Site]:
    """Registries of a scene's own, like others: a registry that fails, or asks to be left alone, is left alone.

    Args:
        name: The scene's.
        hosts: The registry, and what it or its hosts.toml names beside itself.

    Returns:
        Each by its name, the scene's before the other's.
    """
    names = {host: f"{name}.{host}" for host in hosts}
    return {named: _renamed(SITES[host], names) for host, named in names.items()}


def _renamed(site: Site, names: Mapping[str, str]) -> Site:
    realm, hosts_toml = site.manner.realm, site.hosts_toml
    for host, named in names.items():
        realm, hosts_toml = (text.replace(f"//{host}", f"//{named}") for text in (realm, hosts_toml))
    return replace(site, names=(), manner=replace(site.manner, realm=realm), hosts_toml=hosts_toml)


SETTINGS = {
    "realms": {TOKEN: [LISTED]},
    # A busy machine is no slow registry.
    "connect_timeout": "3s",
    "response_timeout": "3500ms",
}
"""What the webhook is told under `network`, beside the world's authority."""
