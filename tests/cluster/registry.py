"""The real registry in a world: distribution's, with https on port 443 of an address of its own."""

import http.client
from pathlib import Path

import yaml

from tests.cluster.here import Cluster
from tests.cluster.processes import Server, wait_until
from tests.fakes.certificates import Pair
from tests.fakes.pushing import Pusher


def start(cluster: Cluster, name: str, address: str, *, htpasswd: str = "") -> Server:
    """Start one called `name`, whose certificate is the cluster's authority's; return when it answers.

    What was pushed to the one of that name before is still there.

    Args:
        cluster: In whose world.
        name: Its host name.
        address: One of the world's.
        htpasswd: The text of an htpasswd file; empty: open to everybody.
    """
    folder = cluster.directory / name
    folder.mkdir(exist_ok=True)
    pair = issue(cluster, name)
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder)}},
        "http": {
            "addr": f"{address}:443",
            "secret": "of the tests",
            "tls": {"certificate": str(pair.certificate), "key": str(pair.key)},
        },
    }
    if htpasswd:
        (folder / "htpasswd").write_text(htpasswd)
        settings["auth"] = {"htpasswd": {"realm": "basic-realm", "path": str(folder / "htpasswd")}}
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings))
    server = cluster.start(name, "registry", "serve", folder / "settings.yaml")
    wait_until(lambda: _answers(name, pair), f"{name} answers", [server])
    return server


def issue(cluster: Cluster, *names: str) -> Pair:
    """A certificate for a server with these names."""
    return Pair(*cluster.authority.issue(names[0], hosts=names), cluster.authority.folder / "ca.crt")


def pusher(cluster: Cluster, name: str, *, authorization: str = "") -> Pusher:
    """Pushes to the registry of that name."""
    authority = Pair(Path(), Path(), cluster.authority.folder / "ca.crt")
    return Pusher(url=f"https://{name}", tls=authority.client_context(), authorization=authorization)


def _answers(name: str, pair: Pair) -> bool:
    connection = http.client.HTTPSConnection(name, context=pair.client_context(), timeout=5)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status in (200, 401)
    except OSError:
        return False
    finally:
        connection.close()
