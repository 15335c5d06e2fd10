"""What is known of the nodes' road to registries."""

from collections.abc import Callable
from dataclasses import dataclass, field

from webhook.images.reference import Reference
from webhook.keychain.pullsecrets import Keychain
from webhook.registry.destinations import Destinations
from webhook.registry.endpoints import HostsFile, find_endpoints
from webhook.registry.question import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """What is known of the nodes' road to registries, and where this webhook will not follow it."""

    destinations: Destinations
    find_hosts: Callable[[str], HostsFile | None] = field(default=lambda _: None)
    """The hosts.toml that applies to a registry."""
    pull_through: tuple[str, ...] = ()
    """Patterns of caches."""

    def question(self, reference: Reference, keychain: Keychain) -> Question:
        """What there is to ask about a reference."""
        is_insecure = self.destinations.is_insecure(reference.registry)
        return Question(
            reference=reference,
            credentials=keychain.credentials_for(reference),
            endpoints=find_endpoints(reference, self.find_hosts(reference.registry), is_insecure=is_insecure),
            destinations=self.destinations,
            pull_through=self.pull_through,
        )
