"""The API server's side of admission: what it makes of a manifest, how it asks a webhook, and what it hands on."""

import asyncio
import contextlib
import copy
import http.client
import json
import re
import ssl
import time
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

Manifest = dict[str, Any]
Operation = Literal["CREATE", "UPDATE", "DELETE"]
TIMEOUT = "5s"
"""As the webhook configuration of manifests/ has it."""
PATIENCE_SECONDS = 30.0
"""Longer than any deadline of the webhook: it is for its answers that the tests wait."""
_HEADERS = {
    "User-Agent": "kube-apiserver-admission",
    "Accept": "application/json, */*",
    "Content-Type": "application/json",
    "Accept-Encoding": "gzip",
}
PERSON = {"username": "admin", "groups": ["system:masters", "system:authenticated"]}
_POD_SPECS = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
_TEMPLATED = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController", "Job"})


class BadAnswerError(Exception):
    """The webhook's answer is none that the API server takes: the call failed, and its failure policy decides."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the API server makes of a webhook's answer."""

    is_allowed: bool
    message: str = ""
    code: int = 0
    reason: str = ""
    warnings: tuple[str, ...] = ()
    audit: Mapping[str, str] | None = None

    @property
    def decision(self) -> Literal["allow", "warn", "deny"]:
        if not self.is_allowed:
            return "deny"
        return "warn" if self.warnings else "allow"

    @property
    def text(self) -> str:
        """All that the person reads."""
        return "\n".join((*self.warnings, self.message))


@dataclass(frozen=True, slots=True)
class ApiServer:
    """Asks one webhook."""

    url: str
    tls: ssl.SSLContext

    def create(
        self,
        manifest: Manifest,
        *,
        path: str = "/validate/enforce",
        user: Mapping[str, object] = PERSON,
        dry_run: bool = False,
    ) -> Outcome:
        """Ask about an object that is to be created."""
        return self.ask(review(completed(manifest), user=user, dry_run=dry_run), path=path)

    def update(
        self, manifest: Manifest, old: Manifest, *, path: str = "/validate/enforce", subresource: str = ""
    ) -> Outcome:
        """Ask about an object, or a part of it, that is to be changed."""
        asked = review(completed(manifest), completed(old), operation="UPDATE", subresource=subresource)
        return self.ask(asked, path=path)

    def ask(self, asked: Manifest, *, path: str = "/validate/enforce", timeout: str = TIMEOUT) -> Outcome:
        """Post a review as the API server does, and judge the answer as it does.

        Raises:
            BadAnswerError: It is none that the API server takes.
        """
        with contextlib.closing(self.begin(asked, path=path, timeout=timeout)) as connection:
            return finish(connection, asked)

    def begin(
        self, asked: Manifest, *, path: str = "/validate/enforce", timeout: str = TIMEOUT
    ) -> http.client.HTTPConnection:
        """Post a review; `finish` takes the answer from the connection."""
        return self._send(json.dumps(asked, separators=(",", ":")).encode(), path, timeout)

    def post(self, body: bytes, *, path: str = "/validate/enforce", timeout: str = TIMEOUT) -> tuple[int, bytes]:
        """Post bytes that may be no review; status and body come back."""
        with contextlib.closing(self._send(body, path, timeout)) as connection:
            response = connection.getresponse()
            return response.status, response.read()

    async def ask_alone(self, asked: Manifest, within: str) -> tuple[Outcome, float]:
        """Post a review on a connection of its own, beside others; the seconds that the answer took come back, too."""
        address, body = urlsplit(self.url), json.dumps(asked, separators=(",", ":")).encode()
        reader, writer = await asyncio.open_connection(address.hostname, address.port, ssl=self.tls)
        lines = [f"POST /validate/enforce?timeout={within} HTTP/1.1", f"Host: {address.netloc}"]
        lines += [*(f"{name}: {value}" for name, value in _HEADERS.items()), f"Content-Length: {len(body)}", "", ""]
        begun = time.monotonic()
        writer.write("\r\n".join(lines).encode() + body)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            answer = await reader.readexactly(int(head.partition("content-length:")[2].split()[0]))
            taken = time.monotonic() - begun
        finally:
            writer.transport.abort()
        return judge(int(head.split()[1]), answer, asked), taken

    def _send(self, body: bytes, path: str, timeout: str) -> http.client.HTTPConnection:
        address = urlsplit(self.url).netloc
        connection = http.client.HTTPSConnection(address, timeout=PATIENCE_SECONDS, context=self.tls)
        connection.request("POST", f"{path}?timeout={timeout}", body, _HEADERS)
        return connection


