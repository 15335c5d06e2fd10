"""The certificates are what the API server and strict verifiers accept, and nothing more."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs import issue
from certs.issue import LifetimeError, NameMalformedError, Pair

DAY = timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)
SERVICE = "pullcheck.pullcheck.svc"


def authority(begin: datetime = NOW - DAY, end: datetime = NOW + 3000 * DAY) -> Pair:
    return issue.authority(begin=begin, end=end)


def certificate(pair: Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate)


def shake_hands(folder: Path, served: Pair, trusted: bytes, name: str) -> str:
    """Let a strict client that trusts `trusted` call a server that shows `served`: its complaint, or nothing."""
    chain = folder / "served.pem"
    chain.write_bytes(served.key + served.certificate)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain)
    client = ssl.create_default_context(cadata=trusted.decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    caller = client.wrap_bio(to_client, to_server, server_hostname=name)
    callee = server.wrap_bio(to_server, to_client, server_side=True)
    try:
        for side in (caller, callee, caller, callee):
            _advance(side)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    return ""


def _advance(side: ssl.SSLObject) -> None:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return


@pytest.mark.parametrize("name", [SERVICE, "localhost", "127.0.0.1", "::1"])
def test_a_caller_who_trusts_the_authority_accepts_each_name(tmp_path: Path, name: str) -> None:
    root = authority()
    pair = issue.leaf(root, [SERVICE, "localhost", "127.0.0.1", "::1"], begin=NOW - DAY, end=NOW + DAY)

    assert shake_hands(tmp_path, pair, root.certificate, name) == ""


@pytest.mark.parametrize("name", ["pullcheck.other.svc", "127.0.0.2", "pullcheck"])
def test_another_name_is_refused(tmp_path: Path, name: str) -> None:
    root = authority()
    pair = issue.leaf(root, [SERVICE, "127.0.0.1"], begin=NOW - DAY, end=NOW + DAY)

    assert "mismatch" in shake_hands(tmp_path, pair, root.certificate, name)


def test_another_authority_does_not_vouch_for_the_leaf(tmp_path: Path) -> None:
    pair = issue.leaf(authority(), [SERVICE], begin=NOW - DAY, end=NOW + DAY)

    assert "unable to get local issuer certificate" in shake_hands(tmp_path, pair, authority().certificate, SERVICE)


def test_a_bundle_of_the_old_and_the_new_authority_vouches_for_both_leaves(tmp_path: Path) -> None:
    old, new = authority(), authority()
    for root in (old, new):
        pair = issue.leaf(root, [SERVICE], begin=NOW - DAY, end=NOW + DAY)

        assert shake_hands(tmp_path, pair, old.certificate + new.certificate, SERVICE) == ""


@pytest.mark.parametrize(
    ("begin", "end", "complaint"),
    [(NOW - 2 * DAY, NOW - DAY, "certificate has expired"), (NOW + DAY, NOW + 2 * DAY, "certificate is not yet valid")],
)
def test_a_leaf_is_valid_between_its_begin_and_its_end(
    tmp_path: Path, begin: datetime, end: datetime, complaint: str
) -> None:
    root = authority(begin=NOW - 9 * DAY)
    pair = issue.leaf(root, [SERVICE], begin=begin, end=end)

    assert shake_hands(tmp_path, pair, root.certificate, SERVICE) == complaint


def test_a_leaf_may_not_sign_another(tmp_path: Path) -> None:
    root = authority()
    first = issue.leaf(root, [SERVICE], begin=NOW - DAY, end=NOW + DAY)
    second = issue.leaf(first, [SERVICE], begin=NOW - DAY, end=NOW + DAY)
    chained = Pair(certificate=second.certificate + first.certificate, key=second.key)

    assert "invalid CA certificate" in shake_hands(tmp_path, chained, root.certificate, SERVICE)


def test_the_times_are_the_ones_given() -> None:
    root = authority(begin=NOW, end=NOW + 365 * DAY)
    pair = issue.leaf(root, [SERVICE], begin=NOW + DAY, end=NOW + 2 * DAY)

    assert (certificate(root).not_valid_before_utc, certificate(root).not_valid_after_utc) == (NOW, NOW + 365 * DAY)
    assert (certificate(pair).not_valid_before_utc, certificate(pair).not_valid_after_utc) == (NOW + DAY, NOW + 2 * DAY)


def test_a_leaf_lives_within_its_authority() -> None:
    root = authority(begin=NOW, end=NOW + 3 * DAY)
    pair = certificate(issue.leaf(root, [SERVICE], begin=NOW - DAY, end=NOW + 30 * DAY))

    assert (pair.not_valid_before_utc, pair.not_valid_after_utc) == (NOW, NOW + 3 * DAY)


def test_no_leaf_comes_from_an_authority_that_has_ended() -> None:
    with pytest.raises(LifetimeError):
        issue.leaf(authority(end=NOW), [SERVICE], begin=NOW, end=NOW + DAY)


def test_a_leaf_lives_thirty_days_at_most() -> None:
    root = authority(begin=NOW)
    issue.leaf(root, [SERVICE], begin=NOW, end=NOW + 30 * DAY)

    with pytest.raises(LifetimeError, match="more than 30 days"):
        issue.leaf(root, [SERVICE], begin=NOW, end=NOW + 30 * DAY + timedelta(seconds=1))


def test_an_authority_lives_ten_years_at_most() -> None:
    authority(begin=NOW, end=NOW + 3650 * DAY)

    with pytest.raises(LifetimeError, match="more than 3650 days"):
        authority(begin=NOW, end=NOW + 3651 * DAY)


def test_an_authority_that_ends_before_it_begins_is_not_issued() -> None:
    with pytest.raises(LifetimeError):
        authority(begin=NOW, end=NOW)


def test_keys_are_p256_and_the_certificates_are_for_them() -> None:
    root = authority()
    for pair in (root, issue.leaf(root, [SERVICE], begin=NOW, end=NOW + DAY)):
        key = serialization.load_pem_private_key(pair.key, password=None)

        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert key.curve.name == "secp256r1"
        assert key.public_key() == certificate(pair).public_key()


def test_two_leaves_share_neither_key_nor_serial_number() -> None:
    root = authority()
    one, other = (issue.leaf(root, [SERVICE], begin=NOW, end=NOW + DAY) for _ in range(2))

    assert one.key != other.key
    assert certificate(one).serial_number != certificate(other).serial_number


def test_the_authority_may_sign_leaves_and_nothing_below_them() -> None:
    found = certificate(authority()).extensions
    constraints = found.get_extension_for_class(x509.BasicConstraints)
    usage = found.get_extension_for_class(x509.KeyUsage)

    assert (constraints.critical, constraints.value.ca, constraints.value.path_length) == (True, True, 0)
    assert usage.critical
    assert _uses(usage.value) == {"key_cert_sign", "crl_sign"}


def test_the_leaf_may_only_serve() -> None:
    pair = certificate(issue.leaf(authority(), [SERVICE], begin=NOW, end=NOW + DAY))
    constraints = pair.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = pair.extensions.get_extension_for_class(x509.KeyUsage)

    assert (constraints.critical, constraints.value.ca) == (True, False)
    assert usage.critical
    assert _uses(usage.value) == {"digital_signature"}
    assert list(pair.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]


def _uses(usage: x509.KeyUsage) -> set[str]:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    return {name for name in (*names, "key_cert_sign", "crl_sign") if getattr(usage, name)}


def test_the_leaf_names_its_authority_by_key_and_by_name() -> None:
    root = authority()
    pair = certificate(issue.leaf(root, [SERVICE], begin=NOW, end=NOW + DAY))
    signer = certificate(root)

    assert pair.issuer == signer.subject != pair.subject
    assert (
        pair.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        == signer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    )
    pair.verify_directly_issued_by(signer)


def test_a_long_name_stands_among_the_alternatives_and_not_in_the_subject() -> None:
    long = ".".join(["a" * 60] * 4)
    pair = certificate(issue.leaf(authority(), [long, "10.0.0.1", long.upper()], begin=NOW, end=NOW + DAY))
    names = pair.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.DNSName) == [long]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("10.0.0.1")]
    assert pair.subject.rfc4514_string() == "CN=pullcheck"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a..b",
        ".a",
        "a.",
        "-a.example.com",
        "a-.example.com",
        "a_b.example.com",
        "*.example.com",
        "bücher.example.com",
        "\u212aube.example.com",
        "a" * 64,
        ".".join(["a" * 50] * 6),
        "256.0.0.1",
        "10.0.1",
        "fe80::1%eth0",
        "[::1]",
        "localhost:8443",
        "https://localhost",
        "a\nb",
        "localhost\n",
        " localhost",
        "10.0.0.0/8",
    ],
)
def test_a_name_that_is_neither_host_nor_address_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(NameMalformedError, match="neither a host name nor an IP address") as caught:
        issue.leaf(authority(), [name], begin=NOW, end=NOW + DAY)

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1500


def test_a_leaf_without_a_name_is_refused() -> None:
    with pytest.raises(NameMalformedError):
        issue.leaf(authority(), [], begin=NOW, end=NOW + DAY)


def test_an_authority_with_another_kind_of_key_is_refused() -> None:
    key = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    with pytest.raises(TypeError):
        issue.leaf(Pair(authority().certificate, key), [SERVICE], begin=NOW, end=NOW + DAY)


def test_a_pair_does_not_show_its_key() -> None:
    pair = authority()

    assert "PRIVATE" not in repr(pair)
    assert pair.key.decode().splitlines()[1] not in repr(pair)
