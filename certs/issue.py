"""Issue an authority and the leaves it signs. Time is an argument; nothing is read or written.

The profile is RFC 5280's, as strict as the verifiers that will read it: Go's (the API server), and OpenSSL's with
X509_STRICT (Python 3.13 and later by default).
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BACKDATING = timedelta(hours=1)
"""How far `begin` should lie back, so that a verifier whose clock is behind accepts a certificate that is new."""
MAX_AUTHORITY_LIFETIME = timedelta(days=3650)
"""Ten years: longer than a cluster lives, and no more."""
MAX_LEAF_LIFETIME = timedelta(days=30)
"""A stolen leaf's key is worth at most a month."""
MAX_HOST_LENGTH = 253
"""RFC 1035 section 2.3.4, in its written form."""

_AUTHORITY_NAME = "pullcheck authority"
_LEAF_NAME = "pullcheck"  # no host: the subject's name holds 64 characters, and verifiers read the alternative names
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class NameMalformedError(ValueError):
    """A name that no certificate can carry; the text is fit for a terminal."""


class LifetimeError(ValueError):
    """A time in which the certificate may not, or can not, be valid."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and the private key to it, both PEM (the key PKCS #8, unencrypted)."""

    certificate: bytes
    key: bytes = field(repr=False)


def parse_name(text: str) -> x509.GeneralName:
    """Read a host name or an IP address as a subject alternative name.

    Args:
        text: A DNS name in ASCII without a wildcard (RFC 1123 section 2.1), or an IPv4 or IPv6 address without a zone.

    Raises:
        NameMalformedError: It is neither.
    """
    host = text.lower() if text.isascii() else ""  # lower() makes a "k" of the Kelvin sign
    if "%" not in host:  # ipaddress takes a zone, a certificate does not
        try:
            return x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            pass
    labels = host.split(".")
    # A last label of digits is a mistyped address: no top-level domain is numeric (RFC 3696 section 2).
    if len(host) > MAX_HOST_LENGTH or labels[-1].isdigit() or not all(map(_LABEL.fullmatch, labels)):
        raise NameMalformedError(f"{text[:MAX_HOST_LENGTH]!a} is neither a host name nor an IP address")
    return x509.DNSName(host)


def authority(*, begin: datetime, end: datetime) -> Pair:
    """Issue an authority: a self-signed certificate that may sign leaves, and no further authority.

    Raises:
        LifetimeError: It would live longer than `MAX_AUTHORITY_LIFETIME`, or not at all.
    """
    _check_lifetime(begin, end, MAX_AUTHORITY_LIFETIME)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _subject(_AUTHORITY_NAME)
    builder = (
        _builder(name, name, key, begin, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
    )
    return _sign(builder, key, key)


def leaf(issuer: Pair, names: Sequence[str], *, begin: datetime, end: datetime) -> Pair:
    """Issue a server's certificate for the names, under the authority and within its life.

    Where the authority begins later or ends earlier than asked, so does the leaf: a leaf that outlives its authority
    only looks valid.

    Args:
        issuer: The authority, as `authority` returned it.
        names: Host names and IP addresses, at least one; one given twice counts once.
        begin: When the certificate becomes valid, with a time zone, in whole seconds (what is less is cut off).
        end: When it ceases to be valid.

    Raises:
        NameMalformedError: One of the names is neither a host name nor an IP address, or there is none.
        LifetimeError: It would live longer than `MAX_LEAF_LIFETIME`, or not at all within its authority's life.
    """
    if not names:
        raise NameMalformedError("a server's certificate needs at least one name")
    signer = x509.load_pem_x509_certificate(issuer.certificate)
    begin, end = max(begin, signer.not_valid_before_utc), min(end, signer.not_valid_after_utc)
    _check_lifetime(begin, end, MAX_LEAF_LIFETIME)
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = signer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(_subject(_LEAF_NAME), signer.subject, key, begin, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(dict.fromkeys(map(parse_name, names))), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return _sign(builder, key, _load_key(issuer.key))


def _check_lifetime(begin: datetime, end: datetime, longest: timedelta) -> None:
    if end <= begin:
        raise LifetimeError(f"would end at {end:%Y-%m-%dT%H:%M:%SZ}, before it began")
    if end - begin > longest:
        raise LifetimeError(f"would live {end - begin}, more than {longest.days} days")


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """Allow an authority to sign certificates and revocations, and a leaf to sign handshakes; nothing else."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _sign(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey
) -> Pair:
    return Pair(
        certificate=builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
        key=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )


def _load_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("an authority's key is an elliptic curve key")
    return key
