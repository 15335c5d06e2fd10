"""The real registry: Debian's `docker-registry` (distribution 2.8), in memory, on a free port."""

import base64
import contextlib
import json
import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.certificates import Pair
from tests.servers.process import ServerFailedError, running, until

PROGRAM = "docker-registry"
MAX_ATTEMPTS = 3
"""At a port that is still free when it is bound; one nearly always does."""
USERNAME = "team"
PASSWORD = "a-password-of-the-tests"
_HTPASSWD = f"{USERNAME}:$2y$04$abcdefghijklmnopqrstuuKFZ0q2semF/p2kYa7/GtH6iuoBOhxfK\n"
"""bcrypt of PASSWORD, of the lowest cost; made once with the system's crypt(3)."""
BASIC = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
_ACCESS_LINE = re.compile(r'"(?P<method>[A-Z]+) (?P<target>\S+) HTTP/1\.\d" (?P<status>\d+) ')


@dataclass(frozen=True, slots=True)
class DockerRegistry:
    """One that runs."""

    address: str
    pair: Pair | None
    log: Path

    @property
    def url(self) -> str:
        return f"{'https' if self.pair else 'http'}://{self.address}"

    def requests(self) -> list[tuple[str, str, int]]:
        """What its access log says: method, path and status of every request, but for those we started it with."""
        lines = self.log.read_text(errors="replace").splitlines()
        found = [match for line in lines if not line.startswith("time=") and (match := _ACCESS_LINE.search(line))]
        asked = [(match["method"], match["target"], int(match["status"])) for match in found]
        return [one for one in asked if "/manifests/" in one[1] or "/tags/" in one[1]]


def is_installed() -> bool:
    return shutil.which(PROGRAM) is not None


@contextlib.contextmanager
def docker_registry(
    folder: Path, *, pair: Pair | None = None, auth: Mapping[str, object] | None = None
) -> Iterator[DockerRegistry]:
    """Run one, open unless `auth` says otherwise (`htpasswd(folder)`, `token(…)`), with TLS when a pair is given."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        for attempts_left in reversed(range(MAX_ATTEMPTS)):
            address = f"127.0.0.1:{_free_port()}"
            try:
                log = stack.enter_context(_serving(folder, address, pair, auth))
                break
            except ServerFailedError:
                # It cannot choose a free port itself, and somebody may take ours in between.
                if not attempts_left:
                    raise
        yield DockerRegistry(address, pair, log)


@contextlib.contextmanager
def _serving(folder: Path, address: str, pair: Pair | None, auth: Mapping[str, object] | None) -> Iterator[Path]:
    http: dict[str, object] = {"addr": address, "secret": "of the tests"}
    if pair is not None:
        http["tls"] = {"certificate": str(pair.certificate), "key": str(pair.key)}
    configuration = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"inmemory": {}},
        "http": http,
        **({"auth": auth} if auth else {}),
    }
    # JSON is YAML, so no YAML library is needed.
    (folder / "registry.yml").write_text(json.dumps(configuration))
    log = folder / "registry.log"
    with running([PROGRAM, "serve", folder / "registry.yml"], log, environ={}) as process:
        until(lambda: _accepts(address), process, log)
        yield log


def htpasswd(folder: Path) -> dict[str, object]:
    """Basic authentication with the one account of the tests."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "htpasswd"
    path.write_text(_HTPASSWD)
    return {"htpasswd": {"realm": "basic-realm", "path": str(path)}}


def token(*, realm: str, service: str, issuer: str, bundle: Path) -> dict[str, object]:
    """Token authentication by a server elsewhere, whose certificate is in the bundle."""
    return {"token": {"realm": realm, "service": service, "issuer": issuer, "rootcertbundle": str(bundle)}}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _accepts(address: str) -> bool | None:
    host, _, port = address.rpartition(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
        return True
    return None
