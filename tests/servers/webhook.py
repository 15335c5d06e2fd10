"""The real webhook: a process of its own, as a cluster runs it, on free ports of this machine."""

import contextlib
import http.client
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.apiserver import ApiServer
from tests.fakes.certificates import Pair
from tests.servers.process import running, until

CHECKOUT = Path(__file__).parents[2]
"""Where `python -m webhook` finds itself."""


FORGETFUL = dict.fromkeys(("tags", "digests", "tokens", "secrets", "nodes"), "0s")
"""The setting `memory`, for tests that look at what a single review asks."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One that runs."""

    address: str
    probes: str
    log: Path
    api_server: ApiServer

    def events(self, name: str) -> list[dict[str, object]]:
        """The log lines of one kind."""
        return [line for line in _lines(self.log) if line.get("event") == name]

    def metrics(self) -> dict[str, float]:
        """Every sample of /metrics, by name and labels as they are written."""
        samples = (line.rpartition(" ") for line in self._get("/metrics").splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def _get(self, path: str) -> str:
        with contextlib.closing(http.client.HTTPConnection(self.probes, timeout=10)) as connection:
            connection.request("GET", path)
            return connection.getresponse().read().decode()


@contextlib.contextmanager
def webhook(
    folder: Path,
    pair: Pair,
    settings: Mapping[str, object],
    environ: Mapping[str, str] | None = None,
    launcher: Sequence[str | Path] = (),
) -> Iterator[Webhook]:
    """Run one with these settings beside what every test needs: free ports, TLS from files.

    A launcher is a command that becomes the one that follows it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, log = write_settings(folder, settings, pair), folder / "webhook.log"
    command: list[str | Path] = [*launcher, sys.executable, "-m", "webhook", "serve", "--config", path]
    with running(command, log, environ={**clean_environment(), **(environ or {})}, cwd=CHECKOUT) as process:
        serving = until(
            lambda: next((line for line in _lines(log) if line.get("event") == "serving"), None), process, log
        )
        address = str(serving["address"])
        api_server = ApiServer(f"https://{address}", pair.client_context())
        yield Webhook(address, str(serving["probes"]), log, api_server)


def write_settings(folder: Path, settings: Mapping[str, object], pair: Pair) -> Path:
    """Write a settings file; JSON is YAML, so no YAML library is needed."""
    path = folder / "pullcheck.yaml"
    tls = {"source": "files", "certificate": str(pair.certificate), "key": str(pair.key)}
    here = {"listen": "127.0.0.1:0", "probes": "127.0.0.1:0", "shutdown_delay": "0s", "tls": tls}
    path.write_text(json.dumps({**here, **settings}, indent=1))
    return path


def clean_environment() -> dict[str, str]:
    """This process's environment without what would steer the product from outside."""
    foreign = ("PULLCHECK_", "KUBERNETES_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(foreign)}
    return {**kept, "KUBECONFIG": os.devnull}


def _lines(log: Path) -> list[dict[str, object]]:
    found = []
    for line in log.read_text(errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return [line for line in found if isinstance(line, dict)]
