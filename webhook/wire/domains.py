"""The public suffix list, from the package that ships it: which part of a DNS name somebody registered."""

from publicsuffixlist import PublicSuffixList


class Domains:
    """Knows registrable domains; the list is read once, from the package."""

    def __init__(self) -> None:
        self._suffixes = PublicSuffixList()

    def registrable_domain(self, host: str) -> str | None:
        """Find the registrable domain of a DNS name.

        Args:
            host: In lower case, without a port: `auth.registry.example.co.uk`.

        Returns:
            `example.co.uk`; None for a public suffix itself. Under a top-level domain that the list does not know,
            such as a company's own, it is the last two labels.
        """
        domain: str | None = self._suffixes.privatesuffix(host.rstrip("."))
        return domain
