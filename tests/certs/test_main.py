"""`python -m certs`: four files for an installation by hand, and one plain line when it cannot be."""

import os
import ssl
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

ROOT = Path(__file__).parent.parent.parent
FILES = ["ca.crt", "ca.key", "tls.crt", "tls.key"]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "certs", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def leaf(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "tls.crt").read_bytes())


def names(folder: Path) -> list[str]:
    found = leaf(folder).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in found]


def complaint(result: subprocess.CompletedProcess[str]) -> str:
    """The one line of a refusal, whose exit code is 2."""
    assert result.returncode == 2, result
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


def test_it_writes_an_authority_and_a_leaf_and_nothing_else(tmp_path: Path) -> None:
    result = run(tmp_path / "new")

    assert (result.returncode, result.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == FILES


def test_a_server_starts_with_the_leaf_and_a_caller_who_has_the_authority_knows_the_service(tmp_path: Path) -> None:
    run(tmp_path)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    leaf(tmp_path).verify_directly_issued_by(x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes()))

    assert names(tmp_path) == ["pullcheck.pullcheck.svc", "localhost", "127.0.0.1", "::1"]


def test_only_the_owner_may_read_the_keys(tmp_path: Path) -> None:
    run(tmp_path)

    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ca.key", "tls.key")} == {0o600}


def test_the_names_given_replace_the_default_ones(tmp_path: Path) -> None:
    run(tmp_path, "--name", "webhook.example.com", "--name", "10.0.0.1")

    assert names(tmp_path) == ["webhook.example.com", "10.0.0.1"]


@pytest.mark.parametrize(("arguments", "days"), [((), 30), (("--days", "1"), 1), (("--days", "30"), 30)])
def test_the_leaf_begins_an_hour_ago_and_lives_the_days_asked_for(
    tmp_path: Path, arguments: tuple[str, ...], days: int
) -> None:
    now = datetime.now(UTC)
    run(tmp_path, *arguments)
    found = leaf(tmp_path)

    assert timedelta(0) <= found.not_valid_before_utc - (now - timedelta(hours=1, seconds=1)) < timedelta(minutes=1)
    assert found.not_valid_after_utc - found.not_valid_before_utc == timedelta(days=days)


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_overwritten_unless_told_so(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")

    assert complaint(run(tmp_path)) == f"pullcheck: {tmp_path / name} exists; --force replaces it"
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "precious")]


def test_a_link_that_leads_nowhere_is_there_too(tmp_path: Path) -> None:
    (tmp_path / "ca.key").symlink_to(tmp_path / "nowhere")

    assert "exists" in complaint(run(tmp_path))


def test_force_replaces_all_four(tmp_path: Path) -> None:
    run(tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}

    assert run(tmp_path, "--force").returncode == 0
    assert all((tmp_path / name).read_bytes() != before[name] for name in FILES)


@pytest.mark.parametrize("days", ["0", "31", "-1", "1.5", "many"])
def test_days_are_one_to_thirty(tmp_path: Path, days: str) -> None:
    line = complaint(run(tmp_path, f"--days={days}"))

    assert line.startswith("pullcheck: ")
    assert "--days" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "pullcheck: Missing argument 'DIR'."),
        (("a", "b"), "pullcheck: Got unexpected extra argument (b)"),
        (("a", "--nosuch"), "pullcheck: No such option '--nosuch'."),
        (("a", "--name", "no name"), "pullcheck: --name: 'no name' is neither a host name nor an IP address"),
        (("a", "--name", "\x1b[31m\n"), r"pullcheck: --name: '\x1b[31m\n' is neither a host name nor an IP address"),
        ((f"{os.devnull}/a",), f"pullcheck: cannot write {os.devnull}/a: Not a directory"),
        ((__file__,), f"pullcheck: cannot write {__file__}: File exists"),
    ],
)
def test_wrong_usage_is_one_line(arguments: tuple[str, ...], expected: str) -> None:
    assert complaint(run(*arguments)) == expected
