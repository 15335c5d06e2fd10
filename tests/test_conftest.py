"""The rules that hold for every test are kept, and what was not run is told."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import BeyondThisMachineError

ROOT = Path(__file__).parent.parent
SKIPPING = """
import pytest

def test_skips():
    pytest.skip("no such server: apt-get install such-server")

def test_skips_too():
    pytest.skip("no such tool: make tool")
"""


def run_pytest(folder: Path, text: str, **variables: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_sample.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "tests.conftest", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "--rootdir", folder, folder],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_last_lines_say_what_was_not_run_and_how_to_get_it(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, SKIPPING)

    assert run.returncode == 0
    assert run.stdout.splitlines()[-2:] == [
        "not run (1): no such server: apt-get install such-server",
        "not run (1): no such tool: make tool",
    ]


def test_where_everything_must_run_a_skip_is_a_failure(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, SKIPPING, PULLCHECK_REQUIRE_ALL="1")

    assert run.returncode == 1
    assert "2 failed" in run.stdout


def test_a_module_that_skips_itself_is_a_failure_there(tmp_path: Path) -> None:
    run = run_pytest(
        tmp_path, "import pytest\npytest.importorskip('absent_module_of_ours')\n", PULLCHECK_REQUIRE_ALL="1"
    )

    assert run.returncode == 2
    assert "absent_module_of_ours" in run.stdout.splitlines()[-1]


def test_nothing_steers_the_tests_from_outside(tmp_path: Path) -> None:
    names = ("PULLCHECK_MODE", "HTTPS_PROXY", "https_proxy", "KUBERNETES_SERVICE_HOST")
    text = f"import os\n\ndef test_clean():\n    assert not set(os.environ) & set({names!r})\n"

    run = run_pytest(tmp_path, text, **dict.fromkeys(names, "from outside"))

    assert run.returncode == 0, run.stdout


def test_where_the_servers_of_the_cluster_tests_are_is_still_known(tmp_path: Path) -> None:
    text = "import os\n\ndef test_kept():\n    assert os.environ['PULLCHECK_SERVERS'] == 'folder'\n"

    run = run_pytest(tmp_path, text, PULLCHECK_SERVERS="folder")

    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(("variables", "passed"), [({}, False), ({"CLUSTER_DIRECTORY": "/run/cluster"}, True)])
def test_within_a_world_its_own_addresses_are_open(tmp_path: Path, variables: dict[str, str], *, passed: bool) -> None:
    """There is nothing else to reach. Port 9 of a datagram socket: nothing is sent."""
    text = """
import contextlib, socket

def test_reaches():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint, contextlib.suppress(OSError):
        endpoint.connect(("10.88.0.1", 9))
"""

    run = run_pytest(tmp_path, text, **variables)

    assert (run.returncode == 0) is passed, run.stdout


@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, ("192.0.2.1", 9)),
        (socket.AF_INET, ("169.254.169.254", 80)),
        (socket.AF_INET6, ("2001:db8::1", 9)),
        (socket.AF_INET6, ("::ffff:192.0.2.1", 9)),
    ],
)
def test_no_test_connects_beyond_this_machine(family: int, address: tuple[str, int]) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as endpoint, pytest.raises(BeyondThisMachineError):
        endpoint.connect(address)


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, ("127.8.9.1", 9)), (socket.AF_INET6, ("::ffff:127.0.0.1", 9))]
)
def test_loopback_is_open(family: int, address: tuple[str, int]) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as endpoint:
        endpoint.connect(address)

        assert endpoint.getpeername()[0] == address[0]


def test_a_foreign_name_is_not_found_and_nobody_is_asked() -> None:
    with pytest.raises(socket.gaierror) as caught:
        socket.getaddrinfo("registry.example.com", 443)

    assert caught.value.errno == socket.EAI_NONAME


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", b"127.0.0.1", None])
def test_names_and_numbers_of_this_machine_are_resolved(host: str | bytes | None) -> None:
    assert socket.getaddrinfo(host, 443, family=socket.AF_INET)[0][4][0] == "127.0.0.1"
