"""The demo's servers: a private registry, a stand-in for Docker Hub, and the real webhook, all on this machine."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.demo.story import PASSWORD, REGISTRY, REPOSITORY, SCENES, TAGS, USERNAME
from tests.fakes import images
from tests.fakes.apiserver import ApiServer
from tests.fakes.certificates import Pair
from tests.fakes.registry import FakeRegistry, docker_hub
from tests.fakes.tokens import TokenServer
from tests.servers.hosts import send
from tests.servers.webhook import CHECKOUT, clean_environment, webhook, write_settings

COMMAND_SECONDS = 60.0
"""A command of ours ends in one; a loaded machine needs longer."""


class StageError(Exception):
    """Something that the demo needs did not start."""


@dataclass(frozen=True, slots=True)
class Servers:
    """The registries, and the settings that lead to them."""

    registry: FakeRegistry
    hub: FakeRegistry
    pair: Pair
    settings: dict[str, object]


@contextlib.contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Run the two registries, and write the hosts.toml files by which their names lead to this machine."""
    pair = issue(folder / "tls")
    tls = pair.server_context()
    with _private_registry(pair) as registry, docker_hub(tls=tls) as hub:
        hosts = send(folder / "certs.d", REGISTRY, registry.url, pair.authority)
        send(hosts, "docker.io", hub.url, pair.authority)
        settings: dict[str, object] = {
            "cluster": str(SCENES),
            "network": {"loopback": True},
            "nodes": {"hosts_directory": str(hosts)},
        }
        yield Servers(registry, hub, pair, settings)


@contextlib.contextmanager
def serving(folder: Path, behind: Servers) -> Iterator[ApiServer]:
    """Run the webhook; what is yielded asks it as the API server does."""
    with webhook(folder / "webhook", behind.pair, behind.settings) as running:
        yield running.api_server


def issue(folder: Path) -> Pair:
    """Make an authority and a certificate for this machine with `python -m certs`, as a person would."""
    command: list[str | Path] = [sys.executable, "-m", "certs", folder, "--name", "127.0.0.1"]
    made = subprocess.run(command, cwd=CHECKOUT, capture_output=True, timeout=COMMAND_SECONDS, check=False)
    if made.returncode != 0:
        raise StageError(made.stderr.decode(errors="replace").strip())
    return Pair(folder / "tls.crt", folder / "tls.key", folder / "ca.crt")


def check(folder: Path, behind: Servers, files: Sequence[str]) -> dict[str, str]:
    """Run `pullcheck check -f` on scene files; returns the decision by namespace and name of each workload."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = write_settings(folder, behind.settings, behind.pair)
    named = [word for file in files for word in ("-f", str(SCENES / file))]
    command = [sys.executable, "-m", "webhook", "check", *named, "--config", str(settings), "--output", "json"]
    ran = subprocess.run(
        command, cwd=CHECKOUT, env=clean_environment(), capture_output=True, timeout=COMMAND_SECONDS, check=False
    )
    try:
        results = json.loads(ran.stdout)["results"]
    except ValueError:
        said = ran.stderr.decode(errors="replace").strip()
        raise StageError(f"pullcheck check ended with {ran.returncode}: {said}") from None
    return {f"{one['object']['namespace']}/{one['object']['name']}": one["decision"] for one in results}


def _private_registry(pair: Pair) -> FakeRegistry:
    tokens = TokenServer(accounts={USERNAME: PASSWORD}, is_anonymous=False, service=REGISTRY)
    registry = FakeRegistry(tls=pair.server_context(), tokens=tokens)
    for tag in TAGS:
        registry.add(f"{REPOSITORY}:{tag}", images.index(tag))
    return registry
