"""Which hosts and addresses may be contacted, and where a login may travel: the `network` settings as rules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from types import MappingProxyType

from webhook.keychain.matching import matches
from webhook.registry.addresses import Address, Network, Place, forms, lies_in, place, read_literal
from webhook.registry.endpoints import Endpoint
from webhook.registry.exchange import AddressRefused
from webhook.registry.origins import Origin, is_loopback_name, read_origin, without_port
from webhook.registry.resolution import Blocked, BlockedCause

MAX_REALM_BYTES = 2048
"""Real realms are below 200 bytes; 2 KiB is what servers and proxies take of a URL at the least."""
_METADATA_NAMES = frozenset({"metadata.google.internal", "metadata.goog", "instance-data.ec2.internal"})
"""Refused by name, because behind a proxy it is the proxy that resolves."""
_SERVICES = (".svc", ".cluster.local")
"""Names of Kubernetes services: nobody registered their domain, and each namespace may be another tenant's."""
_LOCALHOST = IPv4Address("127.0.0.1")
_SETTINGS = {
    Place.LOOPBACK: "network.loopback",
    Place.PRIVATE: "network.private",
    Place.SPECIAL: "network.allowed_networks",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Destinations:
    """The rules, of plain values; no question asked of them touches the network.

    Patterns are the kubelet's (`host[:port][/prefix]`, `*` within a label); `"*"` alone stands for every host.
    """

    registrable_domain: Callable[[str], str | None]
    """The part of a DNS name that somebody registered (public suffix list); None when there is none, or none known."""
    allowed_hosts: tuple[str, ...] = ("*",)
    denied_hosts: tuple[str, ...] = ()
    loopback: bool = False
    private: bool = True
    allowed_networks: tuple[Network, ...] = ()
    denied_networks: tuple[Network, ...] = ()
    denied_addresses: frozenset[Address] = frozenset()
    """Further addresses that only `allowed_networks` opens, such as the API server's own."""
    insecure_hosts: tuple[str, ...] = ()
    realms: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Registry pattern to further `host[:port]` that may receive that registry's logins."""

    def allows_host(self, repository: str) -> bool:
        """Say whether a reference's registry may be asked at all; to be known before a secret is read for it."""
        return self.judge_host(repository) is None

    def judge_host(self, repository: str) -> Blocked | None:
        """Say what keeps us from asking a reference's registry, by its name.

        Args:
            repository: With its registry, or the registry alone: `registry.example.com:5000/team/app`.
        """
        host, slash, path = repository.partition("/")
        host = host.lower()
        if self._is_denied(host + slash + path):
            return Blocked(host, BlockedCause.HOST, "network.denied_hosts")
        # The default port, written out, is the same place.
        spellings = {host + slash + path, host.removesuffix(":443") + slash + path}
        if any(_any_covers(self.allowed_hosts, spelling) for spelling in spellings):
            return None
        return Blocked(host, BlockedCause.HOST, "network.allowed_hosts")

    def judge_url(self, url: str) -> Blocked | None:
        """Say what keeps us from contacting a URL: an endpoint, a realm, or a redirect's target.

        Names that resolve to a refused address are found when connecting (`judge_address`), literal addresses here,
        since behind a proxy nobody else would look. `allowed_hosts` is about the registries that references name: what
        those lead to, such as a token server or a blob store, is bound by `denied_hosts` and the addresses.
        """
        origin = read_origin(url)
        if origin is None:
            return Blocked("", BlockedCause.HOST)
        if self._is_denied(origin.netloc):
            return Blocked(origin.netloc, BlockedCause.HOST, "network.denied_hosts")
        if origin.host.rstrip(".") in _METADATA_NAMES:
            return Blocked(origin.netloc, BlockedCause.HOST)
        address = _LOCALHOST if _is_localhost(origin.host) else read_literal(origin.host)
        refusal = address and self.judge_address(address)
        return Blocked(origin.netloc, BlockedCause.ADDRESS, refusal.setting) if refusal else None

    def judge_address(self, address: Address) -> AddressRefused | None:
        """Say whether an address may be connected to, in every form that it has (mapped, 6to4, NAT64, Teredo)."""
        refusals = (self._judge_form(form) for form in forms(address))
        return next((refusal for refusal in refusals if refusal), None)

    def _judge_form(self, address: Address) -> AddressRefused | None:
        if lies_in(address, self.denied_networks):
            return AddressRefused("network.denied_networks")
        if lies_in(address, self.allowed_networks):
            return None
        if address in self.denied_addresses:
            return AddressRefused("network.allowed_networks")
        where = place(address)
        is_open = {Place.PUBLIC: True, Place.PRIVATE: self.private, Place.LOOPBACK: self.loopback}.get(where, False)
        return None if is_open else AddressRefused(_SETTINGS[where])

    def is_insecure(self, host: str) -> bool:
        """Say whether nodes reach a host by https unverified, and by plain http where its answer is not TLS.

        True for `insecure_hosts`, and for what containerd takes for this machine unless the port is 443 or absent
        (its registryHosts: localhost on other ports is plain http with TLS tried first).

        Args:
            host: `host[:port]`.
        """
        if _any_covers(self.insecure_hosts, host.lower()):
            return True
        return is_loopback_name(host) and not host.endswith(":443") and without_port(host) != host

    def may_log_in(self, registry: str, endpoint: Endpoint, url: str) -> Blocked | None:
        """Say what keeps a registry's login, or a token got with it, from travelling to a URL.

        It may go to the endpoint's own origin, and to a realm of the same host and port, of the same registrable domain
        (never for addresses, localhost and services), or listed in `realms`; by plain http only where that is declared.
        The rule is distribution's (proxyauth.go realmAllowed, CVE-2026-33540). A redirect admits nobody: `may_follow`.

        Args:
            registry: The registry that the login is for, or the repository with it, as the reference has it.
            endpoint: Where the reference is asked for.
            url: The endpoint's own URL, or the realm that the endpoint named.

        Returns:
            None when it may travel; else why not, and which setting would allow it.
        """
        home, target = read_origin(endpoint.url), read_origin(url)
        if home is None or target is None or "#" in url or len(url) > MAX_REALM_BYTES:
            return Blocked("", BlockedCause.CREDENTIAL_REALM)
        if not endpoint.is_registry and not self._is_listed(registry, home):
            return Blocked(home.netloc, BlockedCause.CREDENTIAL_MIRROR, "network.realms")
        if not self._is_admitted(registry, home, target):
            return Blocked(target.netloc, BlockedCause.CREDENTIAL_REALM, "network.realms")
        if not self._may_be_plain(endpoint, home, target):
            return Blocked(target.netloc, BlockedCause.CREDENTIAL_PLAIN, "network.insecure_hosts")
        return None

    def may_follow(self, source: str, target: str) -> Blocked | None:
        """Say what keeps a login that was sent to one URL from following its redirect to another.

        Only the same origin is admitted; a target that leaves https for http is not to be asked at all.
        """
        before, after = read_origin(source), read_origin(target)
        if before is None or after is None:
            return Blocked("", BlockedCause.HOST)
        if before.scheme == "https" and after.scheme == "http":
            return Blocked(after.netloc, BlockedCause.DOWNGRADE)
        return None if before == after else Blocked(after.netloc, BlockedCause.CREDENTIAL_REDIRECT)

    def _is_denied(self, name: str) -> bool:
        # A pattern without a port denies every port: `:8443` is no way around it.
        host, slash, path = name.partition("/")
        return _any_covers(self.denied_hosts, name) or _any_covers(
            self.denied_hosts, without_port(host).rstrip(".") + slash + path
        )

    def _is_admitted(self, registry: str, home: Origin, target: Origin) -> bool:
        return (
            target.is_beside(home) or self._is_same_domain(home.host, target.host) or self._is_listed(registry, target)
        )

    def _is_same_domain(self, first: str, second: str) -> bool:
        if any(read_literal(host) or _is_localhost(host) or host.endswith(_SERVICES) for host in (first, second)):
            return False
        domain = self.registrable_domain(first)
        return domain is not None and domain == self.registrable_domain(second)

    def _is_listed(self, registry: str, origin: Origin) -> bool:
        # Read with the URL's scheme, an entry without a port means the default one.
        listed = (hosts for pattern, hosts in self.realms.items() if _covers(pattern, registry))
        return any(read_origin(f"{origin.scheme}://{host}") == origin for hosts in listed for host in hosts)

    def _may_be_plain(self, endpoint: Endpoint, home: Origin, target: Origin) -> bool:
        is_declared = home.scheme == "http" or endpoint.may_speak_plain
        return target.scheme == "https" or (is_declared and target.host == home.host) or self.is_insecure(target.netloc)


def _is_localhost(host: str) -> bool:
    # RFC 6761: resolvers may send every name under localhost to this machine.
    name = host.rstrip(".")
    return name == "localhost" or name.endswith(".localhost")


def _covers(pattern: str, repository: str) -> bool:
    return pattern == "*" or matches(pattern, repository)


def _any_covers(patterns: tuple[str, ...], repository: str) -> bool:
    return any(_covers(pattern, repository) for pattern in patterns)
