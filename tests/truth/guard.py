"""The webhook's side: a workload as a dry run where pullcheck enforces, and what kubectl then prints.

Two tenants apply everything, one after the other: the first meets a webhook that knows nothing of it, the second one
that remembers all that the first one's run left.
"""

import re

import yaml

from tests.cluster.here import Cluster
from tests.truth.outcome import Decision
from tests.truth.scenes.secrets import Manifest

FIRST, SECOND = "guarded", "guarded-too"
"""Their namespaces, each with secrets of its own that hold the same."""
_DENIED = re.compile(r"Error from server \(Forbidden\): .*?denied the request: (.*)", re.DOTALL)
_WARNING = "Warning: "


def ask(cluster: Cluster, namespace: str, workload: Manifest) -> tuple[Decision, tuple[str, ...]]:
    """Apply a workload as a dry run.

    Returns:
        The decision, and the lines that the person reads.

    Raises:
        RuntimeError: It was refused by somebody else.
    """
    text = yaml.safe_dump(workload)
    ran = cluster.kubectl("--namespace", namespace, "apply", "--dry-run=server", "--filename=-", text=text)
    return read(ran.returncode, ran.stderr)


def read(code: int, stderr: str) -> tuple[Decision, tuple[str, ...]]:
    """Read what kubectl left: its exit code and its errors."""
    warnings = tuple(line.removeprefix(_WARNING) for line in stderr.splitlines() if line.startswith(_WARNING))
    if code == 0:
        return ("warn" if warnings else "allow"), warnings
    denied = _DENIED.search(stderr)
    if denied is None:
        raise RuntimeError(f"kubectl: {stderr}")
    return "deny", (*warnings, *denied[1].strip().splitlines())
