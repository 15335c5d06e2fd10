"""All stand-ins on their addresses, and the record of everything that they were asked."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.cluster import names
from tests.cluster.here import Cluster
from tests.fakes.exchange import Request
from tests.fakes.listener import Listener
from tests.truth.scenes.scene import Scene
from tests.truth.standins.asking import Asked, understand
from tests.truth.standins.certificates import Certificates
from tests.truth.standins.content import Repository
from tests.truth.standins.manner import is_right
from tests.truth.standins.registry import StandIn
from tests.truth.standins.sites import SITES, Site

FIRST_ADDRESS = 20
"""Of 10.88.0.0/24; the node has the first one."""
NOBODY_S_ADDRESS = "10.88.0.250"
HTTPS = 443


@dataclass(frozen=True, slots=True)
class Record:
    """One request, as a registry saw it."""

    side: str
    """`node` or `webhook`."""
    host: str
    method: str
    role: str
    login: str
    """Who it is from: a username, with a remark where the password is wrong; empty: nobody in particular."""
    how: str
    """What it shows for it: `password`, `token`, or nothing."""
    status: int
    """Of the answer; 0: none was given."""


class Stage:
    """The stand-ins of all scenes, running."""

    def __init__(self, cluster: Cluster, scenes: Sequence[Scene]) -> None:
        self._cluster = cluster
        self._certificates = Certificates(cluster.authority, cluster.directory / "unknown-authority")
        self._sites = {**SITES, **{host: site for scene in scenes for host, site in scene.sites.items()}}
        self._standins = {host: StandIn(host, site.manner) for host, site in self._sites.items()}
        self._addresses = (f"10.88.0.{number}" for number in itertools.count(FIRST_ADDRESS))
        self._listeners: dict[str, list[Listener]] = {}
        self._requests: list[Request] = []
        self._answered: list[tuple[Request, int]] = []
        self._scenes = scenes

    def start(self) -> None:
        """Fill the stand-ins and let them listen."""
        for host, site in self._sites.items():
            self._listeners[host] = list(self._open(host, site))
        for scene in self._scenes:
            for store in scene.stores:
                standin = self._standins[store.host]
                standin.repositories.setdefault(store.repository, Repository()).add(store.tag, store.image)
            for host, twist in scene.twists.items():
                self._standins[host].twists[scene.repository] = twist
            for fault in scene.faults:
                for listener in self._listeners[scene.host]:
                    listener.faults.append(fault)

    def remove(self, scene: Scene) -> None:
        """Let a scene's repository vanish from every registry."""
        for standin in self._standins.values():
            standin.repositories.pop(scene.repository, None)

    def next_tenant(self, scene: Scene) -> None:
        """Let what happens only to the first requests happen to another tenant of the webhook as well."""
        for standin in self._standins.values():
            standin.turns[scene.repository] += 1

    def mark(self) -> int:
        """A place in the record: what comes from now on."""
        return len(self._requests)

    def records(self, repository: str, side: str, begin: int, end: int | None = None) -> list[Record]:
        """What was asked about a repository by one side, between two places of the record."""
        statuses = {id(request): status for request, status in list(self._answered)}
        asked = [understand(request) for request in self._requests[begin:end]]
        return [
            _record(one, statuses.get(id(one.request), 0))
            for one in asked
            if one.repository == repository and one.is_node == (side == "node")
        ]

    def _open(self, host: str, site: Site) -> Iterable[Listener]:
        if site.hosts_toml:
            certificates = {"ca": f"{self._cluster.authority.folder}/ca.crt"}
            certificates["other_ca"] = str(self._certificates.unknown_authority)
            self._cluster.trust(host, _fill(site.hosts_toml, certificates))
        for name, _, port in (place.partition(":") for place in site.names or (host,)):
            address = self._address(name, site)
            if site.listens:
                tls = self._certificates.context(name, site.certificate)
                listener = Listener(self._standins[host].answer, tls=tls, host=address, port=int(port or HTTPS))
                # One record for all of them, so that the order among hosts is known.
                listener.requests, listener.answered = self._requests, self._answered
                yield listener.start()

    def _address(self, name: str, site: Site) -> str:
        if name == "localhost":
            return "127.0.0.1"
        if not site.has_address:
            with names.HOSTS.open("a") as file:
                file.write(f"{NOBODY_S_ADDRESS} {name}\n")
            return NOBODY_S_ADDRESS
        is_number = name.replace(".", "").isdigit()
        address = name if is_number else next(self._addresses)
        self._cluster.add_address(address, *([] if is_number else [name]))
        return address


def _fill(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"{{{word}}}", value)
    return text


def _record(asked: Asked, status: int) -> Record:
    request = asked.request
    side = "node" if asked.is_node else "webhook"
    host = request.host.removesuffix(f":{HTTPS}")
    return Record(side, host, request.method, asked.role, *_login(request), status)


def _login(request: Request) -> tuple[str, str]:
    if request.bearer:
        return request.bearer.partition("~")[0], "token"
    if request.login is None:
        return "", ""
    return request.login[0] + ("" if is_right(request.login) else " (wrong password)"), "password"
