"""What is measured, side by side: bare answers of Go and of FastAPI, and the real webhook before a registry."""

import contextlib
import http.client
import json
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.bench.program import Load, send_load
from tests.captures import read
from tests.fakes.certificates import Authority, Pair
from tests.journeys.manifests import pull_secret
from tests.servers.hosts import send
from tests.servers.process import running, until
from tests.servers.processors import CALLED_FROM, SERVED_BY, on_processor
from tests.servers.webhook import CHECKOUT, Webhook, clean_environment, webhook

REGISTRY = "registry.bench"
PATH = "/validate?timeout=5s"


@dataclass(frozen=True, slots=True)
class Subject:
    """One row of the figures."""

    name: str
    address: str
    tag: str = "1"
    """Of the image in every review; empty: another one in each."""
    webhook: Webhook | None = None


@dataclass(frozen=True, slots=True)
class Stand:
    """All that runs, and how to send load to it."""

    program: Path
    authority: Path
    review: Path
    subjects: tuple[Subject, ...]

    def measure(self, subject: Subject, *, callers: int, seconds: float, requests: int) -> Load:
        """Send reviews for so long, or so many, whatever is first."""
        with on_processor(CALLED_FROM):
            return send_load(
                self.program,
                url=f"https://{subject.address}{PATH}",
                authority=self.authority,
                body=self.review,
                tag=subject.tag,
                echoes=subject.webhook is not None,
                callers=callers,
                seconds=seconds,
                requests=requests,
            )


@contextlib.contextmanager
def stand(folder: Path, program: Path) -> Iterator[Stand]:
    """Start everything; it ends with the block."""
    authority = Authority(folder)
    pair = authority.issue("127.0.0.1")
    review, answer = folder / "review.json", folder / "answer.json"
    review.write_bytes(_template())
    with ExitStack() as stack:
        with on_processor(CALLED_FROM):
            files: list[str | Path] = ["-certificate", pair.certificate, "-key", pair.key]
            registry = stack.enter_context(_listening([program, "registry", *files], folder / "registry.log"))
        settings = {
            "cluster": str(_write_cluster(folder / "cluster")),
            "network": {"loopback": True},
            "nodes": {"hosts_directory": str(send(folder / "hosts", REGISTRY, f"https://{registry}", pair.authority))},
        }
        with on_processor(SERVED_BY):
            ours = stack.enter_context(webhook(folder / "webhook", pair, settings))
            answer.write_bytes(_ask(ours.address, review.read_bytes(), pair))
            go = stack.enter_context(_listening([program, "bare", "-answer", answer, *files], folder / "go.log"))
            python: list[str | Path] = [sys.executable, "-m", "tests.bench.bare", pair.certificate, pair.key, answer]
            fastapi = stack.enter_context(_listening(python, folder / "fastapi.log"))
        subjects = (
            Subject("bare Go", go),
            Subject("bare FastAPI", fastapi),
            Subject("remembered", ours.address, webhook=ours),
            Subject("warm", ours.address, tag="", webhook=ours),
        )
        yield Stand(program, authority.certificate, review, subjects)


def _template() -> bytes:
    """A real review of a pod with pull secrets, its uid and its image's tag to be filled in."""
    review = json.loads(read("create-pod-pull-secrets"))
    review["request"]["uid"] = "{uid}"
    review["request"]["object"]["spec"]["containers"][0]["image"] = f"{REGISTRY}/team/app:{{tag}}"
    return json.dumps(review, separators=(",", ":")).encode()


def _write_cluster(folder: Path) -> Path:
    """The two secrets that the pod names; one has the login for the registry."""
    secrets = [
        pull_secret(name, {host: ("team", "a-password")}, namespace="demo")
        for name, host in (("regcred", REGISTRY), ("other", "elsewhere.bench"))
    ]
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "demo"}}
    folder.mkdir()
    (folder / "objects.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [*secrets, account]}))
    return folder


def _ask(address: str, review: bytes, pair: Pair) -> bytes:
    """What the webhook answers to one review: the bare ones answer the same."""
    body = review.replace(b"{uid}", b"18c0bd1f3a5c7e92-0-1234").replace(b"{tag}", b"1")
    with contextlib.closing(http.client.HTTPSConnection(address, context=pair.client_context())) as connection:
        connection.request("POST", PATH, body, {"Content-Type": "application/json"})
        return connection.getresponse().read()


@contextlib.contextmanager
def _listening(command: list[str | Path], log: Path) -> Iterator[str]:
    """Run a server; yields the address that it says it listens on."""
    with running(command, log, environ={**clean_environment(), "GOMAXPROCS": "1"}, cwd=CHECKOUT) as process:
        found = until(lambda: re.search(r"^listening on (\S+)$", log.read_text(), re.MULTILINE), process, log)
        yield found[1]
