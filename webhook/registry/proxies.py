"""Which proxy a URL is fetched through: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, as Go's clients read them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from webhook.registry.addresses import Address, Network, Place, forms, lies_in, place, read_literal
from webhook.registry.origins import read_origin

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*):(?P<port>[0-9]*)")


class MalformedProxyError(ValueError):
    """A proxy variable holds no URL of an http or https proxy; the text names the variable, never its value."""


@dataclass(frozen=True, slots=True)
class _Exemption:
    """One entry of NO_PROXY."""

    suffix: str = ""
    """`.example.com`; empty when the entry is an address or a network."""
    is_exact: bool = False
    """Whether the domain itself is meant beside its subdomains."""
    network: Network | None = None
    port: str = ""

    def covers(self, host: str, port: int, address: Address | None) -> bool:
        if self.port and self.port != str(port):
            return False
        if self.network is not None:
            return address is not None and lies_in(forms(address)[0], (self.network,))
        return host.endswith(self.suffix) or (self.is_exact and host == self.suffix[1:])


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies of the environment; the repr hides them, since their URLs may hold a password."""

    https: str | None = field(default=None, repr=False)
    http: str | None = field(default=None, repr=False)
    exempts_all: bool = False
    exemptions: tuple[_Exemption, ...] = ()

    def find(self, url: str) -> str | None:
        """Find the proxy for a URL; None: go straight.

        This machine is never reached through a proxy. Networks of NO_PROXY are compared with literal addresses only:
        no name is resolved for it (golang.org/x/net/http/httpproxy).
        """
        origin = read_origin(url)
        proxy = origin and (self.https if origin.scheme == "https" else self.http)
        if origin is None or not proxy or self.exempts_all or origin.host == "localhost":
            return None
        address = read_literal(origin.host)
        if address is not None and place(forms(address)[0]) is Place.LOOPBACK:
            return None
        is_exempt = any(exemption.covers(origin.host, origin.port, address) for exemption in self.exemptions)
        return None if is_exempt else proxy


def read_proxies(environment: Mapping[str, str]) -> Proxies:
    """Read the proxy variables; the names in capitals win over those in small letters.

    Raises:
        MalformedProxyError: A proxy is not an http or https URL (`socks5://` is not supported).
    """
    entries = [entry.strip().lower() for entry in _value(environment, "NO_PROXY").split(",")]
    return Proxies(
        https=_proxy(environment, "HTTPS_PROXY"),
        http=_proxy(environment, "HTTP_PROXY"),
        exempts_all="*" in entries,
        exemptions=tuple(exemption for entry in entries if (exemption := _exemption(entry))),
    )


def _value(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name) or environment.get(name.lower()) or ""


def _proxy(environment: Mapping[str, str], name: str) -> str | None:
    text = _value(environment, name).strip()
    if not text:
        return None
    url = text if _SCHEME.match(text) else f"http://{text}"
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    place_of = f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
    if read_origin(place_of) is None:
        raise MalformedProxyError(f"{name}: expected the URL of an http or https proxy")
    return url


def _exemption(entry: str) -> _Exemption | None:
    if "/" in entry:
        return _network_exemption(entry)
    match = _PORT.fullmatch(entry)
    host, port = (match["host"], match["port"]) if match else (entry, "")
    try:
        return _Exemption(network=ip_network(ip_address(host.strip("[]"))), port=port)
    except ValueError:
        name = host.removeprefix("*")
        return (
            _Exemption(suffix="." + name.removeprefix("."), is_exact=not host.startswith(("*", ".")), port=port)
            if name
            else None
        )


def _network_exemption(entry: str) -> _Exemption | None:
    try:
        return _Exemption(network=ip_network(entry, strict=False))
    except ValueError:
        return None
