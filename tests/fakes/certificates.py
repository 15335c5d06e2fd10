"""Certificates of the tests' servers: one authority a folder, and pairs that it signed. Nothing of it is committed."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from certs import files, issue

LIFETIME = timedelta(hours=2)
"""Longer than any run of the tests."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key as files, and the authority that a client has to trust."""

    certificate: Path
    key: Path
    authority: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))


class Authority:
    """Signs pairs into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._begin = datetime.now(UTC) - issue.BACKDATING
        self._issuer = issue.authority(begin=self._begin, end=self._begin + LIFETIME)
        self.certificate = folder / "authority.crt"
        files.write(folder, {"authority.crt": self._issuer.certificate})

    def issue(self, *names: str, file: str = "server") -> Pair:
        """A pair for host names and addresses."""
        leaf = issue.leaf(self._issuer, names, begin=self._begin, end=self._begin + LIFETIME)
        files.write(self._folder, {f"{file}.crt": leaf.certificate, f"{file}.key": leaf.key})
        return Pair(self._folder / f"{file}.crt", self._folder / f"{file}.key", self.certificate)
