"""Keys are private from their first byte, and a folder never holds half of a file."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from certs import files

NEW = {"ca.crt": b"certificate", "ca.key": b"key"}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o277])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_umask")
def test_a_key_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    files.write(tmp_path, NEW)

    assert (mode(tmp_path / "ca.key"), mode(tmp_path / "ca.crt")) == (0o600, 0o644)


def test_a_key_that_was_open_to_all_is_replaced_by_one_that_is_not(tmp_path: Path) -> None:
    old = tmp_path / "ca.key"
    old.write_bytes(b"old")
    old.chmod(0o666)
    with old.open("rb") as reader:
        files.write(tmp_path, NEW)

        assert reader.read() == b"old"  # who had it open reads the old file, never the new key
    assert (mode(old), old.read_bytes()) == (0o600, b"key")


def test_a_link_is_replaced_and_what_it_led_to_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"untouched")
    (tmp_path / "ca.key").symlink_to(elsewhere)

    files.write(tmp_path, NEW)

    assert elsewhere.read_bytes() == b"untouched"
    assert not (tmp_path / "ca.key").is_symlink()


def test_a_folder_is_made_where_it_lacks(tmp_path: Path) -> None:
    files.write(tmp_path / "a" / "b", NEW)

    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["ca.crt", "ca.key"]


def test_a_failure_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "ca.key").mkdir()  # no file can take its place

    with pytest.raises(OSError, match="directory"):
        files.write(tmp_path, {"ca.key": b"key", "tls.key": b"key"})
    assert [path.name for path in tmp_path.iterdir()] == ["ca.key"]
