"""The serving pair: read from files, judged, and made into what TLS connections are accepted with."""

import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from webhook.wire.keyupdates import report_key_updates

MAX_PEM_BYTES = 1024 * 1024
"""The limit of a Kubernetes Secret, in which these files arrive."""
_ALPN = ["http/1.1"]
"""What the API server speaks to webhooks; offered h2, it would use it towards a loopback address."""


class CertificateError(Exception):
    """A file of the serving pair cannot be used; the text is one line: the file, and what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingPair:
    """A certificate with its key, ready to accept connections."""

    context: ssl.SSLContext
    not_before: datetime
    not_after: datetime

    def fault_at(self, now: datetime) -> str:
        """Say what is wrong with the certificate's validity at a time; empty when nothing is."""
        if now < self.not_before:
            return f"not valid before {self.not_before:%Y-%m-%dT%H:%M:%SZ}"
        return f"expired at {self.not_after:%Y-%m-%dT%H:%M:%SZ}" if now > self.not_after else ""


def load_serving_pair(certificate: Path, key: Path, client_ca: Path | None = None) -> ServingPair:
    """Read the serving pair, and require certificates of clients if a CA for them is given.

    A certificate that has expired or is not valid yet is no fault here: who calls decides.

    Args:
        certificate: PEM; the leaf first, then what leads to the CA.
        key: The leaf's private key, PEM, without a passphrase.
        client_ca: PEM; whose certificates clients must show.

    Raises:
        CertificateError: A file cannot be read or used, or the key is not the certificate's.
    """
    leaf = _read_certificates(certificate)[0]
    if _public_bytes(leaf.public_key()) != _public_bytes(_read_public_key_of(key)):
        raise CertificateError(f"{key}: is not the key of {certificate}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(_ALPN)
    report_key_updates(context)
    _load_chain(context, certificate, key)
    if client_ca:
        _require_clients_of(context, client_ca)
    return ServingPair(context=context, not_before=leaf.not_valid_before_utc, not_after=leaf.not_valid_after_utc)


def peer_names(connection: ssl.SSLObject | None) -> set[str]:
    """Read the common names and alternative names of the client's verified certificate; none where it showed none."""
    certificate: dict[str, Any] = (connection.getpeercert() if connection else None) or {}
    subject = (pair for part in certificate.get("subject", ()) for pair in part)
    return {value for kind, value in subject if kind == "commonName"} | {
        value for _, value in certificate.get("subjectAltName", ())
    }


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_PEM_BYTES + 1)
    except OSError as fault:
        raise CertificateError(f"{file}: {(fault.strerror or 'cannot be read').lower()}") from None
    if len(content) > MAX_PEM_BYTES:
        raise CertificateError(f"{file}: expected at most {MAX_PEM_BYTES} bytes")
    return content


def _read_certificates(file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(file))
    except ValueError:
        raise CertificateError(f"{file}: expected certificates in PEM") from None


def _read_public_key_of(file: Path) -> PublicKeyTypes:
    content = _read(file)
    try:
        return load_pem_private_key(content, password=None).public_key()
    except TypeError:
        raise CertificateError(f"{file}: the key is encrypted; expected one without a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateError(f"{file}: expected a private key in PEM") from None


def _public_bytes(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _load_chain(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        context.load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as fault:
        # What was read a moment ago is whole, so OpenSSL's own rules speak here (EE_KEY_TOO_SMALL), or a file changed.
        reason = getattr(fault, "reason", None) or fault.strerror or "unknown"
        raise CertificateError(f"{certificate}: OpenSSL refuses it: {reason}") from None


def _require_clients_of(context: ssl.SSLContext, client_ca: Path) -> None:
    for authority in _read_certificates(client_ca):
        context.load_verify_locations(cadata=authority.public_bytes(Encoding.DER))
    context.verify_mode = ssl.CERT_REQUIRED
