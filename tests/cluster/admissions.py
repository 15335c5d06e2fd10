"""What the API server says of its calls of webhooks, and single calls of it that cause one."""

import contextlib
import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.cluster.here import Cluster

CREATE_SECONDS = 40
"""Longer than any webhook may take (30 s)."""
_SAMPLE = re.compile(r"^apiserver_admission_webhook_(\w+)\{(.*)\} (\S+)$", re.MULTILINE)
_WARNING = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Calls:
    """How often the API server has called webhooks until now."""

    all: int
    failed_open: int
    """`apiserver_admission_webhook_fail_open_count`"""
    failed: int
    """`apiserver_admission_webhook_rejection_count{error_type="calling_webhook_error"}`"""

    def since(self, before: "Calls") -> "Calls":
        """Count from another moment on."""
        return Calls(self.all - before.all, self.failed_open - before.failed_open, self.failed - before.failed)


@dataclass(frozen=True, slots=True)
class Created:
    """What somebody who creates an object is answered."""

    status: int
    message: str
    """Of a refusal."""
    warnings: tuple[str, ...]


def read_calls(cluster: Cluster) -> Calls:
    """Read the API server's counters; one that never counted is not there."""
    status, text = cluster.get("/metrics")
    if status != 200:
        raise RuntimeError(f"/metrics: {status}")
    samples = [(name, labels, int(float(value))) for name, labels, value in _SAMPLE.findall(text)]
    return Calls(
        all=sum(value for name, _, value in samples if name == "request_total"),
        failed_open=sum(value for name, _, value in samples if name == "fail_open_count"),
        failed=sum(
            value
            for name, labels, value in samples
            if name == "rejection_count" and 'error_type="calling_webhook_error"' in labels
        ),
    )


def read_failures(cluster: Cluster) -> list[str]:
    """Read the API server's own words about calls that failed, one for each: it says twice what it fails open."""
    lines = (cluster.logs / "kube-apiserver.log").read_text(errors="replace").splitlines()
    return [line for line in lines if "Failed calling webhook, failing" in line]


def create(cluster: Cluster, document: Mapping[str, Any], *, is_dry_run: bool = True) -> Created:
    """Create a Deployment in its namespace, by a call of its own."""
    path = f"/apis/apps/v1/namespaces/{document['metadata']['namespace']}/deployments"
    connection = cluster.connect(CREATE_SECONDS)
    with contextlib.closing(connection):
        headers = {"Content-Type": "application/json"}
        connection.request("POST", f"{path}?dryRun=All" if is_dry_run else path, json.dumps(document), headers)
        answer = connection.getresponse()
        body = answer.read()
    return Created(answer.status, _message(answer, body), tuple(_WARNING.findall(answer.headers.get("Warning", ""))))


def _message(answer: http.client.HTTPResponse, body: bytes) -> str:
    return str(json.loads(body).get("message", "")) if answer.status >= 300 else ""
