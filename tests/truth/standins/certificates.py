"""Certificates of the stand-ins: good ones, and each of the ways in which one can be bad."""

import datetime as dt
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.cluster.authority import Authority
from tests.fakes.certificates import Authority as UnknownAuthority
from tests.truth.standins.sites import Certificate

ELSEWHERE = "elsewhere.example.com"
"""Whose certificate it is where it is somebody else's."""


class Certificates:
    """Issues them, by the world's authority and by one that nobody knows."""

    def __init__(self, known: Authority, folder: Path) -> None:
        self._known = known
        self._unknown = UnknownAuthority(folder)

    @property
    def unknown_authority(self) -> Path:
        return self._unknown.certificate

    def context(self, name: str, kind: Certificate) -> ssl.SSLContext | None:
        """What a server called `name` needs to speak TLS; None: it does not."""
        match kind:
            case "none":
                return None
            case "expired":
                pair = self._expired(name)
            case "for another name":
                pair = self._known.issue(name, hosts=[ELSEWHERE])
            case "of an unknown authority":
                unknown = self._unknown.issue(name, file=name)
                pair = unknown.certificate, unknown.key
            case "good":
                pair = self._known.issue(name, hosts=[name])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        return context

    def _expired(self, name: str) -> tuple[Path, Path]:
        folder = self._known.folder
        signer = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        issuer = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes()).subject
        key = self._known.write_key(name)
        yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(yesterday - dt.timedelta(days=1))
            .not_valid_after(yesterday)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(signer, hashes.SHA256())
        )
        path = folder / f"{name}.crt"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return path, path.with_suffix(".key")
