"""Tokens as the real registry wants them: JSON Web Tokens, signed with ES256, the certificate in their header."""

import base64
import json
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.fakes.certificates import Pair
from tests.fakes.tokens import Grant

_CLOCK_SKEW_SECONDS = 60
_COORDINATE_BYTES = 32
"""Of P-256."""
_LIFETIME_SECONDS = 3600
"""Reckoned back from the expiry, so that `nbf` and `iat` lie in the past for any lifetime up to an hour."""


def signed_by(pair: Pair, *, issuer: str, service: str) -> Callable[[Grant], str]:
    """Mint tokens with the key of a pair; the registry trusts them when its bundle holds the pair's certificate."""
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    header = {"typ": "JWT", "alg": "ES256", "x5c": [base64.b64encode(_der(pair.certificate)).decode()]}

    def mint(grant: Grant) -> str:
        claims = {
            "iss": issuer,
            "aud": service,
            "sub": grant.user,
            "exp": int(grant.expires_at),
            "nbf": int(grant.expires_at) - _CLOCK_SKEW_SECONDS - _LIFETIME_SECONDS,
            "iat": int(grant.expires_at) - _LIFETIME_SECONDS,
            "jti": secrets.token_hex(8),
            "access": [
                {"type": "repository", "name": name, "actions": actions.split(",")}
                for name, actions in grant.granted.items()
            ],
        }
        signed = f"{_segment(header)}.{_segment(claims)}"
        r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_encoded(r.to_bytes(_COORDINATE_BYTES) + s.to_bytes(_COORDINATE_BYTES))}"

    return mint


def _der(certificate: Path) -> bytes:
    return x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(serialization.Encoding.DER)


def _segment(document: object) -> str:
    return _encoded(json.dumps(document, separators=(",", ":")).encode())


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
