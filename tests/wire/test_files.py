"""A node's files: which hosts.toml applies, and what is passed over."""

from pathlib import Path

import pytest

from webhook.wire.files import MAX_NODE_FILE_BYTES, HostsDirectory, HostsText, read_node_file


def _write(directory: Path, text: str = "x") -> HostsText:
    directory.mkdir(parents=True)
    (directory / "hosts.toml").write_text(text)
    return HostsText(text, str(directory))


@pytest.mark.parametrize(
    ("registry", "directory"),
    [
        ("docker.io", "docker.io"),
        ("reg.example.com:5000", "reg.example.com_5000_"),
        ("reg.example.com:5000", "reg.example.com:5000"),
        ("[::1]:5000", "[::1]_5000_"),
        ("anything.example.com", "_default"),
    ],
)
def test_a_registry_is_found_under_its_name(tmp_path: Path, registry: str, directory: str) -> None:
    hosts = _write(tmp_path / directory)
    assert HostsDirectory(tmp_path).find(registry) == hosts


def test_the_first_directory_of_containerds_order_wins(tmp_path: Path) -> None:
    _write(tmp_path / "_default", "last")
    _write(tmp_path / "reg.example.com:5000", "second")
    first = _write(tmp_path / "reg.example.com_5000_", "first")
    assert HostsDirectory(tmp_path).find("reg.example.com:5000") == first


def test_a_directory_without_a_file_still_decides(tmp_path: Path) -> None:
    _write(tmp_path / "_default")
    (tmp_path / "reg.example.com").mkdir()
    assert HostsDirectory(tmp_path).find("reg.example.com") is None


def test_the_port_is_part_of_the_name(tmp_path: Path) -> None:
    _write(tmp_path / "reg.example.com")
    assert HostsDirectory(tmp_path).find("reg.example.com:5000") is None


def test_a_file_that_is_no_utf8_is_passed_over(tmp_path: Path) -> None:
    _write(tmp_path / "a.io")
    (tmp_path / "a.io" / "hosts.toml").write_bytes(b"\xff")
    assert HostsDirectory(tmp_path).find("a.io") is None


def test_a_folder_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    assert HostsDirectory(tmp_path / "nowhere").find("a.io") is None


def test_a_node_file_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    assert read_node_file(path) is None
    assert read_node_file(tmp_path) is None
    path.write_bytes(b"{" * MAX_NODE_FILE_BYTES)
    assert read_node_file(path) == b"{" * MAX_NODE_FILE_BYTES
    path.write_bytes(b"{" * (MAX_NODE_FILE_BYTES + 1))
    assert read_node_file(path) is None
