"""Certificates for the tests, made when they run: servers' by the certs package, clients' and broken ones here."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from certs.issue import Pair, authority, leaf

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Files:
    """A serving pair and its authority, as files."""

    certificate: Path
    key: Path
    ca: Path
    authority: Pair


def serving_files(folder: Path, *, begin: datetime | None = None, end: datetime | None = None) -> Files:
    now = datetime.now(UTC)
    issuer = authority(begin=now - 60 * 24 * HOUR, end=now + 60 * 24 * HOUR)
    pair = leaf(issuer, ["localhost", "127.0.0.1"], begin=begin or now - HOUR, end=end or now + 24 * HOUR)
    files = Files(folder / "tls.crt", folder / "tls.key", folder / "ca.crt", issuer)
    files.certificate.write_bytes(pair.certificate)
    files.key.write_bytes(pair.key)
    files.ca.write_bytes(issuer.certificate)
    return files


def client_pair(issuer: Pair, common_name: str, *, alternative_names: tuple[str, ...] = ()) -> Pair:
    """A client's certificate, which certs/ does not make: its common name is what the webhook looks at."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = x509.load_pem_x509_certificate(issuer.certificate)
    signing_key = serialization.load_pem_private_key(issuer.key, None)
    assert isinstance(signing_key, ec.EllipticCurvePrivateKey)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(signer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - HOUR)
        .not_valid_after(datetime.now(UTC) + HOUR)
    )
    if alternative_names:
        names = [x509.DNSName(name) for name in alternative_names]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return Pair(builder.sign(signing_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM), key_pem(key))


def key_pem(key: ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> bytes:
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
