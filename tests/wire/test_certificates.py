import shutil
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.wire.minting import HOUR, key_pem, serving_files
from webhook.wire.certificates import MAX_PEM_BYTES, CertificateError, load_serving_pair


@pytest.fixture
def files(tmp_path):
    return serving_files(tmp_path)


def faults_of(files, **others):
    with pytest.raises(CertificateError) as raised:
        load_serving_pair(others.get("certificate", files.certificate), others.get("key", files.key), others.get("ca"))
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_pair_accepts_connections_and_tells_its_validity(tmp_path):
    now = datetime.now(UTC).replace(microsecond=0)
    files = serving_files(tmp_path, begin=now - HOUR, end=now + HOUR)
    pair = load_serving_pair(files.certificate, files.key)
    assert pair.context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert pair.context.verify_mode is ssl.CERT_NONE
    assert (pair.not_before, pair.not_after) == (now - HOUR, now + HOUR)


def test_validity_is_judged_at_a_given_time(tmp_path):
    now = datetime.now(UTC).replace(microsecond=0)
    files = serving_files(tmp_path, begin=now - HOUR, end=now + HOUR)
    pair = load_serving_pair(files.certificate, files.key)
    second = timedelta(seconds=1)
    assert pair.fault_at(now) == ""
    assert pair.fault_at(now - HOUR) == ""
    assert pair.fault_at(now + HOUR) == ""
    assert pair.fault_at(now - HOUR - second) == f"not valid before {now - HOUR:%Y-%m-%dT%H:%M:%SZ}"
    assert pair.fault_at(now + HOUR + second) == f"expired at {now + HOUR:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize(("begin", "end"), [(-3 * HOUR, -HOUR), (HOUR, 3 * HOUR)])
def test_a_certificate_that_is_not_valid_now_is_loaded_all_the_same(tmp_path, begin, end):
    now = datetime.now(UTC)
    files = serving_files(tmp_path, begin=now + begin, end=now + end)
    assert load_serving_pair(files.certificate, files.key).fault_at(now)


def test_a_client_ca_makes_clients_show_a_certificate(files):
    pair = load_serving_pair(files.certificate, files.key, files.ca)
    assert pair.context.verify_mode is ssl.CERT_REQUIRED
    assert pair.context.cert_store_stats()["x509_ca"] == 1


@pytest.mark.parametrize("which", ["certificate", "key", "ca"])
def test_a_file_that_cannot_be_read_is_named_with_the_systems_reason(files, tmp_path, which):
    absent = tmp_path / "absent.pem"
    assert faults_of(files, **{which: absent}) == f"{absent}: no such file or directory"
    assert faults_of(files, **{which: tmp_path}) == f"{tmp_path}: is a directory"


@pytest.mark.parametrize("which", ["certificate", "ca"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hunter2",
        b"-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
        b"\xff\xfe\0",
    ],
)
def test_what_holds_no_certificates_is_said_without_its_content(files, tmp_path, which, content):
    wrong = tmp_path / "wrong.pem"
    wrong.write_bytes(content)
    assert faults_of(files, **{which: wrong}) == f"{wrong}: expected certificates in PEM"


@pytest.mark.parametrize(
    "content", [b"", b"hunter2", b"-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n"]
)
def test_what_holds_no_key_is_said_without_its_content(files, content):
    files.key.write_bytes(content)
    assert faults_of(files) == f"{files.key}: expected a private key in PEM"


def test_certificate_and_key_that_were_exchanged_are_told(files):
    assert faults_of(files, certificate=files.key) == f"{files.key}: expected certificates in PEM"
    assert faults_of(files, key=files.certificate) == f"{files.certificate}: expected a private key in PEM"


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_passphrase(files):
    files.key.write_bytes(key_pem(ec.generate_private_key(ec.SECP256R1()), passphrase=b"hunter2"))
    assert faults_of(files) == f"{files.key}: the key is encrypted; expected one without a passphrase"


def test_a_key_of_another_certificate_is_told(files, tmp_path):
    (tmp_path / "other").mkdir()
    other = serving_files(tmp_path / "other")
    assert faults_of(files, key=other.key) == f"{other.key}: is not the key of {files.certificate}"
    assert "is not the key of" in faults_of(files, certificate=files.ca)


def test_a_file_beyond_any_sense_is_not_read_whole(files):
    files.certificate.write_bytes(b"x" * (MAX_PEM_BYTES + 1))
    assert faults_of(files) == f"{files.certificate}: expected at most {MAX_PEM_BYTES} bytes"


def test_both_may_stand_in_one_file_and_a_chain_behind_the_leaf(files, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(files.key.read_bytes() + files.certificate.read_bytes() + files.ca.read_bytes())
    assert load_serving_pair(both, both).fault_at(datetime.now(UTC)) == ""


@pytest.mark.usefixtures("files")
def test_files_that_kubernetes_mounts_as_links_are_followed(tmp_path):
    mounted = tmp_path / "mounted"
    (mounted / "..2026").mkdir(parents=True)
    for name in ("tls.crt", "tls.key"):
        shutil.copy(tmp_path / name, mounted / "..2026" / name)
        (mounted / name).symlink_to(f"..data/{name}")
    (mounted / "..data").symlink_to("..2026")
    assert load_serving_pair(mounted / "tls.crt", mounted / "tls.key")


def test_what_openssl_refuses_is_told_with_its_reason(files):
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 (the point)
    files.certificate.write_bytes(self_signed(weak))
    files.key.write_bytes(weak.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert faults_of(files) == f"{files.certificate}: OpenSSL refuses it: EE_KEY_TOO_SMALL"


def self_signed(key):
    name = x509.Name([])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - HOUR).not_valid_after(now + HOUR)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
