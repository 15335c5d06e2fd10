"""What holds for every test: a clean environment, no way off this machine, and an honest list of what was not run.

A test that lacks something skips with a reason of the form `what is lacking: how to get it`. Where everything must be
there (`PULLCHECK_REQUIRE_ALL=1`, as .ci/run says), such a skip is a failure.
"""

import ipaddress
import os
import socket
import sys
from collections import Counter
from collections.abc import Generator

import pytest

IS_IN_A_WORLD = "CLUSTER_DIRECTORY" in os.environ
"""A world of tests/cluster has networks, names and a cluster of its own, and no way off itself."""
REQUIRE_ALL = os.environ.get("PULLCHECK_REQUIRE_ALL") == "1"
NOT_RUN = pytest.StashKey[Counter[str]]()
_OUR_VARIABLES = frozenset({"PULLCHECK_SERVERS"})
"""Of the tests themselves: where the servers of the cluster tests are."""
_FOREIGN_VARIABLES = frozenset(
    {"KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
)


class BeyondThisMachineError(Exception):
    """A test tried to reach an address that is not this machine's. No OSError, so that no code takes it for a fault."""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[NOT_RUN] = Counter()
    _clean_environment()
    if not IS_IN_A_WORLD:
        sys.addaudithook(_guard)


def _clean_environment() -> None:
    """Remove what would steer the tests from outside: our own settings, a real cluster, a proxy."""
    for name in tuple(os.environ):
        is_setting = name.startswith("PULLCHECK_") and name not in _OUR_VARIABLES
        if is_setting or name.upper() in _FOREIGN_VARIABLES:
            del os.environ[name]
    os.environ["KUBECONFIG"] = os.devnull


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse connections and look-ups that would leave this machine (uvloop's are beyond an audit hook's sight)."""
    if event in {"socket.connect", "socket.sendto"}:
        endpoint, address = arguments
        is_internet = isinstance(endpoint, socket.socket) and endpoint.family in {socket.AF_INET, socket.AF_INET6}
        if is_internet and isinstance(address, tuple) and not _is_here(str(address[0])):
            raise BeyondThisMachineError(f"no test may reach {address[0]}")
    elif event == "socket.getaddrinfo" and not _needs_no_look_up(arguments[0]):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def _is_here(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _needs_no_look_up(host: object) -> bool:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if not isinstance(name, str) or name in {"", "localhost"} or ":" in name:
        return True
    try:
        socket.inet_aton(name)
    except OSError:
        return False
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _note(item.config, report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped:
        _note(collector.config, report)
    return report


def _note(config: pytest.Config, report: pytest.TestReport | pytest.CollectReport) -> None:
    """Remember why something was not run; where everything must be there, make it a failure."""
    where = report.longrepr
    reason = (str(where[2]) if isinstance(where, tuple) else str(where)).removeprefix("Skipped: ")
    config.stash[NOT_RUN][reason] += 1
    if REQUIRE_ALL:
        report.outcome = "failed"
        report.longrepr = f"everything must run here, and this was not: {reason}"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close with one line for each thing that was not run."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        for reason, count in sorted(config.stash[NOT_RUN].items()):
            terminal.write_line(f"not run ({count}): {reason}")
