"""What the authority issues is accepted by those who trust it, and only by them."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from tests.cluster.authority import Authority


def connect(authority: Authority, trusted: Path, host: str) -> None:
    """Shake hands with a server that shows a certificate for registry.example.com and 10.88.0.2."""
    certificate, key = authority.issue("server", hosts=["registry.example.com", "10.88.0.2"])
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with theirs:
            try:
                serving.wrap_socket(theirs, server_side=True).close()
            except OSError:
                return

    thread = threading.Thread(target=serve)
    thread.start()
    with ours:
        try:
            ssl.create_default_context(cafile=str(trusted)).wrap_socket(ours, server_hostname=host).close()
        finally:
            ours.close()
            thread.join()


@pytest.mark.parametrize("host", ["registry.example.com", "10.88.0.2"])
def test_a_server_is_known_by_its_names_and_addresses(tmp_path: Path, host: str) -> None:
    connect(Authority(tmp_path), tmp_path / "ca.crt", host)


def test_another_authority_is_not_trusted(tmp_path: Path) -> None:
    Authority(tmp_path / "other")

    with pytest.raises(ssl.SSLCertVerificationError):
        connect(Authority(tmp_path), tmp_path / "other" / "ca.crt", "registry.example.com")


def test_an_authority_is_found_again_in_its_folder(tmp_path: Path) -> None:
    Authority(tmp_path)

    connect(Authority(tmp_path), tmp_path / "ca.crt", "registry.example.com")


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    _, key = Authority(tmp_path).issue("server")

    assert key.stat().st_mode & 0o777 == 0o600
