"""The certificates of the faulty registries: a good one, and one for each way of being bad."""

import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from certs import files, issue
from tests.faults.fault import Certificate

_LIFE = timedelta(hours=2)
_MOMENT = timedelta(minutes=20)


class Certificates:
    """Makes servers' TLS contexts, under an authority that the webhook trusts or under one that it does not."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder, self._names, self._now = folder, names, datetime.now(UTC)
        self._trusted, self._foreign = (
            issue.authority(begin=self._now - _LIFE, end=self._now + _LIFE) for _ in range(2)
        )
        files.write(folder, {"authority.crt": self._trusted.certificate})
        self.authority = folder / "authority.crt"

    def context(self, which: Certificate) -> ssl.SSLContext:
        """A server's context."""
        make: Mapping[Certificate, Callable[[], issue.Pair]] = {
            "good": lambda: self._leaf(self._trusted, self._names),
            "wrong name": lambda: self._leaf(self._trusted, ["other.example.com"]),
            "expired": lambda: self._leaf(self._trusted, self._names, end=self._now - _MOMENT),
            "not yet valid": lambda: self._leaf(self._trusted, self._names, begin=self._now + _MOMENT),
            "unknown authority": lambda: self._leaf(self._foreign, self._names),
        }
        pair, stem = make[which](), which.replace(" ", "-")
        files.write(self._folder / stem, {"server.crt": pair.certificate, "server.key": pair.key})
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / stem / "server.crt", self._folder / stem / "server.key")
        return context

    def _leaf(
        self, issuer: issue.Pair, names: Sequence[str], *, begin: datetime | None = None, end: datetime | None = None
    ) -> issue.Pair:
        return issue.leaf(issuer, names, begin=begin or self._now - _LIFE, end=end or self._now + _LIFE)
