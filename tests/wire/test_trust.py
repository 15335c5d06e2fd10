import ssl

import pytest

from tests.wire.scripted import Certificates
from webhook.wire.trust import MAX_CONTEXTS, Trust


@pytest.fixture
def authority(tmp_path):
    return str(Certificates(tmp_path).file)


def test_tls_is_at_least_1_2_and_verified():
    context = Trust(()).context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert not context.hostname_checks_common_name


def test_the_files_of_the_settings_and_the_endpoint_are_trusted_beside_the_systems(authority, tmp_path):
    (tmp_path / "other").mkdir()
    other = str(Certificates(tmp_path / "other").file)
    few = len(Trust(()).context().get_ca_certs())
    assert len(Trust((authority,)).context().get_ca_certs()) == few + 1
    assert len(Trust((authority,)).context((other,)).get_ca_certs()) == few + 2


def test_skip_verify_verifies_nothing():
    context = Trust(()).context(skip_verify=True)
    assert context.verify_mode is ssl.CERT_NONE
    assert not context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_contexts_are_kept_apart_by_trust(authority):
    trust = Trust(())
    assert trust.context() is trust.context()
    assert (
        len(
            {id(context) for context in (trust.context(), trust.context((authority,)), trust.context(skip_verify=True))}
        )
        == 3
    )


def test_contexts_that_are_kept_are_bounded():
    trust = Trust(())
    first = trust.context(skip_verify=True)
    for number in range(MAX_CONTEXTS):
        trust.context((f"{number}.pem",), skip_verify=True)
    assert trust.context(skip_verify=True) is not first


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    for content in ("", "no certificate"):
        file = tmp_path / "ca.pem"
        file.write_text(content)
        with pytest.raises(OSError, match=r".*"):
            Trust((str(file),)).context()
    with pytest.raises(OSError, match="No such file"):
        Trust(("absent.pem",)).context()
