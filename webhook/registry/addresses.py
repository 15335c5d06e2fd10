"""IP addresses: what kind of place each one is, whatever form it comes in.

CPython's `is_global` and `is_private` decide nothing here: their tables differ between patch releases (gh-113171), and
they call global what leads to a cloud's metadata server (168.63.129.16, 192.0.0.192, NAT64 and 6to4 forms).
"""

import re
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Place(Enum):
    """Where an address leads."""

    PUBLIC = "public"
    PRIVATE = "private"
    """RFC 1918, RFC 4193 and the shared space of RFC 6598, where registries on premises live."""
    LOOPBACK = "loopback"
    SPECIAL = "special"
    """Link-local, multicast, unspecified, reserved, or a cloud's metadata server: no registry lives there."""


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


_METADATA = _networks(
    "168.63.129.16/32",  # Azure's wire server
    "100.100.100.200/32",  # Alibaba
    "192.0.0.192/32",  # Oracle
    "fd00:ec2::/32",  # AWS: metadata, DNS, time, pod identity
    "fd20:ce::254/128",  # Google
    "fd00:42::42/128",  # Scaleway
)
_LOOPBACK = _networks("127.0.0.0/8", "::1/128")
_PRIVATE = _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
_SPECIAL = _networks(  # IANA's special-purpose registries, less what stands above
    "0.0.0.0/8",
    "169.254.0.0/16",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
)
_GLOBAL_IPV6 = IPv6Network("2000::/3")
"""All that is delegated for unicast (RFC 4291); whatever lies outside and is not named above is special."""
_NAT64 = IPv6Network("64:ff9b::/96")
_TEREDO = IPv6Network("2001::/32")


def lies_in(address: Address, networks: tuple[Network, ...] | frozenset[Network]) -> bool:
    """Say whether any of the networks holds the address; a network of the other family never does."""
    return any(address in network for network in networks)


def forms(address: Address) -> tuple[Address, ...]:
    """List every address that packets for this one may reach.

    An IPv4-mapped address is its IPv4 address and nothing else. 6to4, NAT64 and Teredo addresses are themselves and the
    IPv4 address that they carry, since it is the translator that decides.
    """
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped:
        return (address.ipv4_mapped,)
    carried = _carried(address)
    return (address,) if carried is None else (address, carried)


def _carried(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo:
        return address.teredo[1]
    return address.sixtofour


def place(address: Address) -> Place:
    """Say what kind of place one form of an address is (see `forms`)."""
    if lies_in(address, _METADATA):
        return Place.SPECIAL
    if lies_in(address, _LOOPBACK):
        return Place.LOOPBACK
    if lies_in(address, _PRIVATE):
        return Place.PRIVATE
    if isinstance(address, IPv6Address) and (address in _NAT64 or address in _TEREDO):
        return Place.PUBLIC  # judged by the address that it carries
    if isinstance(address, IPv6Address) and address not in _GLOBAL_IPV6:
        return Place.SPECIAL
    return Place.SPECIAL if lies_in(address, _SPECIAL) else Place.PUBLIC


_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
_MAX_NUMERAL = 64
"""Longer than any spelling of an address that a resolver takes; keeps `int` away from a stranger's megabytes."""


def read_literal(host: str) -> Address | None:
    """Read a host that is an address, in any spelling that a C library takes (inet_aton: decimal, octal, hex, short).

    Args:
        host: Without brackets and without a zone.

    Returns:
        None for a name.
    """
    if len(host) > _MAX_NUMERAL or "%" in host:
        return None
    try:
        return ip_address(host)
    except ValueError:
        return _read_numerals(host.removesuffix(".").split("."))


def _read_numerals(parts: list[str]) -> IPv4Address | None:
    if len(parts) > 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        return None
    *leading, last = numbers
    value = last
    for index, number in enumerate(leading):
        value += number << (24 - 8 * index)
    is_readable = all(number < 256 for number in leading) and last < 256 ** (4 - len(leading))
    return IPv4Address(value) if is_readable else None


def _number(text: str) -> int:
    if text[:2] in ("0x", "0X"):
        return int(text[2:] or "0", 16)
    return int(text, 8 if text.startswith("0") else 10)
