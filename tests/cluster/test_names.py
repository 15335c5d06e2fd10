"""The DNS server's answers, byte by byte."""

import struct

import pytest

from tests.cluster import names

HOSTS = "127.0.0.1 localhost\n10.88.0.2 registry.example.com Docker.io # two\n10.88.0.3 docker.io\n"


def query(name: str, kind: int = names.ADDRESS) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)


def test_a_known_name_has_its_addresses() -> None:
    answer = names.answer(query("DOCKER.io"), HOSTS)

    assert struct.unpack("!HHHHHH", answer[:12]) == (7, 0x8580, 1, 2, 0, 0)
    assert answer[-4:] == bytes([10, 88, 0, 3])


def test_a_known_name_without_an_address_of_that_kind_exists_all_the_same() -> None:
    answer = names.answer(query("registry.example.com", names.ADDRESS_IPV6), HOSTS)

    assert struct.unpack("!HHHHHH", answer[:12]) == (7, 0x8580, 1, 0, 0, 0)


def test_an_unknown_name_does_not_exist() -> None:
    answer = names.answer(query("nobody.example.org"), HOSTS)

    assert struct.unpack("!HHHHHH", answer[:12]) == (7, 0x8580 | names.NO_SUCH_NAME, 1, 0, 0, 0)


@pytest.mark.parametrize("message", [b"", b"\0" * 11, query("example.com")[:-1], query("example.com")[:15]])
def test_what_is_no_query_is_refused(message: bytes) -> None:
    with pytest.raises((ValueError, IndexError, struct.error)):
        names.answer(message, HOSTS)
