"""pullcheck cannot be called: admission goes on or stops, as the cluster's owner has chosen; run by `test_outages.py`.

What is judged meanwhile is nobody's denial; afterwards every verdict is right at once.
"""

import base64
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from certs import files, issue
from tests.cluster import pullcheck
from tests.cluster.here import Cluster
from tests.cluster.inside import outages
from tests.cluster.inside.outages import FAIL, IGNORE, MORTAL, RECOVERED_SECONDS, UNREAD, Scenery, fresh
from tests.cluster.pullcheck import NAME

SERVER_NAME = "pullcheck.pullcheck.svc"
ACCOUNT = "system:serviceaccount:pullcheck:pullcheck"
CREATED = "deployment.apps/{} created\n"


def kill_unnoticed(scenery: Scenery) -> None:
    """The processes are gone, and the endpoints not yet."""
    scenery.fleet.is_watched = False
    scenery.fleet.kill()


def kill(scenery: Scenery) -> None:
    scenery.fleet.kill()


def start(scenery: Scenery) -> None:
    scenery.fleet.start()


def stop(scenery: Scenery) -> None:
    """The processes answer no more, and nobody has noticed."""
    scenery.fleet.is_watched = False
    for replica in scenery.fleet.replicas:
        replica.send(signal.SIGSTOP)


def go_on(scenery: Scenery) -> None:
    for replica in scenery.fleet.replicas:
        replica.send(signal.SIGCONT)
    scenery.fleet.start()


def write_pair(scenery: Scenery, begin: datetime, end: datetime) -> None:
    """Have both replicas serve with a certificate of that life."""
    folder = scenery.cluster.directory / NAME
    authority = issue.Pair((folder / "ca.crt").read_bytes(), (folder / "ca.key").read_bytes())
    leaf = issue.leaf(authority, [SERVER_NAME], begin=begin, end=end)
    files.write(folder, {"tls.crt": leaf.certificate, "tls.key": leaf.key})
    scenery.fleet.kill()
    scenery.fleet.start()


def let_expire(scenery: Scenery) -> None:
    now = datetime.now(UTC)
    write_pair(scenery, now - timedelta(minutes=40), now - timedelta(minutes=1))


def renew(scenery: Scenery) -> None:
    now = datetime.now(UTC)
    write_pair(scenery, now - timedelta(minutes=40), now + timedelta(days=1))


def trust_another(scenery: Scenery) -> None:
    other = (scenery.cluster.authority.folder / "ca.crt").read_bytes()
    scenery.trust(base64.b64encode(other).decode())


def trust_nobody(scenery: Scenery) -> None:
    """As whoever applies the manifests again, without the bundle that was put in after them."""
    scenery.trust("")


def trust_ours(scenery: Scenery) -> None:
    scenery.trust(pullcheck.read_bundle(scenery.cluster))


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    inflict: Callable[[Scenery], None]
    heal: Callable[[Scenery], None]
    words: str
    """Of the API server's reason, where it fails closed."""
    is_slow: bool = False
    """Each call takes the webhook's five seconds."""


FAULTS = [
    Fault("down", kill_unnoticed, start, "connect: connection refused"),
    Fault("gone", kill, start, 'no endpoints available for service "pullcheck"'),
    Fault("hanging", stop, go_on, "context deadline exceeded", is_slow=True),
    Fault("expired", let_expire, renew, "x509: certificate has expired or is not yet valid"),
    Fault("distrusted", trust_another, trust_ours, "x509: certificate signed by unknown authority"),
    Fault("wiped", trust_nobody, trust_ours, "x509: certificate signed by unknown authority"),
]


@pytest.fixture(scope="module")
def scenery(cluster: Cluster) -> Iterator[Scenery]:
    names = [fault.name for fault in FAULTS] + ["unreadable"]
    with outages.set_up(cluster, [fresh(name, policy) for name in names for policy in outages.POLICIES]) as scenery:
        yield scenery


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_policy_says_whether_work_goes_on(scenery: Scenery, fault: Fault) -> None:
    fault.inflict(scenery)
    try:
        if not fault.is_slow:
            scenery.wait_until_said(fault.words)
        seen = scenery.try_all(fault.name, MORTAL)
    finally:
        fault.heal(scenery)
    seconds = scenery.wait_until_right()

    refused = re.compile(
        r'Error from server \(InternalError\): error when creating "STDIN": Internal error occurred: '
        r'failed calling webhook "failing\.pullcheck\.dev": failed to call webhook: '
        rf"(Post .*: )?{re.escape(fault.words)}.*\n"
    )
    for (policy, image), one in seen.items():
        if policy == IGNORE:
            assert one.text == CREATED.format(image.replace(":", "-"))
        else:
            assert refused.fullmatch(one.text), one.text
    assert seconds <= RECOVERED_SECONDS
    print(f"{fault.name}: right again after {seconds:.1f} s")


def test_a_cluster_that_refuses_secrets_is_no_reason_to_deny(scenery: Scenery) -> None:
    """Whatever the policy: pullcheck has answered."""
    manifests = pullcheck.read_manifests(scenery.cluster, pullcheck.BASE)
    scenery.cluster.kubectl("delete", "clusterrolebinding", NAME)
    may = f"auth can-i get secrets --all-namespaces --as={ACCOUNT}"
    scenery.terminal.wait(lambda: scenery.terminal.type(may).lines[-1] == "no", "secrets are refused")
    try:
        seen = scenery.try_all("unreadable", MORTAL, secret=UNREAD)
    finally:
        pullcheck.apply(scenery.cluster, *(one for one in manifests if one["kind"] == "ClusterRoleBinding"))
    scenery.terminal.wait(lambda: scenery.terminal.type(may).lines[-1] == "yes", "secrets can be read")
    seconds = scenery.wait_until_right(secret=UNREAD)

    for (_, image), one in seen.items():
        name = image.replace(":", "-")
        *warnings, created = one.text.splitlines(keepends=True)
        assert warnings
        assert all(warning.startswith(f"Warning: Deployment/{name}: ") for warning in warnings), one.text
        assert created == CREATED.format(name)
    assert {policy for policy, _ in seen} == {IGNORE, FAIL}
    assert seconds <= RECOVERED_SECONDS
    print(f"secrets refused: {next(iter(seen.values())).text}right again after {seconds:.1f} s")