def finish(connection: http.client.HTTPConnection, asked: Manifest) -> Outcome:
    """Take the answer to a review, and judge it as the API server does.

    Raises:
        BadAnswerError: It is none that the API server takes.
    """
    answer = connection.getresponse()
    return judge(answer.status, answer.read(), asked)


def judge(status: int, body: bytes, asked: Manifest) -> Outcome:
    """Judge an answer to a review as the API server does.

    Raises:
        BadAnswerError: It is none that the API server takes.
    """
    if not 200 <= status <= 206:
        raise BadAnswerError(f"status {status}: {body[:200]!r}")
    document = json.loads(body)
    response = document.get("response") or {}
    is_review = (document.get("apiVersion"), document.get("kind")) == ("admission.k8s.io/v1", "AdmissionReview")
    if not is_review or response.get("uid") != asked["request"]["uid"] or "patch" in response:
        raise BadAnswerError(f"no review of uid {asked['request']['uid']}: {body[:200]!r}")
    said = response.get("status") or {}
    return Outcome(
        response["allowed"],
        said.get("message", ""),
        said.get("code", 0),
        said.get("reason", ""),
        delivered(response.get("warnings") or ()),
        response.get("auditAnnotations") or {},
    )


def review(
    new: Manifest | None,
    old: Manifest | None = None,
    *,
    operation: Operation = "CREATE",
    subresource: str = "",
    user: Mapping[str, object] = PERSON,
    dry_run: bool = False,
) -> Manifest:
    """An AdmissionReview of the form and the order of fields that a kube-apiserver 1.37 sends."""
    subject = new or old or {}
    group, _, version = subject["apiVersion"].rpartition("/")
    kind = {"group": group, "version": version, "kind": subject["kind"]}
    resource = {"group": group, "version": version, "resource": resource_of(subject["kind"])}
    part = {"subResource": subresource} if subresource else {}
    requested_part = {"requestSubResource": subresource} if subresource else {}
    request = {
        "uid": str(uuid.uuid4()),
        "kind": kind,
        "resource": resource,
        **part,
        "requestKind": kind,
        "requestResource": resource,
        **requested_part,
        "name": subject["metadata"]["name"],
        "namespace": subject["metadata"].get("namespace", "default"),
        "operation": operation,
        "userInfo": dict(user),
        "object": new,
        "oldObject": old,
        "dryRun": dry_run,
        "options": {"kind": f"{operation.capitalize()}Options", "apiVersion": "meta.k8s.io/v1"},
    }
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}


def completed(manifest: Manifest) -> Manifest:
    """The object as the API server stores it, in what matters to admission: namespace, defaults of the pod spec."""
    stored = copy.deepcopy(manifest)
    metadata = stored["metadata"]
    metadata.setdefault("namespace", "default")
    metadata.setdefault("uid", str(uuid.uuid4()))
    if stored["kind"] in _POD_SPECS or stored["kind"] in _TEMPLATED:
        _complete(_pod_spec(stored), is_pod=stored["kind"] == "Pod")
    return stored


def delivered(warnings: Sequence[str]) -> tuple[str, ...]:
    """The warnings that reach the person: the API server drops empty ones, equal ones, and control characters."""
    fit = (text for text in warnings if text and not any(unicodedata.category(each) == "Cc" for each in text))
    return tuple(dict.fromkeys(fit))


def resource_of(kind: str) -> str:
    """The plural under which a kind is served."""
    return f"{kind.lower()}s"


def _pod_spec(stored: Manifest) -> Manifest:
    found = stored
    for step in _POD_SPECS.get(stored["kind"], ("spec", "template", "spec")):
        found = found[step]
    return found


def _complete(spec: Manifest, *, is_pod: bool) -> None:
    for place in ("containers", "initContainers", "ephemeralContainers"):
        for container in spec.get(place) or ():
            container.setdefault("imagePullPolicy", _pull_policy(container.get("image", "")))
    for volume in spec.get("volumes") or ():
        if "image" in volume:
            volume["image"].setdefault("pullPolicy", _pull_policy(volume["image"].get("reference", "")))
    if is_pod:
        spec.setdefault("serviceAccountName", "default")


def _pull_policy(image: str) -> str:
    """The default: always for the tag `latest`, also one that is only implied; never for what cannot be parsed."""
    path, _, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    is_latest = tag == "latest" or not (tag or "@" in image)
    return "Always" if is_latest and re.fullmatch(r"[a-z0-9._-]+", path) else "IfNotPresent"
