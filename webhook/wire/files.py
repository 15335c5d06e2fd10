"""Files of a node: containerd's hosts.toml for each registry, and a docker config."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_NODE_FILE_BYTES = 1024 * 1024
"""Real ones are below 10 KiB."""


@dataclass(frozen=True, slots=True)
class HostsText:
    """The hosts.toml that a node would read."""

    text: str
    directory: str
    """Where it lies: relative paths in it start there."""


class HostsDirectory:
    """containerd's `config_path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, registry: str) -> HostsText | None:
        """Find the hosts.toml for a registry as the reference names it: `docker.io`, `registry.example.com:5000`.

        The first of the directories `host_port_`, `host:port` (or `host`) and `_default` that exists decides, whether
        it holds a hosts.toml or not (containerd core/remotes/docker/config/hosts.go, HostDirFromRoot).

        Returns:
            None when there is none, or it cannot be read: the node then asks the registry itself.
        """
        directories = (self._path / name for name in _directory_names(registry))
        directory = next((each for each in directories if each.exists()), None)
        return _read_hosts(directory) if directory else None


def read_node_file(path: Path) -> bytes | None:
    """Read a file of a node, such as its docker config.

    Returns:
        None when it cannot be read or is larger than MAX_NODE_FILE_BYTES; the kubelet passes over such a docker config
        (pkg/credentialprovider/config.go).
    """
    try:
        with path.open("rb") as file:
            body = file.read(MAX_NODE_FILE_BYTES + 1)
    except OSError:
        return None
    return body if len(body) <= MAX_NODE_FILE_BYTES else None


def _directory_names(registry: str) -> Iterator[str]:
    """Name the directories in containerd's order (hostPaths); a reference's registry holds neither "/" nor ".."."""
    host, colon, port = registry.rpartition(":")
    if colon:
        yield f"{host}_{port}_"
    yield registry
    yield "_default"


def _read_hosts(directory: Path) -> HostsText | None:
    body = read_node_file(directory / "hosts.toml")
    try:
        return HostsText(body.decode(), str(directory)) if body is not None else None
    except UnicodeDecodeError:
        return None
